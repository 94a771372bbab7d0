"""What is trained and played at each scale: ladders of learned agents, and the game by depth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from oversight import keys
from oversight.casting import cast_for
from oversight.computed import computed
from oversight.controls import Arm
from oversight.metrics.scores import Floats
from oversight.registry import build, load
from oversight.report.transcripts import transcripts_of
from oversight.runs import Effort, configuration, play_arm
from oversight.store import Store
from oversight.study import Job, Transcript

if TYPE_CHECKING:
    from oversight.training.judgements import Curriculum
    from oversight.training.reward_modeling import Learner, Reward


class Rung(NamedTuple):
    """One way to climb: who rewards, and what is made of the reward."""

    reward: Reward
    learner: Learner
    critiques: int = 0
    """How deep the criticism of the help goes: n of Cⁿ."""

    @property
    def words(self) -> str:
        """Such as "aided by the level below, read as C¹, trained policy"."""
        read = f", read as {CRITIQUE[self.critiques]}" if self.critiques else ""
        return f"{WORDS[self.reward]}{read}, {LEARNERS[self.learner]}"


WORDS: Mapping[str, str] = {
    "aided": "aided by the level below",
    "unaided": "unaided",
    "true": "true reward",
}
LEARNERS: Mapping[str, str] = {
    "policy": "trained policy",
    "best_of": "best of 16 by the reward model",
    "judged": "best of 16 by the user's own judgement",
}
CRITIQUE = ("C⁰", "C¹", "C²")
"""The help of the level below as it is; criticised; with the criticised parts' parts too."""
RUNGS = (
    Rung("aided", "policy"),
    Rung("unaided", "policy"),
    Rung("true", "policy"),
    Rung("aided", "best_of"),
    Rung("aided", "judged"),
    Rung("unaided", "judged"),
    Rung("aided", "policy", 1),
    Rung("aided", "policy", 2),
    Rung("aided", "judged", 1),
    Rung("aided", "judged", 2),
)
GAMES: Mapping[str, Mapping[str, Any]] = {
    "unaided": {"aided": False},
    "aided": {},
    "aided, 1 critique": {"critiques": 1},
    "aided, 8 critiques": {"critiques": 8},
}


class Size(NamedTuple):
    """How much is done at a scale."""

    seeds: int
    levels: int
    questions: int
    """Test trees of each seed."""
    depths: tuple[int, ...]
    """Of the circuits that the game is played on."""
    cases: int


SIZES: Mapping[str, Size] = {
    "quick": Size(4, 3, 500, (1, 3, 5), 200),
    "full": Size(16, 6, 1_000, (1, 2, 3, 4, 5, 6, 8), 1_000),
    "paper": Size(32, 7, 1_000, (1, 2, 3, 4, 5, 6, 8), 2_000),
}


class Climbed(NamedTuple):
    """Error rates of the learned agents, and of the games."""

    ladders: Mapping[Rung, Floats]
    """(seeds, levels)"""
    games: Mapping[str, Mapping[int, Floats]]
    """Variant -> depth -> (cases,) whether the selected proposal was wrong."""
    attends: Mapping[str, Mapping[int, Floats]]
    """The same of careful looks."""
    transcripts: list[Transcript]


def climb(job: Job, size: Size) -> Climbed:
    """Everything of the experiment."""
    games, attends, shown = _played(job, size)
    return Climbed(_ladders(job, size), games, attends, shown)


def curriculum(job: Job, size: Size, seed: int) -> Curriculum:
    """What is learned in one of the runs."""
    from oversight.training.judgements import Curriculum

    own = keys.root(job.seed, "leike2018", seed) % 2**31
    return replace(Curriculum(), levels=size.levels, seed=own)


def _ladders(job: Job, size: Size) -> Mapping[Rung, Floats]:
    """Every rung, climbed with every seed's tables."""

    def row(number: int) -> Mapping[str, Any]:
        from oversight.training.reward_modeling import Ladder

        seed, place = divmod(number, len(RUNGS))
        ladder = Ladder(curriculum(job, size, seed), *RUNGS[place])
        return {"errors": ladder.climb().errors(size.questions)}

    held = asdict(curriculum(job, size, 0)) | {"questions": size.questions, "job": job.seed}
    held["rungs"] = [rung.words for rung in RUNGS]
    table = computed(
        job.out / "games" / "ladders", held, row, size.seeds * len(RUNGS),
        processes=job.processes, progress=job.progress,
    )  # fmt: skip
    errors = np.stack(table["errors"].to_list()).reshape(size.seeds, len(RUNGS), size.levels)
    return {rung: errors[:, place] for place, rung in enumerate(RUNGS)}


ByDepth: TypeAlias = dict[str, dict[int, Floats]]


def _played(job: Job, size: Size) -> tuple[ByDepth, ByDepth, list[Transcript]]:
    """The game of one level on circuits of every depth, proposals uniform: best of 16 exactly."""
    wrong: ByDepth = {name: {} for name in GAMES}
    attends: ByDepth = {name: {} for name in GAMES}
    shown: list[Transcript] = []
    for depth in size.depths:
        world = build("worlds", f"circuits:depth={depth}")
        for name, parameters in GAMES.items():
            protocol = load("protocols", "reward_modeling").bind(**parameters)
            casting = cast_for(protocol, world, {"agent": "random"})
            arm = Arm(f"depth-{depth}-{name.replace(', ', '-')}", protocol, casting.cast)
            held = configuration(arm, world, casting.names, job.seed)
            frame = play_arm(
                arm, world, size.cases, job.seed, Store(job.out / "games" / arm.name, held),
                Effort(processes=job.processes), job.progress,
            )  # fmt: skip
            metrics = [json.loads(text) for text in frame["metrics"]]
            wrong[name][depth] = 1 - np.array([each["proposal_right"] for each in metrics])
            attends[name][depth] = np.array([each["attends"] for each in metrics])
            if depth == size.depths[-1] and name == "aided, 8 critiques":
                shown = transcripts_of(protocol, world, frame, job.seed, 4, name)
    return wrong, attends, shown
