"""Debaters and consultants trained by self-play: does skill help the judge, or only the speaker?

Arnesen et al. 2024, Training Language Models to Win Debates with Self-Play Improves Judge Accuracy,
arXiv:2409.16636. One small net plays every arguing seat and is paid the judge's credence in its
side; it learns by policy gradient, or by DPO on the judge's own preferences. The judge is frozen.
At every checkpoint the judge's accuracy is measured on cases apart from the training's, and the
net's skill: how often it wins against the net as it began (debate), or how far it is believed
(consultancy). Both ways of learning play as many games a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.learning import practice, tested, trained
from oversight.alignment.self_play import Recipe, SelfPlay
from oversight.bench import Bench
from oversight.metrics.intervals import Interval, mean_interval, paired_difference
from oversight.players import Agent, Cast
from oversight.pool import fork_map
from oversight.record import Record
from oversight.registry import build, load
from oversight.report import figures
from oversight.study import Cell, Claim, Experiment, Findings, Job, cell
from oversight.training.descent import Pace
from oversight.world import World

SOURCE = "Arnesen et al. 2024, arXiv:2409.16636, quoted by a secondary source"
GAIN = 0.04
"""By how much trained debaters raised the judge's accuracy, as published."""
TESTS = 400
"""Games that each checkpoint is measured on."""
WINS = 0.5
RATE = 3e-3
LEARNERS = {"policy gradient": False, "preferences": True}


class Size(NamedTuple):
    """How long a training is."""

    steps: int
    cases: int
    checkpoints: int


SIZES: Mapping[tuple[str, str], Size] = {
    ("digits", "quick"): Size(240, 32, 4),
    ("circuits", "quick"): Size(60, 32, 4),
    ("digits", "full"): Size(2000, 64, 8),
    ("circuits", "full"): Size(400, 64, 8),
    ("digits", "paper"): Size(8000, 64, 8),
    ("circuits", "paper"): Size(1500, 64, 8),
}
"""World and scale -> the training's."""
GAMES: Mapping[str, Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "digits": {
        "debate": ("debate", {"rounds": 2}),
        "consultancy": ("consultancy", {"rounds": 4}),
    },
    "circuits": {
        "debate": ("debate", {"rounds": 4}),
        "consultancy": ("consultancy", {"rounds": 4}),
    },
}
"""World -> game -> the protocol, at one judge budget a world."""


class Arm(NamedTuple):
    """One training: which game, and how it learns."""

    game: str
    learner: str

    @property
    def name(self) -> str:
        """Such as "debate, preferences"."""
        return f"{self.game}, {self.learner}"


class Point(NamedTuple):
    """A checkpoint: per case, whether the judge was right, and the learner's skill."""

    step: int
    right: NDArray[np.float64]
    won: NDArray[np.float64]


def run(job: Job) -> Findings:
    """Train every arm, then measure each of its checkpoints."""
    arms = [Arm(game, learner) for game in GAMES[job.data] for learner in LEARNERS]
    done = dict(fork_map(lambda arm: (arm, _trained(job, arm)), arms, job.processes))
    points = {arm: done[arm] for arm in arms}
    cells = [made for arm in arms for made in _cells(arm, points[arm])]
    return Findings(cells, list(_claims(points)), list(_drawn(points, job.data)), (), NOTES)


