"""A model's name where an agent or a judge is named."""

from __future__ import annotations

import pytest

from oversight.agents.chat import ChatAgent
from oversight.agents.choosing import BestOf, CritiqueAndRefine
from oversight.core import OversightError
from oversight.judges.language import LogProbJudge, StatedJudge, VoteJudge
from oversight.registry import Setting, build

SETTING = Setting(build("worlds", "passages"), "debater_0")


def test_a_models_name_seats_a_chat_agent() -> None:
    agent = build("agents", "tiny:1,words=20,temperature=0", SETTING)
    assert isinstance(agent, ChatAgent)
    assert (agent.manner.words, agent.manner.temperature) == (20, 0.0)
    assert agent.label == "tiny:1,words=20,temperature=0.0"


@pytest.mark.parametrize(
    ("spec", "kind", "label"),
    [
        ("tiny:1", LogProbJudge, "logprob of tiny:1"),
        ("tiny:1,form=stated", StatedJudge, "stated by tiny:1"),
        ("tiny:1,form=vote,n=3", VoteJudge, "vote of 3 by tiny:1"),
    ],
)
def test_a_judges_form_is_an_option(spec: str, kind: type, label: str) -> None:
    judge = build("judges", spec, SETTING)
    assert type(judge) is kind
    assert judge.label == label


def test_the_same_model_is_loaded_once() -> None:
    one = build("agents", "tiny:1", SETTING)
    other = build("judges", "tiny:1,form=vote", SETTING)
    assert one.model is other.model
    assert build("agents", "tiny:2", SETTING).model is not one.model


@pytest.mark.parametrize(
    ("kind", "spec", "reason"),
    [
        ("judges", "tiny:1,form=guess", "'guess'"),
        ("judges", "tiny:1,form=vote,n=0", "n counts the votes"),
        ("judges", "tiny:1,n=4", "none by form=logprob; add form=vote"),
        ("agents", "tiny:1,words=0", "cannot set words to '0'.* greater than or equal to 1"),
        ("agents", "tiny:1,temperature=-1", "cannot set temperature to '-1'"),
        ("judges", "tiny:1,top_p=0", "cannot set top_p to '0': .* greater than 0"),
        ("agents", "tiny:1,words=many", "cannot set words to 'many'"),
        ("agents", "tiny:1,colour=red", "no option 'colour'"),
        ("agents", "tiny:1,form=vote", "no option 'form'"),
        ("agents", "tiny:one", "cannot set seed to 'one'"),
    ],
)
def test_a_bad_option_is_named(kind: str, spec: str, reason: str) -> None:
    with pytest.raises(OversightError, match=reason):
        build(kind, spec, SETTING)


def test_wrappers_take_a_model_in_parentheses() -> None:
    best = build("agents", "best_of:(tiny:1,words=9),n=3", SETTING)
    assert isinstance(best, BestOf)
    assert best.label == "best of 3 by tiny:1,words=9"
    refined = build("agents", "refine:(tiny:1),critic=tiny:2", SETTING)
    assert isinstance(refined, CritiqueAndRefine)
    assert refined.label == "tiny:1, criticised by tiny:2 and refined"
    assert not refined.replayable


def test_an_expert_on_circuits_is_told_its_own_values() -> None:
    from oversight.episode import Episode
    from oversight.registry import load

    world = build("worlds", "circuits:depth=2,width=2")
    episode = Episode(load("protocols", "debate"), world, 0, 0)
    debater, judge = (episode.table.view(seat) for seat in ("debater_0", "judge"))
    assert world.material(debater).startswith("Your own evaluation, which may err: g0=")
    assert "g2=" in world.material(judge)  # the judge has a shallow trace of its own
