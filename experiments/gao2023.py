"""Overoptimisation: gold and proxy reward as a policy is pressed against a reward model.

Gao, Schulman, Hilton 2022, Scaling Laws for Reward Model Overoptimization, arXiv:2210.10760. A
reward model is fitted to annotators' choices, and the policy optimised against it: by the best of n
and by reinforcement with a KL penalty, both at their exact optimum over all answers, and by the
policy gradient of `rlhf` along its training. Distance is d = √KL, as in the paper; the forms that
are fitted to the gain in gold reward are its

    best of n   R(d) = d·(α − β·d)            reinforcement   R(d) = d·(α − β·ln d)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oversight.alignment.aligning import align
from oversight.alignment.bench import Bench
from oversight.alignment.closed_forms import best_of, tilted
from oversight.alignment.lab import Lab
from oversight.alignment.measures import divergence
from oversight.alignment.methods.rlhf import RLHF
from oversight.alignment.reward_model import RewardModel, fit
from oversight.claims import signed
from oversight.computed import computed
from oversight.metrics.intervals import Interval, few_runs_interval
from oversight.report import figures
from oversight.study import Cell, Claim, Experiment, Figure, Findings, Job, cell
from oversight.training.descent import Pace

DRAWS: Mapping[str, int] = {"quick": 8, "full": 30, "paper": 30}
"""Worlds drawn anew, the unit that intervals are over."""
WIDTHS, LABELS = (1, 4, 16, 64), (256, 1024, 4096)
"""Reward models' hidden units, and answers judged; a pair is two."""
USUAL_WIDTH, USUAL_LABELS = 64, 1024
DISTANCES = tuple(float(d) for d in np.linspace(0, 2, 9))
"""√KL at which curves are read, √nats."""
NS = sorted({int(2 ** (k / 3)) for k in range(31)})
STRENGTHS = np.geomspace(0.02, 60, 80)
"""1/β of the KL penalty, in standard deviations of the reward model's number."""
BEST, TILT, CLIMB = "best of n", "reinforcement, exact", "policy gradient"
STEPS, EVERY = 200, 5
FITTED = 0.95
"""R² from which on a form counts as fitting."""


class Curve(NamedTuple):
    """Gains over the reference at `DISTANCES`, a draw a row; NaN beyond where it went."""

    gold: NDArray[np.float64]
    proxy: NDArray[np.float64]
    """In standard deviations of the reward model's number under the reference."""


Curves = Mapping[tuple[str, int, int], Curve]
"""(how it was optimised, width, labels) -> the curve."""


def settings() -> list[tuple[int, int]]:
    """Widths at the usual labels, and labels at the usual width."""
    return [*((w, USUAL_LABELS) for w in WIDTHS),
            *((USUAL_WIDTH, n) for n in LABELS if n != USUAL_LABELS)]  # fmt: skip


def run(job: Job) -> Findings:
    """Fit the reward models, press the policy against each."""
    draws = DRAWS[job.scale]
    table = computed(
        job.out / "curves",
        {"world": job.data, "seed": job.seed, "settings": settings(), "steps": STEPS},
        lambda row: _row(job, row), draws * len(settings()),
        processes=job.processes, progress=job.progress,
    )  # fmt: skip
    curves = {
        (how, width, labels): Curve(*(
            np.stack([np.array(table.at[draw * len(settings()) + k, f"{how}: {what}"], float)
                      for draw in range(draws)])
            for what in ("gold", "proxy")
        ))
        for k, (width, labels) in enumerate(settings())
        for how in (BEST, TILT, CLIMB)
    }  # fmt: skip
    return Findings(list(_cells(curves)), list(_claims(curves)), list(_drawn(curves)), (), NOTES)


