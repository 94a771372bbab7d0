"""A protocol as a PettingZoo ParallelEnv: every seat acts in each step.

A step is one move of the protocol: the seats that are to move do so at the same moment. Every other
seat's action is ignored; its mask allows everything and its info has no `act`. A seat that is asked
several things at one moment answers them in as many steps. Rewards, illegal actions and infos are
those of `envs.make`.
"""

from __future__ import annotations

from typing import Any

from gymnasium.spaces import Space
from pettingzoo import ParallelEnv

from oversight.core import Turn
from oversight.encoding import Observation
from oversight.stage import Stage


class OversightParallel(ParallelEnv[str, Any, Any]):
    """See the module; `envs.parallel_env` builds one."""

    def __init__(self, stage: Stage, render_mode: str | None = None) -> None:
        self.stage = stage
        self.render_mode = render_mode
        self.metadata = stage.metadata
        self.agents: list[str] = []
        self.possible_agents = stage.seats
        self.observation_spaces = stage.observation_spaces
        self.action_spaces = stage.action_spaces

    def observation_space(self, agent: str) -> Space[Any]:
        """What `agent` sees."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Space[Any]:
        """What `agent` does."""
        return self.action_spaces[agent]

    @property
    def turns(self) -> dict[str, Turn]:
        """Seat -> the turn that awaits its action; seats with nothing to do are left out."""
        asked = {seat: self.stage.turn_of(seat) for seat in self.agents}
        return {seat: turn for seat, turn in asked.items() if turn is not None}

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Begin an episode: with a `seed` its first, else the next; `options["episode"]` any."""
        self.stage.begin(seed, options)
        self.agents = list(self.possible_agents)
        return self._observed(), self._infos()

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[
        dict[str, Observation],
        dict[str, float],
        dict[str, bool],
        dict[str, bool],
        dict[str, dict[str, Any]],
    ]:
        """Play every seat's action: observations, rewards, terminations, truncations and infos."""
        if not self.agents:
            return {}, {}, {}, {}, {}
        stage = self.stage
        for slot in self._first_slots():
            if stage.over:  # an earlier action was illegal
                break
            stage.play(slot, actions.get(stage.episode.pending[slot].seat))
        observed, infos, over = self._observed(), self._infos(), stage.over
        ended = dict.fromkeys(self.agents, over)
        if over:
            self.agents = []
        if self.render_mode == "human":
            self.render()
        return observed, stage.rewards(), ended, dict.fromkeys(ended, False), infos

    def _first_slots(self) -> list[int]:
        """Where each seat that is to move is asked first, in the order of asking."""
        pending = self.stage.episode.pending
        first: dict[str, int] = {}
        for slot in self.stage.open:
            first.setdefault(pending[slot].seat, slot)
        return list(first.values())

    def _observed(self) -> dict[str, Observation]:
        return {agent: self.stage.observe(agent) for agent in self.agents}

    def _infos(self) -> dict[str, dict[str, Any]]:
        return {agent: self.stage.info(agent) for agent in self.agents}

    def render(self) -> str | None:
        """The game so far as an onlooker sees it, truth apart: text in "ansi", else printed."""
        drawn = self.stage.draw()
        return drawn if self.render_mode == "ansi" else print(drawn)

    def close(self) -> None:
        """Nothing is held open."""
