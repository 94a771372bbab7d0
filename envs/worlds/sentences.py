"""A hidden passage shown to the judge a sentence at a time: the text twin of `digits`.

An argument is a sentence of the passage, published true, each once. Additive judges and searching
debaters play here as they do on pixels (Irving et al. 2018, arXiv:1805.00899, with the hidden
passage of Khan et al. 2024, arXiv:2402.06782). Where passages come from:
`oversight.hidden_passage`.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from oversight.core import SILENCE, Case, Message, View
from oversight.derived import derived
from oversight.hidden_passage import HiddenPassage
from oversight.players import Agent
from oversight.reveal import Reveal, revealed, standing
from oversight.spaces import ANSWERS, Choose, Reply
from oversight.text.passage import Passage, split_sentences
from oversight.text.slots import slots
from oversight.world import Numeric


class Sentences(HiddenPassage, Numeric):
    """Questions on a hidden passage; an argument shows one of its sentences, published true."""

    name: ClassVar[str] = "sentences"

    @cached_property
    def longest(self) -> int:
        """The most sentences that a passage of this world has."""
        if not self.items:
            return self.dials.sentences
        return max(len(split_sentences(item.passage)) for item in self.items)

    def debater(self) -> Agent:
        """Tree search against the judge that reads little."""
        return self._searcher

    def argue_space(self, case: Case, seat: str, view: View) -> Choose:
        """The sentences not yet shown; those about the answer last asked for, if there are any."""
        passage: Passage = case.private
        seen = {reveal.move for reveal in revealed(view)}
        legal = [place for place in range(len(passage.sentences)) if place not in seen]
        asked = next((m.data for m in reversed(view.transcript) if m.act == "ask"), None)
        if asked is not None:
            about = [place for place in legal if asked in _named(passage, place)]
            legal = about or legal
        return Choose(len(passage.sentences), tuple(legal), silence=True, of=SENTENCES)

    @property
    def argue_bound(self) -> Choose:
        """Any sentence, or silence."""
        return Choose(self.longest, silence=True, of=SENTENCES)

    def publish(
        self, case: Case, seat: str, act: str, reply: Reply, transcript: Sequence[Message] = ()
    ) -> Message:
        """The sentence as the passage has it."""
        if reply is None:
            return Message(seat, act, SILENCE)
        assert isinstance(reply, int)  # the space is a Choose
        return self._show(seat, act, reply, case.private)

    def _show(self, seat: str, act: str, place: int, passage: Passage) -> Message:
        return Message(seat, act, passage.sentences[place], Reveal(place, 1.0))

    def ask_space(self, case: Case, seat: str, view: View) -> Choose:
        """One of the answers."""
        return Choose(len(case.question.answers), of=ANSWERS)

    @property
    def ask_bound(self) -> Choose:
        """One of the answers."""
        return Choose(self.answers, of=ANSWERS)

    def publish_question(self, case: Case, seat: str, reply: Reply) -> Message:
        """The answer asked about; its index binds the arguments that follow, where it can."""
        assert isinstance(reply, int)  # the space is a Choose
        answer = case.question.answers[reply]
        return Message(seat, "ask", f"What does the passage say about {answer}?", reply)

    # As numbers

    @derived
    def features(self) -> int:
        """How many numbers a view becomes."""
        return self.longest * self._each + 2 * self.answers + 1

    @property
    def _each(self) -> int:
        """Numbers a sentence: shown, names the subject, its answers, its names, its words."""
        return 2 + self.answers + 2 * HASHED

    def encode(self, view: View) -> NDArray[np.float32]:
        """What the seat sees of each sentence, by its place; claims, own side, steps left.

        Names that are neither the subject's nor an answer's, and pairs of the question's words and
        the sentence's, are hashed. A sentence that the seat does not see is all zeros.
        """
        question, width = view.question, self._each
        numbers = np.zeros(self.features, np.float32)
        moves = {reveal.move for reveal in revealed(view)}
        lines = dict(enumerate(view.private.sentences)) if view.private is not None else {
            m.data.move: m.text for m in view.transcript if isinstance(m.data, Reveal)
        }  # fmt: skip
        for place, line in lines.items():
            seen = slots(line, question.prompt, question.answers)
            own = numbers[place * width : (place + 1) * width]
            own[:2] = place in moves, seen.subject
            own[[2 + answer for answer in seen.candidates]] = 1
            names = 2 + self.answers
            own[[names + zlib.crc32(name.encode()) % HASHED for name in seen.others]] = 1
            own[[names + HASHED + pair % HASHED for pair in seen.pairs]] = 1
        numbers[self.longest * width :] = standing(view, self.answers)
        return numbers


HASHED = 16
"""Slots that names, and words, are hashed into where a view becomes numbers."""


def _named(passage: Passage, place: int) -> tuple[int, ...]:
    return slots(passage.sentences[place], passage.prompt, passage.answers).candidates


SENTENCES = "sentences of the passage, the first being 0"
