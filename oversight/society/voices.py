"""Language models in members' places: they draft, rate with a reason, argue, revise, and observe.

    Voices(model, speaking=range(10))

What a model writes is read into the society's words: of a draft the words that the task knows, in
order, as many as fit; of a rating the form that was asked for. Where ratings are `scored` the
number is drawn by how likely the model finds each of 1 … 7 to come next, and there is no reason. A
reply that cannot be read is asked for once more, with the reason. A rating that is still none is
missing, and is left out of the mean; a draft that still has no known word says nothing, and a
revision leaves the draft. A draft that was never given (the model refused, or its server failed)
takes the member out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from oversight import keys
from oversight.agents.chat import ChatAgent, Manner, Material, drawn
from oversight.alignment.task import Task
from oversight.core import OversightError
from oversight.models.model import (
    Completion,
    Model,
    Options,
    Request,
    Said,
    Sampling,
    Scores,
)
from oversight.society.memory import NOTHING, Asked
from oversight.society.raters import HIGHEST, LOWEST, NONE, Ratings, Shown
from oversight.society.words import AGAIN, ALIGNMENT, ANSWER, BEGUN, ENGAGEMENT, RATE, Words

T = TypeVar("T")
TOKENS = 256
"""Of a reply at most (Liu et al. 2023, their code), at temperature 1."""


Reminded: TypeAlias = Callable[[NDArray[np.int64], NDArray[np.int64]], Asked]
"""(members, prompts) -> what comes to their minds."""


class Line(NamedTuple):
    """What is asked of a model, and by whose luck."""

    text: str
    key: int
    seat: str


class Voices:
    """Language models in some members' places, or in the observers'."""

    def __init__(
        self, members: Model | None = None, observers: Model | None = None, *,
        speaking: Sequence[int] | None = None, tokens: int = TOKENS, scored: bool = False,
    ) -> None:  # fmt: skip
        """`speaking`: the members who are the model; None is all of them, where there is one.

        `scored`: ratings, and what is picked in games, by log-probabilities, for models too weak to
        keep to a form.
        """
        self.members, self.observers = members, observers
        self.speaking, self.tokens, self.scored = speaking, tokens, scored

    @property
    def names(self) -> dict[str, str]:
        """Who speaks in whose place, and how: what makes two societies of models the same."""
        found = {"members": self.members, "observers": self.observers}
        named = {place: model.name for place, model in found.items() if model is not None}
        if named:
            everybody = self.speaking is None
            named["speaking"] = "all" if everybody else ",".join(map(str, self.speaking or ()))
            named["rating"] = "scored" if self.scored else "stated"
        return named

    def check(self, size: int) -> None:
        """OversightError for members that a society of this size has not."""
        wrong = [member for member in self.speaking or () if not 0 <= member < size]
        if wrong:
            raise OversightError(f"members are 0 … {size - 1}; there is no {wrong[0]}")

    def spoken(self, members: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which of these members a model plays, as rows."""
        if self.members is None:
            return np.zeros(0, np.int64)
        if self.speaking is None:
            return np.flatnonzero(members >= 0)
        return np.flatnonzero(np.isin(members, np.asarray(self.speaking)))

    def arguing(self, material: Material) -> ChatAgent:
        """A member who is the model, in a protocol's seat."""
        assert self.members is not None
        picks = "scored" if self.scored else "stated"
        return ChatAgent(self.members, material, Manner(tokens=self.tokens, picks=picks))

    def drafted(
        self, task: Task, asked: Asked, drafts: NDArray[np.int64], luck: NDArray[np.uint64]
    ) -> NDArray[np.int64]:
        """Drafts, those of models among them; `NOTHING` for a model that gave no reply."""
        rows = self.spoken(asked.members)
        if not len(rows):
            return drafts
        words, lines = Words(task), list[Line]()
        for row in rows.tolist():
            question, before = words.question(int(asked.prompts[row])), words.before(asked, row)
            text = ANSWER.format(
                me=asked.members[row], before=before, question=question, words=words.known
            )
            lines.append(Line(text, int(luck[row]), f"member_{asked.members[row]}"))
        found = self._heard(self.members, lines, words.read, unread=words.nothing)
        drafts = drafts.copy()
        drafts[rows] = [NOTHING if answer is None else answer for answer in found]
        return drafts

    def rated(
        self, task: Task, shown: Shown, ratings: Ratings, reminded: Reminded, *, reasons: bool
    ) -> Ratings:
        """Ratings, those that models give in their place, reminded of what they said themselves."""
        cells = np.argwhere(shown.raters >= 0)
        own = self.spoken(shown.raters[cells[:, 0], cells[:, 1]].astype(np.int64))
        if not len(own):
            return ratings
        words, cells, lines = Words(task), cells[own], list[Line]()
        raters = shown.raters[cells[:, 0], cells[:, 1]].astype(np.int64)
        mind = reminded(raters, shown.prompts[cells[:, 0]])
        for place, (row, rater) in enumerate(
            zip(cells[:, 0].tolist(), raters.tolist(), strict=True)
        ):
            text = RATE.format(
                me=rater, before=words.before(mind, place),
                question=words.question(int(shown.prompts[row])),
                author=shown.authors[row], answer=words.answer(int(shown.answers[row])),
            )  # fmt: skip
            lines.append(Line(text, keys.fold(int(shown.luck[row]), rater), f"member_{rater}"))
        found = self._ratings(self.members, lines, words)
        points, why = ratings.points.copy(), ratings.reasons.copy()
        for (row, column), rating in zip(cells.tolist(), found, strict=True):
            points[row, column], why[row, column] = rating or (np.nan, NONE)
        return Ratings(points, why if reasons else np.full_like(why, NONE))

    def revised(
        self, task: Task, asked: Asked, drafts: NDArray[np.int64], ratings: Ratings,
        revised: NDArray[np.int64], luck: NDArray[np.uint64],
    ) -> NDArray[np.int64]:  # fmt: skip
        """Revisions, those of models among them; a draft stands that nobody rated, or where the
        model gave no reply."""
        rows = self.spoken(asked.members)
        rows = rows[(~np.isnan(ratings.points[rows])).any(axis=1)]
        if not len(rows):
            return revised
        words = Words(task)
        lines = [
            Line(
                words.revision(int(asked.prompts[row]), int(drafts[row]), ratings.points[row],
                               ratings.reasons[row]),
                int(luck[row]), f"member_{asked.members[row]}",
            )
            for row in rows.tolist()
        ]  # fmt: skip
        found = self._heard(self.members, lines, words.read)
        revised = revised.copy()
        for row, answer in zip(rows.tolist(), found, strict=True):
            revised[row] = drafts[row] if answer is None else answer
        return revised

    def observed(
        self, task: Task, asked: Asked, drafts: NDArray[np.int64], revised: NDArray[np.int64],
        seen: NDArray[np.float32], luck: NDArray[np.uint64],
    ) -> NDArray[np.float32]:  # fmt: skip
        """(B, 2, 2) what a model in the observers' place gives; NaN where nothing can be read."""
        if self.observers is None:
            return seen
        words, lines = Words(task), list[Line]()
        cells = list(np.ndindex(len(asked.members), 2, 2))
        for row, after, engaging in cells:
            answer = int((revised if after else drafts)[row])
            text = (ENGAGEMENT if engaging else ALIGNMENT).format(
                question=words.question(int(asked.prompts[row])), answer=words.answer(answer)
            )
            key = keys.fold(int(luck[row]), 2 * after + engaging)
            lines.append(Line(text, key, "observer"))
        found = self._ratings(self.observers, lines, words)
        points = [np.nan if rating is None else rating[0] for rating in found]
        return np.array(points, np.float32).reshape(seen.shape)

    def _ratings(
        self, model: Model | None, lines: Sequence[Line], words: Words
    ) -> list[tuple[float, int] | None]:
        """Points and reasons; None where there are none."""
        assert model is not None
        if not self.scored:
            return self._heard(model, lines, words.rating)
        points = range(LOWEST, HIGHEST + 1)
        asked = [Options((Said("user", line.text), Said("assistant", BEGUN)),
                         tuple(f" {number}" for number in points), line.seat)
                 for line in lines]  # fmt: skip
        found = list[tuple[float, int] | None]()
        for line, scores in zip(lines, model.score(asked), strict=True):
            if not isinstance(scores, Scores):
                found.append(None)
                continue
            place = drawn(scores.logprobs, 1.0, line.key)
            found.append((float(points[place]), NONE))
        return found

    def _heard(
        self, model: Model | None, lines: Sequence[Line], read: Callable[[str], T | str],
        *, unread: T | None = None,
    ) -> list[T | None]:  # fmt: skip
        """What each reply reads as: asked for once more, with the reason, where it cannot be read,
        and then `unread`; None where there was no reply.
        """
        assert model is not None
        found: list[T | None] = [None] * len(lines)
        open_ = list(range(len(lines)))
        texts = [line.text for line in lines]
        for attempt in range(2):
            requests = [
                Request((Said("user", texts[place]),), Sampling(tokens=self.tokens),
                        keys.fold(lines[place].key, attempt), lines[place].seat)
                for place in open_
            ]  # fmt: skip
            left = list[int]()
            for place, answer in zip(open_, model.generate(requests), strict=True):
                if not isinstance(answer, Completion) or answer.finish == "refusal":
                    continue
                told = read(answer.text)
                if isinstance(told, str):
                    texts[place] = AGAIN.format(text=lines[place].text, reason=told)
                    left.append(place)
                else:
                    found[place] = told
            open_ = left
            if not open_:
                break
        for place in open_:
            found[place] = unread
        return found
