"""The games of the experiment: every arm on the same items, at the middle of the unknowns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from envs.worlds.exams import PUBLISHED, Exams, Fit, Kind, Model
from experiments.bowman2022.prediction import crowd
from experiments.bowman2022.published import TITLES, TOGETHER
from oversight.casting import cast_for
from oversight.controls import Arm
from oversight.exams.items import ability_for
from oversight.registry import load
from oversight.report.transcripts import transcripts_of
from oversight.runs import Effort, configuration, play_arm
from oversight.store import Store
from oversight.study import Job, Transcript

VOTERS = 5
CORRELATION, SPREAD = 0.25, 0.5  # the middle of what predictions range over


class Size(NamedTuple):
    """How much is played and predicted at a scale."""

    items: int
    draws: int


SIZES: Mapping[str, Size] = {
    "quick": Size(800, 300),
    "full": Size(3_000, 1_000),
    "paper": Size(10_000, 3_000),
}


class Setup(NamedTuple):
    """An arm: a protocol with its parameters, and the world's assistant and novice."""

    protocol: str
    parameters: Mapping[str, Any] = {}
    model: Model = "single"
    novice: Kind = "bayesian"


NOVICE, ASSISTANT, EXPERT = "novice alone", "assistant alone", "expert"
JOINT, VOTE, JOINT_VOTE = "novice with assistant", "vote of novices", "vote with assistants"
ARMS: Mapping[str, Setup] = {
    NOVICE: Setup("sandwiching", {"form": "novice_alone"}),
    VOTE: Setup("sandwiching", {"form": "novice_alone", "novices": VOTERS}),
    ASSISTANT: Setup("sandwiching", {"form": "assistant_alone"}),
    EXPERT: Setup("expert"),
    JOINT: Setup("sandwiching"),
    JOINT_VOTE: Setup("sandwiching", {"novices": VOTERS}),
    f"{JOINT}, only its claim": Setup("sandwiching", {"messages": 0}),
    f"{JOINT}, 1 message": Setup("sandwiching", {"messages": 1}),
    f"{JOINT}, 2 messages": Setup("sandwiching", {"messages": 2}),
    f"{JOINT}, best of 20": Setup("sandwiching", model="best_of_20"),
    f"trusting {JOINT}": Setup("sandwiching", novice="trusting"),
    f"overconfident {JOINT}": Setup("sandwiching", novice="overconfident"),
    "novice before two debating copies": Setup("sandwiching", {"via": "debate:rounds=2"}),
}


class Played(NamedTuple):
    """One benchmark's games."""

    fit: Fit
    frames: Mapping[str, pd.DataFrame]
    """Arm -> its games, all on the same items."""
    transcripts: Sequence[Transcript]


def play(job: Job, fit: Fit, items: int) -> Played:
    """Every arm on one benchmark, played or read back."""
    ability = ability_for(PUBLISHED[fit].novice / 100, SPREAD)
    fitted = crowd(job.seed, VOTERS, ability, SPREAD).kinship_for(TOGETHER[fit].vote / 100)
    kinship = max(fitted, CORRELATION**2)  # less would leave no room for the correlation
    frames: dict[str, pd.DataFrame] = {}
    shown: list[Transcript] = []
    for name, setup in ARMS.items():
        world = Exams(fit, setup.model, setup.novice, CORRELATION, kinship, SPREAD)
        protocol = load("protocols", setup.protocol).bind(**setup.parameters)
        casting = cast_for(protocol, world)
        arm = Arm(f"{fit}-{name.replace(',', '').replace(' ', '-')}", protocol, casting.cast)
        store = Store(
            job.out / "games" / arm.name, configuration(arm, world, casting.names, job.seed)
        )
        effort = Effort(processes=job.processes)
        frame = play_arm(arm, world, items, job.seed, store, effort, job.progress)
        frames[name] = frame
        if name == JOINT:
            shown = transcripts_of(protocol, world, frame, job.seed, 4, TITLES[fit])
    return Played(fit, frames, shown)
