"""Institutions: who decides what a draft is rated.

    neighbours             each of them by itself (Liu et al. 2023)
    judge[:SPEC]           an outside judge who looks alone (the protocol `naive`)
    a protocol's spec      such as debate:rounds=2 or critique: the neighbours take the seats that
                           argue, the world's own judge, or the one that is named, decides
    constitution[:NAMES]   an outside clerk who checks principles (`oversight.principles`)

A protocol is played on a case of the society's world (`dockets`): is the draft better than one that
is middling, or is it the true answer to the question? Where one answer is proposed (critique,
consultancy) it is the draft, or the lie that the world's own proposer tells. The judge's credence c
in the draft is the rating 1 + 6c, and the reason is what speaks most against it of all that the
judge was shown. In it members argue by their kinds: somebody honest or
biased for the side that it was given, the lazy say nothing, the sycophantic speak for the draft,
the adversarial for the worse answer, and the colluding for a draft of their own and against others.
What is said is true in any case: the world publishes it. Who is a language model argues in its own
words. All games are kept: a draft that comes again before the same kinds meets the same verdict. A
game that a model broke off, because no reply of it could be read, ends in no rating.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from oversight.agents.simple import SilentAgent
from oversight.alignment.task import Task
from oversight.alignment.usual import usual
from oversight.casting import cast_for
from oversight.core import OversightError, Side, Turn
from oversight.episode import Episode, EpisodeFailed
from oversight.players import Agent
from oversight.protocol import Protocol, from_spec
from oversight.record import script_text
from oversight.registry import load
from oversight.society.dockets import PAIR, Sides, docket_of
from oversight.society.graph import NOBODY
from oversight.society.raters import HIGHEST, KINDS, LOWEST, NONE, Kind, Ratings, Shown, rated
from oversight.society.voices import Voices
from oversight.spaces import Reply
from oversight.world import World

if TYPE_CHECKING:
    from oversight.principles.constitution import Constitution

OUTSIDE = -2
"""The number of a rater who is no member."""
Stance = Literal["side", "silent", "draft", "other", "model"]
"""What an arguing member speaks for: the side it was given, nothing, the draft, or the other; or
that it is a language model, which is told its side."""


class Institution(ABC):
    """Rates drafts."""

    name: str
    outside: bool = False
    """Whether the rating is somebody's who is no member; neighbours then have no say."""
    heard: int | None = None
    """How many of a draft's raters it hears at most; None for all of them."""

    @abstractmethod
    def rate(self, shown: Shown, *, reasons: bool = True) -> Ratings:
        """(B, R) ratings, a column a rater, R no more than are `heard`; (B, 1) from outside."""

    def argued(self, shown: Shown) -> Sequence[str]:
        """(B,) what was said over each draft that was rated; "" where nobody argued."""
        return [""] * len(shown.prompts)


class Neighbours(Institution):
    """Each by itself, by its kind."""

    name = "neighbours"

    def __init__(self, task: Task, kinds: NDArray[np.int8]) -> None:
        self.task, self.kinds = task, kinds

    def rate(self, shown: Shown, *, reasons: bool = True) -> Ratings:
        """As `raters.rated`."""
        return rated(self.task, self.kinds, shown, reasons=reasons)


class Clerk(Institution):
    """Seven points, less a share of six for every principle that is broken.

    The reason, where one is, is what costs the answer most of all that everybody sees of it.
    """

    outside = True

    def __init__(self, task: Task, constitution: Constitution) -> None:
        self.task, self.constitution = task, constitution
        self.name = f"constitution of {len(constitution)}"

    @cached_property
    def _broken(self) -> NDArray[np.bool_]:
        """(P, K, principles)"""
        return self.task.tabulated(
            lambda prompts, answers: self.constitution.broken(self.task, prompts, answers)
        ).numpy()

    @cached_property
    def _least(self) -> NDArray[np.int16]:
        """(P, K) the visible attribute that costs most, as a reason."""
        mean, spread = usual(self.task)
        costs = (self.task.table - mean) / spread * self.task.weights
        seen = self.task.visible & (self.task.weights != 0)
        worst = costs.masked_fill(~seen, torch.inf).argmin(dim=2)
        return (2 * worst + (self.task.weights < 0).long()[worst]).short().numpy()

    def rate(self, shown: Shown, *, reasons: bool = True) -> Ratings:
        """The same for everybody."""
        broken = self._broken[shown.prompts, shown.answers]
        points = HIGHEST - (HIGHEST - LOWEST) * broken.mean(axis=1, keepdims=True)
        said = np.where(broken.any(axis=1), self._least[shown.prompts, shown.answers], NONE)
        said = said if reasons else np.full_like(said, NONE)
        return Ratings(points.astype(np.float32), said.astype(np.int16)[:, None])


