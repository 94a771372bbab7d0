"""Sandwiching on four-choice exams (Bowman et al. 2022, arXiv:2211.03540).

Novice, assistant and expert are fitted to what the paper reports of each alone. What the novice and
the assistant reach *together* is then predicted, from nothing but how noisy evidence adds up, and
set beside what people and a language model reached. The interval of a prediction covers what is not
known: how alike the two err, how item difficulty spreads, how well the assistant was elicited, how
the novice weighs it, and the rounding of the published numbers.
"""

from envs.worlds.exams import Fit
from experiments.bowman2022 import findings
from experiments.bowman2022.games import SIZES, play
from experiments.bowman2022.prediction import predictions
from oversight.study import Experiment, Findings, Job

FITS: tuple[Fit, ...] = ("mmlu", "quality")


def run(job: Job) -> Findings:
    """Play and predict both benchmarks."""
    size = SIZES[job.scale]
    played = [play(job, fit, size.items) for fit in FITS]
    predicted = [predictions(job, fit, size.draws) for fit in FITS]
    both = list(zip(played, predicted, strict=True))
    return Findings(
        [found for each, table in both for found in findings.cells(each, table)],
        [claim for each, table in both for claim in findings.claims(each, table)],
        list(findings.drawn(both)),
        [shown for each in played for shown in each.transcripts],
        NOTES,
    )


NOTES = (
    "Fitted, not predicted: novice, assistant and expert alone, and how alike novices err (from "
    "the vote of novices alone). Nothing was fitted to novice and assistant together.",
    "A prediction's value is the median over draws of the unknowns and its interval the middle "
    "95 % of them; n counts draws. Drawn evenly: correlation of the two parties' noise 0 to 0.5, "
    "spread of log difficulty 0 to 1, the assistant's accuracy from its single answer's to its "
    "best of 20, published numbers within their rounding, 3 or 5 voters; on a log scale, the "
    "weight the novice gives its own evidence, half to twice what would be right for independent "
    "errors.",
    "How many people and questions stand behind the published numbers is not in our source, so "
    "their own sampling error is not in any interval here.",
    "In the game the assistant's evidence is shared choice by choice and taken at its worth. The "
    "paper's people could cross-examine and change strategy, which this leaves out.",
    "Rows of all-or-none knowledge (a party knows an item or guesses, the two independently) were "
    "added after the predictions were seen, and test nothing.",
    "Played games use the middle of the ranges: correlation 0.25, spread 0.5, a novice who knows "
    "both reliabilities on average. Debate places one side on the truth, which dialogue does not.",
)

EXPERIMENT = Experiment(
    name="bowman2022",
    paper="Cotra 2021; Bowman et al. 2022, Measuring progress on scalable oversight, "
    "arXiv:2211.03540",
    about="Sandwiching: novice and assistant together, predicted from each alone",
    data=("exams",),
    run=run,
)
