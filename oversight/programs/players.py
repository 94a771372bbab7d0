"""Who works programs, and who judges what was worked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from oversight import keys
from oversight.agents.rating import Selector
from oversight.core import OversightError, Turn, View
from oversight.looks import Selected
from oversight.players import Agent, Judge
from oversight.programs.program import Program
from oversight.programs.solving import Attempt
from oversight.spaces import Choose, Reply

Aim = Literal["own", "against"]


class ProgramSolver(Agent):
    """Claims what it worked out and presents its work.

    Args:
        aim: "against" claims something else, and plants one flaw that leads there.
        placement: where the flaw is planted: anywhere, or as late as it can be.
    """

    def __init__(self, aim: Aim = "own", placement: Literal["random", "late"] = "random") -> None:
        self.aim, self.placement = aim, placement

    @property
    def label(self) -> str:
        """Such as "solver"."""
        return "solver" if self.aim == "own" else f"solver(against, {self.placement})"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Each turn by itself."""
        return [self._play(turn) for turn in turns]

    def _play(self, turn: Turn) -> Reply:
        attempt, space = turn.view.private, turn.space
        if not isinstance(attempt, Attempt) or not isinstance(space, Choose):
            raise OversightError(f"a solver works programs; at {turn.seat} it is to {turn.act}")
        if turn.act == "claim":
            other = 1 + keys.below(turn.key, space.n - 1)
            return (attempt.answer + (other if self.aim == "against" else 0)) % space.n
        side = turn.view.side
        flaws = [option for option in space.options if option]
        if side is None or side.answer == attempt.answer or not flaws:
            return 0
        return flaws[-1] if self.placement == "late" else flaws[keys.below(turn.key, len(flaws))]


class ProgramJudge(Judge):
    """Believes a selected work by its score; alone, its own work as far as it is reliable."""

    def __init__(self) -> None:
        self._selector = Selector()

    @property
    def label(self) -> str:
        """ "by score"."""
        return self._selector.label

    def judge(self, view: View) -> Sequence[float]:
        """Credences over all values."""
        heard = any(isinstance(message.data, Selected) for message in view.transcript)
        own, program = view.private, view.question.data
        if heard or not isinstance(own, Attempt) or not isinstance(program, Program):
            return self._selector.judge(view)
        sound = (1 - own.rate) ** program.steps
        sure = 1 / program.m + (1 - 1 / program.m) * sound
        rest = (1 - sure) / (program.m - 1)
        return tuple(sure if value == own.answer else rest for value in program.values)
