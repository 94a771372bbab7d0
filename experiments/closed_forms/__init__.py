"""Where the methods' objectives lead, against what can be written down.

On a softmax over a handful of answers, with every expectation taken exactly, a loss ends where its
paper says or it is not the paper's loss. Three pages of that: descents to an optimum in closed
form, the laws of the best of n, and the bandit on which maximum likelihood goes astray.
"""

from experiments.closed_forms import bandit, best_of_n, descents
from oversight.study import Experiment, Findings, Job


def run(job: Job) -> Findings:
    """Descend, choose, and gamble."""
    descended, climbed = descents.descend_all(job), best_of_n.climb_all()
    gambled = bandit.gamble(job)
    return Findings(
        [*descents.cells(descended), *best_of_n.cells(climbed), *bandit.cells(gambled)],
        [*descents.claims(descended), *best_of_n.claims(climbed), *bandit.claims(gambled)],
        [descents.figure(descended), best_of_n.figure(climbed), bandit.figure(gambled)],
        (),
        NOTES,
    )


NOTES = (
    "Descents: each begins at a reference over ten answers, with rewards, both drawn anew for each "
    "run; distances are total variation. DPO and IPO see every pair, with the chance that "
    "Bradley–Terry gives it; f-DPG's target is the tilted reference.",
    "Best of n: a uniform reference over 400 answers without ties, every loss in expectation. "
    "BoNBoN's asks that the margin of best and worst be the same for every list, and the best of n "
    "has that margin on average only: so its least is another law, far from it for large n.",
    "The bandit is derived here, after Zhu et al. 2023: a bad action that is compared once wins "
    "with chance σ(−½), and maximum likelihood then puts it at its bound.",
    "Intervals are over runs: 95 %.",
)

EXPERIMENT = Experiment(
    name="closed_forms",
    paper="The papers of the methods",
    about="Objectives of alignment against optima in closed form: tilts, best of n, a bandit",
    data=("preferences",),
    run=run,
)
