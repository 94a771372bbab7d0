"""Credences shared among the answers that are claimed: precommitment (Irving et al. 2018)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oversight.core import View
from oversight.reveal import claimed


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Credences from logits, along the last axis."""
    odds = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def among_claims(credences: NDArray[np.float64], view: View) -> tuple[float, ...]:
    """The credences, shared among the claimed answers where two or more are claimed."""
    answers = claimed(view)
    if len(answers) < 2:
        return tuple(credences.tolist())
    kept = np.zeros_like(credences)
    kept[answers] = credences[answers]
    total = kept.sum()
    kept[answers] = kept[answers] / total if total > 0 else 1 / len(answers)
    return tuple(kept.tolist())
