"""A market and an adversary that learn online, from the games that they play (Hubinger 2020).

A step is a batch of fresh games. The market descends L_M = −Σ_a p*_a ln p_t,a at every price p_t
that it gave (for two answers −p* ln p_t − (1−p*) ln(1−p_t)); the adversary climbs its move of the
price, −L_Adv = |p_{t+1} − p_t|, by policy gradient. Both are per step and myopic: nobody is paid
for what happens later. The judge's p* is all that anybody learns from; what is true never enters.

Deviations: the market takes several gradient steps a batch, on games that its older self played;
the adversary has an entropy bonus, as policy gradients need to keep exploring.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from oversight import keys
from oversight.core import Case, Outcome, OversightError, Turn
from oversight.episode import Episode, EpisodeFailed
from oversight.market import QUOTE, moved
from oversight.players import Agent, Cast
from oversight.protocol import Protocol
from oversight.rollout import ask, check_cast, check_fit
from oversight.spaces import Reply
from oversight.store import write_whole
from oversight.threads import one_thread
from oversight.training.market import (
    LearnedAdversary,
    LearnedMarket,
    encoded,
    legal,
    net,
    sized,
)
from oversight.world import World


class Game(NamedTuple):
    """A game that was played, with all that was asked and replied."""

    case: Case
    moves: Sequence[tuple[Turn, Reply]]
    outcome: Outcome

    @property
    def prices(self) -> list[tuple[Turn, tuple[float, ...]]]:
        """The market's turns and prices p_0, p_1, … of the case's own question."""
        own = [m for m in self.moves if m[0].act == "price"]
        own = [m for m in own if m[0].instruction != QUOTE]
        return [(turn, reply) for turn, reply in own if isinstance(reply, tuple)]

    @property
    def arguments(self) -> list[tuple[Turn, Reply]]:
        """The adversary's turns and arguments x_0, x_1, …; the last may be silence."""
        return [m for m in self.moves if m[0].act == "argue"]


@dataclass(frozen=True)
class Recipe:
    """How both learn.

    Args:
        games: fresh games a step.
        passes: gradient steps that the market takes on each batch.
        width: of both nets' hidden layers.
        rate, adversary_rate: Adam's, for the market and the adversary.
        entropy: the adversary's bonus, a nat.
        seed: of the weights and of the games.
    """

    games: int = 256
    passes: int = 24
    width: int = 128
    rate: float = 2e-3
    adversary_rate: float = 1e-3
    entropy: float = 0.01
    seed: int = 0


class MarketTraining:
    """Market and adversary at some stage of their learning; `step` takes them further."""

    def __init__(
        self, protocol: Protocol, world: World, recipe: Recipe, judge: Agent | None = None
    ) -> None:
        """`protocol`: market making, bound; `judge`: H, the world's own by default."""
        features, answers, moves = sized(world)
        self.protocol, self.world, self.recipe = protocol, world, recipe
        key = keys.root(recipe.seed, "market training")
        self._market = net(features, answers, recipe.width, keys.root(key, "market"))
        self._adversary = net(features, moves + 1, recipe.width, keys.root(key, "adversary"))
        self._learn_market = _adam(self._market, recipe.rate)
        self._learn_adversary = _adam(self._adversary, recipe.adversary_rate)
        self._key = key
        self.steps = 0
        self.cast: Cast = {
            "market": LearnedMarket(world, self._market),
            "adversary": LearnedAdversary(world, self._adversary),
            "judge": judge or world.judge(),
        }

    def step(self) -> None:
        """A batch of games, and what both learn from it."""
        first = self.steps * self.recipe.games
        numbers = range(first, first + self.recipe.games)
        games = play(self.protocol, self.world, self.cast, numbers, self._key)
        with one_thread():
            self._teach_market(games)
            self._teach_adversary(games)
        self.steps += 1

    def frozen(self) -> LearnedMarket:
        """The market as it is now, learning no more."""
        return LearnedMarket(self.world, deepcopy(self._market))

    def _teach_market(self, games: Sequence[Game]) -> None:
        turns = [(turn, g.outcome.credences) for g in games for turn, _ in g.prices]
        seen = torch.from_numpy(encoded(self.world, [turn.view for turn, _ in turns]))
        verdicts = torch.tensor([verdict for _, verdict in turns], dtype=torch.float32)
        for _ in range(self.recipe.passes):
            loss = market_loss(self._market(seen), verdicts).mean()
            _descend(self._learn_market, loss)

    def _teach_adversary(self, games: Sequence[Game]) -> None:
        turns = [pair for g in games for pair in g.arguments]
        if not turns:
            return
        pay = torch.tensor([each for g in games for each in pays(g)], dtype=torch.float32)
        seen = torch.from_numpy(encoded(self.world, [turn.view for turn, _ in turns]))
        allowed = torch.from_numpy(np.stack([legal(turn) for turn, _ in turns]))
        chosen = torch.tensor([-1 if reply is None else reply for _, reply in turns])
        chances = self._adversary(seen).masked_fill(~allowed, -1e9).log_softmax(dim=-1)
        said = chances[torch.arange(len(turns)), chosen]
        entropy = -(chances.exp() * chances).sum(dim=-1)
        gain = said * (pay - pay.mean()) + self.recipe.entropy * entropy
        _descend(self._learn_adversary, -gain.mean())

    # To go on from

    def save(self, path: Path, beside: Sequence[Mapping[str, Any]] = ()) -> None:
        """Write a checkpoint, whole or not at all, with some measurements beside it."""
        held = {
            "of": self._of(),
            "market": self._market.state_dict(),
            "adversary": self._adversary.state_dict(),
            "learn_market": self._learn_market.state_dict(),
            "learn_adversary": self._learn_adversary.state_dict(),
            "steps": self.steps,
            "beside": [dict(each) for each in beside],
        }
        write_whole(path, lambda file: torch.save(held, file))

    def load(self, path: Path) -> list[dict[str, Any]]:
        """Go on from a checkpoint; returns what was beside it.

        OversightError if it cannot be read, or is of another training.
        """
        try:
            held: dict[str, Any] = torch.load(path, weights_only=True)
        except Exception as error:
            raise OversightError(f"{path} cannot be read ({error}); delete it") from error
        if held["of"] != self._of():
            raise OversightError(f"{path} is of another training; choose another, or delete it")
        self._market.load_state_dict(held["market"])
        self._adversary.load_state_dict(held["adversary"])
        self._learn_market.load_state_dict(held["learn_market"])
        self._learn_adversary.load_state_dict(held["learn_adversary"])
        self.steps = held["steps"]
        return held["beside"]

    def _of(self) -> dict[str, Any]:
        judge = self.cast["judge"].label
        return {
            "recipe": asdict(self.recipe), "protocol": self.protocol.spec, "judge": judge,
            "world": self.world.name, "settings": dict(self.world.settings),
        }  # fmt: skip


