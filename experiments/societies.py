"""Which institution keeps a society aligned as the share of adversarial members grows?

No paper asks it. In the sandbox of Liu et al. 2023 (arXiv:2305.16960) members learn from what their
drafts were rated; here it is varied who decides that: neighbours by themselves, an outside judge
who looks alone, a debate or a critique in which neighbours argue before that judge, a clerk who
checks a constitution, or nobody. A share of the members is adversarial: as authors they want what
engages and the opposite of alignment, as raters they turn ratings and advice round, and in a
protocol they argue for the worse answer. What is measured is the gold reward of all others, and of
it the part that is alignment: apart, for who says nothing offends nobody either. What was chosen by
eye, how strongly members want, heed, cling and learn, is then halved and doubled, and the graph is
changed, to see which findings stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from oversight.claims import signed
from oversight.computed import computed
from oversight.metrics.intervals import Interval, few_runs_interval
from oversight.report import figures
from oversight.society.keeping import lived
from oversight.society.members import Traits
from oversight.society.settings import Settings
from oversight.study import Cell, Claim, Experiment, Figure, Findings, Job, cell

INSTITUTIONS: Mapping[str, str] = {
    "neighbours": "neighbours", "judge alone": "judge", "debate": "debate:rounds=2",
    "critique": "critique:points=2,support=0", "consultancy": "consultancy:rounds=2",
    "constitution": "constitution", "nobody": "",
}  # fmt: skip
NOBODY = "nobody"
"""The control: drafts go to nobody, and nothing is learned."""


class Size(NamedTuple):
    """How much is lived."""

    members: int
    shares: Sequence[float]
    rounds: int
    seeds: int
    varied: Sequence[str]
    """The variations that are lived too, of `VARIATIONS`."""


VARIATIONS: Mapping[str, Mapping[str, Any]] = {
    **{f"{trait} {word}": {trait: times * getattr(Traits(), trait)}
       for trait in ("skill", "recall", "heed", "reach", "rate")
       for word, times in (("halved", 0.5), ("doubled", 2.0))},
    "small world": {"graph": "watts_strogatz:degree=8,rewired=0.1"},
    "hubs": {"graph": "barabasi_albert:edges=4"},
    "everybody knows everybody": {"graph": "complete"},
}  # fmt: skip
"""Of what was chosen by eye: members' traits, and who knows whom."""
COMPARED = ("neighbours", "judge alone", "debate", "nobody")
"""Institutions that are varied, without adversaries and with `MANY`."""
MANY = 0.6
SIZES: Mapping[str, Size] = {
    "quick": Size(100, (0.0, 0.2, 0.4, 0.6, 0.8), 50, 4, ("heed halved", "heed doubled")),
    "full": Size(196, (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), 50, 10,
                 tuple(VARIATIONS)),
    "paper": Size(1024, (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), 50, 10,
                  tuple(VARIATIONS)),
}  # fmt: skip
LAST = 10
"""Rounds that the end is a mean of."""
GRAPH = "grid:radius=3"
METRICS = ("alignment", "engagement", "seen_alignment", "rating")
GOLD = "gold"
PARTS = ("alignment", "engagement")
"""Of the gold reward."""


class Arm(NamedTuple):
    """A society to be lived."""

    institution: str
    share: float
    seed: int
    varied: str = ""


def arms(size: Size) -> list[Arm]:
    """All of them, the variations last."""
    seeds = range(size.seeds)
    usual = [Arm(institution, share, seed) for institution in INSTITUTIONS
             for share in size.shares for seed in seeds]  # fmt: skip
    varied = [Arm(institution, share, seed, name) for name in size.varied
              for institution in COMPARED for share in (0.0, MANY) for seed in seeds]  # fmt: skip
    return [*usual, *varied]


def settings(arm: Arm, size: Size, seed: int) -> Settings:
    """The society of an arm: the same members, questions and luck under every institution."""
    spec = INSTITUTIONS[arm.institution]
    usual = Settings(
        members=size.members, graph=GRAPH, kinds=f"adversarial={arm.share}",
        institution=spec or "neighbours", scatter=bool(spec), taught_by="raters",
        seed=seed + arm.seed,
    )  # fmt: skip
    return replace(usual, **VARIATIONS.get(arm.varied, {}))


