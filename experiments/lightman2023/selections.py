"""What is trained, sampled and selected at each scale, and what came out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oversight import keys
from oversight.casting import cast_for
from oversight.computed import computed
from oversight.controls import Arm
from oversight.metrics.scores import Floats
from oversight.players import Agent
from oversight.protocol import Protocol
from oversight.registry import build, load
from oversight.report.transcripts import transcripts_of
from oversight.rollout import rollout
from oversight.runs import Effort, configuration, play_arm, prepare
from oversight.store import Store
from oversight.study import Job, Transcript
from oversight.training.reward_models import Labelling, OutcomeModel, ProcessModel

MODELS = {"process": ProcessModel, "outcome": OutcomeModel}
SEATS = {"process": "step_judge", "outcome": "outcome_judge"}
PLACES: Mapping[str, Mapping[str, str]] = {
    "steps": {
        "models that glance": "steps",
        "models that know kinds of steps only": "steps:reading=kinds",
    },
    "circuits": {"models that glance": "circuits:m=5,expert=0.03,systematic=0.5"},
}
"""Data -> what a reward model sees of a step -> the world."""


class Size(NamedTuple):
    """How much is done at a scale."""

    runs: int
    """Independent trainings of every model."""
    cases: int
    candidates: int
    labels: tuple[int, ...]
    """Label budgets; the last is the one of the headline numbers."""

    @property
    def numbers(self) -> list[int]:
        """1, 2, 4, … candidates."""
        return [2**power for power in range(self.candidates.bit_length())]


SIZES: Mapping[tuple[str, str], Size] = {
    ("steps", "quick"): Size(4, 120, 32, (60, 300)),
    ("steps", "full"): Size(10, 500, 128, (30, 100, 300, 1_000)),
    ("steps", "paper"): Size(20, 500, 512, (30, 100, 300, 1_000)),
    ("circuits", "quick"): Size(3, 80, 16, (69, 276)),
    ("circuits", "full"): Size(8, 300, 64, (46, 92, 276, 920)),
    ("circuits", "paper"): Size(12, 500, 128, (46, 92, 276, 920)),
}
"""Labels on circuits are multiples of a work's 23 steps."""


class Variant(NamedTuple):
    """One way to make a rater."""

    by: str
    labels: int
    labelling: Labelling = "uniform"


class Selection(NamedTuple):
    """What one rule selected, over runs and cases."""

    right: Mapping[int, Floats]
    """Candidates -> (runs, cases) whether the selected answer is right, mean over disjoint sets."""
    sound: NDArray[np.float64]
    """(runs, cases) whether every step of the work selected among all candidates is right."""


Choice: TypeAlias = Callable[["Game", Sequence[str]], int]
"""`(game, solvers) -> the answer` that a rule chooses among some of a game's candidates."""


class Played(NamedTuple):
    """Everything of one world."""

    words: str
    learned: Mapping[Variant, Selection]
    majority: Selection
    """A single run: nothing is trained."""
    looking: Selection
    """A rater who looks at every step with care."""
    first: Selection
    """The first attempt of each case, as it is."""