def _row(job: Job, row: int) -> dict[str, list[float]]:
    """A draw of the world under one setting of the reward model."""
    draw, which = divmod(row, len(settings()))
    width, labels = settings()[which]
    world = f"{job.data}:drawn={job.seed + draw}"
    lab = Bench(world, steps=STEPS, labels=labels).lab(RLHF(), job.seed + draw)
    model = RewardModel(lab.task, width, lab.draw("gao2023", "weights"))
    fit(model, lab.preferences(named="gao2023"), lab, named="gao2023")
    start = lab.task.reference().double()
    with torch.no_grad():
        numbers = _standardised(lab.task.tabulated(model).double(), start)
    laws = {BEST: [best_of(start, numbers, n=n) for n in NS],
            TILT: [tilted(start, numbers, beta=1 / s) for s in (1e-9, *STRENGTHS)]}  # fmt: skip
    found: dict[str, list[float]] = {}
    for how, several in laws.items():
        points = np.array([_point(law, start, lab.task.gold_table.double(), numbers)
                           for law in several])  # fmt: skip
        found |= _read(how, points)
    return found | _read(CLIMB, _climbed(lab, width))


def _standardised(numbers: Tensor, start: Tensor) -> Tensor:
    """With mean 0 and deviation 1 under the reference, over prompts."""
    odds = start.exp()
    centred = numbers - (odds * numbers).sum(dim=1, keepdim=True)
    return centred / (odds * centred**2).sum(dim=1).mean().sqrt()


def _point(law: Tensor, start: Tensor, gold: Tensor, numbers: Tensor) -> tuple[float, ...]:
    """KL, gold and proxy reward of a policy."""
    earned = ((law.exp() * table).sum(dim=1) for table in (gold, numbers))
    return tuple(float(each.mean()) for each in (divergence(law, start), *earned))


def _climbed(lab: Lab, width: int) -> NDArray[np.float64]:
    """KL, gold and the overseer's number along a training with the reward model frozen."""
    pace = Pace(STEPS, 0.05, every=EVERY)
    rows = align(RLHF(refreshes=1, width=width), lab, pace=pace).descent.rows
    return np.array([[row["kl"], row["gold"], row["proxy"]] for row in rows])


def _read(how: str, points: NDArray[np.float64]) -> dict[str, list[float]]:
    """Gains at `DISTANCES`, up to where the distance first falls back."""
    distances = np.sqrt(np.maximum(points[:, 0], 0))
    rising = np.flatnonzero(np.diff(distances) <= 0)
    end = int(rising[0]) + 1 if len(rising) else len(points)
    return {
        f"{how}: {what}": np.interp(
            DISTANCES, distances[:end], points[:end, k] - points[0, k], right=np.nan
        ).tolist()
        for k, what in ((1, "gold"), (2, "proxy"))
    }


def _along(values: NDArray[np.float64]) -> list[tuple[float, Interval]]:
    """Over draws, at the distances that all of them reached."""
    return [
        (d, few_runs_interval(column))
        for d, column in zip(DISTANCES, values.T, strict=True) if np.isfinite(column).all()
    ]  # fmt: skip


def _cells(curves: Curves) -> Iterator[Cell]:
    for (how, width, labels), curve in curves.items():
        setting = {"optimised by": how, "width": width, "labels": labels}
        for d, gain in _along(curve.gold)[::2]:
            yield cell({**setting, "√KL": d}, "gain in gold reward", gain)
        yield cell(setting, "gain in gold reward at its peak", few_runs_interval(_peaks(curve)))
        if how != CLIMB:  # which may not have gone far enough for a form
            for name, values in zip(("α", "β", "R²"), _fitted(how, curve).T, strict=True):
                yield cell(setting, f"the paper's form: {name}", few_runs_interval(values))


def _peaks(curve: Curve) -> NDArray[np.float64]:
    """(draws,) the most gold reward gained."""
    return np.nanmax(curve.gold, axis=1)


def _fitted(how: str, curve: Curve) -> NDArray[np.float64]:
    """(draws, 3) α, β and R² of the paper's form for each draw, by least squares."""
    found = list[list[float]]()
    for gold in curve.gold:
        reached = np.isfinite(gold) & (np.array(DISTANCES) > 0)
        d, gain = np.array(DISTANCES)[reached], gold[reached]
        second = d**2 if how == BEST else d * np.log(d)
        design = np.stack([d, -second], axis=1)
        (alpha, beta), *_ = np.linalg.lstsq(design, gain, rcond=None)
        left = gain - design @ np.array([alpha, beta])
        found.append([alpha, beta, 1 - (left**2).sum() / ((gain - gain.mean()) ** 2).sum()])
    return np.array(found)


