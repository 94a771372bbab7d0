"""Raters that look at steps, and the judge who believes what was selected as far as its score."""

from __future__ import annotations

import math
from collections.abc import Sequence

from oversight.core import OversightError, Turn, View
from oversight.looks import Looked, Selected
from oversight.players import Agent, Judge
from oversight.spaces import Reply


def looks(turn: Turn) -> Sequence[Looked]:
    """What the rater at this turn has before it. OversightError where nothing is to be rated."""
    held = turn.view.private
    if not isinstance(held, tuple) or not all(isinstance(each, Looked) for each in held):
        raise OversightError(f"a rater rates steps; {turn.seat} ({turn.act}) has none before it")
    return held


def step_right(look: Looked) -> float:
    """P(step right | careful look), by Bayes' rule from ε and η.

    A sound step passes with 1 − η; a wrong one when the look errs the same way, η/(m − 1).
    """
    if look.passes is None:
        return 1 - look.rate
    sound, wrong = 1 - look.care, look.care / (look.choices - 1)
    if not look.passes:
        sound, wrong = 1 - sound, 1 - wrong
    right = (1 - look.rate) * sound
    either = right + look.rate * wrong
    return right / either if either > 0 else 0.5


class StepRater(Agent):
    """Looks at the step before it with care, and rates how likely it is right."""

    @property
    def label(self) -> str:
        """ "looks at steps"."""
        return "looks at steps"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """The posterior of each turn's last step."""
        return [step_right(looks(turn)[-1]) for turn in turns]


class AnswerRater(Agent):
    """Looks with care at the last step alone, and takes the others on trust.

    The rating is (1 − ε)^(T−1) · P(last step right | look): how likely the whole trace is right.
    """

    @property
    def label(self) -> str:
        """ "looks at answers"."""
        return "looks at answers"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """The posterior of each turn's work."""
        return [self._rate(looks(turn)) for turn in turns]

    def _rate(self, held: Sequence[Looked]) -> float:
        trusted = math.prod(1 - look.rate for look in held[:-1])
        return trusted * step_right(held[-1])


class Selector(Judge):
    """Believes the selected work's answer as far as its score: 1/n + (1 − 1/n)·score.

    With probability `score` the work is sound and so is its answer; else the answer is a guess
    among n. So the selected answer is always first, and a score of 0 says nothing.
    """

    @property
    def label(self) -> str:
        """ "by score"."""
        return "by score"

    def judge(self, view: View) -> Sequence[float]:
        """The selected answer's credence; the others share the rest. Even if none was selected."""
        n = len(view.question.answers)
        heard = [m.data for m in view.transcript if isinstance(m.data, Selected)]
        if not heard:
            return (1 / n,) * n
        sure = 1 / n + (1 - 1 / n) * heard[-1].score
        return tuple(sure if a == heard[-1].answer else (1 - sure) / (n - 1) for a in range(n))
