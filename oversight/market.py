"""What a market is paid, and arguments on which the judge is quoted its prices.

An argument may refer to other questions, and the market's price of each is then read out. In
Hubinger's induction H can add two numbers. The adversary points at two parts of a longer sum;
H cannot sum the parts, but is quoted what the market M expects it to say of them, and adds that. So
H's belief hangs on M itself, and M learns sums of two terms, then of three, and so on.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Generator, Sequence
from typing import NamedTuple

from oversight.core import Message, Question, Turn, View
from oversight.spaces import Credences
from oversight.table import Table
from oversight.world import Ability


def moved(before: Sequence[float], after: Sequence[float]) -> float:
    """|p_{t+1} − p_t|: half the sum over answers, so that two answers give the paper's."""
    return sum(abs(p - q) for p, q in zip(before, after, strict=True)) / 2


def predicted(price: Sequence[float], verdict: Sequence[float]) -> float:
    """Σ_a p*_a ln p_a in nats, the negative of the market's loss; prices are floored at 1e-6."""
    return sum(v * math.log(max(p, FLOOR)) for p, v in zip(price, verdict, strict=True))


class Quotable(Ability):
    """Ability: an argument can name questions like the case's own, which the market also prices."""

    @abstractmethod
    def referred(self, question: Question, argument: Message) -> Sequence[Question]:
        """The questions on whose prices the judge is quoted after this argument; maybe none."""


class Quote(NamedTuple):
    """The data of a quote: a question, and the market's price of each of its answers."""

    question: Question
    price: tuple[float, ...]


def quote(table: Table, seat: str, argument: Message) -> Generator[Turn, tuple[float, ...], None]:
    """Have the market price what the argument refers to, and tell everybody.

    The market sees each such question alone, as if it were just asked: the same reply as its own
    p_0 on it. Nothing happens in a world where arguments refer to nothing.
    """
    if not isinstance(table.world, Quotable):
        return
    for question in table.world.referred(table.question, argument):
        space = Credences(len(question.answers))
        price = yield table.turn(seat, "price", QUOTE, space, alone(question))
        table.say(quoted(seat, question, price))


def alone(question: Question) -> View:
    """What the market sees of a question that it is only quoted on."""
    return View(question, (), None, None, ())


def quoted(seat: str, question: Question, price: tuple[float, ...]) -> Message:
    """The quote as everybody hears it."""
    shown = ", ".join(f"{p:.3f}" for p in price)
    return Message(seat, "quote", f"{question.prompt} {shown}", Quote(question, price))


FLOOR = 1e-6
QUOTE = "What would the judge believe if it were asked this instead? Price every answer."
