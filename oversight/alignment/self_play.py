"""Debaters and consultants that learn by playing: policy gradient, or preferences of the judge.

After Arnesen et al. 2024 (arXiv:2409.16636): one net plays every arguing seat, and what it is paid
is what the protocol pays, so that it learns to convince this judge. Nobody tells it what is true.

What a seat is paid, R, is the judge's credence in its side (less that in the side it argues
against). Every case is played several times.

- **Policy gradient**: −(R − R̄)/σ·log π(a | view) − entropy, R̄ the seat's mean over the other games
  of the same case (leave one out), σ the batch's spread of R − R̄.
- **Preferences** (`preferences=True`): at one turn of a game two replies are drawn, both games are
  played on with the same luck, and the reply after which the seat was paid more is preferred: DPO
  on these pairs, against the net as it was when the round began.

Deviations: the paper trains language models, and weighs a pair by how far its rewards lie apart;
here every pair whose rewards differ counts alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from oversight import keys
from oversight.alignment.objectives.preference import dpo
from oversight.core import Turn
from oversight.players import Agent, Cast
from oversight.protocol import Protocol
from oversight.spaces import Reply
from oversight.threads import one_thread
from oversight.training.descent import Descent, Pace, descend
from oversight.training.learned_player import LearnedPlayer, Seen, Sight, sight_of
from oversight.training.market_training import Game, play
from oversight.world import World


@dataclass(frozen=True)
class Recipe:
    """How a player learns.

    Attributes:
        preferences: learn from pairs instead of by policy gradient.
        cases: fresh ones a step.
        games: of each case; with preferences it is two.
        passes: gradient steps on the same pairs, with preferences.
        width: of the net's hidden layers.
        entropy: the policy gradient's bonus, a nat.
        beta: of DPO.
        imitation: so many steps first, in which it learns to play as whoever was in its seats.
        seed: of weights and games.
    """

    preferences: bool = False
    cases: int = 64
    games: int = 4
    passes: int = 4
    width: int = 128
    entropy: float = 0.01
    beta: float = 0.5
    imitation: int = 0
    seed: int = 0


class Decisions(NamedTuple):
    """Turns that were played, and what came of them."""

    seen: Seen
    chosen: Tensor
    """(N,) the number of the reply given."""
    paid: Tensor
    """(N,) what its seat was paid, less what it was in other games of the case; spread 1."""


class Compared(NamedTuple):
    """Turns at which two replies were tried."""

    seen: Seen
    better: Tensor
    worse: Tensor


@dataclass
class Memory:
    """What lasts from step to step."""

    net: nn.Module
    round: tuple[int, Compared, Tensor] | None = None
    """With preferences: the round's number, its pairs, and (N, n) log P when it began."""


