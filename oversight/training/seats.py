"""X and H′ in a protocol's seats: agents of the world `algorithms` that were learned.

They are evaluated in chunks of one fixed shape, and decide on a rounded grid, so that a reply is
the same in any batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from oversight.algorithms import Task
from oversight.algorithms.players import Context, asked_in, told_in
from oversight.algorithms.task import STOP, Ints
from oversight.core import OversightError, Turn
from oversight.decomposition import Answered
from oversight.players import Agent
from oversight.spaces import Choose, Credences, Reply
from oversight.threads import one_thread
from oversight.training.imitation import Imitator, as_read
from oversight.training.transformer import Answerer

CHUNK = 32
GRID = 3  # decimals that logits are rounded to


class LearnedAssistant(Agent):
    """X, for seats that see the context: facts are looked up, the rest is X's first answer."""

    def __init__(self, task: Task, net: Answerer) -> None:
        """`net` answers questions of the task."""
        self.task, self.net = task, net

    @property
    def label(self) -> str:
        """Such as "X of union_find"."""
        return f"X of {self.task.name}"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """One answer a turn."""
        for turn in turns:
            if not isinstance(turn.view.private, Context) or not isinstance(turn.space, Choose):
                raise OversightError(f"X answers questions about a context; {turn.seat} does not")
        if not turns:
            return []
        contexts = np.asarray([turn.view.private.facts for turn in turns])
        nodes = np.asarray([asked_in(turn.view).node for turn in turns])
        known = np.minimum(nodes, self.task.simple - 1)
        looked = np.take_along_axis(self.task.lookup(contexts), known[:, None], axis=1)[:, 0]
        tokens = self.task.table[nodes][:, None]

        def logits(facts: Ints, questions: Ints) -> NDArray[np.float32]:
            return self.net(torch.from_numpy(facts), torch.from_numpy(questions))[:, 0].numpy()

        said = _in_chunks(logits, contexts, tokens).argmax(axis=1)
        return np.where(nodes < self.task.simple, looked, said).tolist()


class LearnedOverseer(Agent):
    """H′, for seats that ask and conclude: what the overseer would most likely have done."""

    def __init__(self, task: Task, net: Imitator) -> None:
        """`net` imitates an overseer of the task."""
        self.task, self.net = task, net

    @property
    def label(self) -> str:
        """Such as "H′ of union_find"."""
        return f"H′ of {self.task.name}"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """A subquestion or silence, an answer, or credences."""
        if not turns:
            return []
        nodes = np.asarray([asked_in(turn.view).node for turn in turns])
        asked = np.full((len(turns), self.task.steps), STOP)
        heard = asked.copy()
        for place, turn in enumerate(turns):
            told = told_in(turn.view)[: self.task.steps]
            heard[place, : len(told)] = told
            asked[place, : len(told)] = _subquestions(turn)[: len(told)]
        read = as_read(self.task, nodes, asked, heard)

        def logits(rows: Ints) -> NDArray[np.float32]:
            return torch.cat(self.net(torch.from_numpy(rows)), dim=1).numpy()

        said = _in_chunks(logits, read)
        parts = np.split(said, np.cumsum(self.net.said)[:-1], axis=1)
        return [
            self._reply(turn, [part[place] for part in parts]) for place, turn in enumerate(turns)
        ]

    def _reply(self, turn: Turn, parts: Sequence[NDArray[np.float64]]) -> Reply:
        *tokens, answer = parts
        match turn.space:
            case Choose(silence=True):
                first = int(tokens[0].argmax())
                if first == self.task.question_widths[0]:
                    return None
                rest = [int(each.argmax()) for each in tokens[1:]]
                node = int(self.task.number(np.array([first, *rest])))
                return None if node == STOP else node
            case Credences():
                odds = np.exp(answer - answer.max())
                return tuple((odds / odds.sum()).tolist())
            case _:
                return int(answer.argmax())


def _subquestions(turn: Turn) -> list[int]:
    return [m.data.node for m in turn.view.transcript if isinstance(m.data, Answered)]


def _in_chunks(logits: Callable[..., NDArray[np.float32]], *arrays: Ints) -> NDArray[np.float64]:
    """(N, ·) rounded logits of N rows, from calls with `CHUNK` rows each; the last is padded."""
    found: list[NDArray[np.float64]] = []
    with one_thread(), torch.no_grad():
        for start in range(0, len(arrays[0]), CHUNK):
            parts = [array[start : start + CHUNK] for array in arrays]
            short = CHUNK - len(parts[0])
            padded = [np.concatenate([part, np.repeat(part[:1], short, axis=0)]) for part in parts]
            found.append(np.round(logits(*padded)[: len(parts[0])].astype(np.float64), GRID))
    return np.concatenate(found)
