"""The society as a PettingZoo environment."""

from typing import Any

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

import envs
from envs.society import OBSERVER, SocietyEnv
from oversight.registry import names
from oversight.society.settings import Settings
from oversight.society.society import Society
from tests.contract.games import GAMES, SPECS, Game

IN_NAMED_WORLDS = [param for param in GAMES if param.values[0].place in names("worlds")]
"""A society lives in a world by its name; the plugin's has none."""
SMALL = {"world": "preferences:topics=2,manners=2,longest=3", "graph": "grid:radius=1"}


def _env(members: int = 9, rounds: int = 3, **settings: Any) -> SocietyEnv:
    return envs.society_env(members=members, rounds=rounds, **{**SMALL, **settings})


def _acts(env: SocietyEnv) -> dict[str, Any]:
    return {agent: env.action_space(agent).sample() for agent in env.agents}


@pytest.mark.parametrize("settings", [{}, {"institution": "judge"}, {"beyond": True}])
def test_it_is_an_environment(settings: dict[str, Any], capsys: pytest.CaptureFixture[str]):
    parallel_api_test(_env(**settings), num_cycles=30)
    assert "Passed" in capsys.readouterr().out


def test_its_seed_is_all_its_luck():
    parallel_seed_test(_env)


def test_a_round_is_four_steps_and_is_paid_by_the_observer():
    env = _env()
    env.reset(seed=0)
    for step in range(12):
        acts = _acts(env)
        given = np.full((9, 2, 2), 2)
        given[:, 1, 0] = np.arange(9) % 7
        acts[OBSERVER] = given.ravel()
        seen, rewards, ended, *_ = env.step(acts)
        if step % 4 == 3:
            assert [rewards[f"member_{i}"] for i in range(9)] == [1 + i % 7 for i in range(9)]
        else:
            assert set(rewards.values()) == {0.0}
        assert all(ended.values()) == (step == 11)
        if step < 11:
            assert {int(one["phase"]) for one in seen.values()} == {(step + 1) % 4}
    assert not env.agents


def test_what_is_drafted_is_shown_to_its_raters_and_what_they_say_to_its_author():
    env = _env()
    env.reset(seed=1)
    acts = _acts(env)
    for i in range(9):
        acts[f"member_{i}"]["answer"] = np.int64(i)
    seen, *_ = env.step(acts)
    shown = {i: seen[f"member_{i}"]["shown"] for i in range(9)}
    raters = {author: [i for i in range(9) if author + 1 in shown[i]] for author in range(9)}
    assert all(1 <= len(who) <= 4 and author not in who for author, who in raters.items())
    acts = _acts(env)
    for i in range(9):
        acts[f"member_{i}"]["ratings"][:] = 1 + i % 7
        acts[f"member_{i}"]["reasons"][:] = 1 + i
    seen, *_ = env.step(acts)
    for author, who in raters.items():
        told = seen[f"member_{author}"]["ratings"]
        assert sorted(told[told > 0].tolist()) == sorted(1 + i % 7 for i in who)
        why = seen[f"member_{author}"]["reasons"]
        assert sorted(why[why > 0].tolist()) == sorted(1 + i for i in who)


def test_who_does_not_act_or_acts_wrongly_dies_and_the_others_go_on():
    env = _env()
    env.reset(seed=2)
    env.step(_acts(env))
    acts = _acts(env)
    del acts["member_4"]
    acts["member_0"] = {"answer": 10**6}
    seen, _, ended, _, infos = env.step(acts)
    assert [agent for agent, over in ended.items() if over] == ["member_0", "member_4"]
    assert infos["member_4"] == {"failure": "no action"}
    assert "not in its space" in infos["member_0"]["failure"]
    assert (seen["member_1"]["ratings"] >= 0).all()
    for _ in range(6):
        env.step(_acts(env))
    assert "member_4" not in env.agents
    assert len(env.agents) == 8
    record = env.said[-1]
    assert not np.isin(record.raters, [0, 4]).any()
    assert set(env.said[0].authors.tolist()) == set(range(9))  # it had drafted
    assert set(record.authors.tolist()) == set(range(9)) - {0, 4}


def test_nothing_that_is_shown_hangs_on_what_is_true():
    told = list[Any]()
    for world in ("rho=-0.8", "rho=0.8"):
        env = SocietyEnv(Settings(world=f"preferences:topics=2,manners=2,longest=3,{world}",
                                  members=4, graph="complete", prior=0), rounds=1)  # fmt: skip
        seen, infos = env.reset(seed=3)
        told.append([seen, infos])
        draw = np.random.default_rng(0)
        for _ in range(4):
            acts = {agent: _evenly(env.action_space(agent), draw) for agent in env.agents}
            seen, rewards, _, _, infos = env.step(acts)
            told.append([_without_attributes(seen), rewards, infos])
    half = len(told) // 2
    for one, other in zip(told[:half], told[half:], strict=True):
        np.testing.assert_equal(one, other)


def _without_attributes(seen: dict[str, Any]) -> dict[str, Any]:
    """What experts see of answers is theirs to see."""
    return {agent: {key: value for key, value in one.items() if key != "attributes"}
            for agent, one in seen.items()}  # fmt: skip


def _evenly(space: Any, draw: np.random.Generator) -> Any:
    space.seed(int(draw.integers(2**31)))
    return space.sample()


@pytest.mark.parametrize("game", IN_NAMED_WORLDS)
def test_any_protocol_is_an_institution(game: Game):
    place = SPECS.get(game.place, game.place) if game.place != "preferences" else SMALL["world"]
    _ = game.world  # skips where its files are absent
    society = Society(Settings(world=place, graph="complete", members=9,
                               kinds="adversarial=0.2,lazy=0.2", institution=game.protocol.spec,
                               raters=6))  # fmt: skip
    said = society.play()
    rated = ~np.isnan(said.points)
    assert rated.any()
    assert ((said.points[rated] >= 1) & (said.points[rated] <= 7)).all()
    assert any(society.argued(said)) or not society.institution.heard


def test_it_can_be_looked_at():
    env = _env(render_mode="ansi")
    env.reset(seed=0)
    env.step(_acts(env))
    drawn = env.render()
    assert drawn is not None
    assert drawn.startswith("round 0, to rate")
    assert drawn.count("member ") == 9
