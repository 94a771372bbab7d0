"""Debating with more persuasive LLMs leads to more truthful answers (Khan et al. 2024, 2402.06782).

The paper's two slopes, simulated: the judge's accuracy against the skill of the debaters, which
should rise, and against the skill of the consultant, which should fall. On `circuits` skill is how
often an expert is right alone (its error rate swept, everything else the same); on `digits` it is
how far debaters search.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from oversight.bench import Bench, accuracy
from oversight.claims import beats, rises
from oversight.metrics.intervals import Interval
from oversight.registry import build, load
from oversight.report import figures
from oversight.study import Cell, Claim, Experiment, Findings, Job, cell

SOURCE = "Khan et al. 2024, arXiv:2402.06782"
PUBLISHED = {"debate, model judges": 0.76, "naive, model judges": 0.48,
             "debate, human judges": 0.88, "naive, human judges": 0.60}  # fmt: skip
SECONDARY = {"consultancy, model judges": 0.54, "consultancy, human judges": 0.78}
"""Quoted from the paper by a secondary source."""

ERRORS = (0.16, 0.08, 0.04, 0.02, 0.005, 0.0)
ROLLOUTS = (0, 3, 10, 30, 100)
EPISODES = {
    "circuits": {"quick": 400, "full": 3000, "paper": 10_000},
    "digits": {"quick": 150, "full": 597, "paper": 597},
}
JUDGES = {"calibrated judge": "tabulated",
          "credulous judge": "bayesian:credulity=0.3,selection_aware=false"}  # fmt: skip


class Level(NamedTuple):
    """Experts of one skill."""

    skill: float
    """How often they are right alone; on digits, log(1 + rollouts)."""
    words: str
    """The skill as tables print it."""
    debate: pd.DataFrame
    consultancy: pd.DataFrame


def run(job: Job) -> Findings:
    """Sweep the experts' skill under each judge."""
    judges: Mapping[str, str | None] = JUDGES if job.data == "circuits" else {"sparse judge": None}
    sweep = _on_circuits if job.data == "circuits" else _on_digits
    cells: list[Cell] = []
    claims: list[Claim] = []
    lines: dict[str, list[tuple[float, Interval]]] = {}
    for name, judge in judges.items():
        levels, alone = sweep(job, name.split()[0], judge)
        for protocol in ("debate", "consultancy"):
            frames = [getattr(level, protocol) for level in levels]
            for level, frame in zip(levels, frames, strict=True):
                found = accuracy(frame)
                if found is not None:
                    setting = {"judge": name, "protocol": protocol, "skill": level.words}
                    cells.append(cell(setting, "accuracy", found))
                    lines.setdefault(f"{protocol}, {name}", []).append((level.skill, found))
        claims += _claims(name, levels, alone)
        bare = accuracy(alone)
        if bare is not None:
            cells.append(cell({"judge": name, "protocol": "naive"}, "accuracy", bare))
            cells += [
                cell({"judge": name, "protocol": "naive", "published for": what}, "accuracy", bare,
                     value, SOURCE)
                for what, value in PUBLISHED.items()
                if what.startswith("naive")
            ]  # fmt: skip
        cells += _published(name, levels[-1])
    drawn = figures.curve(
        "khan2024_sim", f"Accuracy of the judge on {job.data} against the skill of the experts.",
        lines, xlabel=_xlabel(job.data), ylabel="accuracy of the judge",
    )  # fmt: skip
    return Findings(cells, claims, [drawn], (), (*NOTES, *ABOUT[job.data]))


