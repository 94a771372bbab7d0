"""A panel of judges that decides together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from oversight import keys
from oversight.core import OversightError, Turn
from oversight.judges.dials import base_judge
from oversight.players import Agent, Rehearsal
from oversight.registry import Setting
from oversight.spaces import Reply

Pool = Literal["mean", "vote"]


class PanelJudge(Agent):
    """Members judge apart, each with luck of its own; their credences are pooled.

    Args:
        members: one judge or more.
        pool: "mean" averages credences (linear opinion pool); "vote" gives each answer its share
            of the members' first choices, a tie within a member shared.
    """

    def __init__(self, members: Sequence[Agent], pool: Pool = "mean") -> None:
        if not members:
            raise OversightError("a panel needs at least one member")
        self.members = tuple(members)
        self.pool = pool

    @property
    def base(self) -> Agent:
        """The first member: what a debater searches who cannot search the whole panel."""
        return self.members[0]

    @property
    def label(self) -> str:
        """The members' labels."""
        return f"panel({self.pool}: {', '.join(member.label for member in self.members)})"

    def prepare(self, rehearse: Rehearsal) -> None:
        """Let each member prepare."""
        for member in self.members:
            member.prepare(rehearse)

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """The pooled credences of each turn."""
        opinions = [
            [
                turn.space.check(reply)
                for turn, reply in zip(
                    turns,
                    member.act([t._replace(stream=keys.fold(t.stream, place)) for t in turns]),
                    strict=True,
                )
            ]
            for place, member in enumerate(self.members)
        ]
        return [self._together(np.asarray(each)) for each in zip(*opinions, strict=True)]

    def _together(self, credences: np.ndarray) -> tuple[float, ...]:  # (members, answers)
        if self.pool == "vote":
            first = credences == credences.max(axis=1, keepdims=True)
            credences = first / first.sum(axis=1, keepdims=True)
        return tuple(credences.mean(axis=0).tolist())


def panel(setting: Setting, members: str = "3", pool: Pool = "mean") -> PanelJudge:
    """`panel[:members]`: a number of the world's judges, or `(SPEC|SPEC|…)`."""
    specs = [""] * int(members) if members.isdecimal() else members.split("|")
    return PanelJudge([base_judge(spec, setting) for spec in specs], pool)
