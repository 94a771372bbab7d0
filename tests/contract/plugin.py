"""What another package might add: a world of free text, a protocol of prices, a judge, an agent.

Only the tests use it. The world is pure Python, so its games come out the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from oversight import keys
from oversight.core import (
    SILENCE,
    Case,
    Message,
    Outcome,
    Question,
    Script,
    Sealed,
    Seat,
    Side,
    Turn,
    View,
)
from oversight.payoffs import judge_pay
from oversight.players import Agent, agent, judge
from oversight.protocol import protocol
from oversight.spaces import Number, Reply, Write
from oversight.table import Table
from oversight.world import Arguable, Askable, Unaided, World

WORDS = ("red", "blue", "and", "a", "river")
COLOURS = ("red", "blue")
LENGTH = 24


class Colours(World, Arguable, Askable, Unaided):
    """Which colour does a passage name more often? Experts read it, the judge hears quotes."""

    name: ClassVar[str] = "colours"
    answers = len(COLOURS)

    def case(self, index: int, seed: int) -> Case:
        """A passage of random words that names one colour more often than the other."""
        key = keys.root(seed, "colours", index)
        words = [WORDS[keys.below(keys.fold(key, i), len(WORDS))] for i in range(LENGTH)]
        counts = [words.count(colour) for colour in COLOURS]
        if counts[0] == counts[1]:
            words.append(COLOURS[0])
            counts[0] += 1
        truth = Sealed(counts.index(max(counts)))
        question = Question("Which colour does the passage name more often?", COLOURS)
        return Case(f"colours-{seed}-{index}", question, " ".join(words), truth)

    def judge(self) -> Agent:
        """Counts the colours in what was quoted truly."""
        return _JUDGE

    def debater(self) -> Agent:
        """Quotes the passage from some mention of its colour on."""
        return _DEBATER

    def agent(self, seat: str, role: Seat) -> Agent:
        """Questions are asked in words here, and prices come from the key."""
        if role.acts == ("ask",):
            return _ASKER
        return chatter() if "price" in role.acts else super().agent(seat, role)

    def argue_space(self, case: Case, seat: str, view: View) -> Write:
        """Any short text."""
        return self.argue_bound

    @property
    def argue_bound(self) -> Write:
        """At most 60 characters."""
        return Write(60, silence=True)

    def publish(
        self, case: Case, seat: str, act: str, reply: Reply, transcript: Sequence[Message] = ()
    ) -> Message:
        """The text, with whether the passage says so."""
        if reply is None:
            return Message(seat, act, SILENCE)
        return Message(seat, act, str(reply), str(reply) in case.private)

    def ask_space(self, case: Case, seat: str, view: View) -> Write:
        """Any short text."""
        return self.ask_bound

    @property
    def ask_bound(self) -> Write:
        """At most 40 characters, and not silence."""
        return Write(40)

    def publish_question(self, case: Case, seat: str, reply: Reply) -> Message:
        """The question as it was put."""
        return Message(seat, "ask", str(reply))

    def unaided(self, case: Case, budget: int, key: int) -> Sequence[Message]:
        """Words of the passage, drawn one by one."""
        words = case.private.split()
        drawn = [words[keys.below(keys.fold(key, look), len(words))] for look in range(budget)]
        return [Message("nature", "look", word, True) for word in drawn]


@judge
def counting(view: View) -> tuple[float, ...]:
    """One part for each colour, and one more for each true mention of it."""
    read = [view.private] if view.private else [m.text for m in view.transcript if m.data is True]
    parts = [1 + sum(text.count(colour) for text in read) for colour in COLOURS]
    return tuple(part / sum(parts) for part in parts)


@agent
def quoting(turn: Turn) -> Reply:
    """Quotes 20 characters that begin with its colour; claims the colour of most mentions."""
    passage: str = turn.view.private
    most = max(range(len(COLOURS)), key=lambda answer: passage.count(COLOURS[answer]))
    if turn.act == "claim":
        return most
    side = turn.view.side or Side(most)
    colour = COLOURS[side.answer if side.supports else 1 - side.answer]
    starts = [at for at in range(len(passage)) if passage.startswith(colour, at)]
    if not starts:
        return None
    start = starts[keys.below(turn.key, len(starts))]
    return passage[start : start + 20]


@agent
def asking(turn: Turn) -> Reply:
    """Asks for one of the colours."""
    return f"Where is {COLOURS[keys.below(turn.key, len(COLOURS))]}?"


_JUDGE, _DEBATER, _ASKER = counting, quoting, asking


class Chatter(Agent):
    """Says any characters, some of which no text space holds; else replies at random."""

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Each reply is drawn from its turn's key."""
        from oversight.agents.simple import RandomAgent

        drawn = RandomAgent().act(turns)
        return [
            _babble(turn) if isinstance(turn.space, Write) else reply
            for turn, reply in zip(turns, drawn, strict=True)
        ]


def _babble(turn: Turn) -> str:
    letters = "red blue\t\n“é”😀\u4e2d\x07"
    length = keys.below(turn.key, 12)
    return "".join(letters[keys.below(keys.fold(turn.key, i), len(letters))] for i in range(length))


def chatter() -> Chatter:
    """The agent that this plugin registers."""
    return Chatter()


def stubborn() -> Agent:
    """The judge that this plugin registers: sure of the first answer."""
    return judge(_first)


def _first(view: View) -> tuple[float, ...]:
    return tuple(float(place == 0) for place in range(len(view.question.answers)))


PRICED = Number(0.0, 1.0)


@protocol(
    paper="only a test",
    seats={
        "appraiser": Seat(("price",), expert=True, spaces={"price": PRICED}),
        "judge": Seat(("decide",)),
    },
)
def appraisal(case: Case, table: Table) -> Script:
    """One seat prices every answer at the same moment; the judge decides."""
    prices: tuple[float, ...] = yield tuple(
        table.turn("appraiser", "price", f"What is {answer} worth?", PRICED)
        for answer in case.question.answers
    )
    for answer, price in zip(case.question.answers, prices, strict=True):
        table.say(Message("appraiser", "price", f"{answer}: {price:.3f}", price))
    credences: Any = yield from table.decide("judge", "How likely is each answer?")
    paid = sum(credence * price for credence, price in zip(credences, prices, strict=True))
    return Outcome(credences, {"appraiser": paid} | judge_pay(credences, case))
