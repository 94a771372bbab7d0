"""The environments under PettingZoo's and Gymnasium's own conformance tests."""

from __future__ import annotations

from typing import Any

import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test

import envs
from tests.contract.games import Game, every_game

SEATS_ARE_NOT_ALIKE = [  # advice that does not apply, each with its reason
    # observations are dictionaries, as PettingZoo's own masked games have them
    "ignore:Observation is not a NumPy array",
    "ignore:Observation space for each agent probably should be",
    # a judge decides, a questioner asks: their spaces differ, and their names have no number
    "ignore:Observations are different shapes",
    "ignore:Agents have different observation space sizes",
    "ignore:The class of action spaces is different between two agents",
    "ignore:We recommend agents to be named in the format",
    # who writes has a Text, who chooses and writes a Dict
    "ignore:Action space for each agent probably should be",
    # environments are built by envs.gym_env, not through Gymnasium's registry
    r"ignore:.*Not able to test alternative render modes",
]
pytestmark = [pytest.mark.filterwarnings(advice) for advice in SEATS_ARE_NOT_ALIKE]


@every_game
def test_aec_passes_the_api_test(game: Game, capsys: pytest.CaptureFixture[str]):
    api_test(envs.make(game.protocol, game.world), num_cycles=30)
    assert "Passed API test" in capsys.readouterr().out


@every_game
def test_aec_passes_the_seed_test(game: Game):
    seed_test(lambda: envs.make(game.protocol, game.world), num_cycles=30)


@every_game
def test_parallel_passes_the_api_test(game: Game):
    parallel_api_test(envs.parallel_env(game.protocol, game.world), num_cycles=30)


@every_game
def test_parallel_passes_the_seed_test(game: Game):
    parallel_seed_test(lambda: envs.parallel_env(game.protocol, game.world), num_cycles=30)


@every_game
def test_every_seat_as_a_gym_env_passes_check_env(game: Game):
    for seat in game.protocol.seats:
        check_env(envs.gym_env(game.protocol, game.world, seat=seat, render_mode="ansi"))


def test_environments_of_their_own_random_generators():
    first, second = (envs.make("debate", world="digits") for _ in range(2))
    for agent in first.possible_agents:
        assert first.action_space(agent) is not second.action_space(agent)
        assert first.observation_space(agent) is not second.observation_space(agent)


def test_masked_sampling_never_ends_a_game():
    env: Any = envs.make("debate", world="digits", questions=True)
    for episode in range(5):
        env.reset(seed=1, options={"episode": episode})
        for agent in env.agent_iter():
            seen, _, over, _, info = env.last()
            assert "failure" not in info
            env.step(None if over else env.action_space(agent).sample(seen.get("action_mask")))