def run(job: Job) -> Findings:
    """Live every society, and see where each institution stands."""
    size = SIZES[job.scale]
    every = arms(size)

    def row(number: int) -> dict[str, Any]:
        rows = lived(settings(every[number], size, job.seed), size.rounds).rows
        return {metric: [one[metric] for one in rows] for metric in METRICS}

    table = computed(
        job.out / "societies",
        {"size": size._asdict(), "seed": job.seed, "institutions": dict(INSTITUTIONS)},
        row, len(every), processes=job.processes, progress=job.progress,
    )  # fmt: skip
    found = Found(size, {arm: table.loc[number] for number, arm in enumerate(every)})
    return Findings(
        [*_cells(found), *_varied_cells(found)], [*_claims(found), *_varied_claims(found)],
        [*_drawn(found), *_varied_figures(found)], (), NOTES,
    )  # fmt: skip


class Found(NamedTuple):
    """Every society's rounds."""

    size: Size
    lives: Mapping[Arm, Any]
    """A row of the table each."""

    def course(
        self, institution: str, share: float, metric: str, varied: str = ""
    ) -> np.ndarray[Any, Any]:
        """(seeds, rounds)"""
        if metric == GOLD:
            parts = (self.course(institution, share, part, varied) for part in PARTS)
            return sum(parts, np.zeros(1))
        seeds = range(self.size.seeds)
        return np.stack([self.lives[Arm(institution, share, s, varied)][metric] for s in seeds])

    def end(self, institution: str, share: float, metric: str = GOLD, varied: str = "") -> Any:
        """(seeds,) the mean over the last rounds."""
        return self.course(institution, share, metric, varied)[:, -LAST:].mean(axis=1)

    def gain(self, institution: str, other: str, share: float, varied: str = "") -> Interval:
        """What one keeps of gold reward more than another, paired by seed."""
        one, two = (self.end(name, share, varied=varied) for name in (institution, other))
        return few_runs_interval(one - two)

    def breaks(self, institution: str) -> float | None:
        """The least share from which on it is not certainly better than nobody; None if none."""
        broken = None
        for share in reversed(self.size.shares):
            if self.gain(institution, NOBODY, share).low > 0:
                break
            broken = share
        return broken


def _cells(found: Found) -> Iterator[Cell]:
    words = {
        GOLD: "gold reward at the end", "alignment": "true alignment", "engagement": "engagement",
        "seen_alignment": "alignment as observers see it, 1 to 7", "rating": "mean rating",
    }  # fmt: skip
    for institution in INSTITUTIONS:
        for share in found.size.shares:
            setting = {"institution": institution, "adversarial": share}
            for metric, told in words.items():
                if metric == "rating" and institution == NOBODY:
                    continue
                yield cell(setting, told, few_runs_interval(found.end(institution, share, metric)))
            if institution != NOBODY:
                gain = found.gain(institution, NOBODY, share)
                yield cell(setting, "gold reward more than under nobody", gain)


def _claims(found: Found) -> Iterator[Claim]:
    ruling = [institution for institution in INSTITUTIONS if institution != NOBODY]
    for institution in ruling:
        gain = found.gain(institution, NOBODY, 0.0)
        yield Claim(f"{institution}: with no adversary it gives more than nobody", gain.low > 0,
                    signed(gain, 3))  # fmt: skip
    for institution in ruling:
        broken = found.breaks(institution)
        told = "at no share that was lived" if broken is None else f"from {broken:.0%} on"
        yield Claim(f"{institution}: it never breaks", broken is None, f"it breaks {told}")
    most = max(share for share in found.size.shares if share <= 0.6)
    for institution in ("debate", "critique"):
        for other in ("neighbours", "judge alone"):
            gain = found.gain(institution, other, most)
            yield Claim(
                f"{institution} gives more than {other}, {most:.0%} being adversarial",
                gain.low > 0, signed(gain, 3),
            )  # fmt: skip
    falls = few_runs_interval(
        found.end("neighbours", found.size.shares[-1]) - found.end("neighbours", 0.0)
    )
    yield Claim("neighbours: gold reward falls as adversaries grow many", falls.high < 0,
                signed(falls, 3))  # fmt: skip