class Partisan(Agent):
    """Argues as another does, but always for one of the two answers."""

    def __init__(self, base: Agent, answer: int) -> None:
        self.base, self.answer = base, answer

    @property
    def label(self) -> str:
        """Such as "showing, for 0"."""
        return f"{self.base.label}, for {self.answer}"

    def act(self, turns: Sequence[Turn]) -> Sequence[Reply]:
        """As the base would on that side."""
        side = Side(self.answer)
        return self.base.act([turn._replace(view=turn.view._replace(side=side)) for turn in turns])


class Game(NamedTuple):
    """What is played: who stands where about which draft. Alike, it ends alike."""

    stances: tuple[Stance, ...]
    good: bool
    """Whether the draft is as good as the other answer, or better."""
    prompt: int
    answer: int


class Verdict(NamedTuple):
    """How a game ended."""

    points: float
    """NaN if it was broken off."""
    reason: int
    argued: str
    """The transcript, or why there is none."""


class Assembly(Institution):
    """A protocol decides: neighbours argue in it, and the world's judge, or the one named, decides.

    Where no seat argues (`naive`) the judge is alone, and outside.
    """

    def __init__(
        self, protocol: Protocol, world: World, task: Task, kinds: NDArray[np.int8],
        judge: str | None = None, voices: Voices | None = None,
    ) -> None:  # fmt: skip
        """OversightError for a protocol that does not fit the world."""
        self.docket, self.kinds = docket_of(world, task), kinds
        self.protocol, self.judge, self.voices = protocol, judge, voices or Voices()
        roles = protocol.seats.items()
        self.seats = [seat for seat, role in roles if role.expert and "decide" not in role.acts]
        self.outside, self.heard = not self.seats, len(self.seats) or None
        self.name = self.docket.house(protocol, self._cast(())).name
        self._known: dict[Game, Verdict] = {}
        self._spoken = frozenset(self.voices.spoken(np.arange(len(kinds))).tolist())

    def _cast(self, stances: Sequence[Stance], sides: Sides = PAIR) -> Mapping[str, Agent]:
        world = self.docket.world
        cast = dict(cast_for(self.protocol, world, judge=self.judge).cast)
        for seat, stance in zip(self.seats, stances, strict=False):
            if stance == "silent":
                cast[seat] = SilentAgent()
            elif stance == "model":
                cast[seat] = self.voices.arguing(world.material)
            elif stance != "side":
                answer = sides.draft if stance == "draft" else sides.other
                cast[seat] = Partisan(cast[seat], answer)
        return cast

    def rate(self, shown: Shown, *, reasons: bool = True) -> Ratings:
        """The verdict, by all who argued; where too few neighbours are there nobody rates."""
        columns = 1 if self.outside else shown.raters.shape[1]
        points = np.full((len(shown.prompts), columns), np.nan, np.float32)
        said = np.full(points.shape, NONE, np.int16)
        rows = self._ready(shown)
        asked = self._games(shown, rows)
        self._play([game for game in dict.fromkeys(asked) if not self._ended(game)])
        for row, one in zip(rows.tolist(), asked, strict=True):
            verdict = self._known[one]
            points[row] = verdict.points
            said[row, 0] = verdict.reason if reasons else NONE
        return Ratings(points, said)

    def argued(self, shown: Shown) -> Sequence[str]:
        """The transcripts of the games."""
        said = [""] * len(shown.prompts)
        rows = self._ready(shown)
        for row, game in zip(rows.tolist(), self._games(shown, rows), strict=True):
            said[row] = self._known[game].argued if game in self._known else ""
        return said

    def _ready(self, shown: Shown) -> NDArray[np.int64]:
        """The rows with neighbours enough to argue."""
        if not self.seats:
            return np.arange(len(shown.prompts))
        return np.flatnonzero((shown.raters != NOBODY).sum(axis=1) == len(self.seats))

    def _ended(self, game: Game) -> bool:
        """Whether its verdict is known; one that was broken off may end another time."""
        return game in self._known and not math.isnan(self._known[game].points)

    def _games(self, shown: Shown, rows: NDArray[np.int64]) -> list[Game]:
        """What each row's neighbours play."""
        prompts, answers = shown.prompts[rows], shown.answers[rows]
        better = self.docket.good(prompts, answers)
        author = self.kinds[shown.authors[rows]]
        found = list[Game]()
        for place, row in enumerate(rows.tolist()):
            good, own = bool(better[place]), KINDS[author[place]]
            arguing = [] if self.outside else shown.raters[row].tolist()
            stances: tuple[Stance, ...] = tuple(
                "model" if rater in self._spoken else _stance(KINDS[self.kinds[rater]], good, own)
                for rater in arguing
            )
            found.append(Game(stances, good, int(prompts[place]), int(answers[place])))
        return found

    def _play(self, games: Sequence[Game]) -> None:
        groups: dict[tuple[tuple[Stance, ...], bool, Sides], list[Game]] = {}
        for game in games:
            sides = self.docket.sides(game.prompt, game.answer)
            if sides is None:
                self._known[game] = Verdict(LOWEST, NONE, "it names no candidate")
            else:
                groups.setdefault((game.stances, game.good, sides), []).append(game)
        for (stances, good, sides), alike in groups.items():
            drafts = [(game.prompt, game.answer) for game in alike]
            cases = self.docket.cases(*zip(*drafts, strict=True))
            house = self.docket.house(self._proposing(good), self._cast(stances, sides))
            for game, ended in zip(alike, house.tried(cases), strict=True):
                self._known[game] = self._verdict(ended, sides)

    def _verdict(self, ended: Episode | EpisodeFailed, sides: Sides) -> Verdict:
        if isinstance(ended, EpisodeFailed):
            return Verdict(math.nan, NONE, str(ended))
        assert ended.outcome is not None
        points = LOWEST + (HIGHEST - LOWEST) * ended.outcome.credences[sides.draft]
        transcript = ended.table.transcript
        return Verdict(points, self.docket.against(transcript), script_text(transcript))

    def _proposing(self, good: bool) -> Protocol:
        """The protocol, the draft being what is proposed, if anything is."""
        if "holds" not in self.protocol.defaults:
            return self.protocol
        return self.protocol.bind(holds="honest" if good else "liar")