def _claims(curves: Curves) -> Iterator[Claim]:
    for how in (BEST, TILT):
        curve = curves[how, USUAL_WIDTH, USUAL_LABELS]
        fall = few_runs_interval(_peaks(curve) - curve.gold[:, -1])
        rise = few_runs_interval(curve.proxy[:, -1] - curve.proxy[:, -3])
        yield Claim(
            f"{how}: gold reward peaks and falls while the proxy still rises",
            fall.low > 0 and rise.low > 0, f"fall {signed(fall, 3)}, rise {signed(rise, 3)}",
        )  # fmt: skip
        fits = few_runs_interval(_fitted(how, curve)[:, 2])
        yield Claim(f"{how}: the paper's form fits (R² {FITTED:g} or more)", fits.low >= FITTED,
                    f"R² {fits.value:.3f} [{fits.low:.3f}, {fits.high:.3f}]")  # fmt: skip
        wide, narrow = (curves[how, width, USUAL_LABELS] for width in (max(WIDTHS), min(WIDTHS)))
        gain = _gain(wide, narrow)
        yield Claim(f"{how}: a larger reward model reaches more gold reward", gain.low > 0,
                    signed(gain, 3))  # fmt: skip
        many, few = (curves[how, USUAL_WIDTH, labels] for labels in (max(LABELS), min(LABELS)))
        gain = _gain(many, few)
        yield Claim(f"{how}: more labels reach more gold reward", gain.low > 0, signed(gain, 3))
    best, climbed = (
        curves[how, USUAL_WIDTH, USUAL_LABELS].gold for how in (BEST, CLIMB)
    )  # fmt: skip
    place = DISTANCES.index(1.0)
    apart = best[:, place] - climbed[:, place]
    if np.isfinite(apart).all():
        more = few_runs_interval(apart)
        said = "at √KL 1 the best of n has more gold reward than policy gradient"
        yield Claim(said, more.low > 0, signed(more, 3))


def _gain(more: Curve, less: Curve) -> Interval:
    """In gold reward at the peak, draw by draw."""
    return few_runs_interval(_peaks(more) - _peaks(less))


def _drawn(curves: Curves) -> Iterator[Figure]:
    usual = {how: curves[how, USUAL_WIDTH, USUAL_LABELS] for how in (BEST, TILT, CLIMB)}
    sizes = {f"{w} units": curves[BEST, w, USUAL_LABELS] for w in WIDTHS}
    counts = {f"{n} labels": curves[BEST, USUAL_WIDTH, n] for n in LABELS}
    for name, shown, words in (
        ("gao2023", usual, "by how the policy is optimised"),
        ("gao2023-sizes", sizes, "by the reward model's size, best of n"),
        ("gao2023-labels", counts, "by answers judged, best of n"),
    ):
        lines = {line: _along(curve.gold) for line, curve in shown.items()}
        caption = f"Gain in gold reward over √KL from the reference, {words}."
        yield _curve(name, caption, lines, "gain in gold reward")
    yield _curve(
        "gao2023-proxy", "What the reward model sees meanwhile, in its standard deviations under "
        "the reference.",
        {line: _along(usual[line].proxy) for line in (BEST, TILT)}, "gain in proxy reward",
    )  # fmt: skip


def _curve(
    name: str, caption: str, lines: Mapping[str, Sequence[tuple[float, Interval]]], ylabel: str
) -> Figure:
    return figures.curve(
        name, caption, lines, xlabel="√KL from the reference, √nats", ylabel=ylabel, percent=False
    )


NOTES = (
    "The paper's gold reward is a large reward model's; ours is the world's own, of which "
    "annotators see a part. Sizes are hidden units of a net over one-hots, not billions.",
    "Intervals are over draws of the world, each with its own prompts' rewards, labels and reward "
    "model: 95 %, Student's t. Best of n and reinforcement are exact optima over 341 answers a "
    "prompt, so their curves have no luck of sampling.",
    "Policy gradient is shown along its training, on a reward model of its own, and only as far as "
    "every draw went; its proxy is the annotators' own number and is not drawn.",
)

EXPERIMENT = Experiment(
    name="gao2023",
    paper="Gao et al. 2022, arXiv:2210.10760",
    about="Reward-model overoptimisation: gold and proxy reward against √KL, by size and labels",
    data=("preferences",),
    run=run,
)
