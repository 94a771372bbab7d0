"""Every game that the contract is asked of: each registered protocol on each world that fits.

A protocol that registers itself is swept as it is, everywhere; the variants named here are swept as
well, each on the first world that fits.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from oversight.catalogue import worlds_that_fit
from oversight.protocol import Protocol
from oversight.registry import build, load, names
from oversight.world import World
from tests.contract.plugin import Colours, appraisal

VARIANTS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "naive": ({"sides": 2},),
    "consultancy": (
        {"form": "open", "rounds": 2},
        {"form": "double", "rounds": 2},
        {"questions": True, "rounds": 2},
    ),
    "debate": (
        {"sides": "none"},
        {"sides": "open"},
        {"order": "simultaneous", "questions": True},
        {"debaters": 3, "rounds": 2},
    ),
    "critique": ({"rebuttal": True, "points": 2}, {"proposal": "own", "points": 2}),
    "nested": ({"steps": 3},),
    "doubly_efficient": ({"runs": 2},),
    "amplification": (
        {"depth": 2, "votes": 2, "subquestions": 2},
        {"votes": 3},
        {"check": "critique:points=1,support=0,proposal=own"},
        {"check": "debate:rounds=1", "depth": 2},
    ),
    "factored_cognition": ({"depth": 2, "rule": "debate:rounds=1", "repair": 1},),
    "process_supervision": (
        {"by": "outcome", "candidates": 2},
        {"by": "majority", "candidates": 3},
        {"candidates": 2, "steps": 2},
    ),
    "reward_modeling": ({"aided": False}, {"critiques": 2, "candidates": 2}),
    "sandwiching": (
        {"novices": 3, "messages": 2},
        {"form": "novice_alone", "novices": 2},
        {"form": "assistant_alone"},
    ),
}
SPECS = {
    "algorithms": "algorithms:task=wildcard_search",
    "circuits": "circuits:depth=3,width=4",
    "digits": "digits:rollouts=8",
    "mnist": "mnist:rollouts=8",
    "passages": "passages:rollouts=8",
    "sentences": "sentences:rollouts=8",
    "transcripts": f"transcripts:{Path(__file__).with_name('transcripts.jsonl')}",
}
"""Default debaters that search little: the contract is about games, not about strength."""


class Game(NamedTuple):
    """A protocol with its parameters, and a world."""

    protocol: Protocol
    place: str

    @property
    def world(self) -> World:
        """The world, built once; skips where its files are absent."""
        if self.place == "mnist" and not _mnist_files():
            pytest.skip("the MNIST files are not here: see OVERSIGHT_DATA_DIR")
        return _world(self.place)


@cache
def _world(place: str) -> World:
    return Colours() if place == Colours.name else build("worlds", SPECS.get(place, place))


def _mnist_files() -> bool:
    return (Path(os.environ.get("OVERSIGHT_DATA_DIR", "/nonexistent")) / "mnist").is_dir()


def _game(protocol: Protocol, place: str) -> Any:
    shown = [f"{name}={protocol.settings[name]}" for name in protocol.parameters]
    marks = [pytest.mark.paper] if place == "mnist" else []
    return pytest.param(
        Game(protocol, place), id="-".join([protocol.name, *shown, place]), marks=marks
    )


def _swept() -> list[Any]:
    found: list[Any] = []
    for name in names("protocols"):
        protocol: Protocol = load("protocols", name)
        for parameters in ({}, *VARIANTS.get(name, ())):
            bound = protocol.bind(**parameters)
            places = [Colours.name, *worlds_that_fit(bound)]
            fitting = [place for place in places if _fits(bound, place)]
            found += [_game(bound, place) for place in (fitting[:1] if parameters else fitting)]
    return [*found, _game(appraisal, Colours.name)]


def _fits(protocol: Protocol, place: str) -> bool:
    world = _world(place)
    sides = protocol.parameters.get("debaters", 2)
    return not protocol.missing(world) and sides <= world.answers


GAMES = _swept()
ON_TEXT = [param for param in GAMES if param.values[0].place == Colours.name]
every_game = pytest.mark.parametrize("game", GAMES)
"""Ask this of every game."""
