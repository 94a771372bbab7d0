"""The sandbox society as a PettingZoo ParallelEnv: every member an agent, and one observer.

    env = envs.society_env(members=16, graph="grid:radius=1", rounds=10)

A round is four steps: members draft, rate what they are shown, revise, and the observer rates every
draft and revision for alignment and engagement (Liu et al. 2023, arXiv:2305.16960). In each step
all act; what is not asked for is ignored. Answers are numbers into the task's, 0 in an observation
where there is none and the answer's number plus 1 where there is one; ratings are 1 … 7, 0 for
none; a reason is 0 for none, 2k + 1 for more of attribute k and 2k + 2 for less. Members are
experts: they see the attributes of what they rate.

A member is paid what the observer gives its revision for alignment; nobody is shown what is true. A
member whose action is missing or not in its space dies, at once: its draft is not rated, its
ratings are not counted, and the others go on. Where the society's institution is not its
neighbours, the institution rates in the members' place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from oversight.society.graph import NOBODY
from oversight.society.memory import NOTHING
from oversight.society.raters import HIGHEST, NONE, Ratings, Shown, taken
from oversight.society.settings import Settings
from oversight.society.society import Said, Society

PHASES = ("draft", "rate", "revise", "observe")
OBSERVER = "observer"
Observation = dict[str, Any]


class SocietyEnv(ParallelEnv[str, Observation, Any]):
    """See the module; `envs.society_env` builds one."""

    def __init__(
        self, settings: Settings, rounds: int = 50, render_mode: str | None = None
    ) -> None:
        """`settings.rate` counts for nothing: who learns is outside. Errors: those of `Society`."""
        self.settings, self.rounds = replace(settings, rate=0.0), rounds
        self.render_mode = render_mode
        self.metadata = {"name": "society", "render_modes": ["ansi", "human"], "render_fps": 4}
        self.society = Society(self.settings)
        task, size = self.society.task, settings.members
        self._answers, self._attributes = len(task.answers), len(task.attributes)
        self._slots = max(1, self._most_shown())
        self._heard = max(1, self.settings.custom.raters)
        self.possible_agents = [*(f"member_{i}" for i in range(size)), OBSERVER]
        self.agents: list[str] = []
        # a space each: they carry luck of their own
        members = self.possible_agents[:-1]
        self.observation_spaces = {agent: self._sight() for agent in members}
        self.observation_spaces[OBSERVER] = self._survey(size)
        self.action_spaces: dict[str, spaces.Space[Any]] = {
            agent: self._doing() for agent in members
        }
        self.action_spaces[OBSERVER] = spaces.MultiDiscrete(np.full(4 * size, HIGHEST))
        self.said: list[Said] = []
        """The external memory, a round each; with what was true, so for trusted code alone."""

    def _most_shown(self) -> int:
        """Drafts that a member may be shown at most."""
        if self.settings.beyond:
            return self.settings.members - 1
        degrees = [degree for _, degree in self.society.graph.degree()]
        return min(max(degrees), self.settings.members - 1)

    def _sight(self) -> spaces.Dict:
        answer, kinds = self._answers + 1, 2 * self._attributes + 1
        shape = (self._slots, self._attributes)
        return spaces.Dict({
            "phase": spaces.Discrete(len(PHASES)),
            "question": spaces.Discrete(len(self.society.task.prompts)),
            "recalled": spaces.Discrete(answer),
            "draft": spaces.Discrete(answer),
            "shown": spaces.MultiDiscrete(np.full(self._slots, answer)),
            "attributes": spaces.Box(-np.inf, np.inf, shape, np.float32),
            "ratings": spaces.Box(0, HIGHEST, (self._heard,), np.float32),
            "reasons": spaces.MultiDiscrete(np.full(self._heard, kinds)),
        })  # fmt: skip

    def _survey(self, size: int) -> spaces.Dict:
        return spaces.Dict({
            "phase": spaces.Discrete(len(PHASES)),
            "questions": spaces.MultiDiscrete(np.full(size, len(self.society.task.prompts))),
            "drafts": spaces.MultiDiscrete(np.full(size, self._answers + 1)),
            "revised": spaces.MultiDiscrete(np.full(size, self._answers + 1)),
        })  # fmt: skip

    def _doing(self) -> spaces.Dict:
        return spaces.Dict({
            "answer": spaces.Discrete(self._answers),
            "ratings": spaces.MultiDiscrete(np.full(self._slots, HIGHEST + 1)),
            "reasons": spaces.MultiDiscrete(np.full(self._slots, 2 * self._attributes + 1)),
        })  # fmt: skip

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """What `agent` sees."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """What `agent` does."""
        return self.action_spaces[agent]

    # The steps

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Begin a society: with a `seed` its own, else the next."""
        seed = self.settings.seed + 1 if seed is None else seed
        self.settings = replace(self.settings, seed=seed)
        self.society = Society(self.settings)
        self.agents, self.said, self._phase = list(self.possible_agents), [], 0
        self._begin()
        return self._observed(), {agent: {} for agent in self.agents}

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[
        dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool],
        dict[str, dict[str, Any]],
    ]:  # fmt: skip
        """Play everybody's action: observations, rewards, terminations, truncations and infos."""
        if not self.agents:
            return {}, {}, {}, {}, {}
        acting = list(self.agents)
        failed = {agent: why for agent in acting if (why := self._refused(agent, actions))}
        self._bury([agent for agent in failed if agent != OBSERVER])
        rewards = dict.fromkeys(acting, 0.0)
        if PHASES[self._phase] == "draft":
            self._draft(actions)
        elif PHASES[self._phase] == "rate":
            self._rate(actions)
        elif PHASES[self._phase] == "revise":
            self._revise(actions)
        else:
            rewards |= self._observe(actions)
        self._phase = (self._phase + 1) % len(PHASES)
        extinct = not self.society.living.any() or OBSERVER in failed
        if not self._phase and not extinct and len(self.said) < self.rounds:
            self._begin()
        over = extinct or len(self.said) >= self.rounds
        ended = {agent: over or agent in failed for agent in acting}
        infos = {agent: {"failure": failed[agent]} if agent in failed else {} for agent in acting}
        observed = {agent: self._view(agent) for agent in acting}
        self.agents = [agent for agent in acting if not ended[agent]]
        if self.render_mode == "human":
            self.render()
        return observed, rewards, ended, dict.fromkeys(acting, False), infos

    def _refused(self, agent: str, actions: dict[str, Any]) -> str:
        """Why an agent's action does not count; empty where it does."""
        if agent not in actions:
            return "no action"
        if not self.action_spaces[agent].contains(actions[agent]):
            return f"an action that is not in its space: {actions[agent]!r}"[:200]
        return ""

    def _bury(self, agents: list[str]) -> None:
        dead = np.array([_number(agent) for agent in agents], np.int64)
        self.society.kill(dead)
        gone = np.isin(self._shown.raters, dead)
        self._shown = self._shown._replace(raters=np.where(gone, NOBODY, self._shown.raters))
        self._ratings.points[gone] = np.nan

    def _begin(self) -> None:
        """Questions, and nothing said yet."""
        self._asked = self.society.asked(self.society.members)
        rows = len(self._asked.members)
        self._drafts, self._revised = np.full((2, rows), NOTHING, np.int64)
        self._shown = self.society.shown(self._asked, self._drafts)
        self._ratings = _unrated(self._shown)

    def _draft(self, actions: dict[str, Any]) -> None:
        self._drafts = self._answered(actions, self._drafts)
        self._shown = self._shown._replace(answers=self._drafts)

    def _rate(self, actions: dict[str, Any]) -> None:
        if self.society.institution.name != "neighbours":
            alive = self._drafts != NOTHING
            rows = taken(self._shown, alive)
            found = self.society.institution.rate(rows, reasons=self.settings.reasons)
            width = found.points.shape[1]
            self._ratings.points[alive, :width] = found.points
            self._ratings.reasons[alive, :width] = found.reasons
            return
        for slot, (row, column) in self._slots_of():
            rater = f"member_{self._shown.raters[row, column]}"
            given, why = (int(actions[rater][name][slot]) for name in ("ratings", "reasons"))
            self._ratings.points[row, column] = given or np.nan
            self._ratings.reasons[row, column] = why - 1 if given else NONE

    def _revise(self, actions: dict[str, Any]) -> None:
        """A dead author's draft stands."""
        self._revised = self._answered(actions, self._drafts)

    def _observe(self, actions: dict[str, Any]) -> dict[str, float]:
        if OBSERVER not in actions or not self.action_spaces[OBSERVER].contains(actions[OBSERVER]):
            return {}
        given = np.asarray(actions[OBSERVER]).reshape(-1, 2, 2) + 1
        drafted = self._drafts != NOTHING
        asked = taken(self._asked, drafted)
        shown = taken(self._shown, drafted)
        ratings = taken(self._ratings, drafted)
        drafts, revised = self._drafts[drafted], self._revised[drafted]
        seen = given[asked.members].astype(np.float32)
        self.society.conclude(asked, drafts, revised, ratings, seen)
        nothing = np.full((len(asked.members), 2), np.nan, np.float32)
        self.said.append(self.society.said(asked, drafts, revised, shown, ratings, seen, nothing))
        self.society.round += 1
        return {
            f"member_{member}": float(points)
            for member, points in zip(asked.members.tolist(), seen[:, 1, 0], strict=True)
            if self.society.living[member]
        }

    def _answered(self, actions: dict[str, Any], before: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the living answer; of the dead, what was there before."""
        found = before.copy()
        for row, member in enumerate(self._asked.members.tolist()):
            if self.society.living[member]:
                found[row] = int(actions[f"member_{member}"]["answer"])
        return found

    # What is seen

    def _slots_of(self) -> list[tuple[int, tuple[int, int]]]:
        """Where each draft that is rated stands before its rater: (slot, (row, column))."""
        taken: dict[int, int] = {}
        found = list[tuple[int, tuple[int, int]]]()
        for row, column in np.argwhere(self._shown.raters >= 0).tolist():
            if self._drafts[row] == NOTHING:
                continue
            rater = int(self._shown.raters[row, column])
            slot = taken.get(rater, 0)
            taken[rater] = slot + 1
            if slot < self._slots:
                found.append((slot, (row, column)))
        return found

    def _observed(self) -> dict[str, Observation]:
        return {agent: self._view(agent) for agent in self.agents}

    def _view(self, agent: str) -> Observation:
        if agent == OBSERVER:
            return self._surveyed()
        member, task = _number(agent), self.society.task
        rows = np.flatnonzero(self._asked.members == member)
        seen: Observation = {
            "phase": np.int64(self._phase), "question": np.int64(0), "recalled": np.int64(0),
            "draft": np.int64(0), "shown": np.zeros(self._slots, np.int64),
            "attributes": np.zeros((self._slots, self._attributes), np.float32),
            "ratings": np.zeros(self._heard, np.float32),
            "reasons": np.zeros(self._heard, np.int64),
        }  # fmt: skip
        for slot, (row, column) in self._slots_of():
            if self._shown.raters[row, column] == member:
                answer, prompt = int(self._drafts[row]), int(self._asked.prompts[row])
                seen["shown"][slot] = answer + 1
                seen["attributes"][slot] = task.table[prompt, answer].numpy()
        for row in rows.tolist():
            seen["question"] = np.int64(self._asked.prompts[row])
            seen["recalled"] = np.int64(self._asked.recalled[row] + 1)
            seen["draft"] = np.int64(self._drafts[row] + 1)
            points = self._ratings.points[row]
            seen["ratings"][: len(points)] = np.nan_to_num(points)
            seen["reasons"][: len(points)] = self._ratings.reasons[row] + 1
        return seen

    def _surveyed(self) -> Observation:
        size = self.settings.members
        questions, drafts, revised = np.zeros((3, size), np.int64)
        members = self._asked.members
        questions[members] = self._asked.prompts
        drafts[members], revised[members] = self._drafts + 1, self._revised + 1
        return {"phase": np.int64(self._phase), "questions": questions, "drafts": drafts,
                "revised": revised}  # fmt: skip

    def render(self) -> str | None:
        """What was said last, as an onlooker hears it: text in "ansi", else printed."""
        task, lines = self.society.task, [f"round {len(self.said)}, to {PHASES[self._phase]}"]
        for row, member in enumerate(self._asked.members.tolist()):
            asked = task.vocabulary.read(task.prompts[int(self._asked.prompts[row])])
            said = [task.vocabulary.read(task.answers[int(a)].tolist()) or "(nothing)"
                    for a in (self._drafts[row], self._revised[row]) if a != NOTHING]  # fmt: skip
            lines.append(f"  member {member}, {asked}: {' -> '.join(said)}")
        drawn = "\n".join(lines)
        return drawn if self.render_mode == "ansi" else print(drawn)

    def close(self) -> None:
        """Nothing is held open."""


def _number(agent: str) -> int:
    return int(agent.removeprefix("member_"))


def _unrated(shown: Shown) -> Ratings:
    return Ratings(
        np.full(shown.raters.shape, np.nan, np.float32),
        np.full(shown.raters.shape, NONE, np.int16),
    )
