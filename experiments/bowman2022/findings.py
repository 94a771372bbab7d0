"""From games and predictions to numbers: cells, claims, the figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from envs.worlds.exams import PUBLISHED
from experiments.bowman2022.games import (
    ARMS,
    ASSISTANT,
    EXPERT,
    JOINT,
    JOINT_VOTE,
    NOVICE,
    VOTE,
    Played,
)
from experiments.bowman2022.prediction import all_or_none
from experiments.bowman2022.published import DERIVED, ROUNDING, SOURCE, TITLES, TOGETHER
from oversight.claims import percent, points
from oversight.metrics.intervals import Interval, mean_interval, paired_difference, pgr_interval
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, cell

FITTED = (NOVICE, VOTE, ASSISTANT, EXPERT)
HOW = "how it was found"


class Known(NamedTuple):
    """A published number, as a share or a ratio, and where it is from."""

    value: float
    source: str


def known(fit: str, what: str) -> Known:
    """The published counterpart of an arm alone, or of a prediction."""
    alone, together = PUBLISHED[fit], TOGETHER[fit]
    novice, expert = alone.novice, alone.expert
    percent = {
        NOVICE: novice,
        VOTE: together.vote,
        ASSISTANT: alone.single,
        EXPERT: expert,
        JOINT: together.joint,
        JOINT_VOTE: together.joint_vote,
    }
    if what == "PGR":
        return Known((together.joint - novice) / (expert - novice), DERIVED)
    return Known(percent[what] / 100, SOURCE)


def middle(values: pd.Series[float]) -> Interval:
    """The median over draws and the middle 95 % of them; n counts draws."""
    low, value, high = np.quantile(values.to_numpy(np.float64), (0.025, 0.5, 0.975))
    return Interval(float(value), float(low), float(high), len(values))


def predictions_of(table: pd.DataFrame) -> dict[str, Interval]:
    """What is predicted, by the name of its arm."""
    return {
        JOINT: middle(table["joint"]),
        JOINT_VOTE: middle(table["vote"]),
        "PGR": middle(table["pgr"]),
    }


def right(played: Played, arm: str) -> NDArray[np.float64]:
    """(items,) whether an arm's first answer was true."""
    return played.frames[arm]["correct"].to_numpy(np.float64)


def cells(played: Played, table: pd.DataFrame) -> Iterator[Cell]:
    """Fitted, predicted and played numbers of one benchmark."""
    fit = played.fit

    def at(arm: str, how: str) -> dict[str, str]:
        return {"benchmark": TITLES[fit], "arm": arm, HOW: how}

    for arm in FITTED:
        yield cell(at(arm, "fitted, played"), "accuracy", mean_interval(right(played, arm)),
                   *known(fit, arm))  # fmt: skip
    for what, found in predictions_of(table).items():
        arm, metric = (JOINT, "PGR") if what == "PGR" else (what, "accuracy")
        yield cell(at(arm, "predicted"), metric, found, *known(fit, what))
    for arm in ARMS:
        if arm not in FITTED:
            found = mean_interval(right(played, arm))
            yield cell(at(arm, "played"), "accuracy", found)
    recovered = pgr_interval(*(right(played, arm) for arm in (NOVICE, JOINT, EXPERT)))
    yield cell(at(JOINT, "played"), "PGR", recovered)
    yield cell(at("kinship of novices", "fitted"), "correlation", middle(table["kinship"]))
    yield from _posthoc(fit)


def _posthoc(fit: str) -> Iterator[Cell]:
    """All-or-none knowledge; the interval is that of the rounding."""
    alone, off = PUBLISHED[fit], ROUNDING / 100
    for words, share in (("single", alone.single), ("best of 20", alone.best_of_20)):
        pair = (alone.novice / 100, share / 100)
        value, low, high = (all_or_none(*(p + by for p in pair)) for by in (0, -off, off))
        setting = {
            "benchmark": TITLES[fit], "arm": f"all-or-none knowledge, {words}",
            HOW: "computed afterwards",
        }  # fmt: skip
        yield cell(setting, "accuracy", Interval(value, low, high, 1))


def claims(played: Played, table: pd.DataFrame) -> Iterator[Claim]:
    """Whether the predictions cover what was found, and the paper's own claims in our games."""
    fit, title = played.fit, TITLES[played.fit]
    for what, found in predictions_of(table).items():
        if what == "PGR":
            continue
        published = known(fit, what).value
        yield Claim(
            f"{title}, {what}: the prediction's interval contains the published accuracy",
            found.low <= published <= found.high,
            f"predicted {percent(found)} %, published {100 * published:.1f} %",
        )
    joint = right(played, JOINT)
    gains = [paired_difference(joint, right(played, arm)) for arm in (NOVICE, ASSISTANT)]
    yield Claim(
        f"{title}: novice with assistant beats both alone, as played",
        all(gain.low > 0 for gain in gains),
        f"gain {points(gains[0])} points over the novice, {points(gains[1])} over the assistant",
    )
    vote = paired_difference(right(played, JOINT_VOTE), joint)
    yield Claim(
        f"{title}: a vote of novices with assistants beats one, as played",
        vote.low > 0,
        f"gain {points(vote)} points",
    )


def drawn(both: Sequence[tuple[Played, pd.DataFrame]]) -> Iterator[Figure]:
    """Fitted, predicted and played accuracies, the published ones below."""
    rows: list[figures.Row] = []
    for played, table in both:
        title, predicted = TITLES[played.fit], predictions_of(table)
        for arm in ARMS:
            fitted = arm in FITTED
            if arm in predicted:
                published = known(played.fit, arm).value
                rows.append(figures.Row(f"{arm}, predicted", predicted[arm], published, title))
            found = mean_interval(right(played, arm))
            published = known(played.fit, arm).value if fitted else None
            name = f"{arm} (fitted)" if fitted else arm
            rows.append(figures.Row(name, found, published, title))
    yield figures.forest(
        "bowman2022",
        "Each party alone is fitted; together they are predicted over the range of what is not "
        "known, and played at the middle of that range.",
        rows,
        references={"chance": 0.25},
    )
