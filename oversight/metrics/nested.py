"""Nested oversight in closed form: a chain of overseers, each overseeing the next one up.

Engels et al. 2025 (arXiv:2504.18530): from a weak overseer of general Elo `start` to a system that
is stronger by `gap`, n equal steps; the system that was overseen at one step oversees at the next.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oversight.metrics.double_relu import DoubleRelu
from oversight.metrics.elo import win_probability
from oversight.metrics.scores import Floats

MOST = 20
"""Steps that a chain is tried with, as in the paper."""


def nested_success(
    gap: ArrayLike, steps: ArrayLike, guard: DoubleRelu, adversary: DoubleRelu, start: float
) -> Floats:
    """How likely every overseer of the chain holds; `gap` and `steps` are broadcast.

    ∏ᵢ 1/(1 + 10^((s_H g_{i+1} + b_H − s_G g_i − b_G)/400)), g_i = start + gap · i/n: each overseer
    is independent of the others, and one that fails fails the chain.

    Args:
        gap: general Elo from the weakest overseer to the system, 0 or more.
        steps: n, whole numbers from 1 on.
        guard, adversary: from general to domain Elo; the lines may be cut.
        start: general Elo of the weakest overseer.

    Errors: a negative gap, fewer steps than one, or a line that is none.
    """
    far, n = np.broadcast_arrays(np.asarray(gap, np.float64), np.asarray(steps))
    if not (np.isfinite(far).all() and (far >= 0).all()):
        raise ValueError(f"a gap must be finite and 0 or more, got {gap}; swap the two players")
    if n.dtype.kind not in "iu" or (n < 1).any():
        raise ValueError(f"steps must be whole numbers from 1 on, got {steps}")
    if not np.isfinite(start):
        raise ValueError(f"start must be a finite Elo, got {start}")
    step = np.arange(n.max(initial=1))  # (N,) behind the broadcast axes
    below = start + far[..., None] * (step / n[..., None])
    above = start + far[..., None] * ((step + 1) / n[..., None])
    held = win_probability(guard.checked()(below), adversary.checked()(above))
    return np.prod(held, axis=-1, where=step < n[..., None])


def best_steps(
    gap: ArrayLike, guard: DoubleRelu, adversary: DoubleRelu, start: float, *, most: int = MOST
) -> NDArray[np.int64]:
    """n* = the number of steps, from 1 to `most`, of the greatest success; the fewest if it ties.

    One for each gap. Errors: those of `nested_success`.
    """
    if most < 1:
        raise ValueError(f"most must be at least 1, got {most}")
    far = np.asarray(gap, np.float64)
    success = nested_success(far[..., None], np.arange(1, most + 1), guard, adversary, start)
    return np.asarray(1 + np.argmax(success, axis=-1))
