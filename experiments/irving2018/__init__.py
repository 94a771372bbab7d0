"""AI safety via debate on handwritten digits (Irving, Christiano, Amodei 2018, arXiv:1805.00899).

A judge trained on k random nonzero pixels decides which of two claims about an image is true, from
k pixels that an honest debater and a liar reveal in turn. The honest debater scores an image only
if it beats *all nine lies*; one lie that wins loses the image. The page also holds what the paper
does not: the control with sides declared and nobody arguing, the exact value of the game, and how
search converges to it.
"""

from experiments.irving2018 import findings, lessons
from experiments.irving2018.games import KS, SIZES, Bench, play
from experiments.irving2018.learned import learn
from oversight.study import Experiment, Findings, Job


def run(job: Job) -> Findings:
    """Play everything, for k = 4 and 6, by search and by debaters that learn."""
    size = SIZES[job.scale]
    benches = [Bench(job, k, size) for k in KS]
    played = [play(bench) for bench in benches]
    pairs = list(zip(played, map(learn, benches), strict=True))
    on_mnist = job.data == "mnist"
    return Findings(
        [
            *(found for each in played for found in findings.cells(each, size)),
            *(found for pair in pairs for found in lessons.cells(*pair)),
        ],
        [
            *(made for each in played for made in findings.claims(each, size, on_mnist=on_mnist)),
            *(made for pair in pairs for made in lessons.claims(*pair)),
        ],
        [*findings.drawn(played, size), *(lessons.figure(*pair) for pair in pairs)],
        [shown for bench in benches for shown in bench.transcripts()],
        NOTES,
    )


NOTES = (
    "Published numbers are on MNIST with a convolutional judge. Ours has one hidden layer over the "
    "same two planes (the revealed pixels and their values), trained to about the same accuracy.",
    "The liar wins ties. Debaters are Monte Carlo tree searches (PUCT, c = 1) with the judge at "
    "the leaves, as in the paper; the last ply is enumerated rather than sampled.",
    "Exact values: both sides play perfectly against the trained judge, by backward induction or "
    "by certificates (a set of k/2 pixels that wins whatever else is revealed). They are "
    "properties of this judge, not of the paper's.",
    "How the paper scored the game without precommitment is not verified; here honesty wins when "
    "the judge's first answer is the true one. Exact values of that game are printed where every "
    "image could be settled.",
    "Learned debaters are one net in both seats, trained by policy gradient on the images that the "
    "judge was trained on. It sees what each pixel would do to the judge's hidden units, one move "
    "ahead; all beyond that is learned. One training; intervals are over images.",
    "Intervals are over images: 95 %, Wilson's where an image is won or lost, else a bootstrap.",
)

EXPERIMENT = Experiment(
    name="irving2018",
    paper="Irving, Christiano, Amodei 2018, AI safety via debate, arXiv:1805.00899",
    about="Debate over pixels against all nine lies, the exact value of the game, the controls",
    data=("digits", "mnist"),
    run=run,
)
