"""Recursive reward modeling by depth (Leike et al. 2018, arXiv:1811.07871).

Agents are trained level upon level on users' judgements of them. Do users who are helped by the
agent of the level below teach better than users alone, how near do they come to the true reward,
and what does recursive critique of the help add?
"""

from experiments.leike2018 import findings
from experiments.leike2018.ladders import SIZES, climb
from oversight.study import Experiment, Findings, Job


def run(job: Job) -> Findings:
    """Train every ladder and play the game at every depth."""
    size = SIZES[job.scale]
    found = climb(job, size)
    return Findings(
        list(findings.cells(found, size)),
        list(findings.claims(found, size)),
        list(findings.drawn(found)),
        found.transcripts,
        (*NOTES, f"{size.seeds} seeds of {size.levels} levels; {size.cases} cases a game."),
    )


NOTES = (
    "The paper proposes the method and reports no numbers; nothing here stands beside a published "
    "one. Its claim is that assistance makes evaluation easier than it is alone.",
    "Trained agents work on trees whose gates take one of six operations by number, the tables of "
    "which are hidden and the same in all trees: without something shared between questions there "
    "is nothing to learn. An agent sees the operation and the answers of the level below to the "
    "two children, whoever rewards it.",
    "Half of a user's errors are fixed misunderstandings of a table's entries, which training on "
    "its judgements hands on; the other half is drawn anew, and many judgements average it away. "
    "This holds for unaided users too, so their policies err less than they do themselves.",
    "Users judge 4,000 uniform proposals a level; the reward model is not refreshed as the policy "
    "moves. Policies are held to their start by a KL penalty and answer by their first answer.",
    "Recursive critique in training: a critic that errs as an expert does (0.5 %) points at "
    "answers of the level below that fail, and the user works such a part out by a careful "
    "look of its own at the answers to its parts, which are criticised in turn for C². The agent "
    "sees the same help as its user does. On the first level there is no help to criticise, and C² "
    "has no more to criticise than C¹ before the third.",
    "The game on circuits has two candidate answers, and its assistant errs as a learner of "
    "amplified answers does, distilled; the critic is an expert.",
    "Intervals: 95 %, over seeds (tables, users and training drawn anew) or over cases. With "
    "few seeds those over seeds are rough.",
)

EXPERIMENT = Experiment(
    name="leike2018",
    paper="Leike et al. 2018, Scalable agent alignment via reward modeling, arXiv:1811.07871",
    about="Errors by depth under aided, unaided and true rewards, and recursive critique",
    data=("circuits",),
    run=run,
)
