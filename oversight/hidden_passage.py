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
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oversight import keys
from oversight.agents.searching import SearchingDebater
from oversight.core import Case, Message, OversightError, Question, Sealed, View
from oversight.judges.skim import SkimJudge, shown
from oversight.players import Agent
from oversight.text.data import Item
from oversight.text.generator import Dials, check_dials, write_story
from oversight.text.passage import Passage, split_sentences
from oversight.text.quotes import find
from oversight.text.sources import load_items
from oversight.world import Arguable, Askable, Unaided, World

PAGE_COLOURS = 4
"""How many seat colours a page defines (see `World.draw_html`)."""


class HiddenPassage(World, Arguable, Askable, Unaided):
    """Questions on hidden passages, whatever form the arguments have."""

    answers = 4
    foreseeable = True

    def __init__(
        self,
        data: str = "",
        hops: int = 2,
        sentences: int = 16,
        candidates: int = 4,
        reads: int = 6,
        rollouts: int = 200,
        training_seed: int = 0,
        split: str = "validation",
        keep_going: bool = False,
    ) -> None:
        """A world of passages; named data are read here and now, so that a fault shows at once.

        Args:
            data: "" writes passages; else FILE.jsonl, a data set's name, or NAME:FILE.
            hops: sentences that a written question needs together. Chains of three are beyond the
                default judge, and so beyond the debaters that search it: seat a language model.
            sentences: of a written passage.
            candidates: answers of a written question.
            reads: sentences that the default judge is trained to read.
            rollouts: of the default debaters' search.
            training_seed: of the default judge.
            split: which part of a data set is taken from the hub.
            keep_going: leave broken lines out, with a warning that counts them.
        """
        self.dials = Dials(hops, sentences, candidates)
        check_dials(self.dials)
        if reads < 1:
            raise OversightError(f"a judge reads at least one sentence, got reads={reads}")
        self.source, self.split, self.keep_going = data, split, keep_going
        self.reads, self.rollouts, self.training_seed = reads, rollouts, training_seed
        self.items: tuple[Item, ...] = ()
        self.answers = candidates
        if data:
            read = load_items(data, split=split, keep_going=keep_going)
            if read.faults:
                warnings.warn(f"{data}: {read.told}", stacklevel=2)
            self.items = read.items
            self.answers = max(len(item.answers) for item in self.items)
            self.size = len(self.items)
        self._orders: dict[int, NDArray[np.int64]] = {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that rebuild this world."""
        return {
            "data": self.source, **self.dials._asdict(), "reads": self.reads,
            "rollouts": self.rollouts, "training_seed": self.training_seed, "split": self.split,
            "keep_going": self.keep_going,
        }  # fmt: skip

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
