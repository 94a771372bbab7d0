"""Stable Alignment: a society's interactions, and a policy trained on them.

Liu et al. 2023, arXiv:2305.16960. Societies of three demographics and three capabilities live fifty
rounds; their alignment and engagement are drawn against each other. What was said in them trains a
small transformer by the contrastive loss, on all three types of data and on fewer; without
back-scatter, without realignment data, by plain fine-tuning and by RLHF on the same data. Then the
trained policy goes back into the society, generation after generation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from oversight.alignment.aligning import Aligned, align
from oversight.alignment.annotators import Annotators
from oversight.alignment.lab import Lab
from oversight.alignment.luck import luck
from oversight.alignment.method import Method
from oversight.alignment.policies.naming import reference_for
from oversight.claims import signed
from oversight.computed import computed
from oversight.metrics.intervals import Interval, certain, few_runs_interval
from oversight.report import figures
from oversight.society.conversing import COMMENT, REVISE, Conversing
from oversight.society.data import MIX, Type, examples
from oversight.society.keeping import Life, lived, memory_frame
from oversight.society.settings import Settings
from oversight.society.society import Society
from oversight.society.training import (
    Lessons,
    Plain,
    Rewarded,
    Stable,
    answers_told,
    lessons_of,
    some,
    stands,
)
from oversight.study import Cell, Claim, Experiment, Figure, Findings, Job, cell
from oversight.threads import one_thread
from oversight.training.descent import Pace

DEMOGRAPHICS: Mapping[str, str] = {
    "all good": "", "half and half": "adversarial=0.5", "all bad": "adversarial=1",
}  # fmt: skip
"""The authors' initial settings; bad members are adversarial."""
CAPABILITY: Mapping[str, float] = {"weak": 0.5, "usual": 1.0, "strong": 2.0}
"""Nats that a unit of what is wanted is worth to a member: how well it gets what it wants."""
HALF = "half and half"


class Size(NamedTuple):
    """How much is lived and trained."""

    seeds: int
    rounds: int
    steps: int
    generations: int


SIZES: Mapping[str, Size] = {
    "quick": Size(3, 50, 60, 3), "full": Size(10, 50, 400, 5), "paper": Size(10, 50, 2000, 5),
}  # fmt: skip
SHARES = (0.02, 0.1, 0.5)
"""Of the examples, for data efficiency; all of them is the arm "all three"."""
LITTLE = 0.1
"""Gold units of alignment that less data may lose."""
BATCH, RATE = 32, 2e-3
ENDS = 5
"""Rounds that beginnings and ends are means of."""


class Arm(NamedTuple):
    """A training: on whose data, of which types, by what."""

    mix: Mapping[Type, float]
    scatter: bool = True
    share: float = 1.0
    how: str = "stable"


ARMS: Mapping[str, Arm] = {
    "all three": Arm(MIX),
    "no back-scatter": Arm(MIX, scatter=False),
    "no realignment": Arm({**MIX, "realignment": 0}),
    "imitation alone": Arm({"imitation": 1}),
    "self-critic alone": Arm({"self_critic": 1}),
    "realignment alone": Arm({"realignment": 1}),
    "plain fine-tuning": Arm({"imitation": 1}, how="plain"),
    "RLHF": Arm({"imitation": 1}, how="rlhf"),
    **{f"{share:.0%} of the data": Arm(MIX, share=share) for share in SHARES},
}


def run(job: Job) -> Findings:
    """Live, train, and go back."""
    size = SIZES[job.scale]
    societies = _societies(job, size)
    trained = _trained(job, size)
    born = _generations(job, size)
    return Findings(
        [*_society_cells(societies), *_training_cells(trained), *_generation_cells(born)],
        [*_society_claims(societies), *_training_claims(trained), *_generation_claims(born)],
        [*_society_figures(societies), *_training_figures(trained, born)], (), NOTES,
    )  # fmt: skip


# Societies


Lives = Mapping[tuple[str, str], pd.DataFrame]
"""(demographics, capability) -> a row a seed: the course of each metric."""
METRICS = ("alignment", "engagement", "alignment_after", "engagement_after", "seen_alignment",
           "seen_engagement", "seen_alignment_after", "seen_engagement_after")  # fmt: skip


