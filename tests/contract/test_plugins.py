"""Another package's protocols, worlds, judges and agents, found through its entry points."""

from __future__ import annotations

from pathlib import Path

import pytest

import envs
from oversight.casting import cast_for
from oversight.catalogue import catalogue, worlds_that_fit
from oversight.core import OversightError
from oversight.registry import build, load, names
from oversight.rollout import rollout
from tests.contract import plugin

ENTRY_POINTS = """\
[oversight.protocols]
appraisal = tests.contract.plugin:appraisal
[oversight.worlds]
colours = tests.contract.plugin:Colours
[oversight.judges]
stubborn = tests.contract.plugin:stubborn
[oversight.agents]
chatter = tests.contract.plugin:chatter
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin, as an installer would leave it on the path."""
    info = tmp_path / "oversight_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: oversight-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("protocols", "appraisal"),
        ("worlds", "colours"),
        ("judges", "stubborn"),
        ("agents", "chatter"),
    ],
)
def test_what_a_package_adds_is_registered(kind: str, name: str):
    assert name in names(kind)
    assert load(kind, name) is not None


def test_a_package_is_not_needed_for_what_is_built_in():
    assert {"debate", "naive"} <= {*names("protocols")}


def test_an_added_world_fits_the_protocols_it_can_host():
    assert "colours" in worlds_that_fit(load("protocols", "debate"))
    listed = {entry["name"]: entry for entry in catalogue()["worlds"]}
    assert listed["colours"]["abilities"] == ["Arguable", "Askable", "Unaided"]


def test_an_added_game_is_played_by_name():
    world = build("worlds", "colours")
    protocol = load("protocols", "debate")
    casting = cast_for(protocol, world, {"debater": "chatter"}, judge="stubborn")
    for record in rollout(protocol, world, casting.cast, 20):
        assert record.credences == (1.0, 0.0)


def test_an_added_game_is_an_environment_by_name():
    env = envs.make("appraisal", world="colours")
    env.reset(seed=0)
    assert env.agent_selection == "appraiser"
    assert isinstance(env.stage.world, plugin.Colours)


def test_an_unknown_name_suggests_the_nearest_of_all():
    with pytest.raises(OversightError, match="did you mean 'colours'"):
        build("worlds", "colors")
