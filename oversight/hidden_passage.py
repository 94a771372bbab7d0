"""What worlds of hidden passages share: their cases, who plays there, and how they are drawn.

The setting of Khan et al. 2024 (arXiv:2402.06782): a question on a passage that only experts see.
Passages come from the generator (endless, exact truth, `oversight.text.generator`), from a JSONL
file (`data=FILE.jsonl`, `oversight.text.data`) or from a published data set (`data=quality`, or
`data=quality:FILE`, `oversight.text.sources`). The judge that sits here by default is trained on
generated passages only: on others it is a stranger, and a language model should take its seat.

Two worlds stand on this: in `passages` an argument is text, in `sentences` it is a sentence. They
are two because what may be said is a fact of the class: protocols, checks and environments ask a
world what it can do, not its settings, and both forms are swept alike.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oversight import keys
from oversight.agents.searching import SearchingDebater
from oversight.core import Case, Message, OversightError, Question, Sealed, View
from oversight.derived import derived
from oversight.judges.skim import SkimJudge, shown
from oversight.players import Agent
from oversight.text.data import Item
from oversight.text.generator import Dials, check_dials, write_story
from oversight.text.passage import Passage, split_sentences
from oversight.text.quotes import find
from oversight.text.sources import files_of, load_items
from oversight.world import Arguable, Askable, Unaided, World

PAGE_COLOURS = 4
"""How many seat colours a page defines (see `World.draw_html`)."""


@dataclass(eq=False)
class HiddenPassage(World, Arguable, Askable, Unaided):
    """Questions on hidden passages, whatever form the arguments have.

    Its fields are the options of every world that stands on it. Named data are read here and now,
    so that a fault shows at once.
    """

    answers = 4
    foreseeable = True

    data: str = ""
    """FILE.jsonl, a data set's name, or NAME:FILE; if empty, passages are written."""
    hops: int = 2
    """Sentences that a written question needs together. Chains of three are beyond the default
    judge, and so beyond the debaters that search it: seat a language model."""
    sentences: int = 16
    """Of a written passage."""
    candidates: int = 4
    """Answers of a written question."""
    reads: int = 6
    """Sentences that the default judge is trained to read."""
    rollouts: int = 200
    """Of the default debaters' search."""
    training_seed: int = 0
    """Of the default judge."""
    split: str = "validation"
    """Which part of a data set is taken from the hub."""
    keep_going: bool = False
    """Leave broken lines out, with a warning that counts them."""
    hard: bool = False
    """Of data that say which questions are hard, those alone."""

    def __post_init__(self) -> None:
        self.dials = Dials(self.hops, self.sentences, self.candidates)
        check_dials(self.dials)
        if self.reads < 1:
            raise OversightError(f"a judge reads at least one sentence, got reads={self.reads}")
        if self.hard and not self.data:
            raise OversightError("no written question is hard or easy; give hard=true with data=…")
        self.items = self._read() if self.data else ()
        self.answers = max((len(item.answers) for item in self.items), default=self.candidates)
        self._orders: dict[int, NDArray[np.int64]] = {}

    def _read(self) -> tuple[Item, ...]:
        read = load_items(self.data, split=self.split, keep_going=self.keep_going, hard=self.hard)
        if read.faults:
            warnings.warn(f"{self.data}: {read.told}", stacklevel=4)
        return read.items

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that rebuild this world."""
        return {option.name: getattr(self, option.name) for option in fields(self)}

    @derived
    def size(self) -> int | None:
        """How many questions the data have; those that are written here never end."""
        return len(self.items) or None

    @property
    def files(self) -> Sequence[Path]:
        """The data's."""
        return files_of(self.data)

    def case(self, index: int, seed: int) -> Case:
        """A passage written for the index, or item number `index` as `seed` shuffles them."""
        if not self.items:
            story = write_story(keys.root(seed, "passages", index), self.dials)
            name = f"{self.name}-{seed}-{index}"
            return self._made(
                name, story.text, story.sentences, story.prompt, story.answers, story.correct
            )
        if seed not in self._orders:
            drawn = keys.generator(keys.root(seed, "order"))
            self._orders[seed] = drawn.permutation(len(self.items))
        item = self.items[int(self._orders[seed][index])]
        return self._made(
            f"{self.name}-{item.id}", item.passage, split_sentences(item.passage),
            item.question, tuple(item.answers), item.correct,
        )  # fmt: skip

    def _made(
        self,
        name: str,
        text: str,
        sentences: tuple[str, ...],
        prompt: str,
        answers: tuple[str, ...],
        correct: int,
    ) -> Case:
        passage = Passage(text, sentences, prompt, answers)
        return Case(name, Question(prompt, answers), passage, Sealed(correct))

    # Who plays

    @cached_property
    def _judge(self) -> SkimJudge:
        return SkimJudge(self.dials, self.reads, self.answers, seed=self.training_seed)

    def judge(self) -> Agent:
        """The judge that reads little."""
        return self._judge

    @cached_property
    def _searcher(self) -> SearchingDebater:
        return SearchingDebater(self._judge, self.rollouts)

    # What may be said

    @abstractmethod
    def _show(self, seat: str, act: str, place: int, passage: Passage) -> Message:
        """A sentence of the passage, shown as true."""

    def unaided(self, case: Case, budget: int, key: int) -> Sequence[Message]:
        """`budget` random sentences: what the default judge is trained on."""
        passage: Passage = case.private
        looks = min(budget, len(passage.sentences))
        drawn = keys.generator(key).choice(len(passage.sentences), looks, replace=False)
        return [self._show("nature", "look", place, passage) for place in drawn.tolist()]

    # To look at

    def material(self, view: View) -> str:
        """The passage, for seats that see it."""
        return view.private.text if isinstance(view.private, Passage) else ""

    def draw(self, view: View) -> str:
        """Question and answers, the passage for a seat that sees it, and what was said."""
        lines = [view.question.prompt]
        lines += [f"  {place}. {answer}" for place, answer in enumerate(view.question.answers)]
        if isinstance(view.private, Passage):
            places = {line: place for place, line in enumerate(view.private.sentences)}
            marks = {line: f"*{places[line]}*" for line in shown(view) if line in places}
            lines.append("")
            lines += [f"{marks.get(line, str(place)):>5} {line}" for line, place in places.items()]
        said = [f"  {message.seat}: {message.text}" for message in view.transcript]
        return "\n".join([*lines, "", *said] if said else lines)

    def draw_html(self, view: View) -> str:
        """The passage with what was shown of it marked, for seats that see it; else nothing."""
        if not isinstance(view.private, Passage):
            return ""
        seats: dict[str, str] = {}
        parts: list[tuple[int, int, str]] = []
        for message in view.transcript:
            for words in shown(view._replace(transcript=(message,))):
                if span := find(words, view.private.text):
                    colour = f"var(--seat-{len(seats) % PAGE_COLOURS})"
                    parts.append((span.start, span.end, seats.setdefault(message.seat, colour)))
        return f'<div class="passage">{_marked(view.private.text, sorted(parts))}</div>'


def _marked(text: str, parts: Sequence[tuple[int, int, str]]) -> str:
    """A text as HTML paragraphs, some of its parts underlined in a colour; overlaps once."""
    made: list[str] = []
    at = 0
    for start, end, colour in parts:
        if start >= at:
            style = f"background:none;color:inherit;border-bottom:3px solid {colour}"
            made += [escape(text[at:start]), f'<mark style="{style}">']
            made += [escape(text[start:end]), "</mark>"]
            at = end
    whole = "".join([*made, escape(text[at:])])
    return "".join(f"<p>{paragraph}</p>" for paragraph in whole.split("\n\n"))
