"""Players that learn by playing against themselves, before a judge that does not move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oversight.alignment.self_play import Decisions, Recipe, SelfPlay, learn, policy_gradient
from oversight.bench import Bench
from oversight.circuits.experts import CircuitExpert
from oversight.core import OversightError, Turn
from oversight.players import agent
from oversight.registry import build, load
from oversight.rollout import rollout
from oversight.spaces import Choose, Reply
from oversight.training.descent import Pace
from oversight.training.learned_player import LearnedPlayer, Seen, sight_of


def playing(world: str, protocol: str, recipe: Recipe, **parameters: Any) -> SelfPlay:
    place = build("worlds", world)
    played = load("protocols", protocol).bind(**parameters)
    cast = Bench(place, 4, 50).cast(played)
    return SelfPlay(played, place, recipe, cast)


def test_the_policy_gradient_is_that_of_hand_arithmetic() -> None:
    scores = torch.zeros(1, 3, requires_grad=True)
    net = torch.nn.Identity()
    played = Decisions(
        Seen(scores, torch.tensor([[True, True, False]])), torch.tensor([0]), torch.tensor([2.0])
    )
    policy_gradient(net, played, entropy=0.0).sum().backward()
    assert scores.grad is not None
    assert scores.grad[0].tolist() == pytest.approx([-1.0, 1.0, 0.0])  # −2·(1 − ½), 2·½


def test_a_salted_player_plays_alike_up_to_its_turn() -> None:
    training = playing("digits", "debate", Recipe(), rounds=2)
    sight, net = training.sight, training.memory.net
    others = training.cast["debater_0"]
    moves: list[list[str]] = []
    for salt in (None, ("debater_0", 1)):
        player = LearnedPlayer(sight, net, others, salt=salt)
        records = rollout(training.protocol, training.world, training.seated(player), 20, seed=3)
        moves.append([r.transcript for r in sorted(records, key=lambda r: r.episode)])
    lines = [[t.splitlines() for t in each] for each in moves]
    first = [one.index(next(x for x in one if "(argue)" in x)) for one in lines[0]]
    alike = [a[: i + 2] == b[: i + 2] for a, b, i in zip(*lines, first, strict=True)]
    differ = [a != b for a, b in zip(*lines, strict=True)]
    assert all(a or "debater_1" in x[i] for a, x, i in zip(alike, lines[0], first, strict=True))
    assert np.mean(differ) > 0.7


@pytest.mark.parametrize("preferences", [False, True])
def test_an_interrupted_self_play_goes_on_to_the_same_bits(
    tmp_path: Path, preferences: bool
) -> None:
    recipe = Recipe(preferences, cases=8, games=2, passes=3)

    def stop(done: int, of: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    def nothing(_: int) -> dict[str, float]:
        return {}

    nets: list[list[torch.Tensor]] = []
    for name, told in (("whole", None), ("cut", stop)):
        training = playing("digits", "debate", recipe, rounds=1)
        pace = Pace(8, every=2)
        if told is not None:
            with pytest.raises(KeyboardInterrupt):
                learn(training, pace, nothing, kept=tmp_path / name, progress=told)
            training = playing("digits", "debate", recipe, rounds=1)
        learn(training, pace, nothing, kept=tmp_path / name)
        nets.append(list(training.learner.parameters()))
    assert all(torch.equal(*pair) for pair in zip(*nets, strict=True))


@pytest.mark.slow
def test_learned_debaters_come_to_beat_the_hand_made_expert() -> None:
    training = playing("circuits:depth=3,width=4", "debate", Recipe(cases=32), rounds=1)

    def against_the_expert(_: int) -> dict[str, float]:
        cast = {**training.cast, "debater_0": training.player()}
        records = rollout(training.protocol, training.world, cast, 400, seed=5)
        return {"won": float(np.mean([record.rewards["debater_0"] for record in records]))}

    first, last = learn(training, Pace(30, rate=5e-3, every=30), against_the_expert).rows
    assert last["won"] > first["won"] + 0.05


def test_written_arguments_are_refused() -> None:
    world = build("worlds", "passages")
    with pytest.raises(OversightError, match="take digits, sentences or circuits"):
        sight_of(load("protocols", "debate").bind(), world, ["debater_0"])


def test_a_liar_that_concedes_in_its_work_is_not_believed() -> None:
    """A work that speaks against its own side once left the judge with nothing to read."""
    world, protocol = build("worlds", "circuits"), load("protocols", "debate").bind(rounds=2)
    expert = CircuitExpert()

    @agent
    def conceding(turn: Turn) -> Reply:
        if turn.act == "present":
            assert isinstance(turn.space, Choose)
            return 0
        return expert.act([turn])[0]

    cast = {"debater_0": conceding, "debater_1": conceding, "judge": world.judge()}
    records = list(rollout(protocol, world, cast, 200, seed=1))
    assert all(record.failure is None for record in records)
    right = [record.correct for record in records if record.correct is not None]
    assert sum(right) / len(right) > 0.85
