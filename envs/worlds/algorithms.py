"""Algorithmic tasks whose questions come apart: the world of Christiano et al. 2018.

Christiano, Shlegeris, Amodei, *Supervising strong learners by amplifying weak experts*,
arXiv:1810.08575, section 3. A case is a context of facts, which experts see, and one question about
it of the greatest depth. Every question about a context has a number; an overseer who knows the
rule but not the context takes a question apart, and reads primitive questions off as facts.

Deviations: sizes are those of one processor core. Wildcard search and powering follow the authors'
code. Distances and unions there are found by asking for a next step or a parent that the learner
must invent; here the recursion is bounded instead (a distance within k steps, a forest with its
edges pointed to the root), so that every question has a depth. Assignments add modulo 4; which
operation the paper printed is not verified. `gates`, circuits whose operations only the overseer
knows, is no task of the paper's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from oversight import keys
from oversight.algorithms import EVERY_TASK
from oversight.algorithms.amplify import FailureKind
from oversight.algorithms.players import AlgorithmPlayer, Asked, Context, Fact
from oversight.core import Case, OversightError, Question, Sealed, Seat, View
from oversight.players import Agent
from oversight.world import Decomposable, World

TaskName = Literal[
    "permutation_powering", "sequential_assignments", "wildcard_search", "shortest_path",
    "union_find", "gates",
]  # fmt: skip


class Algorithms(World, Decomposable):
    """Algorithmic tasks with exact answers, whose questions come apart by a rule."""

    name: ClassVar[str] = "algorithms"
    answers = 9
    """Of the default settings; each world has its task's own number."""

    def __init__(
        self,
        task: TaskName = "permutation_powering",
        symbols: int = 8,
        difficulty: int = 2,
        failure: float = 0.0,
        failure_kind: FailureKind = "random",
        assistant_error: float = 0.0,
    ) -> None:
        """Dials, all of which the manifest keeps.

        Args:
            task: which of the paper's five, or `gates`, which is ours.
            symbols: how many elements, variables, vertices or strings a context has.
            difficulty: how deep the case's own question comes apart.
            failure, failure_kind: how often the default overseer concludes wrongly: afresh at
                every turn, or always at the same questions.
            assistant_error: how often the default assistant is wrong about what is no fact; fixed
                by case and question.
        """
        for dial, value in (("failure", failure), ("assistant_error", assistant_error)):
            if not 0 <= value <= 1:
                raise OversightError(f"{dial} is a probability, got {value}")
        if task not in EVERY_TASK:
            raise OversightError(f"unknown task {task!r}; known: {', '.join(EVERY_TASK)}")
        self.task = EVERY_TASK[task](symbols, difficulty)
        self.answers = self.choices = len(self.task.answers)
        self.nodes = self.task.nodes
        self.branching = self.task.steps
        self._overseer = AlgorithmPlayer(self.task, failure=failure, kind=failure_kind)
        self._assistant = AlgorithmPlayer(self.task, assistant_error)
        self._settings = {k: v for k, v in locals().items() if k in self._DIALS}

    _DIALS = ("task", "symbols", "difficulty", "failure", "failure_kind", "assistant_error")

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that rebuild this world."""
        return self._settings

    def case(self, index: int, seed: int) -> Case:
        """Context number `index` of a seed, and a question of the full depth."""
        task = self.task
        generator = keys.generator(keys.root(seed, self.name, task.name, index))
        facts = task.contexts(generator, 1, task.difficulty)
        deepest = np.flatnonzero(task.depths(facts)[0] == task.difficulty)
        root = int(generator.choice(deepest))
        listed = tuple(map(tuple, facts[0].tolist()))
        case = f"{task.name}-{seed}-{index}"
        return Case(
            case,
            self._question(case, root),
            Context(listed, tuple(map(task.words, listed))),
            Sealed(int(task.solve(facts)[0, root])),
        )

    @cached_property
    def _prompts(self) -> list[str]:
        return [self.task.prompt(node) for node in range(self.nodes)]

    def _question(self, case: str, node: int) -> Question:
        tokens = tuple(self.task.table[node].tolist())
        return Question(self._prompts[node], self.task.answers, Asked(case, node, tokens))

    # Parts

    def root(self, case: Case) -> int:
        """The question that was drawn."""
        return case.question.data.node

    def subquestion(self, case: Case, node: int) -> Question:
        """Any question of the task, with the same candidate answers."""
        if not 0 <= node < self.nodes:
            raise OversightError(f"{case.id} has questions 0 to {self.nodes - 1}, not {node}")
        return self._question(case.id, node)

    def node_truth(self, case: Case, node: int) -> Sealed[int]:
        """Computed from the facts."""
        facts = np.asarray(case.private.facts)[None]
        return Sealed(int(self.task.solve(facts)[0, node]))

    def node_private(self, case: Case, node: int, seat: str, role: Seat) -> Context | Fact | None:
        """The context for experts; for others the fact that answers a primitive question."""
        if role.expert:
            return case.private
        if node >= self.task.simple:
            return None
        facts = np.asarray(case.private.facts)[None]
        return Fact(int(self.task.lookup(facts)[0, node]))

    # Who plays

    def judge(self) -> Agent:
        """The overseer, who puts answers together by the rule."""
        return self._overseer

    def debater(self) -> Agent:
        """The assistant, who computes from the context."""
        return self._assistant

    def agent(self, seat: str, role: Seat) -> Agent:
        """The overseer wherever the context is not seen."""
        return self._assistant if role.expert and "decide" not in role.acts else self._overseer

    def draw(self, view: View) -> str:
        """The context as far as the seat sees it, and what was said."""
        shown = view.private.words if isinstance(view.private, Context) else ()
        said = [f"  {message.seat}: {message.text}" for message in view.transcript]
        return "\n".join([*shown, view.question.prompt, *said])
