"""Iterated amplification on algorithmic tasks (Christiano et al. 2018, arXiv:1810.08575).

X learns to answer questions about a context it sees, from targets that an imitated overseer makes
with X's own help; beside it the same X learns from true answers. How many examples does each need,
how often are overseers asked, and what do overseers that fail cost? Last, on circuits whose
operations only the overseer knows: how do X's errors compound by the layer?
"""

from experiments.christiano2018 import compounding, findings
from experiments.christiano2018.published import COMPUTE, LEAST_CALLS, MOST_CALLS, SOURCE
from experiments.christiano2018.trainings import ENOUGH, SIZES, learn_all
from oversight.study import Experiment, Findings, Job


def run(job: Job) -> Findings:
    """Train everything of the scale."""
    size = SIZES[job.scale]
    learned = learn_all(job, size)
    return Findings(
        [*findings.cells(learned, size), *compounding.cells(learned, findings.GOAL)],
        [*findings.claims(learned, size), *compounding.claims(learned)],
        [*findings.drawn(learned, size), compounding.drawn(learned, size)],
        notes=NOTES,
    )


NOTES = (
    f"Published ({SOURCE}): {LEAST_CALLS:,} to {MOST_CALLS:,} overseer calls against tens of "
    f"millions of labels, and {COMPUTE}. They are of contexts of up to 64 symbols, large "
    "transformers and many steps; ours fit one processor core and are not comparable in size.",
    "An example is a question with a target, counted once however often it is trained on. An "
    "overseer call is a question that an overseer worked on, from its subquestions to its answer.",
    f"A training stops at {ENOUGH:.0%} accuracy or at its budget of steps; curves keep the last "
    "accuracy from there on. Supervised learning has the same curriculum, model and reuse. On "
    "circuits a training stops at 100 % only.",
    "Accuracy is over the questions that a task draws, most of them not of the greatest depth: in "
    "wildcard search with 4 strings one of five is. The accuracy of the deepest is a cell by "
    "itself. A goal counts as reached where a curve first crosses it, and a curve can fall again.",
    "With few symbols the same contexts come up again and again: 6 symbols have 720 permutations.",
    "Difficulty is the depth of the recursion; in the paper it is the size of the context, and "
    "the tasks differ in part (see the world `algorithms`).",
    "H′ samples what the overseer would do. An overseer that fails systematically is wrong about "
    "the same questions in every context, so that H′ learns its mistakes too.",
    "Difficulty rises at 85 % agreement with the targets. Where more than 15 % of them are wrong "
    "at random, agreement cannot get there, and such a training stays with the easier questions.",
    "When difficulty rises, H′'s loss counts as unknown until it is measured on the new questions, "
    "and overseers are asked at the full rate; else a loss from easier questions keeps them away.",
    "Circuits (`gates`) are no task of the paper's, and no part of the statements about its five. "
    "All circuits have the same operations, hidden from X and from H′ and known to the overseer "
    "alone; the embeddings of a gate and of a reference to it begin alike in X.",
    "The product form supposes that gates err independently, and that no two paths share a gate. "
    "X answers about a gate in one pass, not from its own answers about the gates below. Intervals "
    "by layer are over contexts, given the few trainings.",
    "Other intervals are over seeds, of which there are few.",
)

EXPERIMENT = Experiment(
    name="christiano2018",
    paper="Christiano, Shlegeris, Amodei 2018, Supervising strong learners by amplifying weak "
    "experts, arXiv:1810.08575",
    about="Iterated amplification against supervised learning; overseers that fail, and votes",
    data=("algorithms",),
    run=run,
)
