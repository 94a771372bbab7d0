"""Doubly-efficient debate (Brown-Cohen, Irving, Piliouras 2023, arXiv:2311.14125).

A chain of stochastic gates, looked at anew in every run, is debated step by step. How often is the
game right against honest opponents, and against the worst that were found? What do the prover and
the verifier pay as the computation grows? And what happens if Bob checks as strictly as Vera does?
"""

from experiments.browncohen2023 import findings
from experiments.browncohen2023.sweeps import ALICES, BOBS, RIGHT, SIZES, sweep
from oversight.study import Experiment, Findings, Job


def run(job: Job) -> Findings:
    """Play every length against everybody."""
    size = SIZES[job.scale]
    played = sweep(job, size)
    return Findings(
        list(findings.cells(played, size)),
        list(findings.claims(played, size)),
        list(findings.drawn(played, size)),
        notes=NOTES,
    )


NOTES = (
    "The machine is ours: a chain of three gates over bits, each found right by a fresh look but "
    "for 14 %, worked out over and over; the last bit is 1 with the share of runs whose root was. "
    f"It is right with {100 * RIGHT:.1f} %, just above the two thirds that the theorem asks for, "
    "and K = 4 whatever the length.",
    f"The worst opponents are searched among {len(ALICES)} dishonest Alices (constant shifts, "
    "drifts along the bits that matter, adaptive drifts, one lie at the last step, a gamble there) "
    f"and {len(BOBS)} Bobs, on other cases than they are then played on. The theorem is about any "
    "opponent; a search is not.",
    "The published numbers are proved lower bounds, not measurements.",
    "Games are played as arrays, game for game those that the engine plays. An estimate by n "
    "samples is one binomial draw.",
    "In the paper Alice always claims 1; here either answer, by the deal. Completeness is how "
    "often the game is right when she holds the truth, soundness when she does not.",
    "Intervals are over games, 95 %, Wilson's.",
)

EXPERIMENT = Experiment(
    name="browncohen2023",
    paper="Brown-Cohen, Irving, Piliouras 2023, Scalable AI safety via doubly-efficient debate, "
    "arXiv:2311.14125",
    about="A long stochastic computation debated by steps: completeness, soundness, and the cost",
    data=("circuits",),
    run=run,
)
