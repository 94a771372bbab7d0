"""Elo ratings of guards and adversaries, from contests in which every guard meets adversaries.

A guard of Elo E_G holds against an adversary of Elo E_H with probability
1 / (1 + 10^((E_H − E_G) / 400)) (Engels et al. 2025, arXiv:2504.18530). The ratings are those of
greatest binomial likelihood on the rectangular matrix of contests; a bootstrap gives their errors.

Only differences of Elos are seen in contests, so the level is set by hand: the mean of all ratings
of a domain is shifted to the mean general Elo of those who were rated.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, log_expit

from oversight.metrics.scores import Floats

SCALE = 400 / math.log(10)
"""Elo points to a nat of log-odds."""
MOST_STEPS = 200
LONGEST_STEP = 1.0  # nats: from far away Newton's method would overshoot
HALVINGS = 40  # of a step that overshoots all the same
ROUNDING = 1e-12  # of a likelihood, relative
SETTLED = 1e-7  # nats before the last step, which squares it

Resampling = Literal["parametric", "nonparametric"]


class Ratings(NamedTuple):
    """Elos in one domain: (…, G) of the guards and (…, A) of the adversaries."""

    guards: Floats
    adversaries: Floats


def win_probability(guard: ArrayLike, adversary: ArrayLike) -> Floats:
    """How likely the guard holds, by the two Elos; the two are broadcast.

    >>> round(float(win_probability(1000, 1400)), 6)  # ten to one against: 1 / 11
    0.090909
    """
    lead = np.asarray(guard, np.float64) - np.asarray(adversary, np.float64)
    return np.asarray(expit(lead / SCALE))


def elos(
    wins: ArrayLike, games: ArrayLike, *, mean: float = 0.0, spread: float = math.inf
) -> Ratings:
    """The Elos of greatest likelihood, Σ w ln p + (n − w) ln(1 − p) over all pairs.

    Args:
        wins: (…, G, A) how many contests each guard won against each adversary.
        games: how many they played; broadcast against `wins`, and 0 where they did not meet.
        mean: the mean of all ratings, guards' and adversaries' together.
        spread: standard deviation, in Elo, of a normal prior around that mean. Infinite is pure
            likelihood. A few thousand hardly moves ratings that the contests settle, and keeps
            those finite that nothing holds: of one who won, or lost, every contest.

    Errors: an empty matrix, counts that are none, and without a prior contests that leave the
    ratings open (Ford 1957: unless everybody can be reached from everybody by a chain of wins).
    """
    won, played = _counts(wins, games)
    if not spread > 0:
        raise ValueError(f"spread must be above 0 Elo, got {spread}; math.inf is no prior at all")
    if math.isinf(spread):
        _check_settled(won, played)
    nats = _most_likely(won, played, spread / SCALE)
    rated = SCALE * (nats - nats.mean(axis=-1, keepdims=True)) + mean
    return Ratings(rated[..., : won.shape[-2]], rated[..., won.shape[-2] :])


def bootstrap_elos(
    wins: ArrayLike,
    games: ArrayLike,
    *,
    resamples: int = 1000,
    seed: int = 0,
    kind: Resampling = "parametric",
    mean: float = 0.0,
    spread: float = math.inf,
) -> Ratings:
    """The Elos of resampled contests: (resamples, G) and (resamples, A).

    A pair's wins are drawn anew from a binomial: with the probability that its fitted Elos give
    ("parametric"), or with the share that it won ("nonparametric", the same as drawing its contests
    with replacement). The same seed gives the same resamples. Errors: those of `elos`; a resample
    can leave ratings open where the contests themselves did not.
    """
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, got {resamples}")
    won, played = _counts(wins, games)
    if won.ndim != 2:
        raise ValueError(f"one matrix of contests is resampled at a time, got shape {won.shape}")
    fitted = elos(won, played, spread=spread)
    if kind == "parametric":
        chance = win_probability(fitted.guards[:, None], fitted.adversaries)
    else:
        chance = np.divide(won, played, out=np.zeros_like(won), where=played > 0)
    draws = np.random.default_rng(seed).binomial(
        played.astype(np.int64), chance, (resamples, *won.shape)
    )
    return elos(draws, played, mean=mean, spread=spread)


def _counts(wins: ArrayLike, games: ArrayLike) -> tuple[Floats, Floats]:
    won = np.asarray(wins, np.float64)
    if won.ndim < 2 or 0 in won.shape:
        raise ValueError(f"wins must be (guards, adversaries), each one or more, not {won.shape}")
    played = np.broadcast_to(np.asarray(games, np.float64), won.shape)
    for counts in (won, played):
        if not (np.isfinite(counts).all() and (counts == np.round(counts)).all()):
            raise ValueError("wins and games must be whole numbers; leave failed contests out")
    if (won < 0).any() or (won > played).any():
        raise ValueError("a guard wins between 0 and all of the games of a pair; check the counts")
    return won, played


def _check_settled(won: Floats, played: Floats) -> None:
    """Everybody must be reachable from everybody by a chain of wins, in each matrix."""
    guards, rated = won.shape[-2], won.shape[-2] + won.shape[-1]
    reach = np.zeros((*won.shape[:-2], rated, rated), np.float32)
    reach[..., :guards, guards:] = won > 0
    reach[..., guards:, :guards] = np.swapaxes(played > won, -1, -2)
    reach[..., range(rated), range(rated)] = 1
    for _ in range(math.ceil(math.log2(rated))):  # paths twice as long at each turn
        reach = ((reach @ reach) > 0).astype(np.float32)
    if open_ones := int((reach == 0).any(axis=(-1, -2)).sum()):
        raise ValueError(
            f"{open_ones} matrix of contests leaves ratings open (somebody won or lost every "
            "contest, or two groups never met): play more of them, or give a weak prior, "
            "such as spread=2000"
        )


def _most_likely(won: Floats, played: Floats, spread: float) -> Floats:
    """(…, G + A) ratings in nats around 0, by Newton's method on all matrices at once."""
    rated, ridge = won.shape[-2] + won.shape[-1], spread**-2
    nats = np.zeros((*won.shape[:-2], rated))
    for _ in range(MOST_STEPS):
        step = _newton_step(nats, won, played, ridge)
        far = np.abs(step).max(axis=-1, keepdims=True)
        if far.max() < SETTLED:
            return nats + step
        nats = _forward(nats, step / np.maximum(far / LONGEST_STEP, 1), won, played, ridge)
    raise ValueError(
        f"the ratings did not settle in {MOST_STEPS} steps: give a tighter prior, as spread=500"
    )


