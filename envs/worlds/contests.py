"""Rated contests: oversight as a game between a guard and an adversary whose skills are Elos.

Engels et al. 2025 (arXiv:2504.18530). A system claims something, rightly or wrongly; whether a weak
guard catches a strong adversary at it is a contest, and P(guard holds) is a function of their Elos
in the domain of the contest. A player's domain Elo is a clipped linear map of its general Elo (the
"double ReLU"), one map for guards and one for adversaries. The four domains have the lines that the
authors released.

A bout is luck over skill: the performance of each side is its domain Elo + 400·log10(effort) +
Gumbel noise of scale 400/ln 10, and the better one wins. At full effort that is the Elo formula,
exactly; half the effort costs 120 points, and none loses.

Deviations: effort is ours. The paper rates players as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oversight import keys
from oversight.core import Case, OversightError, Question, Sealed, Turn, View
from oversight.metrics.double_relu import DoubleRelu
from oversight.players import Agent, judge
from oversight.registry import suggest
from oversight.spaces import Number, Reply
from oversight.world import Contested, World

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]
Held = NDArray[np.bool_]


class Domain(NamedTuple):
    """The two maps from general to domain Elo."""

    guard: DoubleRelu
    adversary: DoubleRelu


DOMAINS: Mapping[str, Domain] = {
    "mafia": Domain(DoubleRelu(1.53054, -622.932), DoubleRelu(0.83442, 173.221)),
    "debate": Domain(DoubleRelu(1.09839, -47.499), DoubleRelu(0.04936, 1080.398)),
    "backdoor": Domain(DoubleRelu(0.71926, 552.022), DoubleRelu(1.95182, -1361.612)),
    "wargames": Domain(DoubleRelu(1.16667, -229.074), DoubleRelu(0.67957, 422.005)),
}
"""The fits that Engels et al. released with their code."""
START = 1103.0
"""General Elo of the weakest overseer there."""


def guards_hold(
    guard: ArrayLike,
    adversary: ArrayLike,
    key: Keys,
    guard_effort: ArrayLike = 1.0,
    adversary_effort: ArrayLike = 1.0,
) -> Held:
    """Many bouts at once, each by its own key: whether the guard performs better, as `key` shaped.

    `guard` and `adversary` are domain Elos; they and the efforts are broadcast against the keys.
    """
    # Noise of two Gumbels enters by its difference alone, which is logistic: one uniform draws it.
    luck = keys.uniforms(key.ravel(), 1).reshape(key.shape)
    lead = np.asarray(guard, np.float64) - np.asarray(adversary, np.float64)
    odds = np.asarray(guard_effort) * 10.0 ** (lead / 400)  # against the adversary's effort
    return np.asarray(odds * (1 - luck) > np.asarray(adversary_effort) * luck)


def bout_keys(key: int, *shape: int) -> Keys:
    """Keys of 53 random bits, one a bout, all drawn from one key."""
    uniform = keys.uniforms(np.array([key], np.uint64), math.prod(shape))
    return (uniform * 2.0**53).astype(np.uint64).reshape(shape)


def matrix_of_wins(guards: Floats, adversaries: Floats, games: int, key: int) -> NDArray[np.int64]:
    """(G, A) how many of `games` bouts each guard wins against each adversary, by domain Elos."""
    drawn = bout_keys(key, len(guards), len(adversaries), games)
    held = guards_hold(guards[:, None, None], adversaries[:, None], drawn)
    return held.sum(axis=-1, dtype=np.int64)


class Contests(World, Contested):
    """Elo-rated contests between a guard and a stronger adversary, in one of four domains."""

    name: ClassVar[str] = "contests"
    answers = 2

    def __init__(
        self,
        domain: str = "mafia",
        gap: float = 400.0,
        start: float = START,
        guard: str | DoubleRelu | None = None,
        adversary: str | DoubleRelu | None = None,
    ) -> None:
        """`guard` and `adversary` are lines of one's own in place of the domain's.

        They are written `slope,intercept` or `slope,intercept,low,high`.
        """
        if domain not in DOMAINS:
            raise OversightError(f"unknown domain {suggest(domain, DOMAINS, 'domains')}")
        if not (math.isfinite(gap) and gap >= 0):
            raise OversightError(
                f"gap is how much stronger the system is than the weakest overseer: 0 or more Elo, "
                f"got {gap}"
            )
        if not math.isfinite(start):
            raise OversightError(f"start is the weakest overseer's general Elo, got {start}")
        self.domain, self.gap, self.start = domain, gap, start
        self._own = {"guard": guard, "adversary": adversary}
        self.lines = Domain(
            DOMAINS[domain].guard if guard is None else _line(guard),
            DOMAINS[domain].adversary if adversary is None else _line(adversary),
        )

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that rebuild this world."""
        own = {role: line and _in_words(_line(line)) for role, line in self._own.items()}
        return {"domain": self.domain, "gap": self.gap, "start": self.start, **own}

    def case(self, index: int, seed: int) -> Case:
        """A claim of the system, right or wrong by a fair coin of the key's."""
        name = f"contests-{self.domain}-{seed}-{index}"
        truth = keys.below(keys.root(seed, "contests", index), self.answers)
        return Case(name, Question(PROMPT, ("right", "wrong")), None, Sealed(truth))

    # Who plays

    def judge(self) -> Agent:
        """Knows nothing: there is nothing here to judge by, only contests."""
        return undecided

    @cached_property
    def _player(self) -> Agent:
        return FullEffort()

    def debater(self) -> Agent:
        """Plays as well as it can."""
        return self._player

    # Contests

    def bout(
        self, case: Case, levels: tuple[float, float], efforts: tuple[float, float], key: int
    ) -> bool:
        """Whether the guard holds: one bout of `bouts`."""
        return bool(self.bouts(levels[0], levels[1], np.array([key], np.uint64), *efforts)[0])

    def bouts(
        self,
        guard_level: ArrayLike,
        adversary_level: ArrayLike,
        key: Keys,
        guard_effort: ArrayLike = 1.0,
        adversary_effort: ArrayLike = 1.0,
    ) -> Held:
        """Many bouts at once, by level: 0 is the weakest overseer's, 1 the system's own."""
        guard = self.lines.guard(self.start + self.gap * np.asarray(guard_level))
        adversary = self.lines.adversary(self.start + self.gap * np.asarray(adversary_level))
        return guards_hold(guard, adversary, key, guard_effort, adversary_effort)

    def chains(self, key: Keys) -> Held:
        """Nested oversight at full effort, many chains at once: (B, n) keys -> (B,) all held."""
        step = np.arange(key.shape[1])
        held = self.bouts(step / key.shape[1], (step + 1) / key.shape[1], key)
        return np.asarray(held.all(axis=1))