def learn(
    training: MarketTraining,
    steps: int,
    measure: Callable[[MarketTraining], Mapping[str, Any]],
    *,
    every: int,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Train up to `steps` steps; what `measure` gave before the first and every so many.

    Interrupted, it goes on from the checkpoint of the last measurement, to the same end.
    """
    points: list[dict[str, Any]] = []
    if checkpoint is not None and checkpoint.exists():
        points = training.load(checkpoint)
    while True:
        if training.steps % every == 0 and len(points) <= training.steps // every:
            points.append({"step": training.steps, **measure(training)})
            if checkpoint is not None:
                training.save(checkpoint, points)
            if progress is not None:
                progress(training.steps, steps)
        if training.steps >= steps:
            return points
        training.step()


def play(
    protocol: Protocol, world: World, cast: Cast, numbers: Sequence[int], seed: int
) -> list[Game]:
    """Play episodes side by side and keep every turn, which records do not.

    A learner cannot do without a game: one that fails raises its EpisodeFailed.
    """
    check_fit(protocol, world)
    check_cast(protocol, cast)
    episodes = [Episode(protocol, world, number, seed) for number in numbers]
    moves: list[list[tuple[Turn, Reply]]] = [[] for _ in episodes]
    live = list(zip(episodes, moves, strict=True))
    while live:
        answers = ask(cast, [episode for episode, _ in live])
        for (episode, kept), replies in zip(live, answers, strict=True):
            if isinstance(replies, EpisodeFailed):
                raise replies
            turns, given = episode.pending, len(episode.replies)
            episode.send(replies)
            kept += zip(turns, episode.replies[given:], strict=True)
        live = [(episode, kept) for episode, kept in live if episode.outcome is None]
    return [
        Game(episode.case, kept, episode.outcome)
        for episode, kept in zip(episodes, moves, strict=True)
        if episode.outcome is not None
    ]


def pays(game: Game) -> list[float]:
    """|p_{t+1} − p_t| of every argument of a game; silence moves nothing."""
    prices = [price for _, price in game.prices]
    moves = [moved(before, after) for before, after in pairwise(prices)]
    return [*moves, 0.0][: len(game.arguments)]


def market_loss(logits: Tensor, verdicts: Tensor) -> Tensor:
    """L_M = −Σ_a p*_a ln p_a in nats, (B, A) and (B, A) -> (B,)."""
    return -(verdicts * logits.log_softmax(dim=-1)).sum(dim=-1)


def _adam(made: nn.Module, rate: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(made.parameters(), rate)


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