def _society(kinds: str, skill: float, seed: int, rounds: int) -> dict[str, Any]:
    """The metrics of a society over everybody, whatever they mean."""
    life = lived(Settings(kinds=kinds, skill=skill, seed=seed), rounds)
    drafts = np.stack([one.truth[:, 0].mean(axis=0) for one in life.said], axis=1)
    after = np.stack([one.truth[:, 2].mean(axis=0) for one in life.said], axis=1)
    seen = np.stack([one.seen.mean(axis=0).ravel() for one in life.said], axis=1)
    return dict(zip(METRICS, [*drafts.tolist(), *after.tolist(), *seen.tolist()], strict=True))


def _societies(job: Job, size: Size) -> Lives:
    every = [(kinds, skill, seed) for kinds in DEMOGRAPHICS for skill in CAPABILITY
             for seed in range(size.seeds)]  # fmt: skip

    def row(number: int) -> dict[str, Any]:
        kinds, skill, seed = every[number]
        found = _society(DEMOGRAPHICS[kinds], CAPABILITY[skill], job.seed + seed, size.rounds)
        return {"kinds": kinds, "skill": skill, **found}

    table = computed(
        job.out / "societies", {"rounds": size.rounds, "seeds": size.seeds, "seed": job.seed},
        row, len(every), processes=job.processes, progress=job.progress,
    )  # fmt: skip
    return {(str(key[0]), str(key[1])): rows for key, rows in table.groupby(["kinds", "skill"])}


def _courses(rows: pd.DataFrame, metric: str) -> np.ndarray[Any, Any]:
    """(seeds, rounds)"""
    return np.stack([np.asarray(course, float) for course in rows[metric]])


def _rise(rows: pd.DataFrame, metric: str) -> Interval:
    """From the first rounds to the last."""
    found = _courses(rows, metric)
    return few_runs_interval(found[:, -ENDS:].mean(axis=1) - found[:, :ENDS].mean(axis=1))


def _end(rows: pd.DataFrame, metric: str) -> Interval:
    return few_runs_interval(_courses(rows, metric)[:, -ENDS:].mean(axis=1))


def _society_cells(lives: Lives) -> Iterator[Cell]:
    for (kinds, skill), rows in lives.items():
        setting = {"society": kinds, "capability": skill}
        for metric in ("alignment", "engagement", "seen_alignment", "seen_engagement"):
            told = metric.replace("_", " ")
            yield cell(setting, f"{told} of drafts at the end", _end(rows, metric))
            yield cell(setting, f"{told}: its rise", _rise(rows, metric))


def _society_claims(lives: Lives) -> Iterator[Claim]:
    for kinds in DEMOGRAPHICS:
        rows = lives[kinds, "usual"]
        for metric, told in (("seen_alignment", "as observers see it"), ("alignment", "in truth")):
            rise = _rise(rows, metric)
            yield Claim(f"{kinds}: alignment rises over the rounds, {told}", rise.low > 0,
                        signed(rise, 3))  # fmt: skip
        mended = few_runs_interval(
            (_courses(rows, "alignment_after") - _courses(rows, "alignment")).mean(axis=1)
        )
        yield Claim(f"{kinds}: revisions are more aligned than drafts", mended.low > 0,
                    signed(mended, 3))  # fmt: skip
    for metric in ("alignment", "engagement"):
        ends = [_courses(lives["all good", skill], metric)[:, -ENDS:].mean(axis=1)
                for skill in ("strong", "weak")]  # fmt: skip
        gain = few_runs_interval(ends[0] - ends[1])
        yield Claim(f"all good: strong members end with more {metric} than weak ones",
                    gain.low > 0, signed(gain, 3))  # fmt: skip


def _society_figures(lives: Lives) -> Iterator[Figure]:
    for prefix, told in (("", "in truth, gold units"), ("seen_", "as observers rate them, 1 to 7")):
        shown = {}
        for kinds in DEMOGRAPHICS:
            shown[kinds] = {skill: _path(lives[kinds, skill], prefix) for skill in CAPABILITY}
        yield figures.panels(
            f"liu2023-pareto{'-seen' if prefix else ''}",
            f"Alignment against engagement of drafts along the rounds, {told}: by society, a panel "
            "each, and by members' capability. Each line is a mean over seeds of five rounds at a "
            "time; the marker is where it ends.",
            shown, xlabel="engagement", ylabel="alignment", paths=True,
        )  # fmt: skip


def _path(rows: pd.DataFrame, prefix: str) -> list[tuple[float, Interval]]:
    across, up = (_courses(rows, f"{prefix}{name}") for name in ("engagement", "alignment"))
    found = list[tuple[float, Interval]]()
    for start in range(0, across.shape[1], 5):
        part = slice(start, start + 5)
        height = few_runs_interval(up[:, part].mean(axis=1))
        found.append((float(across[:, part].mean()), height))
    return found