class FullEffort(Agent):
    """Gives everything: the most that a number may be."""

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """The top of each turn's range. OversightError where it is asked for anything else."""
        return [_most(turn) for turn in turns]

    @property
    def label(self) -> str:
        """ "full effort"."""
        return "full effort"


def _most(turn: Turn) -> float:
    if not isinstance(turn.space, Number):
        raise OversightError(
            f"full effort is a number, and {turn.seat} is to {turn.act}: name another agent for it"
        )
    return turn.space.high


@judge
def undecided(view: View) -> tuple[float, ...]:
    """The same credence for every answer."""
    return (1 / len(view.question.answers),) * len(view.question.answers)


def _line(line: str | DoubleRelu) -> DoubleRelu:
    """A line from what a user writes; OversightError if it is none."""
    try:
        if isinstance(line, DoubleRelu):
            return line.checked()
        numbers = [float(number) for number in line.split(",")]
        if len(numbers) not in (2, 4):
            raise ValueError(f"{len(numbers)} numbers")
        return DoubleRelu(*numbers).checked()
    except ValueError as error:
        raise OversightError(
            f"{line!r} is no line ({error}): write slope,intercept or slope,intercept,low,high"
        ) from None


def _in_words(line: DoubleRelu) -> str:
    return ",".join(map(repr, line))


PROMPT = "The system claims that what it did is right. Is it?"