def _trained(job: Job, arm: Arm) -> list[Point]:
    size = SIZES[job.data, job.scale]
    world = build("worlds", job.data)
    name, parameters = GAMES[job.data][arm.game]
    protocol = load("protocols", name).bind(**parameters)
    cast = Bench(world, 4, TESTS, job.seed).cast(protocol)
    recipe = Recipe(cases=size.cases, seed=job.seed)
    if LEARNERS[arm.learner]:
        pairs = recipe.cases * recipe.games // 2
        recipe = replace(recipe, preferences=True, cases=pairs, passes=1)
    training = SelfPlay(protocol, practice(build("worlds", job.data), world), recipe, cast)
    began = training.player()

    def measure(step: int) -> dict[str, Any]:
        player = training.player()
        played = _test(training, world, training.seated(player))
        right = [record.correct for record in played]
        return {"right": right, "won": _skill(training, world, player, began, played).tolist()}

    pace = Pace(size.steps, RATE, every=max(1, size.steps // size.checkpoints))
    rows = trained(job, arm.name, training, pace, measure)
    return [Point(int(r["step"]), np.array(r["right"]), np.array(r["won"])) for r in rows]


def _test(training: SelfPlay, world: World, cast: Cast) -> list[Record]:
    return tested(training.protocol, world, cast, TESTS, training.recipe.seed)


def _skill(
    training: SelfPlay, world: World, player: Agent, began: Agent, played: Sequence[Record]
) -> NDArray[np.float64]:
    """Per case, the games won against itself as it began, from each seat in turn.

    Of a consultant, how far it is believed where it `played`.
    """
    if len(training.seats) == 1:
        seat = training.seats[0]
        return np.array([r.credences[r.sides[seat]] for r in played if r.credences is not None])
    shares = [
        [(1 + record.rewards[seat]) / 2
         for record in _test(training, world, {**training.seated(began), seat: player})]
        for seat in training.seats
    ]  # fmt: skip
    return np.mean(shares, axis=0)


def _cells(arm: Arm, points: Sequence[Point]) -> Iterator[Cell]:
    for point in points:
        setting = {"game": arm.game, "learns by": arm.learner, "step": point.step}
        yield cell(setting, "judge's accuracy", mean_interval(point.right))
        yield cell(setting, "skill", mean_interval(point.won))
    change = paired_difference(points[-1].right, points[0].right)
    published = (GAIN, SOURCE) if arm.game == "debate" else (None, None)
    whole = {"game": arm.game, "learns by": arm.learner, "step": points[-1].step}
    yield cell(whole, "change of the judge's accuracy by training", change, *published)


def _claims(points: Mapping[Arm, Sequence[Point]]) -> Iterator[Claim]:
    for arm, held in points.items():
        skill = mean_interval(held[-1].won) if arm.game == "debate" else paired_difference(
            held[-1].won, held[0].won
        )  # fmt: skip
        least = WINS if arm.game == "debate" else 0.0
        change = paired_difference(held[-1].right, held[0].right)
        yield Claim(f"{arm.name}: training raises its skill", skill.low > least, _told(skill))
        if arm.game == "debate":
            yield Claim(f"{arm.name}: the judge gets better", change.low > 0, _points(change))
        else:
            yield Claim(f"{arm.name}: the judge gets no better", change.low <= 0, _points(change))


def _drawn(points: Mapping[Arm, Sequence[Point]], world: str) -> Iterator[Any]:
    for name, which, told in (
        ("accuracy", 1, "judge's accuracy"), ("skill", 2, "skill"),
    ):  # fmt: skip
        lines = {
            arm.name: [(point.step, mean_interval(point[which])) for point in held]
            for arm, held in points.items()
        }
        caption = f"On {world}, by steps of training: the {told}."
        yield figures.curve(f"arnesen2024-{name}", caption, lines, xlabel="steps", ylabel=told)


def _points(found: Interval) -> str:
    value, low, high, _ = found
    return f"{100 * value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}] points"


def _told(found: Interval) -> str:
    value, low, high, _ = found
    return f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}] %"


NOTES = (
    "The paper trains language models on QuALITY by DPO; here a small net learns which pixel to "
    "show, or on circuits which flaw to plant and which steps to bring up.",
    "The skill of debaters is how often they win against the net as it began, from both seats, "
    "ties counting half; that of consultants is the judge's credence in their side.",
    "On digits players learn on the half of the images that the judge was trained on, and are "
    "tested on the other.",
    "Intervals are over cases, of one training a seed.",
)

EXPERIMENT = Experiment(
    name="arnesen2024",
    paper="Arnesen et al. 2024, arXiv:2409.16636",
    about="Debaters and consultants trained by self-play: judge accuracy against their skill",
    data=("circuits", "digits"),
    run=run,
)
