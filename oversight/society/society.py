"""A society under way: rounds of questions, drafts, ratings, revisions, and lessons.

    society = Society(Settings(members=100, kinds="adversarial=0.2", institution="debate"))
    for _ in range(50):
        said = society.play()

In a round every member meets a question, recalls what it said to the like, drafts, sends its draft
to neighbours (back-scatter), is rated, and revises; observers rate draft and revision; the revision
is remembered, and the member learns. What a member does in a round hangs on nobody else's doing in
it but its raters' kinds, so members are played together, in parts, whatever their number.

All luck is keyed by seed, round, act and member. What is true (`Said.truth`) is for reports alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from oversight import keys
from oversight.alignment.feedback import task_of
from oversight.alignment.task import Task
from oversight.core import OversightError
from oversight.registry import build
from oversight.society.graph import Circles, Graph, circles, graph_of
from oversight.society.institutions import OUTSIDE, Institution, Neighbours, institution_of
from oversight.society.members import Advice, Minds, drawn, parts, worth
from oversight.society.memory import NOTHING, Asked, Memory, nearest
from oversight.society.raters import NONE, Ratings, Shown, kinds_of, leanings, observed, taken
from oversight.society.settings import Settings
from oversight.society.voices import Voices
from oversight.threads import one_thread
from oversight.world import World


class Said(NamedTuple):
    """A round of the external memory, a row a member that drafted."""

    round: int
    authors: NDArray[np.int64]
    prompts: NDArray[np.int64]
    drafts: NDArray[np.int64]
    """Numbers into `Task.answers`, as the revisions."""
    revised: NDArray[np.int64]
    raters: NDArray[np.int32]
    """(B, R) `graph.NOBODY` where there are fewer, `OUTSIDE` for who is no member."""
    points: NDArray[np.float32]
    """(B, R) 1 … 7; NaN where nobody rated or nothing could be read."""
    reasons: NDArray[np.int16]
    """(B, R) as in `raters.Ratings`."""
    seen: NDArray[np.float32]
    """(B, 2, 2) what observers gave: (draft, revision) × (alignment, engagement), 1 … 7."""
    truth: NDArray[np.float32]
    """(B, 3, 2) sealed: what is expected of a draft, the draft, the revision × the same, in gold
    units."""

    @property
    def rating(self) -> NDArray[np.float32]:
        """(B,) the mean of what each draft was given; NaN where nobody rated."""
        return mean_of(self.points)


class Society:
    """See the module. `round` is the number of the next one."""

    def __init__(
        self, settings: Settings, *, shared: torch.Tensor | None = None,
        voices: Voices | None = None,
    ) -> None:  # fmt: skip
        """`shared`: the mind that all share, if it is not the task's reference (`Minds`).

        `voices`: language models in members' or observers' places. Errors: those of the parts.
        """
        self.settings, self.voices = settings, voices or Voices()
        self.voices.check(settings.members)
        self.place: World = build("worlds", settings.world)
        self.task: Task = task_of(self.place)
        self.graph: Graph = graph_of(settings.graph, settings.members, settings.seed)
        self._circles: Circles = circles(self.graph)
        self.kinds = kinds_of(settings.kinds, settings.members, settings.seed)
        self.minds = Minds(self.task, leanings(self.kinds, self.task), settings.traits, shared)
        self.institution: Institution = institution_of(
            settings.institution, self.place, self.task, self.kinds, settings.judge, self.voices
        )
        seated, most = self.institution.heard or 0, settings.custom.raters
        if settings.scatter and seated > most:
            raise OversightError(
                f"in {self.institution.name} {seated} members argue over a draft, and it goes to "
                f"{most}; set raters to {seated} or more"
            )
        self.living = np.ones(settings.members, np.bool_)
        self.round = 0
        self.memory = self._remembered()

    @cached_property
    def near(self) -> NDArray[np.int64]:
        """(P, R) the prompts that are like each."""
        return nearest(self.task, self.settings.near)

    @property
    def members(self) -> NDArray[np.int64]:
        """Those who live."""
        return np.flatnonzero(self.living)

    def kill(self, members: NDArray[np.int64]) -> None:
        """They are asked no more, and rate no more."""
        if len(members):
            self.living[members] = False
            self._circles = self._circles.among(self.living)

    # A round

    def play(self) -> Said:
        """The next round, in parts.

        Errors: OversightError when nobody lives.
        """
        if not self.living.any():
            raise OversightError("every member has died; begin another society")
        each = 1 if self.settings.mode == "single_thread" else None
        with one_thread(), torch.no_grad():
            said = [self._played(part) for part in _split(self.members, each)]
        self.round += 1
        width = max(part.points.shape[1] for part in said)
        return _joined(self.round - 1, said, width)

    def _played(self, members: NDArray[np.int64]) -> Said:
        asked = self.asked(members)
        told = self._told(asked)
        drafts = self._drafted(asked, told)
        speaking = drafts != NOTHING
        self.kill(members[~speaking])
        asked, drafts = taken(asked, speaking), drafts[speaking]
        told = told[torch.from_numpy(speaking)]
        shown = self.shown(asked, drafts)
        ratings = self._rated(shown)
        revised = self._revised(asked, told, drafts, ratings)
        seen = self._seen(asked, drafts, revised)
        self.conclude(asked, drafts, revised, ratings, seen)
        expected = self._expected(asked, told, drafts)
        return self.said(asked, drafts, revised, shown, ratings, seen, expected)

    def _expected(
        self, asked: Asked, told: torch.Tensor, drafts: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """(B, 2) what drafts are worth in expectation; of a model's, what the draft is worth."""
        parts = [part[asked.prompts] for part in worth(self.task)]
        found = torch.stack([(told.exp() * part).sum(dim=1) for part in parts], dim=1).numpy()
        rows = self.voices.spoken(asked.members)
        for column, part in enumerate(parts):
            found[rows, column] = part.numpy()[rows, drafts[rows]]
        return found

    def luck(self, act: str, members: NDArray[np.int64]) -> NDArray[np.uint64]:
        """(B,) each member's key for an act of this round."""
        return keys.folds(keys.root(self.settings.seed, "society", self.round, act), members)

    def _drawn(self, act: str, members: NDArray[np.int64]) -> NDArray[np.float64]:
        return keys.uniforms(self.luck(act, members), 1)[:, 0]

    def asked(self, members: NDArray[np.int64]) -> Asked:
        """Each its own question, and what comes to mind."""
        drawn_from = len(self.task.prompts)
        prompts = (self._drawn("question", members) * drawn_from).astype(np.int64)
        return self.reminded(members, prompts)

    def reminded(self, members: NDArray[np.int64], prompts: NDArray[np.int64]) -> Asked:
        """Members before questions, and what comes to their minds."""
        like = self.memory.recalled(members, prompts, self.near)
        recalled = self.memory.answers[members, np.maximum(like, 0)].astype(np.int64)
        return Asked(members, prompts, like, np.where(like == NOTHING, NOTHING, recalled))

    def _told(self, asked: Asked) -> torch.Tensor:
        columns = (asked.members, asked.prompts, asked.recalled)
        return self.minds.told(*map(torch.from_numpy, columns))

    def _drafted(self, asked: Asked, told: torch.Tensor) -> NDArray[np.int64]:
        drafts = drawn(told, self._drawn("draft", asked.members)).numpy()
        return self.voices.drafted(self.task, asked, drafts, self.luck("draft", asked.members))

    def shown(self, asked: Asked, drafts: NDArray[np.int64]) -> Shown:
        """Drafts and who is to rate them: neighbours, and others where members look beyond."""
        members, custom = asked.members, self.settings.custom
        luck = self.luck("raters", members)
        most = np.full(len(members), custom.raters if self.settings.scatter else 0)
        if self.settings.beyond:
            degrees = self._circles.degrees[members]
            near = np.maximum(1, ((1 - custom.dropout) * degrees).astype(np.int64))
            local = self._circles.chosen(members, np.minimum(most, near), luck)
            raters = _and_strangers(local, members, most, self.living, luck)
        else:
            raters = self._circles.chosen(members, most, luck)
        if self.institution.outside:
            raters = np.full((len(members), int(most.max(initial=0) > 0)), OUTSIDE, np.int32)
        raters = raters[:, : self.institution.heard]
        return Shown(asked.prompts, drafts, members, raters, self.luck("rating", members))

    def _rated(self, shown: Shown) -> Ratings:
        if not shown.raters.shape[1]:
            empty = np.zeros(shown.raters.shape, np.float32)
            return Ratings(empty, empty.astype(np.int16))
        reasons = self.settings.reasons
        found = self.institution.rate(shown, reasons=reasons)
        if not isinstance(self.institution, Neighbours):
            return found
        return self.voices.rated(self.task, shown, found, self.reminded, reasons=reasons)

    def _revised(
        self, asked: Asked, told: torch.Tensor, drafts: NDArray[np.int64], ratings: Ratings
    ) -> NDArray[np.int64]:
        advice = advised(self.task, ratings)
        odds = self.minds.mended(
            told, torch.from_numpy(asked.prompts), torch.from_numpy(drafts), advice
        )
        revised = drawn(odds, self._drawn("revise", asked.members)).numpy()
        luck = self.luck("revise", asked.members)
        return self.voices.revised(self.task, asked, drafts, ratings, revised, luck)

    def _seen(
        self, asked: Asked, drafts: NDArray[np.int64], revised: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        before = observed(self.task, asked.prompts, drafts, self.luck("before", asked.members))
        after = observed(self.task, asked.prompts, revised, self.luck("after", asked.members))
        found = np.stack([before, after], axis=1)
        luck = self.luck("observe", asked.members)
        return self.voices.observed(self.task, asked, drafts, revised, found, luck)

    def conclude(
        self, asked: Asked, drafts: NDArray[np.int64], revised: NDArray[np.int64],
        ratings: Ratings, seen: NDArray[np.float32],
    ) -> None:  # fmt: skip
        """Members learn from draft, revision and what they remembered, and remember the revision.

        Ratings are those of `taught_by`; who has none learns nothing.
        """
        members, prompts = asked.members, asked.prompts
        given = seen[:, :, 0]
        if self.settings.taught_by == "raters":
            given = np.stack([mean_of(ratings.points), self._rerated(asked, revised)], axis=1)
        before = self.memory.answers[members, prompts].astype(np.int64)
        earlier = np.where(before == NOTHING, drafts, before)
        once = self.memory.ratings[members, prompts]
        once = np.where(np.isnan(once), given[:, 0], once)
        answers = np.stack([drafts, revised, earlier], axis=1)
        rated = np.column_stack([given, once]).astype(np.float32)
        taught = ~np.isnan(rated).any(axis=1)
        with torch.enable_grad():
            self.minds.learn(*(torch.from_numpy(column[taught])
                               for column in (members, prompts, answers, rated)))  # fmt: skip
        self.memory.keep(members, prompts, revised, given[:, 1].astype(np.float32))

    def _rerated(self, asked: Asked, revised: NDArray[np.int64]) -> NDArray[np.float32]:
        """(B,) what the same raters give the revisions."""
        again = self.shown(asked, revised)
        luck = self.luck("again", asked.members)
        return mean_of(self._rated(again._replace(luck=luck)).points)

    def argued(self, said: Said) -> Sequence[str]:
        """(B,) what was said over each draft of a round, where a protocol decided on it."""
        luck = np.zeros(len(said.authors), np.uint64)  # of ratings, which were given already
        shown = Shown(said.prompts, said.drafts, said.authors, said.raters, luck)
        return self.institution.argued(shown)

    def said(
        self, asked: Asked, drafts: NDArray[np.int64], revised: NDArray[np.int64], shown: Shown,
        ratings: Ratings, seen: NDArray[np.float32], expected: NDArray[np.float32],
    ) -> Said:  # fmt: skip
        """The record, with what was true."""
        true = [np.stack([part.numpy()[asked.prompts, answers] for part in worth(self.task)], 1)
                for answers in (drafts, revised)]  # fmt: skip
        return Said(
            self.round, asked.members, asked.prompts, drafts, revised, shown.raters,
            ratings.points, ratings.reasons, seen, np.stack([expected, *true], axis=1),
        )  # fmt: skip

    def _remembered(self) -> Memory:
        """What members said before: answers of their own minds to `prior` questions."""
        size, count = self.settings.members, len(self.task.prompts)
        memory, asked_before = Memory.empty(size, count), self.settings.prior
        if not asked_before:
            return memory
        for part in _split(np.arange(size)):
            hit = (keys.uniforms(self.luck("prior", part), asked_before) * count).astype(np.int64)
            for prompt in range(count):
                who = part[(hit == prompt).any(axis=1)]
                prompts = np.full(len(who), prompt)
                nothing = np.full(len(who), NOTHING)
                with torch.no_grad():
                    told = self._told(Asked(who, prompts, nothing, nothing))
                answers = drawn(told, self._drawn(f"prior {prompt}", who)).numpy()
                memory.answers[who, prompt] = answers
        return memory


def advised(task: Task, ratings: Ratings) -> Advice:
    """What was said of drafts, for their authors."""
    points, reasons = ratings
    urgency = np.where(np.isnan(points) | (reasons == NONE), 0, (7 - points) / 6)
    push = np.zeros((len(points), len(task.attributes)), np.float32)
    for column in range(points.shape[1]):
        about = np.maximum(reasons[:, column], 0)
        way = np.where(about % 2 == 0, 1, -1) * urgency[:, column]
        np.add.at(push, (np.arange(len(points)), about // 2), way)
    said = np.maximum((~np.isnan(points)).sum(axis=1, keepdims=True), 1)
    return Advice(torch.from_numpy(push / said).float(), torch.from_numpy(mean_of(points)))


def mean_of(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(B,) the mean of each row's ratings; NaN for a row without any."""
    some = ~np.isnan(points)
    total = np.where(some, points, 0).sum(axis=1, dtype=np.float64)
    count = some.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _and_strangers(
    local: NDArray[np.int32], members: NDArray[np.int64], most: NDArray[np.int64],
    living: NDArray[np.bool_], luck: NDArray[np.uint64],
) -> NDArray[np.int32]:  # fmt: skip
    """Neighbours, and anybody else for the places left; fewer where luck names somebody twice."""
    others = np.flatnonzero(living)
    width = int(most.max(initial=0))
    raters = np.full((len(members), width), -1, np.int32)
    raters[:, : local.shape[1]] = local
    drawn_from = keys.uniforms(luck + np.uint64(1), max(width, 1))
    for column in range(width):
        other = others[(drawn_from[:, column] * len(others)).astype(np.int64)]
        known = (raters == other[:, None]).any(axis=1) | (other == members)
        free = (raters[:, column] == -1) & ~known
        raters[free, column] = other[free]
    return raters


def _split(members: NDArray[np.int64], each: int | None = None) -> list[NDArray[np.int64]]:
    if each is None:
        return [members[part] for part in parts(len(members))]
    return [members[at : at + each] for at in range(0, len(members), each)]


def _joined(number: int, said: list[Said], width: int) -> Said:
    """Parts of a round as one, with as many columns of raters as the widest has."""

    def wide(column: NDArray[Any], filler: float) -> NDArray[Any]:
        missing = width - column.shape[1]
        return np.pad(column, ((0, 0), (0, missing)), constant_values=filler)

    level = [
        part._replace(raters=wide(part.raters, -1), points=wide(part.points, np.nan),
                      reasons=wide(part.reasons, NONE))
        for part in said
    ]  # fmt: skip
    return Said(number, *(np.concatenate(columns) for columns in zip(*(p[1:] for p in level),
                                                                    strict=True)))  # fmt: skip
