"""Weak-to-strong generalisation on handwritten digits (Burns et al. 2023, arXiv:2312.09390).

Weak supervisors of four kinds (few pixels, coarse images, few examples, few hidden units) label
images for one strong student, which never sees a true label. How much of the gap between the
supervisor and the student's own ceiling does it recover, and does it help the student to stand by
its own answers (the auxiliary confidence loss)?
"""

from experiments.burns2023 import findings
from experiments.burns2023.transfers import GRADES, SIZES, train_all
from oversight.study import Experiment, Findings, Job


def run(job: Job) -> Findings:
    """Train every supervisor, its students and their ceiling."""
    size = SIZES[job.data, job.scale]
    played = train_all(job, size)
    return Findings(
        list(findings.cells(played)),
        list(findings.claims(played)),
        list(findings.drawn(played)),
        notes=(*NOTES, f"{len(GRADES)} supervisors, {size.seeds} seeds each."),
    )


NOTES = (
    "The paper's students are large pretrained models: much of what they recover they knew before. "
    "Ours start from nothing, and differ from their supervisors in what they see and in size only.",
    "Each seed splits the training images anew: the supervisor learns from one half and labels the "
    "other half, from which alone the student learns. The ceiling is the same student on the true "
    "labels of that other half.",
    "A supervisor that sees random pixels errs at random, and a student can average that away. The "
    "others err alike on like images, and a student that imitates them learns the errors too.",
    "Labels are the supervisor's probabilities. The confidence term hardens the student's answers "
    "so that a batch has the supervisor's class counts; the paper states this for two classes, the "
    "form for ten is ours. Its weight rises to 0.5 over the first tenth of training.",
    "Intervals: 95 %, seeds and test images both resampled. A performance gap recovered (PGR) is "
    "drawn only where the gap itself is settled.",
    "The published points are AlexNet teaching ResNet-50 and ViT-B/8 on ImageNet, set beside our "
    "supervisor of the nearest accuracy; they are another task, not a target.",
)

EXPERIMENT = Experiment(
    name="burns2023",
    paper="Burns et al. 2023, Weak-to-strong generalization, arXiv:2312.09390",
    about="Students taught by weak supervisors: the gap recovered, with and without confidence",
    data=("digits", "mnist"),
    run=run,
)
