"""Agents that need nothing: the random and the silent, which are also controls."""

from __future__ import annotations

from collections.abc import Sequence

from oversight import keys
from oversight.core import Turn
from oversight.players import Agent, divided
from oversight.spaces import Choose, Credences, Number, Pick, Reply, Write


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


class ArguesLike(Agent):
    """Claims and asks as `base` does, but argues as `other`: how controls replace the arguing."""

    def __init__(self, base: Agent, other: Agent) -> None:
        self.base = base
        self.other = other

    @property
    def label(self) -> str:
        """Such as "mcts:200 arguing like silent"."""
        return f"{self.base.label} arguing like {self.other.label}"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Each turn's reply from whichever of the two plays its act."""
        return divided(turns, lambda turn: turn.act == "argue", self.other.act, self.base.act)


def _uniform(turn: Turn) -> Reply:
    match turn.space:
        case Choose() as space:
            return (
                space.options[keys.below(turn.key, len(space.options))] if space.options else None
            )
        case Pick(most=most) as space:
            options = space.options
            listed = keys.below(turn.key, most + 1) if options else 0
            draws = (keys.below(keys.fold(turn.key, 1 + i), len(options)) for i in range(listed))
            return tuple(options[draw] for draw in draws)
        case Credences(n=n):
            draws = keys.generator(turn.key).standard_exponential(n)
            return tuple(float(draw) for draw in draws / draws.sum())
        case Number(low=low, high=high):
            return low + (high - low) * keys.unit(turn.key)
        case Write():
            return ""