class SelfPlay:
    """One net in every arguing seat of a protocol, at some stage of its learning."""

    def __init__(
        self, protocol: Protocol, world: World, recipe: Recipe, cast: Cast,
        learns: Sequence[str] | None = None, *, sight: Sight | None = None,
    ) -> None:  # fmt: skip
        """`cast`: who sits in the other seats, the judge among them, and who claims for it.

        `learns`: which seats it plays; by default all that argue. `sight`: how it sees; by default
        as the world shows itself in numbers.
        """
        self.protocol, self.world, self.recipe, self.cast = protocol, world, recipe, cast
        arguing = [seat for seat, role in protocol.seats.items() if "argue" in role.acts]
        self.seats = list(learns or arguing)
        self.sight = sight or sight_of(protocol, world, self.seats)
        self.key = keys.root(recipe.seed, "self-play")
        self.memory = Memory(self.sight.net(recipe.width, keys.root(self.key, "weights")))

    @property
    def identity(self) -> Mapping[str, Any]:
        """What makes two of these the same."""
        return {
            "recipe": asdict(self.recipe), "protocol": self.protocol.spec,
            "world": self.world.name, "settings": dict(self.world.settings),
            "seats": self.seats, "sight": type(self.sight).__name__,
            "cast": {seat: self.cast[seat].label for seat in self.protocol.seats},
        }  # fmt: skip

    @property
    def learner(self) -> nn.Module:
        """The net."""
        return self.memory.net

    def player(self, *, greedy: bool = False) -> LearnedPlayer:
        """It as it is now, learning no more."""
        return self._player(deepcopy(self.memory.net), greedy=greedy)

    def seated(self, player: Agent) -> Cast:
        """The cast with a player in every seat that learns."""
        return {**self.cast, **dict.fromkeys(self.seats, player)}

    def loss(self, step: int) -> Tensor:
        """(N,) the loss of a step's turns."""
        if step < self.recipe.imitation:
            return self._imitated(step)
        if self.recipe.preferences:
            return self._preferred(step)
        several = [
            self._played(step, self._player(self.memory.net, luck=number))
            for number in range(self.recipe.games)
        ]
        return policy_gradient(self.memory.net, self._decisions(several), self.recipe.entropy)

    def _imitated(self, step: int) -> Tensor:
        """−log π of what those who sat in its seats did."""
        games = self._played(step, None)
        own = [move for game in games for move in self._own(game)]
        chosen = torch.tensor([self.sight.number(reply) for _, reply in own])
        chances = self.sight.seen([turn for turn, _ in own]).log_probs(self.memory.net)
        return -chances.gather(1, chosen[:, None])[:, 0]

    def _player(self, made: nn.Module, **how: Any) -> LearnedPlayer:
        return LearnedPlayer(self.sight, made, self.cast[self.seats[0]], **how)

    def _played(self, batch: int, player: Agent | None) -> list[Game]:
        """The games of a batch with a player in its seats; None is who sat there before."""
        cast = self.cast if player is None else self.seated(player)
        first = batch * self.recipe.cases
        numbers = range(first, first + self.recipe.cases)
        return play(self.protocol, self.world, cast, numbers, self.key)

    def _decisions(self, several: Sequence[Sequence[Game]]) -> Decisions:
        """The turns of all games; `several` holds the same cases, played again and again."""
        turns, chosen, paid = list[Turn](), list[int](), list[float]()
        for same in zip(*several, strict=True):
            for game in same:
                others = [other for other in same if other is not game]
                for turn, reply in self._own(game):
                    usual = sum(pay(other, turn.seat) for other in others) / max(len(others), 1)
                    turns.append(turn)
                    chosen.append(self.sight.number(reply))
                    paid.append(pay(game, turn.seat) - usual)
        gains = torch.tensor(paid)
        spread = gains.std().clamp(min=1e-6)
        return Decisions(self.sight.seen(turns), torch.tensor(chosen), gains / spread)

    def _own(self, game: Game) -> list[tuple[Turn, Reply]]:
        return [
            (turn, reply) for turn, reply in game.moves
            if turn.seat in self.seats and self.sight.scores(turn)
        ]  # fmt: skip

    def _preferred(self, step: int) -> Tensor:
        """DPO on the pairs of a round, which lasts `passes` steps."""
        number = step // self.recipe.passes
        if self.memory.round is None or self.memory.round[0] != number:
            self.memory.round = (number, *self._compared(number))
        _, pairs, before = self.memory.round
        if not len(pairs.better):  # no two replies were paid differently: nothing to learn
            return torch.stack([0 * parameter.sum() for parameter in self.learner.parameters()])
        after = pairs.seen.log_probs(self.memory.net)
        columns = (pairs.better[:, None], pairs.worse[:, None])
        now = [after.gather(1, column)[:, 0] for column in columns]
        then = [before.gather(1, column)[:, 0] for column in columns]
        return dpo(*now, *then, beta=self.recipe.beta)

    def _compared(self, number: int) -> tuple[Compared, Tensor]:
        """Games played twice up to one turn, and differently from there on."""
        seat = self.seats[number % len(self.seats)]
        frozen = deepcopy(self.memory.net)
        plain = self._played(number, self._player(frozen))
        numbers = sorted({turn.number for turn in self._turns(plain) if turn.seat == seat})
        start = numbers[number // len(self.seats) % len(numbers)]
        other = self._played(number, self._player(frozen, salt=(seat, start)))
        turns, better, worse = list[Turn](), list[int](), list[int]()
        for one, two in zip(plain, other, strict=True):
            turn, first = self._at(one, seat, start)
            _, second = self._at(two, seat, start)
            gain = 0.0 if turn is None else pay(one, seat) - pay(two, seat)
            if turn is not None and first != second and gain:
                turns.append(turn)
                better.append(self.sight.number(first if gain > 0 else second))
                worse.append(self.sight.number(second if gain > 0 else first))
        seen = self.sight.seen(turns or self._turns(plain)[:1])
        with torch.no_grad():
            before = seen.log_probs(frozen)
        return Compared(seen, torch.tensor(better), torch.tensor(worse)), before

    def _turns(self, games: Sequence[Game]) -> list[Turn]:
        return [turn for game in games for turn, _ in self._own(game)]

    def _at(self, game: Game, seat: str, number: int) -> tuple[Turn | None, Reply]:
        """A seat's turn of a number, and its reply; None where there was no choice."""
        found = [m for m in self._own(game) if (m[0].seat, m[0].number) == (seat, number)]
        return found[0] if found else (None, None)


def pay(game: Game, seat: str) -> float:
    """What the verdict gives a seat; its reward where it never had a side."""
    sides = [turn.view.side for turn, _ in game.moves if turn.seat == seat]
    side = next((side for side in reversed(sides) if side is not None), None)
    if side is None:
        return game.outcome.rewards[seat]
    credence = game.outcome.credences[side.answer]
    return credence if side.supports else -credence


def policy_gradient(made: nn.Module, played: Decisions, entropy: float) -> Tensor:
    """−(R − R̄)·log π(a) − entropy·H(π), (N,)."""
    chances = played.seen.log_probs(made)
    said = chances.gather(1, played.chosen[:, None])[:, 0]
    spread = -(chances.exp() * chances).sum(dim=-1)
    return -played.paid * said - entropy * spread


def learn(
    training: SelfPlay, pace: Pace, measure: Callable[[int], Mapping[str, float]], **how: Any
) -> Descent:
    """Train for so many steps; see `oversight.training.descent.descend`."""
    with one_thread():
        return descend(training, pace, measure, **how)
