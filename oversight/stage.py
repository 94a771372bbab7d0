"""One protocol on one world, played through actions: what the environments have in common.

The stage drives the same `Episode` as the rollout, so a game played through an environment is the
engine's own: the same keys, the same luck, and for the same replies the same outcome. Seed and
episode number mean what they mean to the rollout.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gymnasium.spaces import Space

from oversight.core import OversightError, Turn, View
from oversight.encoding import Observation, encodings
from oversight.episode import Episode, EpisodeFailed
from oversight.protocol import Protocol
from oversight.registry import build, load
from oversight.rollout import check_fit
from oversight.spaces import IllegalReply, Reply
from oversight.world import World

ILLEGAL = -1.0
"""What a seat is paid for an illegal action; nothing pays less. The game ends, the others get 0."""


class Stage:
    """Where an environment's games are played, one after the other.

    `open` lists the places in `episode.pending` that still await an action.
    """

    episode: Episode

    def __init__(self, protocol: Protocol, world: World) -> None:
        """OversightError when the protocol does not fit the world, or a seat has no one space."""
        check_fit(protocol, world)
        self.protocol, self.world = protocol, world
        self.seats = list(protocol.seats)
        self.encodings = encodings(protocol, world)
        self.seed, self.index = 0, -1
        self.open: list[int] = []
        self.failure: EpisodeFailed | None = None
        self._replies: list[Any] = []

    @classmethod
    def of(
        cls, protocol: str | Protocol, world: str | World, parameters: Mapping[str, Any]
    ) -> Stage:
        """A stage from what a user names; errors are the registry's."""
        played = load("protocols", protocol) if isinstance(protocol, str) else protocol
        place = build("worlds", world) if isinstance(world, str) else world
        return cls(played.bind(**parameters), place)

    @property
    def metadata(self) -> dict[str, Any]:
        """What PettingZoo wants to know of an environment on this stage."""
        return {
            "name": f"{self.protocol.name}_{self.world.name}",
            "render_modes": ["ansi", "human"],
            "is_parallelizable": False,
        }

    @property
    def observation_spaces(self) -> dict[str, Space[Any]]:
        """What each seat sees; built once, with the stage."""
        return {seat: encoding.observation_space for seat, encoding in self.encodings.items()}

    @property
    def action_spaces(self) -> dict[str, Space[Any]]:
        """What each seat does; built once, with the stage."""
        return {seat: encoding.action_space for seat, encoding in self.encodings.items()}

    def begin(self, seed: int | None = None, options: Mapping[str, Any] | None = None) -> None:
        """Begin an episode: the next one, the first of a new `seed`, or `options["episode"]`."""
        if seed is not None:
            self.seed, self.index = seed, -1
        index = (options or {}).get("episode", self.index + 1)
        if not isinstance(index, int) or index < 0:
            raise OversightError(f"episodes are numbered from 0, got {index!r}")
        self.index = index
        self.failure = None
        self.episode = Episode(self.protocol, self.world, index, self.seed)
        self._ask()

    def play(self, slot: int, action: Any) -> None:
        """Answer the pending turn at a slot by an action; an illegal one ends the game."""
        turn = self.episode.pending[slot]
        try:
            reply = self.encodings[turn.seat].decode(action, turn)
        except IllegalReply as error:
            self.fail(turn, str(error))
        else:
            self._take(slot, reply)

    def reply(self, slot: int, reply: Reply) -> None:
        """The same by a reply, as agents give it."""
        turn = self.episode.pending[slot]
        try:
            checked = turn.space.check(reply)
        except IllegalReply as error:
            self.fail(turn, str(error))
        else:
            self._take(slot, checked)

    def fail(self, turn: Turn, reason: str) -> None:
        """End the game at a turn, without a verdict."""
        self.failure = EpisodeFailed(turn.seat, turn.act, turn.number, reason)
        self.open = []

    def _take(self, slot: int, reply: Reply) -> None:
        self._replies[slot] = reply
        self.open.remove(slot)
        if not self.open:
            self.episode.send(self._replies)
            self._ask()

    def _ask(self) -> None:
        width = len(self.episode.pending)
        self.open, self._replies = list(range(width)), [None] * width

    @property
    def over(self) -> bool:
        """Whether the game has ended, one way or the other."""
        return not self.open

    def slot_of(self, seat: str) -> int | None:
        """Where `seat` is asked next, or None while it has nothing to do."""
        return next((s for s in self.open if self.episode.pending[s].seat == seat), None)

    def turn_of(self, seat: str) -> Turn | None:
        """What `seat` is asked next, or None while it has nothing to do."""
        slot = self.slot_of(seat)
        return None if slot is None else self.episode.pending[slot]

    def observe(self, seat: str) -> Observation:
        """What `seat` sees, and what it is asked if it is to move."""
        turn = self.turn_of(seat)
        view = self.episode.table.view(seat) if turn is None else turn.view
        return self.encodings[seat].observe(view, turn)

    def rewards(self) -> dict[str, float]:
        """What each seat is paid: 0 before the end, and where the protocol pays nothing."""
        if self.failure is not None:
            return {s: ILLEGAL if s == self.failure.seat else 0.0 for s in self.seats}
        outcome = self.episode.outcome
        paid = {} if outcome is None else outcome.rewards
        return {seat: float(paid.get(seat, 0.0)) for seat in self.seats}

    def info(self, seat: str) -> dict[str, Any]:
        """What goes with an observation: never what was true.

        Before the end `act`, if the seat is to move; after it the `verdict`, or the `failure`.
        """
        if self.failure is not None:
            return {"failure": str(self.failure)}
        if self.episode.outcome is not None:
            return {"verdict": list(self.episode.outcome.credences)}
        turn = self.turn_of(seat)
        return {} if turn is None else {"act": turn.act}

    def draw(self, seat: str | None = None) -> str:
        """The game so far as a seat sees it, or with None as an onlooker who sees everything."""
        table = self.episode.table
        view = (
            View(table.question, table.transcript, self.episode.case.private, None, ())
            if seat is None
            else table.view(seat)
        )
        lines = [self.world.draw(view)]
        if self.failure is not None:
            lines.append(f"The game ended without a verdict: {self.failure}")
        elif self.episode.outcome is not None:
            shares = zip(table.question.answers, self.episode.outcome.credences, strict=True)
            lines.append("Verdict: " + ", ".join(f"{a} {p:.0%}" for a, p in shares if p >= 0.005))
        return "\n".join(lines)
