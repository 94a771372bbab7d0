"""A protocol as a PettingZoo AECEnv: one seat moves at a time.

Seats that move at the same moment are asked one after the other, and none sees the others' moves
before all have moved. Rewards come at the end. An illegal action ends the game: its seat gets
`oversight.stage.ILLEGAL`, the others 0, and every info says why.

An info holds `act` while its seat is to move and, at the end, `verdict` or `failure`; never what
was true.
"""

from __future__ import annotations

from typing import Any

from gymnasium.spaces import Space
from pettingzoo import AECEnv

from oversight.core import Turn
from oversight.encoding import Observation
from oversight.stage import Stage


class OversightAEC(AECEnv[str, Any, Any]):
    """See the module; `envs.make` builds one."""

    def __init__(self, stage: Stage, render_mode: str | None = None) -> None:
        super().__init__()
        self.stage = stage
        self.render_mode = render_mode
        self.metadata = stage.metadata
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
    def turn(self) -> Turn | None:
        """The turn that awaits an action: what an agent of ours is given. None after the end."""
        stage = self.stage
        return None if stage.over else stage.episode.pending[stage.open[0]]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin an episode: with a `seed` its first, else the next; `options["episode"]` any."""
        self.stage.begin(seed, options)
        self.agents = list(self.possible_agents)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos = {agent: {} for agent in self.agents}
        self._skip_agent_selection = None
        self.agent_selection = self.agents[0]
        self._select()

    def step(self, action: Any) -> None:
        """Play the selected seat's action; None once the game is over."""
        seat, stage = self.agent_selection, self.stage
        if self.terminations[seat]:
            self._was_dead_step(action)
            return
        self.infos[seat] = {}
        stage.play(stage.open[0], action)
        self._select()
        if self.render_mode == "human":
            self.render()

    def _select(self) -> None:
        turn = self.turn
        if turn is not None:
            self.agent_selection = turn.seat
            self.infos[turn.seat] = {"act": turn.act}
            return
        self.rewards = self.stage.rewards()
        self._accumulate_rewards()
        self.terminations = dict.fromkeys(self.agents, True)
        self.infos = {agent: self.stage.info(agent) for agent in self.agents}
        self.agent_selection = self.agents[0]

    def observe(self, agent: str) -> Observation:
        """What `agent` sees now."""
        return self.stage.observe(agent)

    def render(self) -> str | None:
        """The game so far as an onlooker sees it, truth apart: text in "ansi", else printed."""
        drawn = self.stage.draw()
        return drawn if self.render_mode == "ansi" else print(drawn)

    def close(self) -> None:
        """Nothing is held open."""
