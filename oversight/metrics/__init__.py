"""What a run is worth: scores an item at a time, and the intervals around their means."""

from oversight.metrics.intervals import (
    CaseMeans,
    Interval,
    by_case,
    mean_interval,
    paired_difference,
    pgr_interval,
    ratio_interval,
)
from oversight.metrics.scores import (
    Calibration,
    Reliability,
    accuracy,
    agent_score_difference,
    brier_score,
    expected_agent_score,
    expected_calibration_error,
    expected_judge_score,
    log_score,
    performance_gap_recovered,
    side_probabilities,
)

__all__ = [
    "Calibration",
    "CaseMeans",
    "Interval",
    "Reliability",
    "accuracy",
    "agent_score_difference",
    "brier_score",
    "by_case",
    "expected_agent_score",
    "expected_calibration_error",
    "expected_judge_score",
    "log_score",
    "mean_interval",
    "paired_difference",
    "performance_gap_recovered",
    "pgr_interval",
    "ratio_interval",
    "side_probabilities",
]
