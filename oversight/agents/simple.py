"""Agents that need nothing: the random and the silent, which are also controls."""

from __future__ import annotations

from collections.abc import Sequence

from oversight import keys
from oversight.agents.base import Agent
from oversight.core import Turn
from oversight.spaces import Choose, Credences, Number, Reply, Write


class RandomAgent(Agent):
    """Replies uniformly over what is legal, drawn from the turn's key."""

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """A uniform legal reply to each turn."""
        return [_uniform(turn) for turn in turns]

    @property
    def label(self) -> str:
        """ "random"."""
        return "random"


class SilentAgent(Agent):
    """Says nothing wherever silence is allowed, and plays at random where it is not."""

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """None, or a uniform legal reply where the turn demands one."""
        return [None if getattr(turn.space, "silence", False) else _uniform(turn) for turn in turns]

    @property
    def label(self) -> str:
        """ "silent"."""
        return "silent"


def _uniform(turn: Turn) -> Reply:
    match turn.space:
        case Choose() as space:
            return (
                space.options[keys.below(turn.key, len(space.options))] if space.options else None
            )
        case Credences(n=n):
            draws = keys.generator(turn.key).standard_exponential(n)
            return tuple(float(draw) for draw in draws / draws.sum())
        case Number(low=low, high=high):
            return low + (high - low) * keys.unit(turn.key)
        case Write():
            return ""
