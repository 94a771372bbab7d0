"""Best-of-n: of n proposals for the same question the one is kept that the judge believes most."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.kenton2026.games import (
    ALONE,
    CRITIC,
    GAMES,
    JUDGE,
    RECOVERED,
    SOURCE,
    Game,
    proposer,
)
from oversight.bench import Bench
from oversight.metrics.intervals import Interval, mean_interval, paired_difference, pgr_interval
from oversight.registry import build
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, Job, cell

SIZES: Mapping[str, tuple[int, int]] = {"quick": (500, 16), "full": (1000, 64), "paper": (4000, 64)}
"""Cases, and the largest n."""


class Candidates(NamedTuple):
    """Every proposal for every case."""

    score: NDArray[np.float64]
    """(cases, n) the judge's credence in the proposal."""
    right: NDArray[np.float64]
    """(cases, n) whether the proposal is true."""

    def best_of(self, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The score and the truth of the best of the first n proposals of every case."""
        kept = self.score[:, :n].argmax(axis=1)[:, None]
        score, right = (np.take_along_axis(held, kept, 1)[:, 0] for held in self)
        return score, right


class Drawn(NamedTuple):
    """Best-of-n in every arm."""

    arms: Mapping[str, Candidates]
    ceiling: NDArray[np.float64]
    """(cases,) whether an expert who is believed outright is right."""
    most: int


def draw(job: Job) -> Drawn:
    """Draw the proposals of every arm."""
    cases, most = SIZES[job.scale]
    bench = Bench.of(job, "proposals", build("worlds", "circuits"), cases, judge=JUDGE)
    arms = {name: _candidates(bench, name.replace(" ", "-"), game, most)
            for name, game in GAMES.items()}  # fmt: skip
    ceiling = bench.run("expert", "expert")["correct"].to_numpy(np.float64)
    return Drawn(arms, ceiling, most)


def _candidates(bench: Bench, label: str, game: Game, n: int) -> Candidates:
    scores: list[NDArray[np.float64]] = []
    rights: list[NDArray[np.float64]] = []
    protocol = game.bound()
    for number in range(n):
        cast = bench.cast(protocol, {game.seat: proposer(number)})
        frame = bench.play(f"{label}-{number}", protocol, cast)
        proposed = _proposed(frame["replies"].tolist())
        credences = np.array(frame["credences"].tolist(), np.float64)
        scores.append(credences[np.arange(len(proposed)), proposed])
        rights.append((proposed == frame["truth"].to_numpy()).astype(np.float64))
    return Candidates(np.stack(scores, axis=1), np.stack(rights, axis=1))


def _proposed(replies: list[str]) -> NDArray[np.int64]:
    """The proposer's claim is the first reply of every game."""
    return np.array([json.loads(given)[0] for given in replies], np.int64)


def cells(drawn: Drawn) -> Iterator[Cell]:
    """Both rewards by n, and what the critic recovers at the largest."""
    for name, candidates in drawn.arms.items():
        for n in _ns(drawn.most):
            score, right = map(mean_interval, candidates.best_of(n))
            yield cell({"arm": name, "n": n}, "the judge's credence in it", score)
            yield cell({"arm": name, "n": n}, "accuracy", right)
    alone = drawn.arms[ALONE].best_of(drawn.most)[1]
    for name in [name for name in drawn.arms if name != ALONE]:
        helped = drawn.arms[name].best_of(drawn.most)[1]
        if alone.mean() != drawn.ceiling.mean():
            found = pgr_interval(alone, helped, drawn.ceiling)
            published = (RECOVERED, SOURCE) if name == CRITIC else (None, None)
            setting = {"arm": name, "n": drawn.most}
            yield cell(setting, "share of the gap to the expert recovered", found, *published)


def claims(drawn: Drawn) -> Iterator[Claim]:
    """The paper's, under this optimiser."""
    most = drawn.most
    for name, candidates in drawn.arms.items():
        (score_1, right_1), (score_n, right_n) = candidates.best_of(1), candidates.best_of(most)
        rise, change = paired_difference(score_n, score_1), paired_difference(right_n, right_1)
        yield Claim(f"{name}: the judge's credence rises with n", rise.low > 0, _shown(rise, most))
        if name == ALONE:
            yield Claim(f"{name}: accuracy falls with n", change.high < 0, _shown(change, most))
        else:
            yield Claim(f"{name}: accuracy holds", change.high >= 0, _shown(change, most))
    alone, critic = (drawn.arms[name].best_of(most)[1] for name in (ALONE, CRITIC))
    gain = paired_difference(critic, alone)
    yield Claim("at the largest n a critic raises accuracy", gain.low > 0, _shown(gain, most))


def figure(drawn: Drawn) -> Figure:
    """Credence and accuracy by n."""
    lines: dict[str, list[tuple[float, Interval]]] = {}
    for name, candidates in drawn.arms.items():
        for n in _ns(drawn.most):
            score, right = map(mean_interval, candidates.best_of(n))
            lines.setdefault(f"{name}: accuracy", []).append((n, right))
            lines.setdefault(f"{name}: credence", []).append((n, score))
    return figures.curve(
        "kenton2026-best-of-n", "Best of n proposals by the judge's own credence: how far it "
        "believes the one that is kept, and how often that one is true.", lines, xlabel="n",
        ylabel="share", log_x=True,
    )  # fmt: skip


def _ns(most: int) -> list[int]:
    return [2**power for power in range(most.bit_length()) if 2**power <= most]


def _shown(found: Interval, most: int) -> str:
    value, low, high, _ = found
    return f"{100 * value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}] points, n = {most}"
