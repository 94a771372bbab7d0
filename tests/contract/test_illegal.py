"""An illegal action ends the game: the worst reward for its seat, the reason in every info."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import envs
from oversight.agents.simple import RandomAgent
from oversight.core import OversightError
from oversight.stage import ILLEGAL
from tests.contract.games import Game, every_game
from tests.contract.plugin import Colours, appraisal

SENSELESS: list[Any] = ["nonsense\x00" * 1000, None, 10**6, -1, np.full(3, np.nan), object()]


@every_game
@pytest.mark.parametrize("action", SENSELESS, ids=lambda action: type(action).__name__)
def test_a_senseless_action_ends_the_game(game: Game, action: Any):
    env = envs.make(game.protocol, game.world)
    env.reset(seed=0)
    offender = env.agent_selection
    env.step(action)
    assert all(env.terminations.values())
    assert env.rewards == {agent: ILLEGAL if agent == offender else 0.0 for agent in env.agents}
    for info in env.infos.values():
        assert info["failure"].startswith(f"{offender} at its turn 0")
    for _ in env.agent_iter():
        env.last()
        env.step(None)
    assert env.agents == []


@every_game
def test_a_seat_that_gives_no_action_ends_the_parallel_game(game: Game):
    env = envs.parallel_env(game.protocol, game.world)
    env.reset(seed=0)
    offender = next(iter(env.turns))
    _, rewards, ended, truncated, infos = env.step({})
    assert rewards == {seat: ILLEGAL if seat == offender else 0.0 for seat in rewards}
    assert all(ended.values())
    assert not any(truncated.values())
    assert "no action" in infos[offender]["failure"] or "expected" in infos[offender]["failure"]
    assert env.step({}) == ({}, {}, {}, {}, {})


def at_the_verdict(**parameters: Any) -> Any:
    env = envs.make("naive", "digits", **parameters)
    env.reset(seed=0)
    return env


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -0.5])
def test_credences_that_are_none_end_the_game(bad: float):
    env = at_the_verdict()
    weights = np.full(10, 0.1)
    weights[3] = bad
    env.step(weights)
    assert env.rewards == {"judge": ILLEGAL}
    assert "credences must" in env.infos["judge"]["failure"]


@pytest.mark.parametrize(
    ("weights", "credences"),
    [
        (np.zeros(10), [0.1] * 10),
        (np.full(10, 0.5), [0.1] * 10),
        (np.eye(10)[4], [0.0] * 4 + [1.0] + [0.0] * 5),
    ],
    ids=["all zero", "normalised", "as they are"],
)
def test_weights_become_credences(weights: np.ndarray, credences: list[float]):
    env = at_the_verdict()
    env.step(weights)
    assert env.infos["judge"]["verdict"] == pytest.approx(credences, abs=1e-15)


def test_credences_within_tolerance_pass_through_unchanged():
    env = at_the_verdict()
    exact = np.full(10, 0.1) + np.linspace(-1e-8, 1e-8, 10)
    env.step(exact)
    assert env.infos["judge"]["verdict"] == exact.tolist()


def test_a_masked_choice_is_refused():
    env: Any = envs.make("debate", "digits")
    env.reset(seed=0)
    masked = int(env.observe("debater_0")["action_mask"].argmin())
    env.step(masked)
    assert "is not among the" in env.infos["debater_0"]["failure"]


def test_the_last_index_is_silence():
    env: Any = envs.make("debate", "digits")
    env.reset(seed=0)
    env.step(64)
    assert env.stage.episode.table.transcript[-1].text == "(silence)"


def test_who_chooses_and_writes_has_an_entry_for_each():
    env: Any = envs.make("debate", Colours(), sides="open")
    env.reset(seed=0)
    assert env.action_space("debater_0").sample().keys() == {"choice", "text"}
    assert env.observe("debater_0")["choice_mask"].tolist() == [1, 1]
    env.step({"choice": 1, "text": "not read"})
    env.step({"choice": 0, "text": "a red river"})
    said = [message.text for message in env.stage.episode.table.transcript]
    assert said == ["My answer is blue.", "My answer is red.", "a red river"]


def test_a_seat_asked_twice_at_once_answers_in_two_parallel_steps():
    env = envs.parallel_env(appraisal, Colours())
    env.reset(seed=0)
    judging = {"judge": np.array([1.0, 0.0])}
    env.step({"appraiser": np.array([0.25]), **judging})
    assert env.stage.episode.replies == []
    env.step({"appraiser": np.array([0.75]), **judging})
    assert env.stage.episode.replies == [0.25, 0.75]
    _, rewards, *_ = env.step({"appraiser": np.array([0.0]), **judging})
    assert rewards["appraiser"] == 0.25
    assert env.agents == []


def test_seats_with_nothing_to_do_are_not_masked():
    env = envs.parallel_env("debate", "digits")
    seen, infos = env.reset(seed=0)
    assert infos["debater_0"] == {"act": "argue"}
    assert infos["debater_1"] == {}
    assert not seen["debater_0"]["action_mask"].all()
    assert seen["debater_1"]["action_mask"].all()


def test_the_learners_mask_is_in_its_observation_and_its_info():
    env: Any = envs.gym_env("debate", "digits", seat="debater_1", cast={"debater_0": RandomAgent()})
    seen, info = env.reset(seed=3)
    assert (seen["action_mask"] == env.action_masks()).all()
    assert (info["action_mask"] == env.action_masks()).all()
    assert env.action_masks()[-1] == 1  # silence
    with pytest.raises(NotImplementedError):
        envs.gym_env("naive", "digits").action_masks()


def test_misuse_is_explained():
    with pytest.raises(OversightError, match="did you mean 'judge'"):
        envs.gym_env("debate", "digits", seat="juge")
    with pytest.raises(OversightError, match="did you mean 'debate'"):
        envs.make("debat")
    with pytest.raises(OversightError, match="no parameter 'round'; did you mean 'rounds'"):
        envs.make("debate", round=2)
    env: Any = envs.gym_env("naive", "digits")
    with pytest.raises(OversightError, match="episodes are numbered from 0"):
        env.reset(options={"episode": -1})
    env.reset(seed=0)
    env.step(np.zeros(10))
    with pytest.raises(OversightError, match="reset before the next step"):
        env.step(np.zeros(10))


@every_game
def test_render_shows_the_game_and_not_the_truth(game: Game, capsys: pytest.CaptureFixture[str]):
    env = envs.make(game.protocol, game.world, render_mode="ansi")
    env.reset(seed=0)
    question = env.stage.episode.case.question.prompt
    assert question in (env.render() or "")
    shown = envs.make(game.protocol, game.world, render_mode="human")
    shown.reset(seed=0)
    shown.step(None)
    assert question in capsys.readouterr().out


def test_the_learners_picture_holds_only_what_it_may_see():
    env = envs.gym_env("naive", "digits", render_mode="ansi", evidence=2)
    env.reset(seed=0)
    drawn = env.render() or ""
    assert "█" not in drawn
    assert " 1" in drawn
    env.step(np.eye(10)[3])
    assert "Verdict: 3 100%" in (env.render() or "")
