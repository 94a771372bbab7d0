"""An exam on which novice, assistant and expert each hold noisy evidence: the sandwiching setting.

Each item has four choices, one right, and a difficulty; each party has an ability, and sees one
noisy number a choice (`oversight.exams.items`). Abilities are fitted to the accuracies that Bowman
et al. 2022 (arXiv:2211.03540) report for *each party alone* on a benchmark; nothing is fitted to
what novice and assistant reach together.

An argument shares the assistant's evidence on one choice, as it is; whoever argues here is the
assistant or a copy of it. A question asks for the evidence on one choice. Left alone the novice has
nothing new to look at: its evidence is already before it, and looking again shows nothing.

Deviations: the paper's items are real questions and its parties people and a language model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from html import escape
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from oversight import keys
from oversight.core import SILENCE, Case, Message, OversightError, Question, Sealed, Seat, View
from oversight.exams.items import CHOICES, GRADES, ability_for, eases
from oversight.exams.players import (
    ASSISTANT,
    EXPERT,
    NOVICE,
    Abilities,
    Adviser,
    Evidence,
    Novice,
    unheard,
)
from oversight.exams.witness import Reliance
from oversight.players import Agent
from oversight.reveal import Reveal
from oversight.spaces import ANSWERS, Choose, Reply
from oversight.world import Arguable, Askable, Unaided, World

Fit = Literal["mmlu", "quality"]
Model = Literal["single", "best_of_20"]
Kind = Literal["bayesian", "trusting", "overconfident"]


class Alone(NamedTuple):
    """How often each party is right by itself, as published, in percent."""

    novice: float
    single: float
    best_of_20: float
    expert: float


PUBLISHED: Mapping[str, Alone] = {
    "mmlu": Alone(57.2, 57.2, 65.6, 90.0),
    "quality": Alone(48.6, 59.2, 66.9, 93.5),
}
"""Bowman et al. 2022: human alone, model alone, its best of 20 chains of thought, expert."""
NOVICES = 9
"""How many novices an item has evidence for."""
LETTERS = "ABCD"


class Notes(NamedTuple):
    """All evidence on one item."""

    assistant: tuple[float, ...]
    expert: tuple[float, ...]
    novices: tuple[tuple[float, ...], ...]


class Exams(World, Arguable, Askable, Unaided):
    """Four-choice items on which each party has noisy evidence; accuracies alone as published."""

    name: ClassVar[str] = "exams"
    answers = CHOICES

    def __init__(
        self,
        fit: Fit = "mmlu",
        model: Model = "single",
        novice: Kind = "bayesian",
        correlation: float = 0.25,
        kinship: float = 0.5,
        spread: float = 0.5,
    ) -> None:
        """`fit` and `model` name the published accuracies; the rest are dials.

        Args:
            fit: the benchmark.
            model: how the assistant's own accuracy was elicited.
            novice: `trusting` gives its own evidence no weight; `overconfident` takes its own
                ability for twice what it is; `bayesian` knows both on average.
            correlation: of the novice's and the assistant's noise on a choice.
            kinship: of two novices' noise on a choice.
            spread: standard deviation of log ease over items.
        """
        if not 0 <= correlation < 1 or not correlation**2 <= kinship <= 1:
            raise OversightError(
                "correlation must be in [0, 1) and kinship in [correlation², 1], "
                f"got {correlation:g} and {kinship:g}"
            )
        self.fit, self.model, self.novice = fit, model, novice
        self.correlation, self.kinship, self.spread = correlation, kinship, spread
        self._eases = eases(spread)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that rebuild this world."""
        names = ("fit", "model", "novice", "correlation", "kinship", "spread")
        return {name: getattr(self, name) for name in names}

    @cached_property
    def abilities(self) -> Abilities:
        """Each party's ability, from its published accuracy alone."""
        known = PUBLISHED[self.fit]
        shares = (known.novice, getattr(known, self.model), known.expert)
        return Abilities(*(ability_for(share / 100, self.spread) for share in shares))

    def case(self, index: int, seed: int) -> Case:
        """Item number `index` of the exam that `seed` sets."""
        drawn = keys.generator(keys.root(seed, "exams", index))
        truth, grade = int(drawn.integers(CHOICES)), int(drawn.integers(GRADES))
        shared, own, knows, *each = drawn.standard_normal((3 + NOVICES, CHOICES))
        kin = self.kinship**0.5
        tie = self.correlation / kin if kin else 0.0  # of the assistant to what novices share
        lead = self._eases[grade] * np.eye(CHOICES)[truth]

        def signal(ability: float, noise: Any) -> tuple[float, ...]:
            return tuple(np.round(ability * lead + noise, 2).tolist())

        alone = (1 - self.kinship) ** 0.5
        notes = Notes(
            signal(self.abilities.assistant, tie * shared + (1 - tie**2) ** 0.5 * own),
            signal(self.abilities.expert, knows),
            tuple(signal(self.abilities.novice, kin * shared + alone * e) for e in each),
        )
        question = Question(f"Item {index + 1}: which choice is right?", tuple(LETTERS))
        return Case(f"exams-{seed}-{index}", question, notes, Sealed(truth))

    def private(self, case: Case, seat: str, role: Seat) -> Evidence:
        """Everyone's own evidence: an expert seat that only decides has the expert's.

        Any other expert seat, and one called assistant, has the assistant's. Seats without the
        expert's material are novices, told apart by the number at the end of their name.
        """
        notes: Notes = case.private
        if not role.expert:
            return Evidence(NOVICE, notes.novices[_number(seat)])
        if role.acts == ("decide",) and not seat.startswith(ASSISTANT):
            return Evidence(EXPERT, notes.expert)
        return Evidence(ASSISTANT, notes.assistant)

    # Who plays

    @cached_property
    def _judge(self) -> Novice:
        own, assistant, _ = self.abilities
        reliance = {
            "bayesian": Reliance(own, assistant, self.correlation, self.spread),
            "trusting": Reliance(0.0, assistant, 0.0, self.spread),
            "overconfident": Reliance(2 * own, assistant, self.correlation, self.spread),
        }
        return Novice(reliance[self.novice], self.abilities, self.novice)

    def judge(self) -> Agent:
        """The novice."""
        return self._judge

    @cached_property
    def _adviser(self) -> Adviser:
        return Adviser(self.abilities.assistant)

    def debater(self) -> Agent:
        """The assistant, whichever side it is on."""
        return self._adviser

    def agent(self, seat: str, role: Seat) -> Agent:
        """Questions are the novice's too."""
        return self._judge if role.acts == ("ask",) else super().agent(seat, role)

    # What may be said

    def argue_space(self, case: Case, seat: str, view: View) -> Choose:
        """The choices not yet spoken of, or all again; the one last asked about, if it is one."""
        legal = self._open(view)
        asked = next((m for m in reversed(view.transcript) if m.act == "ask"), None)
        if asked is not None and asked.data in legal:
            legal = (asked.data,)
        return Choose(CHOICES, legal, silence=True, of=ANSWERS)

    @property
    def argue_bound(self) -> Choose:
        """Any choice, or silence."""
        return Choose(CHOICES, silence=True, of=ANSWERS)

    def publish(
        self, case: Case, seat: str, act: str, reply: Reply, transcript: Sequence[Message] = ()
    ) -> Message:
        """The assistant's evidence on the choice, as it is."""
        if reply is None:
            return Message(seat, act, SILENCE)
        assert isinstance(reply, int)  # the space is a Choose
        value = case.private.assistant[reply]
        text = f"For {LETTERS[reply]} my evidence is {value:+.2f}."
        return Message(seat, act, text, Reveal(reply, value))

    def ask_space(self, case: Case, seat: str, view: View) -> Choose:
        """A choice not yet spoken of, or any again; silence ends the questions."""
        return Choose(CHOICES, self._open(view), silence=True, of=ANSWERS)

    @property
    def ask_bound(self) -> Choose:
        """Any choice, or silence."""
        return Choose(CHOICES, silence=True, of=ANSWERS)

    def publish_question(self, case: Case, seat: str, reply: Reply) -> Message:
        """The question in words; the choice binds the next argument."""
        if reply is None:
            return Message(seat, "ask", SILENCE)
        assert isinstance(reply, int)  # the space is a Choose
        return Message(seat, "ask", f"What do you know about {LETTERS[reply]}?", reply)

    def unaided(self, case: Case, budget: int, key: int) -> Sequence[Message]:
        """Nothing: the novice has seen its evidence already."""
        return []

    def _open(self, view: View) -> tuple[int, ...]:
        return unheard(view) or tuple(range(CHOICES))

    # To look at

    def draw_html(self, view: View) -> str:
        """A table of the evidence that the seat sees: everybody's, for a page after the game."""
        seen = view.private
        if isinstance(seen, Evidence):
            rows = {seen.party: seen.signal}
        else:
            rows = {NOVICE: seen.novices[0], ASSISTANT: seen.assistant, EXPERT: seen.expert}
        head = "".join(f'<th scope="col">{letter}</th>' for letter in LETTERS)
        body = "".join(
            f'<tr><th scope="row">{escape(party)}</th>'
            + "".join(f'<td class="num">{value:+.2f}</td>' for value in signal)
            + "</tr>"
            for party, signal in rows.items()
        )
        return f"<table><caption>Evidence</caption><tr><td></td>{head}</tr>{body}</table>"


def _number(seat: str) -> int:
    """The number at the end of a seat's name; 0 where it has none."""
    _, _, end = seat.rpartition("_")
    number = int(end) if end.isdigit() else 0
    if number >= NOVICES:
        raise OversightError(f"{seat} has no evidence: an item has {NOVICES} novices at most")
    return number
