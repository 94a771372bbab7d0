"""Who plays on algorithmic tasks: overseers that follow the rule, assistants that know the context.

One class does all of it, because what a seat can do follows from what it is shown: with the context
it computes, with a fact it reads, with answers it puts them together, with nothing it guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from oversight import keys
from oversight.algorithms.amplify import FailureKind, failing, systematic_luck
from oversight.algorithms.task import STOP, Ints, Task
from oversight.core import OversightError, Turn, View
from oversight.decomposition import Answered
from oversight.players import Agent
from oversight.spaces import Choose, Credences, Pick, Reply


class Asked(NamedTuple):
    """A question's data: public."""

    case: str
    node: int
    tokens: tuple[int, ...]


class Context(NamedTuple):
    """What an expert sees."""

    facts: tuple[tuple[int, ...], ...]
    words: tuple[str, ...]


class Fact(NamedTuple):
    """What anybody sees who works on a primitive question: its answer."""

    answer: int


class AlgorithmPlayer(Agent):
    """Asks and concludes as the task's rule says, or computes where it sees the context.

    Args:
        task: what the questions are about.
        error: how often a computed answer is another than the true one, keyed by case and node;
            facts are read without error.
        failure, kind: how often, and how, a conclusion is wrong (`RuleOverseer`).
    """

    def __init__(
        self, task: Task, error: float = 0.0, failure: float = 0.0, kind: FailureKind = "random"
    ) -> None:
        self.task, self.error, self.failure, self.kind = task, error, failure, kind

    @property
    def label(self) -> str:
        """Such as "rule(failure=0.1 random)"."""
        dials = [f"error={self.error:g}"] if self.error else []
        dials += [f"failure={self.failure:g} {self.kind}"] if self.failure else []
        return f"rule({', '.join(dials)})" if dials else "rule"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Computed answers for all who see a context at once; the others each by itself."""
        replies: list[Reply] = [None] * len(turns)
        seeing = [p for p, turn in enumerate(turns) if isinstance(turn.view.private, Context)]
        computed = dict(zip(seeing, self._compute([turns[p].view for p in seeing]), strict=True))
        for place, turn in enumerate(turns):
            match turn.space:
                case Pick():
                    replies[place] = self._parts(turn)
                case Choose(silence=True):
                    replies[place] = self._next(turn)
                case Choose():
                    replies[place] = computed.get(place, self._conclude(turn))
                case Credences(n=n):
                    sure = computed.get(place, self._conclude(turn))
                    replies[place] = tuple(float(answer == sure) for answer in range(n))
                case _:
                    raise OversightError(f"a player of algorithms cannot {turn.act}")
        return replies

    def _compute(self, views: Sequence[View]) -> list[int]:
        if not views:
            return []
        true = self.task.solve(np.asarray([view.private.facts for view in views]))
        return [
            self._mistaken(asked_in(view), int(row[asked_in(view).node]))
            for view, row in zip(views, true, strict=True)
        ]

    def _mistaken(self, asked: Asked, true: int) -> int:
        key = keys.root("assistant", asked.case, asked.node)
        if asked.node < self.task.simple or keys.unit(key) >= self.error:
            return true
        return (true + 1 + keys.below(keys.fold(key, 1), self.task.none - 1)) % self.task.none

    def _parts(self, turn: Turn) -> tuple[int, ...]:
        """What it would ask whatever it were told: the rule given no answer but "none"."""
        listed: list[int] = []
        nodes = np.array([asked_in(turn.view).node])
        while (ask := self._rule(nodes, [self.task.none] * len(listed))) is not None:
            listed.append(ask)
        return tuple(listed)

    def _next(self, turn: Turn) -> int | None:
        """The next subquestion, or silence."""
        return self._rule(np.array([asked_in(turn.view).node]), told_in(turn.view))

    def _rule(self, nodes: Ints, told: Sequence[int]) -> int | None:
        if len(told) >= self.task.steps or nodes[0] < self.task.simple:
            return None
        ask = int(self.task.ask(nodes, np.array([told], np.int64).reshape(1, -1))[0])
        return None if ask == STOP else ask

    def _conclude(self, turn: Turn) -> int:
        view, node = turn.view, asked_in(turn.view).node
        if isinstance(view.private, Fact):
            return view.private.answer
        told = told_in(view)
        if not told:
            return keys.below(turn.key, self.task.none)
        if view.transcript[0].data.node == node:
            return told[0]  # it was handed on as it was
        heard = np.full((1, self.task.steps), STOP)
        heard[0, : len(told)] = told[: self.task.steps]
        return int(self._failing(turn, self.task.compose(np.array([node]), heard))[0])

    def _failing(self, turn: Turn, right: Ints) -> Ints:
        node = np.array([asked_in(turn.view).node])
        key = np.array([turn.key], np.uint64)
        luck = systematic_luck(node) if self.kind == "systematic" else keys.uniforms(key, 2)
        return failing(right, luck, self.failure, len(self.task.answers))


def asked_in(view: View) -> Asked:
    """What the view's question is; OversightError if it is none of an algorithmic task's."""
    if not isinstance(view.question.data, Asked):
        raise OversightError("this player knows algorithmic tasks: seat it on world algorithms")
    return view.question.data


def told_in(view: View) -> list[int]:
    """The answers to subquestions so far, in order."""
    return [m.data.answer for m in view.transcript if isinstance(m.data, Answered)]
