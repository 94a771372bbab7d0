"""Whoever reads a turn, a person or a language model, can tell what its numbers stand for."""

from __future__ import annotations

import pytest

from oversight.agents.replies import how_to_reply
from oversight.core import Question, Turn, View
from oversight.people.desk import as_page
from oversight.people.terminal import HumanAgent
from oversight.registry import build, names
from oversight.spaces import ANSWERS, Choose
from oversight.world import Arguable, Askable
from tests.contract.games import SPECS


@pytest.mark.parametrize("name", names("worlds"))
def test_worlds_say_what_their_numbers_stand_for(name: str):
    world = build("worlds", SPECS.get(name, name))
    bounds = [world.argue_bound] if isinstance(world, Arguable) else []
    bounds += [world.ask_bound] if isinstance(world, Askable) else []
    for bound in bounds:
        if isinstance(bound, Choose):
            assert bound.of


def _turn(space: Choose, act: str = "argue") -> Turn:
    question = Question("Who?", ("Ada", "Bo", "Cy"))
    return Turn("debater_0", act, "Argue.", View(question, (), None, None, ()), space, 1, 0)


def test_a_model_a_page_and_a_terminal_are_told():
    gates, answers = _turn(Choose(9, of="gates")), _turn(Choose(3, of=ANSWERS), "ask")
    assert "7, 8 (gates)" in how_to_reply(gates, (0, 1, 2), 50)
    assert how_to_reply(answers, (2, 1, 0), 50).endswith("one of C, B, A")
    shown = list[str]()
    typed = iter(["8", "Bo"])
    person = HumanAgent(lambda _: "", lambda _: next(typed), shown.append)
    assert person.act([gates, answers]) == [8, 1]
    assert any("(gates)" in text for text in shown)
    assert any("Ada, Bo, Cy" in text for text in shown)
    world = build("worlds", "sums")
    assert as_page("one", gates, world)["reply"]["of"] == "gates"
    assert as_page("two", answers, world)["reply"]["names"] == ["Ada", "Bo", "Cy"]