def _on_circuits(job: Job, label: str, judge: str | None) -> tuple[list[Level], pd.DataFrame]:
    episodes = EPISODES["circuits"][job.scale]
    levels: list[Level] = []
    for error in ERRORS:
        bench = Bench.of(
            job, f"{label}-{error:g}", build("worlds", f"circuits:expert={error}"), episodes,
            judge=judge,
        )  # fmt: skip
        skill = accuracy(bench.run("expert", "expert"))
        assert skill is not None  # experts fail no game
        levels.append(
            Level(
                skill.value,
                f"{skill.value:.3f}",
                bench.run("debate", "debate", rounds=4),
                bench.run("consultancy", "consultancy", rounds=8, questions=True),
            )
        )
    alone = Bench.of(job, f"{label}-alone", build("worlds", "circuits"), episodes, judge=judge)
    return levels, alone.run("naive", "naive", evidence=8)


def _on_digits(job: Job, label: str, judge: str | None) -> tuple[list[Level], pd.DataFrame]:
    bench = Bench.of(job, label, build("worlds", "digits"), EPISODES["digits"][job.scale])
    debate = load("protocols", "debate").bind(rounds=3)
    consultancy = load("protocols", "consultancy").bind(rounds=6)

    def played(protocol: Any, rollouts: int) -> pd.DataFrame:
        agent = f"mcts:{rollouts}" if rollouts else "greedy"
        seats = "debater" if protocol is debate else "consultant"
        cast = bench.cast(protocol, {seats: agent})
        return bench.play(f"{protocol.name}-{rollouts}", protocol, cast)

    levels = [
        Level(
            math.log1p(rollouts),
            f"{rollouts} rollouts" if rollouts else "greedy",
            played(debate, rollouts),
            played(consultancy, rollouts),
        )
        for rollouts in ROLLOUTS
    ]
    return levels, bench.run("naive", "naive", evidence=6)


def _claims(name: str, levels: list[Level], alone: pd.DataFrame) -> list[Claim]:
    skill = [level.skill for level in levels]
    best = levels[-1]
    return [
        rises(f"{name}: stronger debaters raise the judge's accuracy", skill,
              [level.debate for level in levels]),
        rises(f"{name}: stronger consultants lower the judge's accuracy", skill,
              [level.consultancy for level in levels], falls=True),
        beats(f"{name}: debate beats the judge alone", best.debate, alone),
        beats(f"{name}: debate beats consultancy", best.debate, best.consultancy),
    ]  # fmt: skip


def _published(name: str, best: Level) -> list[Cell]:
    cells: list[Cell] = []
    for protocol, known, source in (
        ("debate", PUBLISHED, SOURCE),
        ("consultancy", SECONDARY, f"{SOURCE}, quoted by a secondary source"),
    ):
        found = accuracy(getattr(best, protocol))
        if found is not None:
            cells += [
                cell({"judge": name, "protocol": protocol, "published for": what}, "accuracy",
                     found, value, source)
                for what, value in known.items()
                if what.startswith(protocol)
            ]  # fmt: skip
    return cells


def _xlabel(data: str) -> str:
    if data == "circuits":
        return "skill of the experts: how often they are right alone"
    return "search of the experts: log(1 + rollouts a move); greedy at 0"


NOTES = (
    "The published numbers are of language models and people on QuALITY with a hidden passage; "
    "they stand beside ours for the order, not for the values.",
    "Slopes are least squares over the skills, a case at a time, with a bootstrap over the cases.",
    "A consultant's side is drawn, wrong half of the time.",
)
ABOUT: Mapping[str, tuple[str, ...]] = {
    "circuits": (
        "The judge asks for random steps; a consultant's skill is then how seldom its sound steps "
        "fail a check.",
    ),
    "digits": (
        "Skill is search. The greedy expert, at 0, says what the judge likes best at once; it "
        "may be stronger than a search of a few rollouts, which has seen most moves hardly once. "
        "The slope is over all of them as they stand.",
        "Both sides of a debate search alike.",
    ),
}

EXPERIMENT = Experiment(
    name="khan2024_sim",
    paper="Khan et al. 2024, Debating with More Persuasive LLMs Leads to More Truthful Answers, "
    "arXiv:2402.06782",
    about="The judge's accuracy against the skill of debaters and of consultants",
    data=("circuits", "digits"),
    run=run,
)