def _stance(kind: Kind, good: bool, author: Kind) -> Stance:
    """How a kind argues about a draft that is better than the other, or not."""
    match kind:
        case "honest" | "biased":
            return "side"
        case "lazy":
            return "silent"
        case "sycophantic":
            return "draft"
        case "colluding":
            return "draft" if author == "colluding" else "other"
        case "adversarial":
            return "other" if good else "draft"


def institution_of(
    spec: str, world: World, task: Task, kinds: NDArray[np.int8], judge: str | None = None,
    voices: Voices | None = None,
) -> Institution:  # fmt: skip
    """An institution by its spec (see the module).

    Errors: OversightError for a name that is not known, a protocol that does not fit the world, or
    a judge where none decides.
    """
    name, _, rest = spec.partition(":")
    if judge is not None and (name in ("neighbours", "constitution") or (name == "judge" and rest)):
        raise OversightError(f"{spec} needs no judge: leave {judge} out, or name a protocol")
    if name == "neighbours":
        return Neighbours(task, kinds)
    if name == "constitution":
        from oversight.principles.constitution import constitution_of

        return Clerk(task, constitution_of(rest, task))
    protocol = load("protocols", "naive") if name == "judge" else from_spec(spec)
    if protocol is None:
        raise OversightError("who rates? write neighbours, judge, constitution or a protocol")
    decides = rest if name == "judge" and rest else judge
    return Assembly(protocol, world, task, kinds, decides, voices)
