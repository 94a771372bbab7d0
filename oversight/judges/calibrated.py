"""A calibrated judge: any judge, with its confidence set right on cases kept apart.

Temperature scaling (Guo et al. 2017, arXiv:1706.04599, section 4.2): credences are raised to 1/T
and normalised, T chosen to minimise the negative log-likelihood on a calibration set. It never
changes which answer comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from oversight.core import OversightError, Turn
from oversight.judges.dials import base_judge
from oversight.players import Agent, Rehearsal
from oversight.registry import Setting
from oversight.spaces import Reply

_TINY = 1e-12  # a credence of 0 still has a finite logarithm
_BOUNDS = (np.log(1e-2), np.log(1e2))


class CalibratedJudge(Agent):
    """A base judge at the temperature that a rehearsal of the run's own game shows to be right."""

    def __init__(self, base: Agent, cases: int = 200, temperature: float | None = None) -> None:
        """`cases` are rehearsed unless a `temperature` is given."""
        self.base = base
        self.cases = cases
        self.temperature = temperature

    @property
    def label(self) -> str:
        """The base's label and what it was calibrated on."""
        return f"calibrated({self.base.label}, cases={self.cases})"

    def prepare(self, rehearse: Rehearsal) -> None:
        """Play `cases` games with the base judge and fit the temperature to them."""
        self.base.prepare(rehearse)
        if self.temperature is None:
            played = [r for r in rehearse(self.base, self.cases) if r.credences is not None]
            if not played:
                raise OversightError(
                    f"every calibration game of {self.base.label} failed; run it alone to see why"
                )
            self.temperature = fit_temperature(
                [r.credences for r in played], [r.truth for r in played]
            )

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """The base judge's credences at the fitted temperature."""
        if self.temperature is None:
            raise OversightError("calibrate first: call prepare, or give a temperature")
        return [
            tuple(at_temperature(_checked(turn, reply), self.temperature).tolist())
            for turn, reply in zip(turns, self.base.act(turns), strict=True)
        ]


def at_temperature(credences: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Credences (…, A) raised to 1/temperature and normalised."""
    logits = np.log(np.maximum(np.asarray(credences, np.float64), _TINY)) / temperature
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def fit_temperature(credences: ArrayLike, truth: ArrayLike) -> float:
    """The temperature in [0.01, 100] of least mean −log p(true): (N, A) credences, (N,) truths."""
    believed, true = np.asarray(credences, np.float64), np.asarray(truth)

    def loss(log_temperature: float) -> float:
        scaled = at_temperature(believed, float(np.exp(log_temperature)))
        return -float(np.log(np.maximum(scaled[np.arange(len(true)), true], _TINY)).mean())

    best: Any = minimize_scalar(loss, bounds=_BOUNDS, method="bounded")
    return float(np.exp(best.x))


def _checked(turn: Turn, reply: Reply) -> NDArray[np.float64]:
    return np.asarray(turn.space.check(reply), np.float64)


def calibrated(setting: Setting, base: str = "", cases: int = 200) -> CalibratedJudge:
    """`calibrated[:BASE]`: the world's own judge, or `base`, calibrated."""
    if cases < 1:
        raise OversightError(f"calibration needs at least one case, got {cases}")
    return CalibratedJudge(base_judge(base, setting), cases)
