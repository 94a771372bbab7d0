"""What Engels et al. 2025 report of nested oversight at a gap of 400 Elo, in percent."""

from __future__ import annotations

from collections.abc import Mapping

ABSTRACT = "Engels et al. 2025, abstract"
SUCCESS: Mapping[str, float] = {"mafia": 13.5, "debate": 51.7, "backdoor": 10.0, "wargames": 9.4}
"""The abstract's success rates. The fits behind them were not released."""

RELEASED: Mapping[str, float] = {
    "mafia": 11.062,
    "debate": 51.358,
    "backdoor": 27.570,
    "wargames": 9.798,
}
"""What the fits released with the authors' code give, to three decimals."""
BEST: Mapping[str, int] = {"mafia": 1, "debate": 1, "backdoor": 2, "wargames": 1}
"""The best number of steps under the released fits, of 1 to 20."""
