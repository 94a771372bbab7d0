"""Five algorithmic tasks as arrays: contexts, questions, how they come apart, what is true.

The tasks of Christiano, Shlegeris, Amodei 2018 (arXiv:1810.08575, section 3). Pure mathematics on
NumPy arrays, many contexts and questions at once: the world `algorithms` plays single cases of
them, `oversight.training` learns from batches.
"""

from collections.abc import Mapping

from oversight.algorithms.amplify import Amplified, Overseer, RuleOverseer, amplify
from oversight.algorithms.assignments import SequentialAssignments
from oversight.algorithms.paths import ShortestPath
from oversight.algorithms.powering import PermutationPowering
from oversight.algorithms.task import Task
from oversight.algorithms.unions import UnionFind
from oversight.algorithms.wildcards import WildcardSearch

TASKS: Mapping[str, type[Task]] = {
    task.name: task
    for task in (
        PermutationPowering,
        SequentialAssignments,
        WildcardSearch,
        ShortestPath,
        UnionFind,
    )
}
"""Name -> task."""

__all__ = ["TASKS", "Amplified", "Overseer", "RuleOverseer", "Task", "amplify"]
