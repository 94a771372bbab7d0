"""What games pay, as pure functions of the verdict and the sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oversight.core import Case, Side


def zero_sum(credences: Sequence[float], sides: Mapping[str, Side]) -> dict[str, float]:
    """+1 to the side the judge believes most, −1 shared by the others, 0 to all on a tie.

    The winner-takes-all payoff of Irving et al. 2018 (arXiv:1805.00899, section 2), for two or
    more sides. A side that argues *against* an answer (debate without precommitment) is believed
    when some other answer is the judge's first.
    """
    belief = {seat: _belief(credences, side) for seat, side in sides.items()}
    best = max(belief.values())
    winners = [seat for seat, value in belief.items() if value == best]
    if len(winners) > 1:
        return dict.fromkeys(sides, 0.0)
    share = -1.0 / (len(sides) - 1) if len(sides) > 1 else 0.0
    return {seat: 1.0 if seat == winners[0] else share for seat in sides}


def persuasion(credences: Sequence[float], sides: Mapping[str, Side]) -> dict[str, float]:
    """To each seat its side's own credence: what a consultant is paid (Khan et al. 2024)."""
    return {
        seat: credences[s.answer] if s.supports else 1.0 - credences[s.answer]
        for seat, s in sides.items()
    }


def judge_pay(credences: Sequence[float], case: Case) -> dict[str, float]:
    """The judge's quadratic score, 2·p(true) − Σp², in [−1, 1]: proper, so honesty pays best.

    The papers do not pay the judge; a judge that learns in its seat needs a reward, and this is it.
    """
    truth = case.truth.unseal()
    return {"judge": 2 * credences[truth] - sum([p * p for p in credences])}


def _belief(credences: Sequence[float], side: Side) -> float:
    if side.supports:
        return credences[side.answer]
    return max(value for answer, value in enumerate(credences) if answer != side.answer)