def _forward(nats: Floats, step: Floats, won: Floats, played: Floats, ridge: float) -> Floats:
    """The ratings after a step, halved for those matrices that it would make less likely."""
    reached = _likelihood(nats, won, played, ridge)
    for _ in range(HALVINGS):
        worse = _likelihood(nats + step, won, played, ridge) < reached - ROUNDING * np.abs(reached)
        if not worse.any():
            break
        step = np.where(worse[..., None], step / 2, step)
    return nats + step


def _likelihood(nats: Floats, won: Floats, played: Floats, ridge: float) -> Floats:
    """(…) log-likelihood of each matrix, with the prior."""
    lead = _leads(nats, won.shape[-2])
    each = won * log_expit(lead) + (played - won) * log_expit(-lead)
    return np.asarray(each.sum(axis=(-1, -2)) - ridge / 2 * (nats**2).sum(axis=-1))


def _newton_step(nats: Floats, won: Floats, played: Floats, ridge: float) -> Floats:
    """(…, G + A) where the likelihood's second-order expansion is greatest."""
    guards, rated = won.shape[-2], nats.shape[-1]
    p = expit(_leads(nats, guards))
    short, weight = won - played * p, played * p * (1 - p)
    slope = np.concatenate([short.sum(axis=-1), -short.sum(axis=-2)], axis=-1) - ridge * nats
    # The likelihood does not fix the level: 1/rated everywhere pins it to 0 and moves nothing else.
    curvature = np.full((*nats.shape, rated), 1 / rated)
    curvature[..., :guards, guards:] -= weight
    curvature[..., guards:, :guards] -= np.swapaxes(weight, -1, -2)
    own = np.concatenate([weight.sum(axis=-1), weight.sum(axis=-2)], axis=-1)
    curvature[..., range(rated), range(rated)] += own + ridge
    return np.asarray(np.linalg.solve(curvature, slope[..., None])[..., 0], np.float64)


def _leads(nats: Floats, guards: int) -> Floats:
    """(…, G, A) by how much each guard is rated above each adversary."""
    return nats[..., :guards, None] - nats[..., None, guards:]
