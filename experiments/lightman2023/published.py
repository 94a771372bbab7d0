"""What Lightman et al. 2023 and Uesato et al. 2022 report, on school mathematics."""

from __future__ import annotations

from collections.abc import Mapping

LIGHTMAN = (
    "Lightman et al. 2023, as quoted by secondary sources; best of 1,860 on MATH, not comparable "
    "as such"
)
BEST_OF_1860: Mapping[str, float] = {"process": 0.782, "outcome": 0.724, "majority": 0.696}

UESATO = "Uesato et al. 2022, abstract; GSM8K, not comparable as such; {} before"
FINAL_ANSWER_ERROR = 0.127
FINAL_ANSWER_BEFORE = "16.8 %"
TRACE_ERROR = 0.034
TRACE_BEFORE = "14.0 %"
