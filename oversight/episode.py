"""One episode under way: a script, and the replies it has been given.

An episode *is* its replies. Scripts are deterministic given them, so forking, pickling, resuming,
replaying and rejudging are all the same thing: run the script again with the recorded replies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oversight import keys
from oversight.core import Case, Outcome, OversightError, Step, Turn
from oversight.protocol import Protocol
from oversight.spaces import IllegalReply, NoReply, Reply
from oversight.table import Table
from oversight.world import World


class EpisodeFailed(Exception):
    """An episode that cannot go on: which seat, which turn, and why."""

    def __init__(self, seat: str, act: str, number: int, reason: str) -> None:
        super().__init__(f"{seat} at its turn {number} ({act}): {reason}")
        self.seat, self.act, self.number, self.reason = seat, act, number, reason

    def __reduce__(self) -> tuple[Any, ...]:
        return (EpisodeFailed, (self.seat, self.act, self.number, self.reason))


def case_of(world: World, index: int, seed: int) -> Case:
    """The case of an episode: worlds of finite size are gone round again."""
    return world.case(index if world.size is None else index % world.size, seed)


class Episode:
    """A script under way. `pending` are the turns to reply to; `outcome` is set when it ends."""

    __slots__ = ("_script", "_single", "case", "index", "outcome", "pending", "protocol",
                 "replies", "seed", "table", "world")  # fmt: skip

    def __init__(
        self, protocol: Protocol, world: World, index: int, seed: int, case: Case | None = None
    ) -> None:
        self.protocol, self.world, self.index, self.seed = protocol, world, index, seed
        self.case = case if case is not None else case_of(world, index, seed)
        self.table = Table(world, self.case, protocol.seats, keys.root(seed, self.case.id, index))
        self.replies: list[Reply] = []
        self.outcome: Outcome | None = None
        self.pending: tuple[Turn, ...] = ()
        self._single = True
        self._script = protocol.play(self.case, self.table)
        self._advance(None)

    def send(self, replies: Sequence[Any]) -> None:
        """Reply to every pending turn, in order. EpisodeFailed if a reply is not legal."""
        if len(replies) != len(self.pending):
            raise ValueError(f"{len(self.pending)} turns are pending, got {len(replies)} replies")
        checked: list[Reply] = []
        for turn, reply in zip(self.pending, replies, strict=True):
            if isinstance(reply, NoReply):
                raise EpisodeFailed(turn.seat, turn.act, turn.number, reply.reason)
            try:
                checked.append(turn.space.check(reply))
            except IllegalReply as error:
                raise EpisodeFailed(turn.seat, turn.act, turn.number, str(error)) from None
        self.replies += checked
        self._advance(checked[0] if self._single else tuple(checked))

    def _advance(self, answer: Any) -> None:
        try:
            step: Step = self._script.send(answer)
        except StopIteration as stop:
            if not isinstance(stop.value, Outcome):
                raise TypeError(f"a script returns an Outcome, not {stop.value!r}") from None
            self.outcome, self.pending = stop.value, ()
            return
        self._single = isinstance(step, Turn)
        self.pending = (step,) if isinstance(step, Turn) else step

    def fork(self) -> Episode:
        """An independent copy at the same point: the script run again with the same replies."""
        return self.replay(self.protocol, self.world, self.index, self.seed, self.replies,
                           case=self.case)  # fmt: skip

    @staticmethod
    def replay(
        protocol: Protocol,
        world: World,
        index: int,
        seed: int,
        replies: Sequence[Reply],
        *,
        case: Case | None = None,
    ) -> Episode:
        """The episode at the point where these replies have been given."""
        episode = Episode(protocol, world, index, seed, case)
        given = 0
        while given < len(replies):
            width = len(episode.pending)
            if width == 0 or given + width > len(replies):
                raise OversightError(
                    f"episode {index} recorded {len(replies)} replies but the script stops asking "
                    f"after {given}; the record belongs to another protocol, world or version"
                )
            episode.send(replies[given : given + width])
            given += width
        return episode

    def __reduce__(self) -> tuple[Any, ...]:
        return (_unpickle, (self.protocol, self.world, self.index, self.seed, self.replies,
                            self.case))  # fmt: skip


def _unpickle(
    protocol: Protocol, world: World, index: int, seed: int, replies: list[Reply], case: Case
) -> Episode:
    return Episode.replay(protocol, world, index, seed, replies, case=case)
