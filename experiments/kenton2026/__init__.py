"""Optimising a proposer against a frozen judge: alone, with a critic, in debate.

Kenton et al. 2026 (arXiv:2608.17776): with one proposer alone the judge's reward rises while its
accuracy falls; with a critic accuracy holds, and part of the performance gap is recovered. Two
optimisers: best-of-n by the judge's own credence, and policy gradient on it.
"""

from experiments.kenton2026 import best_of_n, trained
from experiments.kenton2026.games import LIES, STEPS
from oversight.study import Experiment, Findings, Job


def run(job: Job) -> Findings:
    """Draw the proposals, then train the proposers."""
    drawn, learned = best_of_n.draw(job), trained.train(job)
    return Findings(
        [*best_of_n.cells(drawn), *trained.cells(learned)],
        [*best_of_n.claims(drawn), *trained.claims(learned)],
        [best_of_n.figure(drawn), trained.figure(learned)],
        (),
        NOTES,
    )


NOTES = (
    "The paper trains language models by reinforcement; here the proposer is a simulated expert "
    "(best-of-n) or a small net (policy gradient) on circuits. Its 45 % is of its own tasks and "
    "its own gap.",
    f"The proposer shows {STEPS} steps of its work; before optimisation it proposes what it does "
    f"not believe in {LIES:.0%} of its drafts. The judge is frozen and takes shown steps for "
    "random ones. Critic and opponent are the world's own experts, and do not learn.",
    "Proposals for one case differ in the answer, the place of the flaw and the steps shown; the "
    "judge's own luck with a step is the same for all of them, and that is what best-of-n "
    "exploits. What the net exploits it must find out by itself.",
)

EXPERIMENT = Experiment(
    name="kenton2026",
    paper="Kenton et al. 2026, arXiv:2608.17776",
    about="A proposer optimised against a frozen judge: best-of-n, then policy gradient",
    data=("circuits",),
    run=run,
)