# Trainings


@cache
def _talk() -> Conversing:
    return Conversing(Society(Settings(members=1, graph="complete", prior=0)).task)


@lru_cache(maxsize=2)
def _heard(settings: Settings, rounds: int) -> Lessons:
    """What a society says, as lessons; arms of a seed differ in what they make of it."""
    return _lessons(lived(settings, rounds))


def _lessons(life: Life) -> Lessons:
    return lessons_of(examples(memory_frame(life.society, life.said)), _talk())


def _taught(lessons: Lessons, arm: Arm) -> Method:
    match arm.how:
        case "plain":
            return Plain(lessons)
        case "rlhf":
            return Rewarded(lessons=lessons)
        case _:
            return Stable(lessons, arm.mix)


def _lab(talk: Conversing, steps: int, seed: int) -> Lab:
    reference = reference_for(talk, "small", (COMMENT, REVISE))
    return Lab(talk, Annotators(talk), reference, steps, BATCH, seed=seed)


def _aligned(method: Method, lab: Lab) -> Aligned:
    """Measured before the first step and after the last."""
    pace = Pace(lab.steps, RATE, every=lab.steps)
    talk = _talk()
    return align(method, lab, pace=pace, measure=lambda policy: stands(policy, talk)._asdict())


def _trained(job: Job, size: Size) -> pd.DataFrame:
    talk = _talk()
    reference_for(talk, "small", (COMMENT, REVISE))  # made once, before processes part
    every = [(name, seed) for seed in range(size.seeds) for name in ARMS]

    @one_thread()
    def row(number: int) -> dict[str, Any]:
        name, seed = every[number]
        arm = ARMS[name]
        settings = Settings(kinds=DEMOGRAPHICS[HALF], scatter=arm.scatter, seed=job.seed + seed)
        lessons = some(_heard(settings, size.rounds), arm.share, luck(seed, "share"))
        lab = _lab(talk, size.steps, job.seed + seed)
        before, after = _aligned(_taught(lessons, arm), lab).descent.rows
        held = sum(len(part.contexts) for part in lessons.values())
        return {"arm": name, "seed": seed, "alignment": after["alignment"], "examples": held,
                "engagement": after["engagement"], "before": before["alignment"],
                "engaged_before": before["engagement"]}  # fmt: skip

    return computed(
        job.out / "trainings", {"size": size._asdict(), "seed": job.seed, "arms": list(ARMS)},
        row, len(every), processes=job.processes, progress=job.progress,
    )  # fmt: skip


def _of(trained: pd.DataFrame, arm: str, column: str = "alignment") -> Any:
    """(seeds,)"""
    return trained[trained["arm"] == arm].sort_values("seed")[column].to_numpy()


def _gold(trained: pd.DataFrame, arm: str) -> Any:
    return _of(trained, arm) + _of(trained, arm, "engagement")


def _training_cells(trained: pd.DataFrame) -> Iterator[Cell]:
    first = trained.iloc[0]
    before = {"trained on": "nothing"}
    yield cell(before, "alignment, gold units", certain(float(first["before"])))
    yield cell(before, "engagement, gold units", certain(float(first["engaged_before"])))
    for arm in ARMS:
        setting = {"trained on": arm}
        yield cell(setting, "alignment, gold units", few_runs_interval(_of(trained, arm)))
        engaged = few_runs_interval(_of(trained, arm, "engagement"))
        yield cell(setting, "engagement, gold units", engaged)
        yield cell(setting, "examples", few_runs_interval(_of(trained, arm, "examples")))


def _training_claims(trained: pd.DataFrame) -> Iterator[Claim]:
    rise = few_runs_interval(_of(trained, "all three") - _of(trained, "all three", "before"))
    yield Claim("Stable Alignment raises alignment", rise.low > 0, signed(rise, 3))
    for other in ("no back-scatter", "no realignment", "plain fine-tuning", "RLHF"):
        gain = few_runs_interval(_of(trained, "all three") - _of(trained, other))
        yield Claim(f"all three types align more than {other}", gain.low > 0, signed(gain, 3))
    both = few_runs_interval(_gold(trained, "all three") - _gold(trained, "RLHF"))
    yield Claim("all three types give more gold reward (alignment and engagement) than RLHF",
                both.low > 0, signed(both, 3))  # fmt: skip
    for share in SHARES:
        lost = few_runs_interval(
            _of(trained, f"{share:.0%} of the data") - _of(trained, "all three")
        )
        yield Claim(
            f"{share:.0%} of the data loses no more than {LITTLE:g}",
            lost.low > -LITTLE,
                    signed(lost, 3))  # fmt: skip


