"""What Bowman et al. 2022 report of parties together, in percent; alone is in the world `exams`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

SOURCE = "Bowman et al. 2022, arXiv:2211.03540"
DERIVED = "computed from the accuracies of Bowman et al. 2022"
TITLES = {"mmlu": "MMLU", "quality": "QuALITY"}
ROUNDING = 0.05  # points: half of the last digit printed


class Together(NamedTuple):
    """Votes are majorities of several people."""

    joint: float
    """Human with model."""
    joint_vote: float
    vote: float
    """Humans alone."""


TOGETHER: Mapping[str, Together] = {
    "mmlu": Together(75.4, 78.0, 66.0),
    "quality": Together(76.8, 86.0, 50.0),
}
