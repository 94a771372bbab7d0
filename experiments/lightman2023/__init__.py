"""Process and outcome supervision at equal labels (Lightman et al. 2023; Uesato et al. 2022).

A solver works each question many times. Which of its works is best: the one whose steps a process
model rates best, the one that an outcome model rates best, or any with the answer given most often?
Both models learn from the same number of labels, of single steps or of final answers.
"""

from experiments.lightman2023 import findings
from experiments.lightman2023.selections import PLACES, SIZES, Bench, play
from oversight.study import Experiment, Findings, Job


def run(job: Job) -> Findings:
    """Train, sample and select in every world of the data."""
    size = SIZES[job.data, job.scale]
    benches = [Bench(job, words, spec, size) for words, spec in PLACES[job.data].items()]
    played = [play(bench) for bench in benches]
    return Findings(
        list(findings.cells(played, size)),
        list(findings.claims(played, size)),
        list(findings.drawn(played, size)),
        benches[0].transcripts(),
        (*NOTES, f"{size.cases} questions, {size.runs} trainings of every model."),
    )


NOTES = (
    "A label of the process is one careful look at one step (wrong as often as such looks are), a "
    "label of the outcome one final answer compared with the key: equal numbers of either. What a "
    "person would pay for each differs; with other prices the curves by labels can be read off.",
    "The papers' reward models are fine-tuned language models. Ours are logistic in what a world "
    "shows of a step: its kind, and whether the judge's glance at it agrees. With kinds alone a "
    "model knows where the solver tends to slip and not whether it did.",
    "The papers' solvers are language models on school mathematics. On steps the solver's law is "
    "known; on circuits the errors of an expert, half of which persist over its attempts. A "
    "majority gains what errors that do not persist leave to be voted away, so its rank beside the "
    "models is a matter of the solver as much as of the models.",
    "On circuits a question has two candidate answers, as for every protocol: a solver that gets "
    "neither claims one of them and alters one step to fit, which makes right answers on wrong "
    "traces more common.",
    "Fewer candidates than all: the mean over disjoint sets of one game's candidates. A work's "
    "score is the product of its steps' ratings, which is unverified in the papers as read.",
    "Intervals: 95 %, trainings and questions both resampled where a model is trained.",
    "The published points are MATH at 1,860 candidates and GSM8K; other tasks, not targets.",
)

EXPERIMENT = Experiment(
    name="lightman2023",
    paper="Lightman et al. 2023, Let's verify step by step, arXiv:2305.20050; "
    "Uesato et al. 2022, arXiv:2211.14275",
    about="Best-of-N by process model, outcome model and majority, at equal labels",
    data=("steps", "circuits"),
    run=run,
)
