"""Scaling laws for scalable oversight (Engels et al. 2025, arXiv:2504.18530).

How likely a chain of overseers holds against a system stronger by 400 Elo, in the four domains
whose fits the authors released: in closed form, and played as contests. The page also holds what
the paper rests on: whether ratings from contests find planted slopes again, and whether AIC finds
the number of cuts.
"""

from experiments.engels2025 import findings
from experiments.engels2025.contests import ENTRANTS, GAMES, SIZES, SPREAD
from oversight.study import Experiment, Findings, Job


def run(job: Job) -> Findings:
    """Compute, play and rate everything."""
    size = SIZES[job.scale]
    results = findings.gather(job, size)
    return Findings(
        list(findings.cells(results)),
        list(findings.claims(results)),
        list(findings.drawn(results, size, job.seed)),
        notes=NOTES,
    )


NOTES = (
    "The abstract's success rates (13.5, 51.7, 10.0 and 9.4 %) come from fits that were not "
    "released. The fits that were give 11.062, 51.358, 27.570 and 9.798 %, and only those can be "
    "reproduced; Backdoor code is far from its abstract.",
    "Of the released fits the slopes and intercepts are used, without cuts: domain Elos are "
    "straight lines of general Elo, also where a gap leads beyond the models that were rated.",
    f"Planted tournaments are ours: {len(ENTRANTS)} players of general Elo {ENTRANTS[0]:g} to "
    f"{ENTRANTS[-1]:g}, each guarding and attacking, {GAMES} contests a pair, rated by likelihood "
    f"with a normal prior of {SPREAD:g} Elo. Slopes: planted on the released lines, fitted "
    "straight and weighted by the bootstrap's errors; the intervals are percentiles of the "
    "parametric bootstrap. Cuts: planted at slope 1, flat below 1025 or above 1275 Elo, where "
    "a player is up to 125 Elo off the line and its rating off by some 11; a cut must hold two "
    "players or more.",
    "Intervals: 95 %, Wilson's over games, chains or tournaments, a bootstrap for means.",
)

EXPERIMENT = Experiment(
    name="engels2025",
    paper="Engels et al. 2025, Scaling laws for scalable oversight, arXiv:2504.18530",
    about="Nested oversight by Elo gap and number of steps, and what ratings can tell of skill",
    data=("contests",),
    run=run,
)
