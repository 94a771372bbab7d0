"""Algorithmic tasks as arrays: contexts, questions, how they come apart, what is true.

The five of Christiano, Shlegeris, Amodei 2018 (arXiv:1810.08575, section 3), and circuits, which
are no task of the paper's. Pure mathematics on NumPy arrays, many contexts and questions at once:
the world `algorithms` plays single cases of them, `oversight.training` learns from batches.
"""

from collections.abc import Mapping

from oversight.algorithms.amplify import Amplified, Overseer, RuleOverseer, amplify
from oversight.algorithms.assignments import SequentialAssignments
from oversight.algorithms.gates import Gates
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
"""Name -> task: the paper's five."""

EVERY_TASK: Mapping[str, type[Task]] = {**TASKS, Gates.name: Gates}
"""The paper's five and ours."""

__all__ = ["EVERY_TASK", "TASKS", "Amplified", "Overseer", "RuleOverseer", "Task", "amplify"]
