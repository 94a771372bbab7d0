"""Market making, learned (Hubinger 2020, AI safety via market making).

A market that only predicts what a judge will say learns sums that the judge cannot do, one more
term at a time, because the judge is quoted its prices of shorter sums; the same on chains of gates,
one more gate at a time. Which lengths are learned when, how far the best adversary can move the
price at the end, what a biased judge costs, and the price on circuits, where an adversary points at
the judge's own mistakes.
"""

from experiments.hubinger2020 import chain_findings, chains, findings
from experiments.hubinger2020.markets import SIZES, trade_circuits, train_all
from oversight.study import Experiment, Findings, Job


def run(job: Job) -> Findings:
    """Train every market, on sums and on chains of gates; then trade on circuits."""
    size, links = SIZES[job.scale], chains.SIZES[job.scale]
    taught = train_all(job, size)
    linked = chains.train_chains(job, links)
    traded = trade_circuits(job, size)
    return Findings(
        [
            *findings.cells(taught, size),
            *chain_findings.cells(linked, links),
            *findings.circuit_cells(traded),
        ],
        [
            *findings.claims(taught, size),
            *chain_findings.claims(linked, links),
            *findings.circuit_claims(traded),
        ],
        [*findings.drawn(taught, traded, size), *chain_findings.drawn(linked, links)],
        notes=(*NOTES, f"Chains of 1 to {links.depth} gates over {links.m} values."),
    )


NOTES = (
    "No curve has been published for market making: these are the first, and nothing here is a "
    "reproduction of a number.",
    "The paper argues the induction in words. Here the judge reads one term and adds two numbers; "
    "an argument splits the sum, and the judge is quoted the market's price of every part longer "
    "than one term. Quotes are asked of the market as questions of their own.",
    "The market is a net of two hidden layers over the terms one-hot, and nothing in it knows that "
    "sums of n terms extend sums of n − 1. It is trained on the judge's verdicts alone, never on "
    "what is true, with both losses per step and myopic as the paper has them. It takes several "
    "gradient steps a batch; the adversary learns by policy gradient with a small entropy bonus.",
    "The best adversary tries every argument on the market as it stands. It is myopic like the "
    "loss, so nothing in one step moves the price further.",
    "A biased judge leaves a share of its belief at the first part of the sum, whatever the second "
    "adds: then where the sum is split decides what it says, and no price can be right for all.",
    "Chains are circuits in which each gate takes the gate below and a public input, affine here. "
    "The judge looks at the topmost gate with care, erring in 2 % of them, and allows for it; of "
    "the value below it is quoted the market's price over all values. Its errors are fixed by case "
    "and gate, and the market, which cannot foresee them, prices their average.",
    "With a glance of its own (8 % errors a gate) the judge of a chain multiplies the quote by "
    "what the glance says. A market that predicts it averages the glance's errors away over "
    "chains, so it can learn long chains without the induction.",
    "On circuits the market prices as the judge would, and the adversary points at steps of the "
    "judge's own trace.",
    "Intervals: 95 %, trainings and test sums both resampled; over circuits on circuits.",
)

EXPERIMENT = Experiment(
    name="hubinger2020",
    paper="Hubinger 2020, AI safety via market making",
    about="Market making, learned: sums term by term, and how far the price can still be moved",
    data=("sums",),
    run=run,
)