@dataclass(frozen=True)
class Bench:
    """One world of the experiment, and where its games are kept."""

    job: Job
    words: str
    spec: str
    size: Size

    @cached_property
    def world(self) -> Any:
        """The world."""
        return build("worlds", self.spec)

    @property
    def variants(self) -> list[Variant]:
        """Every learned rater."""
        plain = [Variant(by, labels) for labels in self.size.labels for by in MODELS]
        return [*plain, Variant("process", self.size.labels[-1], "active")]

    def _protocol(self, by: str, candidates: int) -> Protocol:
        return load("protocols", "process_supervision").bind(candidates=candidates, by=by)

    def learned(self) -> Mapping[Variant, Selection]:
        """Every variant, trained and played `runs` times."""
        numbers, runs = self.size.numbers, self.size.runs
        table = computed(
            self.job.out / "games" / f"{self._name}-learned",
            {"world": self.world.name, "settings": dict(self.world.settings),
             "seed": self.job.seed, "size": list(map(str, self.size))},
            self._row,
            runs * len(self.variants),
            processes=self.job.processes,
            progress=self.job.progress,
        )  # fmt: skip
        found: dict[Variant, Selection] = {}
        for place, variant in enumerate(self.variants):
            own = table.iloc[[run * len(self.variants) + place for run in range(runs)]]
            right = {n: np.stack(own[f"right-{n}"].to_list()) for n in numbers}
            found[variant] = Selection(right, np.stack(own["sound"].to_list()))
        return found

    def _row(self, number: int) -> Mapping[str, Any]:
        """One training and its games on the common cases."""
        run, place = divmod(number, len(self.variants))
        variant = self.variants[place]
        model = self._trained(variant, keys.root(self.job.seed, "labels", run) % 2**31)
        protocol = self._protocol(variant.by, self.size.candidates)
        cast = cast_for(protocol, self.world, {SEATS[variant.by]: model}).cast
        records = rollout(protocol, self.world, cast, self.size.cases, seed=self.job.seed)
        held = sorted(records, key=lambda record: record.episode)
        games = [Game(record.sides, record.rewards, record.truth) for record in held]
        right = {
            f"right-{n}": [_best_of(game, n, _by_score) for game in games]
            for n in self.size.numbers
        }
        return {**right, "sound": [record.metrics["sound"] for record in held]}

    def _trained(self, variant: Variant, seed: int) -> Agent:
        """A rater that learned on one work of each of other cases."""
        kinds = MODELS[variant.by]
        model = kinds(self.world, variant.labels, variant.labelling)
        protocol = self._protocol(variant.by, 1)
        cast = cast_for(protocol, self.world, {SEATS[variant.by]: model}).cast
        prepare(protocol, self.world, cast, episodes=1, seed=seed)
        return model

    def _play(self, name: str, by: str, candidates: int) -> pd.DataFrame:
        protocol = self._protocol(by, candidates)
        casting = cast_for(protocol, self.world)
        arm = Arm(f"{self._name}-{name}", protocol, casting.cast)
        held = configuration(arm, self.world, casting.names, self.job.seed)
        return play_arm(
            arm, self.world, self.size.cases, self.job.seed,
            Store(self.job.out / "games" / arm.name, held),
            Effort(processes=self.job.processes), self.job.progress,
        )  # fmt: skip

    def untrained(self, name: str, by: str) -> Selection:
        """A rule that needs no labels: one game a case, and the sets of its candidates."""
        choose = _by_votes if by == "majority" else _by_score
        frame = self._play(name, by, self.size.candidates)
        return _selected(frame, choose, self.size.numbers)

    def first(self) -> Selection:
        """Every case's first attempt."""
        return _selected(self._play("first", "majority", 1), _by_votes, [1])

    def transcripts(self) -> list[Transcript]:
        """A few games with a rater who looks at every step."""
        frame = self._play("shown", "process", 2)
        protocol = self._protocol("process", 2)
        return transcripts_of(protocol, self.world, frame, self.job.seed, 3, self.words)

    @property
    def _name(self) -> str:
        return self.words.replace(" ", "-")


class Game(NamedTuple):
    """What a game's candidates claimed and scored, and what was true."""

    claimed: Mapping[str, int]
    scores: Mapping[str, float]
    truth: int


def _best_of(game: Game, n: int, choose: Choice) -> float:
    """How often the chosen answer is right over the disjoint sets of n of a game's candidates."""
    solvers = list(game.claimed)
    sets = [solvers[at : at + n] for at in range(0, len(solvers) - n + 1, n)]
    return float(np.mean([choose(game, each) == game.truth for each in sets]))


def _by_score(game: Game, solvers: Sequence[str]) -> int:
    """The answer of the first of those whose score is best."""
    return game.claimed[max(solvers, key=game.scores.__getitem__)]


def _by_votes(game: Game, solvers: Sequence[str]) -> int:
    """The answer given most often; of several, the one given first."""
    return Counter(game.claimed[solver] for solver in solvers).most_common(1)[0][0]


def _selected(frame: pd.DataFrame, choose: Choice, numbers: Sequence[int]) -> Selection:
    """A selection of one run from the games of an arm."""
    games = [
        Game(json.loads(sides), json.loads(rewards), int(truth))
        for sides, rewards, truth in zip(
            frame["sides"], frame["rewards"], frame["truth"], strict=True
        )
    ]
    right = {n: np.array([[_best_of(game, n, choose) for game in games]]) for n in numbers}
    sound = [float(json.loads(metrics)["sound"]) for metrics in frame["metrics"]]
    return Selection(right, np.array([sound]))


def play(bench: Bench) -> Played:
    """Everything of one world."""
    return Played(
        bench.words,
        bench.learned(),
        bench.untrained("majority", "majority"),
        bench.untrained("looking", "process"),
        bench.first(),
    )
