"""From error rates to numbers: cells, claims, figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.leike2018.ladders import (
    CRITIQUE,
    GAMES,
    LEARNERS,
    RUNGS,
    WORDS,
    Climbed,
    Rung,
    Size,
)
from oversight.claims import points
from oversight.metrics.intervals import Interval, mean_interval, paired_difference
from oversight.metrics.scores import Floats
from oversight.report import figures
from oversight.study import Cell, Claim, Figure, cell

AIDED, UNAIDED, TRUE = (Rung(reward, "policy") for reward in ("aided", "unaided", "true"))
JUDGED = Rung("aided", "judged")
DEEPEST = len(CRITIQUE) - 1


def cells(found: Climbed, size: Size) -> Iterator[Cell]:
    """Errors by level and by depth; the paper reports no numbers."""
    for rung, errors in found.ladders.items():
        for level in range(size.levels):
            setting = {"agents": rung.words, "level": level + 1}
            yield cell(setting, "error", mean_interval(errors[:, level]))
    for name, by_depth in found.games.items():
        for depth, wrong in by_depth.items():
            setting = {"game on circuits": name, "depth": depth}
            yield cell(setting, "error", mean_interval(wrong))
            yield cell(setting, "careful looks", mean_interval(found.attends[name][depth]))


def claims(found: Climbed, size: Size) -> Iterator[Claim]:
    """What the paper argues for, and what learning adds; none of it need hold."""
    top, ladders = size.levels - 1, found.ladders

    def fewer(claim: str, better: Floats, worse: Floats, unit: str) -> Claim:
        gain = paired_difference(worse, better)
        return Claim(claim, gain.low > 0, f"{points(gain)} points fewer errors over {unit}")

    for level in sorted({1, size.levels}):
        yield fewer(
            f"level {level}: trained on aided users, agents err less than on unaided ones",
            ladders[AIDED][:, level - 1], ladders[UNAIDED][:, level - 1], "seeds",
        )  # fmt: skip
    yield fewer(
        f"the gap between them is wider at level {size.levels} than at level 1",
        ladders[AIDED][:, top] - ladders[AIDED][:, 0],
        ladders[UNAIDED][:, top] - ladders[UNAIDED][:, 0],
        "seeds",
    )
    yield fewer(
        f"level {size.levels}: a policy trained on aided users errs less than their own judgements",
        ladders[AIDED][:, top], ladders[JUDGED][:, top], "seeds",
    )  # fmt: skip
    yield fewer(
        f"level {size.levels}: the true reward teaches better than aided users do",
        ladders[TRUE][:, top], ladders[AIDED][:, top], "seeds",
    )  # fmt: skip
    for plain, words in ((AIDED, "policies err less"), (JUDGED, "users judge better")):
        criticised = plain._replace(critiques=DEEPEST)
        yield fewer(
            f"level {size.levels}: where the help is read as {CRITIQUE[DEEPEST]}, {words}",
            ladders[criticised][:, top], ladders[plain][:, top], "seeds",
        )  # fmt: skip
    deep = size.depths[-1]
    for better, worse in (("aided", "unaided"), ("aided, 8 critiques", "aided")):
        yield fewer(
            f"the game at depth {deep}: {better} against {worse}",
            found.games[better][deep], found.games[worse][deep], "cases",
        )  # fmt: skip


def drawn(found: Climbed) -> Iterator[Figure]:
    """Errors of trained policies, and of others, by level; errors in the game by depth."""
    yield figures.curve(
        "leike2018-policies",
        "Errors of trained policies by level, each level's users helped by the policy below, or "
        "not, or replaced by the true reward.",
        {WORDS[rung.reward]: _line(found.ladders[rung]) for rung in RUNGS[:3]},
        xlabel="level",
        ylabel="errors",
        log_x=True,
    )
    yield figures.curve(
        "leike2018-learners",
        "What is made of aided users' judgements: a policy, the best of 16 by the reward model, "
        "the best of 16 by the users themselves.",
        {
            LEARNERS[rung.learner]: _line(found.ladders[rung])
            for rung in RUNGS
            if rung.reward == "aided" and not rung.critiques
        },
        xlabel="level",
        ylabel="errors",
        log_x=True,
    )
    yield figures.curve(
        "leike2018-critique",
        "Recursive critique in training: errors of policies, and of the best of 16 by the user's "
        "own judgement, by level, the help of the level below read as it is (C⁰), criticised (C¹), "
        "or with the criticised parts' parts criticised too (C²).",
        {
            f"{words}, {CRITIQUE[n]}": _line(found.ladders[plain._replace(critiques=n)])
            for words, plain in (("policy", AIDED), ("best of 16", JUDGED))
            for n in range(len(CRITIQUE))
        },
        xlabel="level",
        ylabel="errors",
        log_x=True,
    )
    yield figures.curve(
        "leike2018-games",
        "The game of one level on circuits: the best of 16 uniform proposals by the user's rating.",
        {
            name: [(float(depth), mean_interval(w)) for depth, w in found.games[name].items()]
            for name in GAMES
        },
        xlabel="depth of the circuit",
        ylabel="errors",
        log_x=True,
    )


def _line(errors: Floats) -> Sequence[tuple[float, Interval]]:
    return [(float(level + 1), mean_interval(column)) for level, column in enumerate(errors.T)]