# Generations


def _generations(job: Job, size: Size) -> pd.DataFrame:
    """Live, train on what was said, give the trained policy to all, and again."""
    talk = _talk()
    reference_for(talk, "small", (COMMENT, REVISE))

    @one_thread()
    def row(seed: int) -> dict[str, Any]:
        settings = Settings(kinds=DEMOGRAPHICS[HALF], seed=job.seed + seed)
        lab, shared = _lab(talk, size.steps, job.seed + seed), None
        found = [stands(lab.reference, talk)]
        for generation in range(size.generations):
            born = replace(settings, seed=settings.seed + 1000 * generation)
            life = lived(born, size.rounds, shared=shared)
            policy = _aligned(Stable(_lessons(life)), lab).policy
            lab = replace(lab, reference=policy.frozen())
            shared = answers_told(policy, talk)
            found.append(stands(policy, talk))
        return {"alignment": [one.alignment for one in found],
                "engagement": [one.engagement for one in found]}  # fmt: skip

    return computed(
        job.out / "generations", {"size": size._asdict(), "seed": job.seed}, row, size.seeds,
        processes=job.processes, progress=job.progress,
    )  # fmt: skip


def _born(born: pd.DataFrame, metric: str) -> list[Interval]:
    """By generation, the reference first."""
    return [few_runs_interval(column) for column in _courses(born, metric).T]


def _generation_cells(born: pd.DataFrame) -> Iterator[Cell]:
    for metric in ("alignment", "engagement"):
        for generation, found in enumerate(_born(born, metric)):
            yield cell({"generation": generation}, f"{metric}, gold units", found)


def _generation_claims(born: pd.DataFrame) -> Iterator[Claim]:
    found = _courses(born, "alignment")
    rise = few_runs_interval(found[:, -1] - found[:, 1])
    yield Claim("policies that go back into the society go on aligning after the first generation",
                rise.low > 0, signed(rise, 3))  # fmt: skip


def _training_figures(trained: pd.DataFrame, born: pd.DataFrame) -> Iterator[Figure]:
    before = {"before any training": float(trained.iloc[0]["before"])}
    rows: Sequence[figures.Row] = [
        figures.Row(arm, few_runs_interval(_of(trained, arm))) for arm in ARMS
    ]
    yield figures.forest(
        "liu2023-arms", "True alignment of the trained policy, by what it was trained on and how.",
        rows, xlabel="alignment, gold units", references=before, percent=False,
    )  # fmt: skip
    engaged = {"before any training": float(trained.iloc[0]["engaged_before"])}
    rows = [figures.Row(arm, few_runs_interval(_of(trained, arm, "engagement"))) for arm in ARMS]
    yield figures.forest(
        "liu2023-engagement", "Its engagement.", rows, xlabel="engagement, gold units",
        references=engaged, percent=False,
    )  # fmt: skip
    yield figures.curve(
        "liu2023-generations", "The policy's alignment and engagement, generation by generation; "
        "at 0 the reference.",
        {metric: list(enumerate(_born(born, metric))) for metric in ("alignment", "engagement")},
        xlabel="generation", ylabel="gold units", percent=False,
    )  # fmt: skip


NOTES = (
    "The paper's members are language models and its questions those of HH-RLHF; here they are "
    "learned small policies on the world preferences, where what is true is known. Its benchmark "
    "table is not set beside ours: nothing in it is commensurable.",
    "Observers rate what they see, which honesty is not; ratings of the data are theirs, as in the "
    "authors' code. Self-critic data bears the rating of the draft that it criticises, as there.",
    "A policy is the small transformer, its reference fine-tuned on demonstrations; alignment and "
    "engagement are in expectation over what it says. What is no plain answer counts as saying "
    "nothing, which offends nobody and engages nobody: so it is with policies that were taught "
    "reasons alone.",
    "Intervals are over seeds, which draw the society and the training: 95 %, Student's t; "
    "differences are paired by seed.",
)

EXPERIMENT = Experiment(
    name="liu2023",
    paper="Liu et al. 2023, arXiv:2305.16960",
    about="Stable Alignment: societies, what they say, and policies trained on it",
    data=("preferences",),
    run=run,
)
