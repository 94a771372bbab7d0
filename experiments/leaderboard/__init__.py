"""Every alignment method side by side, and some of them under several institutions.

What no one paper has: the same prompts, the same budget of judged answers, the same steps, known
gold reward, and gold reward compared at equal KL. Then the question that it is for: a policy that
is optimised hard against an oversight protocol, what does it become, and what does the overseer
still see?
"""

from experiments.leaderboard import institutions, methods
from oversight.study import Experiment, Findings, Job


def run(job: Job) -> Findings:
    """Train every method on annotators' feedback, then a few on each institution's."""
    board, houses = methods.train(job), institutions.train(job)
    return Findings(
        [*methods.cells(board), *institutions.cells(houses)],
        [*methods.claims(board), *institutions.claims(houses)],
        [methods.figure(board), methods.hardest(board), institutions.figure(houses)],
        (),
        NOTES,
    )


NOTES = (
    "Every method has the same steps, rows a step and answers judged; a pair is two of them, a "
    "list of K is K, and a critique one. Demonstrations are free. Parameters are the methods' "
    "defaults, the papers' where those are known; nothing was tuned to the bench.",
    "Gold at equal KL: where a training first passed half a nat from the reference, interpolated "
    "between evaluations. A method that never goes that far is not in that figure.",
    "Seconds are one process's on the machine that made the page, its evaluations among them.",
    "What an overseer sees is in its own units: annotators give nats, institutions the share of "
    "comparisons that an answer wins. Only gold can be compared across them.",
    "Intervals are over seeds: 95 %, Student's t. A seed draws data, batches and the policy's "
    "samples; prompts, answers and the gold reward are the same for all.",
)

EXPERIMENT = Experiment(
    name="leaderboard",
    paper="The papers of the methods",
    about="Every alignment method at one budget, gold reward at equal KL; and under institutions",
    data=("preferences",),
    run=run,
)