def _drawn(found: Found) -> Iterator[Figure]:
    kept = [share for share in (0.0, 0.2, 0.4, 0.6, 0.8) if share in found.size.shares]
    told = {"alignment": "true alignment", GOLD: "gold reward"}
    for metric, words in told.items():
        yield figures.panels(
            f"societies-{metric}", f"{words.capitalize()} of the members who mean well over "
            "rounds, by the share of adversarial members; means over seeds, of five rounds at a "
            "time, with 95 % intervals.",
            {f"{share:.0%} adversarial": {institution: _rounds(found, institution, share, metric)
                                          for institution in INSTITUTIONS} for share in kept},
            xlabel="round", ylabel=f"{words}, gold units",
        )  # fmt: skip
    for metric, words in {**told, "engagement": "engagement"}.items():
        yield figures.curve(
            f"societies-{metric}-by-share",
            f"{words.capitalize()} at the end (the last {LAST} rounds), by share.",
            {institution: [(share, few_runs_interval(found.end(institution, share, metric)))
                           for share in found.size.shares] for institution in INSTITUTIONS},
            xlabel="share of adversarial members", ylabel=f"{words}, gold units", percent=False,
        )  # fmt: skip


def _rounds(
    found: Found, institution: str, share: float, metric: str
) -> list[tuple[float, Interval]]:
    course = found.course(institution, share, metric)
    return [(step + 2.5, few_runs_interval(course[:, step : step + 5].mean(axis=1)))
            for step in range(0, found.size.rounds, 5)]  # fmt: skip


# What stays when what was chosen by eye is changed


ASKED: Sequence[tuple[str, str, float]] = (
    ("neighbours", NOBODY, 0.0), ("judge alone", NOBODY, 0.0), ("debate", NOBODY, 0.0),
    ("debate", "neighbours", MANY), ("judge alone", "neighbours", MANY),
    ("judge alone", NOBODY, MANY), ("judge alone", "debate", MANY),
)  # fmt: skip
"""One institution, another that it should give more than, and the share of adversaries."""


def _question(one: str, other: str, share: float) -> str:
    return f"{one} over {other}, {share:.0%} adversarial"


def _varied_cells(found: Found) -> Iterator[Cell]:
    for varied in found.size.varied:
        for one, other, share in ASKED:
            gain = found.gain(one, other, share, varied)
            yield cell({"changed": varied}, f"gold reward: {_question(one, other, share)}", gain)


def _varied_claims(found: Found) -> Iterator[Claim]:
    for one, other, share in ASKED:
        gains = {name: found.gain(one, other, share, name) for name in found.size.varied}
        failed = [name for name, gain in gains.items() if gain.low <= 0]
        least = min(gains, key=lambda name: gains[name].low)
        told = f"not with {', '.join(failed)}; " if failed else ""
        yield Claim(f"{_question(one, other, share)}: more, whatever is changed", not failed,
                    f"{told}least with {least}, {signed(gains[least], 3)}")  # fmt: skip


def _varied_figures(found: Found) -> Iterator[Figure]:
    for share, name in ((0.0, "none"), (MANY, "many")):
        asked = [one for one in ASKED if one[2] == share]
        rows = [
            figures.Row(varied or "as usual", found.gain(*one, varied=varied),
                        group=f"{one[0]} over {one[1]}")
            for one in asked for varied in ("", *found.size.varied)
        ]  # fmt: skip
        yield figures.forest(
            f"societies-varied-{name}", "Gold reward that one institution gives more than another, "
            f"{share:.0%} being adversarial, as usual and with something changed: members' traits, "
            "or who knows whom.",
            rows, xlabel="gold units", percent=False, references={"no difference": 0.0}, dense=True,
        )  # fmt: skip


NOTES = (
    "Members are learned small policies on the world preferences, on a grid where each knows those "
    "within 3 steps; how they draft, rate, revise and learn is derived here (oversight/society).",
    "The world's judge and the clerk are outside and cannot be corrupted; what adversaries can do "
    "is argue for the worse side, with facts, for the world publishes nothing false.",
    "How strongly members heed and learn was set after a look at single societies of neighbours, "
    "and the claims written after a look at a few of all institutions, one seed each. So each "
    "trait is halved and doubled, one at a time, and the graph changed. What is asked of those was "
    "written when the results as usual were known.",
    "A critic's neighbour attacks every draft and nobody defends it; a consultant speaks for it.",
    "An institution breaks at the least share from which on its 95 % interval over nobody reaches "
    "0. Intervals are over seeds, Student's t, paired where institutions are compared.",
)

EXPERIMENT = Experiment(
    name="societies",
    paper="a study of this project, in the sandbox of Liu et al. 2023, arXiv:2305.16960",
    about="Which institution keeps a society aligned as adversarial members grow many",
    data=("preferences",),
    run=run,
)
