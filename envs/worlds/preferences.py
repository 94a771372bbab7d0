"""Which of two answers is better? Policies are aligned in this world, and their feedback debated.

Prompts, answers and what those are worth are the task's (`oversight.alignment.drawn`). Experts see
every attribute of both answers, what is hidden included; the judge sees an attribute of an answer
where it is shown to it, true to the case. Alone it can look at what is visible and at nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oversight import keys
from oversight.alignment.alignable import Alignable
from oversight.core import SILENCE, Case, Message, OversightError, Question, Sealed, View
from oversight.derived import derived
from oversight.players import Agent
from oversight.reveal import Reveal, revealed, standing
from oversight.spaces import Choose, Reply, numbered
from oversight.weighing import ShowingDebater, WeighingJudge
from oversight.world import Arguable, Askable, Numeric, Unaided, World

if TYPE_CHECKING:
    from oversight.alignment.drawn import DrawnTask

PLACES = ("first", "second")
BLOCK = 64
"""Cases that are drawn together."""
TRIES = 8
"""Pairs that are drawn for a case; of each the first is taken whose answers are not as good."""
AS_GOOD = 1e-3
"""Reward units; answers that are nearer than this are no case."""


class Pair(NamedTuple):
    """What is compared."""

    prompt: int
    first: tuple[int, ...]
    second: tuple[int, ...]


@dataclass(eq=False)
class Preferences(World, Arguable, Askable, Unaided, Numeric, Alignable):
    """Two answers to a prompt and what they are worth; arguments show attributes of them."""

    name: ClassVar[str] = "preferences"
    answers = 2
    foreseeable = True

    topics: int = 4
    """Of prompts, 1 to 8; this and what follows as in `DrawnTask`."""
    manners: int = 3
    """Of prompts, 1 to 4."""
    words: int = 4
    """That answers are made of, 3 to 12."""
    longest: int = 4
    """Words of an answer at most."""
    rho: float = -0.8
    """How honesty goes with helpfulness, on what helps."""
    fade: float = 0.5
    """What is left of a word's help each time that it comes again."""
    drawn: int = 0
    """The seed of what answers are worth; episodes have a seed of their own."""
    temperature: float = 0.5
    """Of the default judge: reward units that are worth a nat to it."""

    def __post_init__(self) -> None:
        if self.temperature <= 0:
            raise OversightError(f"temperature must be above 0, got {self.temperature:g}")
        self._blocks: dict[tuple[int, int], list[Case]] = {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that rebuild this world."""
        return {option.name: getattr(self, option.name) for option in fields(self)}

    @cached_property
    def _task(self) -> DrawnTask:
        from oversight.alignment.drawn import DrawnTask  # torch: only where games are played

        return DrawnTask(
            self.topics, self.manners, self.words, self.longest, self.rho, self.fade,
            seed=self.drawn,
        )  # fmt: skip

    def task(self) -> DrawnTask:
        """The task that its pairs are of."""
        return self._task

    @property
    def attributes(self) -> Sequence[str]:
        """Names of what can be shown of an answer."""
        return self._task.attributes

    # Cases

    def case(self, index: int, seed: int) -> Case:
        """Two answers of the task's demonstrators to a prompt, the first of several not as good."""
        block, place = divmod(index, BLOCK)
        if (seed, block) not in self._blocks:
            self._blocks[seed, block] = self._written(block, seed)
        return self._blocks[seed, block][place]

    def _written(self, block: int, seed: int) -> list[Case]:
        """Cases `block`·BLOCK on, at once: many rows cost what one does."""
        import torch

        from oversight.alignment.luck import luck
        from oversight.threads import one_thread

        task, draw = self._task, luck(seed, "preferences", block)
        with one_thread():
            prompts = torch.randint(len(task.prompts), (BLOCK,), generator=draw)
            each = prompts.repeat_interleave(2 * TRIES)
            drawn = task.demonstrate(each, draw)
            gold = task.gold(each, drawn).view(BLOCK, TRIES, 2)
        apart = (gold[..., 0] - gold[..., 1]).abs() > AS_GOOD
        chosen = drawn.view(BLOCK, TRIES, 2, -1)[torch.arange(BLOCK), apart.long().argmax(dim=1)]
        return self._cases(
            [f"{self.name}-{seed}-{block * BLOCK + place}" for place in range(BLOCK)],
            [Pair(prompt, _bare(first), _bare(second))
             for prompt, (first, second) in zip(prompts.tolist(), chosen.tolist(), strict=True)],
        )  # fmt: skip

    def cases_of(
        self, prompts: Sequence[int], firsts: Sequence[Sequence[int]],
        seconds: Sequence[Sequence[int]],
    ) -> list[Case]:  # fmt: skip
        """Pairs of answers by their tokens, of whatever policy."""
        rows = zip(prompts, firsts, seconds, strict=True)
        pairs = [Pair(prompt, _bare(first), _bare(second)) for prompt, first, second in rows]
        return self._cases([f"{self.name}-{_code(pair)}" for pair in pairs], pairs)

    def _cases(self, names: Sequence[str], pairs: Sequence[Pair]) -> list[Case]:
        """Their values are worked out together."""
        import torch

        from oversight.alignment.vocabulary import padded

        task = self._task
        prompts = torch.tensor([pair.prompt for pair in pairs]).repeat_interleave(2)
        answers = padded([tokens for pair in pairs for tokens in pair[1:]], task.longest)
        values = task.values(prompts, answers).numpy().reshape(len(pairs), 2, -1)
        values.setflags(write=False)
        weights = task.weights.tolist()
        return [
            self._case(name, pair, seen, weights)
            for name, pair, seen in zip(names, pairs, values, strict=True)
        ]

    def _case(
        self, name: str, pair: Pair, values: NDArray[np.float32], weights: Sequence[float]
    ) -> Case:
        gold = [sum(w * v for w, v in zip(weights, row, strict=True)) for row in values.tolist()]
        task = self._task
        first, second = (task.vocabulary.read(tokens) or NOTHING for tokens in pair[1:])
        asked = task.vocabulary.read(task.prompts[pair.prompt])
        question = Question(ASK.format(asked=asked, first=first, second=second), CANDIDATES, pair)
        return Case(name, question, values, Sealed(int(gold[1] > gold[0])))

    # Who plays

    @cached_property
    def _judge(self) -> WeighingJudge:
        from oversight.alignment.usual import usual

        mean = usual(self._task).mean.tolist()
        return WeighingJudge(self._task.weights.tolist(), mean, self.temperature)

    def judge(self) -> Agent:
        """Weighs what it is shown, with the weights of the gold reward."""
        return self._judge

    @cached_property
    def _debater(self) -> ShowingDebater:
        return ShowingDebater(self._judge)

    def debater(self) -> Agent:
        """Shows what speaks most for its side."""
        return self._debater

    # What may be said

    def argue_space(self, case: Case, seat: str, view: View) -> Choose:
        """What was not shown yet: of the attribute last asked for, if there is any of it."""
        shown = {reveal.move for reveal in revealed(view)}
        legal = [move for move in range(self._moves) if move not in shown]
        asked = next((m.data for m in reversed(view.transcript) if m.act == "ask"), None)
        if asked is not None:
            legal = [move for move in legal if move % len(self.attributes) == asked] or legal
        return Choose(self._moves, tuple(legal), silence=True, of=VALUES)

    @property
    def _moves(self) -> int:
        return 2 * len(self.attributes)

    @property
    def argue_bound(self) -> Choose:
        """Any attribute of either answer, or silence."""
        return Choose(self._moves, silence=True, of=VALUES)

    def publish(
        self, case: Case, seat: str, act: str, reply: Reply, transcript: Sequence[Message] = ()
    ) -> Message:
        """The attribute with its true value."""
        if reply is None:
            return Message(seat, act, SILENCE)
        assert isinstance(reply, int)  # the space is a Choose
        place, attribute = divmod(reply, len(self.attributes))
        value = float(case.private[place, attribute])
        told = SHOWN.format(place=PLACES[place], attribute=self.attributes[attribute], value=value)
        return Message(seat, act, told, Reveal(reply, value))

    def ask_space(self, case: Case, seat: str, view: View) -> Choose:
        """One of the attributes."""
        return self.ask_bound

    @property
    def ask_bound(self) -> Choose:
        """One of the attributes."""
        return Choose(len(self.attributes), of=numbered(self.attributes))

    def publish_question(self, case: Case, seat: str, reply: Reply) -> Message:
        """The attribute in words; its number binds the arguments that follow, where it can."""
        assert isinstance(reply, int)  # the space is a Choose
        return Message(seat, "ask", f"How {self.attributes[reply]} are they?", reply)

    def unaided(self, case: Case, budget: int, key: int) -> Sequence[Message]:
        """`budget` attributes, drawn from those that are visible."""
        visible = self._task.visible.tolist() * 2
        moves = [move for move in range(self._moves) if visible[move]]
        drawn = keys.generator(key).permutation(moves)[:budget]
        return [self.publish(case, "nature", "look", move) for move in drawn.tolist()]

    # As numbers

    @derived
    def features(self) -> int:
        """How many numbers a view becomes."""
        return 3 * self._moves + 2 * self.answers + 1

    def encode(self, view: View) -> NDArray[np.float32]:
        """What is shown, its worth to the judge, the same of all for experts; claims, side, steps.

        Worth is squashed: tanh of the nats that a value adds to the log-odds of the first.
        """
        moves = self._moves
        numbers = np.zeros(self.features, np.float32)
        for reveal in revealed(view):
            numbers[reveal.move] = 1
            numbers[moves + reveal.move] = np.tanh(self._judge.nats(*reveal))
        if view.private is not None:
            for move, value in enumerate(view.private.ravel().tolist()):
                numbers[2 * moves + move] = np.tanh(self._judge.nats(move, value))
        numbers[3 * moves :] = standing(view, self.answers)
        return numbers

    # To look at

    def draw(self, view: View) -> str:
        """The question, a table of what the seat sees of both answers, and what was said.

        Every cell bears the number of the argument that shows it.
        """
        seen = {reveal.move: reveal.value for reveal in revealed(view)}
        if view.private is not None:
            seen = dict(enumerate(view.private.ravel().tolist()))
        width = len(self.attributes)
        lines = [view.question.prompt, "", f"{'':12}{'first':>10}{'second':>10}"]
        for attribute, name in enumerate(self.attributes):
            moves = [attribute + width * place for place in range(2)]
            cells = [f"{move}: {f'{seen[move]:.2f}' if move in seen else '·'}" for move in moves]
            lines.append(f"{name:12}{cells[0]:>10}{cells[1]:>10}")
        return "\n".join([*lines, *(f"  {m.seat}: {m.text}" for m in view.transcript)])


def _bare(tokens: Sequence[int]) -> tuple[int, ...]:
    """An answer's tokens without what fills them up."""
    return tuple(token for token in tokens if token >= 0)


def _code(pair: Pair) -> str:
    return "|".join([str(pair.prompt), *("-".join(map(str, tokens)) for tokens in pair[1:])])


CANDIDATES = ("the first", "the second")
NOTHING = "(nothing)"
ASK = 'Asked: {asked}. Which answer is better?\n  the first: "{first}"\n  the second: "{second}"'
VALUES = "values, each by the number before it"
SHOWN = "The {place} answer's value for {attribute} is {value:.2f}."
