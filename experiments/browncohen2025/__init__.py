"""Prover–estimator debate (Brown-Cohen et al. 2025, arXiv:2506.13609), by rules derived here.

Accuracy as more of the liar's work is hidden from its opponent, with recursive debate beside it;
and how far an estimator can talk a judge out of a true claim that rests on many steps.
"""

from experiments.browncohen2025 import findings
from experiments.browncohen2025.games import obfuscated, unstable
from oversight.study import Experiment, Findings, Job


def run(job: Job) -> Findings:
    """Play both sweeps."""
    hidden, steps = obfuscated(job), unstable(job)
    return Findings(
        list(findings.cells(hidden, steps)),
        list(findings.claims(hidden, steps)),
        list(findings.drawn(hidden, steps)),
        notes=NOTES,
    )


NOTES = (
    "The paper's rules and numbers were not available: the game is derived from its outline "
    "(`protocols/prover_estimator.py` says how), and nothing of the paper's is printed.",
    "Hidden wires (ω) are gates whose value a liar's opponent lacks and cannot scan. Liars plant "
    "their flaw there if they can. In debate nothing leads down a hidden wire, and the judge's own "
    "glance at it decides.",
    "A prover reads once what the judge checks; a debate goes on until it reaches the crux, two "
    "checks a level. Debate always has a liar; of prover–estimator lying and true claims are "
    "played apart.",
    "Steps are trees of depth 1 to 4, over bits, affine: a wrong step anywhere makes the root "
    "wrong, so that a claim of N steps is (ε, N·ε)-stable.",
    "Intervals are over cases, 95 %; differences are paired by case.",
)

EXPERIMENT = Experiment(
    name="browncohen2025",
    paper="Brown-Cohen et al. 2025, Avoiding obfuscation with prover-estimator debate, "
    "arXiv:2506.13609",
    about="Obfuscated lies before an estimator and in recursive debate; completeness by stability",
    data=("circuits",),
    run=run,
)
