"""A judge that weighs what it is shown of two answers, and the debater that plays it best.

    P(first is better) = σ((Σ_{shown of the first} − Σ_{shown of the second}) w_k·(v_k − v̄_k) / T)

over attributes k with weights w, values v and usual values v̄. A move is an attribute of an answer:
k for the first, K + k for the second. What is not shown counts as usual: the judge does not ask why
it was not shown. Its log-odds are a sum, so what is best to show does not hang on what the others
do, and going by the next move alone is optimal play: that is the debater here, which says nothing
rather than what speaks against its side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from oversight.agents.simple import RandomAgent
from oversight.core import Side, Turn, View
from oversight.judges.precommitment import among_claims
from oversight.players import Agent
from oversight.reveal import AdditiveJudge, revealed
from oversight.spaces import Choose, Credences, Reply


class WeighingJudge(AdditiveJudge):
    """Additive in the log-odds; given both answers whole, as an expert, it weighs all of them.

    As an `AdditiveJudge` its hidden layer holds the log-odds z and −z, of which relu leaves one.
    """

    def __init__(
        self, weights: Sequence[float], usual: Sequence[float], temperature: float
    ) -> None:
        """`temperature`: reward units that are worth a nat, T."""
        self.weights, self.usual, self.temperature = tuple(weights), tuple(usual), temperature

    @property
    def label(self) -> str:
        """Such as "weighing(temperature=0.5)"."""
        return f"weighing(temperature={self.temperature:g})"

    @property
    def bias(self) -> NDArray[np.float32]:
        """(2,): nothing is shown."""
        return np.zeros(2, np.float32)

    @property
    def head(self) -> NDArray[np.float32]:
        """(2, 2): half of the log-odds for the first, the other half against the second."""
        return np.array([[0.5, -0.5], [-0.5, 0.5]], np.float32)

    @property
    def head_bias(self) -> NDArray[np.float32]:
        """(2,)"""
        return np.zeros(2, np.float32)

    def rows(self, private: NDArray[np.float32]) -> NDArray[np.float32]:
        """(2K, 2): what each attribute of (2, K) values adds to z and −z."""
        nats = [self.nats(move, float(value)) for move, value in enumerate(private.ravel())]
        return np.array([(z, -z) for z in nats], np.float32)

    def nats(self, move: int, value: float) -> float:
        """What showing a value adds to the log-odds of the first answer."""
        attribute = move % len(self.weights)
        worth = self.weights[attribute] * (value - self.usual[attribute]) / self.temperature
        return worth if move < len(self.weights) else -worth

    def belief(self, private: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        """(B, 2) of whole pairs of answers."""
        return _credences([self._sum(_whole(one)) for one in private])

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Credences for each turn, each from its own view."""
        credences = _credences([self._log_odds(turn.view) for turn in turns])
        return [among_claims(row, turn.view) for row, turn in zip(credences, turns, strict=True)]

    def _log_odds(self, view: View) -> float:
        if view.private is not None:
            return self._sum(_whole(view.private))
        return self._sum({reveal.move: reveal.value for reveal in revealed(view)})

    def _sum(self, shown: Mapping[int, float]) -> float:
        return sum(self.nats(move, value) for move, value in sorted(shown.items()))


class ShowingDebater(Agent):
    """Claims and decides by the whole of both answers; argues by showing pieces of them."""

    def __init__(self, judge: WeighingJudge) -> None:
        self.judge = judge

    @property
    def label(self) -> str:
        """ "showing"."""
        return "showing"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Each turn by itself; at random where it has nothing to go by."""
        return [self._play(turn) for turn in turns]

    def _play(self, turn: Turn) -> Reply:
        match turn.space:
            case Choose() as space if turn.act == "argue" and turn.view.private is not None:
                return self._show(turn, space)
            case Choose() if turn.act == "claim" and turn.view.private is not None:
                return self._believed(turn)
            case Credences() if turn.view.private is not None:
                return self.judge.act([turn])[0]
            case _:
                return RandomAgent().act([turn])[0]

    def _believed(self, turn: Turn) -> int:
        return int(self.judge.belief([turn.view.private])[0].argmax())

    def _show(self, turn: Turn, space: Choose) -> Reply:
        side = turn.view.side or Side(self._believed(turn))
        for_first = (side.answer == 0) == side.supports
        values = turn.view.private.ravel().tolist()
        gains = {move: self.judge.nats(move, values[move]) for move in space.options}
        if not gains:
            return None
        best = max(gains, key=lambda move: gains[move] if for_first else -gains[move])
        gain = gains[best] if for_first else -gains[best]
        return best if gain > 0 or not space.silence else None


def _whole(private: NDArray[np.float32]) -> dict[int, float]:
    return dict(enumerate(private.ravel().tolist()))


def _credences(log_odds: Sequence[float]) -> NDArray[np.float64]:
    first = 1 / (1 + np.exp(-np.asarray(log_odds, np.float64).clip(-CERTAIN, CERTAIN)))
    return np.stack([first, 1 - first], axis=1)


CERTAIN = 500.0
"""Nats beyond which an exponential would overflow."""
