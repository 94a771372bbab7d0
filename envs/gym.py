"""One learning seat against a fixed cast, as a Gymnasium environment.

The others' moves are part of the environment; they are drawn from their turns' keys, so an episode
is the same whenever it is played. Rewards come at the end; an illegal action ends the game with
`oversight.stage.ILLEGAL`. Where another seat's agent raises or replies illegally the game is
truncated, and the info's `failure` says who did what.

An info holds `act` and `action_mask` (for a seat that picks one of several things) while the game
goes on and, at the end, `verdict` or `failure`; never what was true.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from oversight.core import OversightError, Turn
from oversight.encoding import Observation
from oversight.players import Cast
from oversight.registry import suggest
from oversight.stage import Stage


class OversightGym(gymnasium.Env[Observation, Any]):
    """See the module; `envs.gym_env` builds one."""

    def __init__(self, stage: Stage, seat: str, cast: Cast, render_mode: str | None = None) -> None:
        if seat not in stage.seats:
            known = suggest(seat, stage.seats, "seats")
            raise OversightError(f"{stage.protocol.name} has no seat {known}")
        self.stage = stage
        self.seat = seat
        self.cast = cast
        self.render_mode = render_mode
        self.metadata = {"render_modes": ["ansi", "human"], "render_fps": 4}
        self.observation_space = stage.encodings[seat].observation_space
        self.action_space = stage.encodings[seat].action_space

    @property
    def turn(self) -> Turn | None:
        """The turn that awaits the learner's action; None after the end."""
        return self.stage.turn_of(self.seat)

    def action_masks(self) -> NDArray[np.int8]:
        """(n,) 1 where an action is legal now. NotImplementedError if nothing is to be picked."""
        return self.stage.encodings[self.seat].mask(self.turn)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode: with a `seed` its first, else the next; `options["episode"]` any.

        OversightError when the game is over before the seat has moved.
        """
        super().reset(seed=seed)
        self.stage.begin(seed, options)
        self._others_move()
        if self.stage.over:
            reason = self.stage.failure or f"{self.seat} is never asked anything"
            raise OversightError(f"episode {self.stage.index} ended before it began: {reason}")
        self._show()
        return self.stage.observe(self.seat), self._info()

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Play the seat's action, then let the others move until it is to move again."""
        stage = self.stage
        slot = stage.slot_of(self.seat)
        if slot is None:
            raise OversightError("the game is over; reset before the next step")
        stage.play(slot, action)
        self._others_move()
        self._show()
        failed = stage.failure is not None and stage.failure.seat != self.seat
        reward = stage.rewards()[self.seat]
        return stage.observe(self.seat), reward, stage.over and not failed, failed, self._info()

    def _others_move(self) -> None:
        """Answer what the others are asked, until the learner is to move or the game is over."""
        stage = self.stage
        while not stage.over and self.turn is None:
            slot = stage.open[0]
            turn = stage.episode.pending[slot]
            agent = self.cast[turn.seat]
            try:
                [reply] = agent.act([turn])
            except OversightError:
                raise  # the user can mend it
            except Exception as error:
                stage.fail(turn, f"{agent.label} raised {type(error).__name__}: {error}")
            else:
                stage.reply(slot, reply)

    def _info(self) -> dict[str, Any]:
        info = self.stage.info(self.seat)
        encoding = self.stage.encodings[self.seat]
        if "act" in info and encoding.actions.mask_key is not None:
            info[encoding.actions.mask_key] = self.action_masks()
        return info

    def _show(self) -> None:
        if self.render_mode == "human":
            self.render()

    def render(self) -> str | None:  # type: ignore[override]
        """The game so far as the learner sees it: text in "ansi", else printed."""
        drawn = self.stage.draw(self.seat)
        return drawn if self.render_mode == "ansi" else print(drawn)
