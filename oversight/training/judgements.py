"""From users' judgements to a reward model, and from a reward model to a policy: two small nets.

What they are for is told in `oversight.training.reward_modeling`, with the losses' equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from oversight import keys
from oversight.core import OversightError

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Curriculum:
    """What is learned, from whom, and how.

    Attributes:
        levels: how high the trees are.
        operations, m, hard: how many hidden tables, over how many values, drawn as those of
            `circuits` are.
        careful, shallow: error rates η and ε₀ of the user's look and glance, a gate.
        systematic: the share of them that is a fixed misunderstanding.
        judgements: of users, a level.
        candidates: of the agent that is no policy but a best of several.
        kl: β, in units of reward a nat.
        hidden, model_steps, policy_steps, rate: of both nets, and of Adam.
        tries: answers tried in every state at each step of the policy.
        seed: of the tables, of everybody's luck and of the weights.
    """

    levels: int = 4
    operations: int = 6
    m: int = 4
    hard: float = 0.5
    careful: float = 0.02
    shallow: float = 0.08
    systematic: float = 0.5
    judgements: int = 4_000
    candidates: int = 16
    kl: float = 0.2
    hidden: int = 64
    tries: int = 4
    model_steps: int = 400
    policy_steps: int = 400
    rate: float = 1e-2
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.levels, self.operations, self.judgements, self.candidates) < 1 or self.m < 2:
            raise OversightError("levels, operations, judgements and candidates are ≥ 1, m ≥ 2")
        if self.kl <= 0:
            raise OversightError(f"kl holds the policy to its start and is above 0, got {self.kl}")

    @property
    def states(self) -> int:
        """How many different things an agent sees: an operation and two values."""
        return self.operations * self.m**2

    def draws(self, *name: object) -> np.random.Generator:
        """A generator for a draw of a name."""
        return keys.generator(keys.root(self.seed, "reward-modeling", *name))


def judgement_loss(logits: Tensor, share: Tensor) -> Tensor:
    """−k̄·log σ(r) − (1 − k̄)·log σ(−r): (B,), nats.

    `share` is how often users found a thing right, k̄; the sum over their judgements is so many
    times this.
    """
    return nn.functional.binary_cross_entropy_with_logits(logits, share, reduction="none")


def reinforce_loss(log_probs: Tensor, tried: Tensor, returns: Tensor) -> Tensor:
    """−Σ_a n_a·(R_a − Σ_b π_b·R_b)·log π_a, n_a the share of a state's tries that were answer a.

    All (B, m) -> (B,). The policy gradient (Williams 1992), the state's own mean for a baseline;
    neither R nor the baseline carries a gradient.
    """
    fixed = log_probs.detach().exp()
    advantages = returns - (fixed * returns).sum(dim=-1, keepdim=True)
    return -(tried * advantages * log_probs).sum(dim=-1)


def penalised(rewards: Tensor, log_probs: Tensor, reference: Tensor, *, kl: float) -> Tensor:
    """R = r − β·(log π − log π₀), without a gradient: (B, m) each.

    The policy that earns most of it is π₀·exp(r/β), normalised.
    """
    return rewards - kl * (log_probs.detach() - reference)


def fit_reward_model(
    c: Curriculum, states: Ints, proposals: Ints, judged: NDArray[np.bool_], level: int
) -> Floats:
    """(states, m) how likely a user finds each proposal right: one hidden layer over one-hots.

    Every step is down the loss over all judgements.
    """
    places, size = states * c.m + proposals, c.states * c.m
    asked = np.bincount(places, minlength=size)
    share = np.bincount(places, judged, minlength=size) / np.maximum(asked, 1)
    weight = torch.from_numpy((asked / asked.sum()).astype(np.float32))
    labels, inputs = torch.from_numpy(share.astype(np.float32)), _asked(c)
    net = _net(c, inputs.shape[1], 1, "model", level)
    adam = torch.optim.Adam(net.parameters(), c.rate, fused=True)
    for _ in range(c.model_steps):
        _descend(adam, (weight * judgement_loss(net(inputs)[:, 0], labels)).sum())
    with torch.no_grad():
        ratings = torch.sigmoid(net(inputs)[:, 0]).double().numpy()
    return np.asarray(ratings, np.float64).reshape(c.states, c.m)


def train_policy(c: Curriculum, ratings: Floats, level: int) -> Floats:
    """(states, m) logits of a policy trained on ratings (states, m), kept near its start π₀.

    Every step tries `tries` answers in every state.
    """
    drawn, inputs = c.draws("policy", level), _seen(c)
    net = _net(c, inputs.shape[1], c.m, "policy", level)
    adam = torch.optim.Adam(net.parameters(), c.rate, fused=True)
    paid = torch.from_numpy(ratings.astype(np.float32))
    with torch.no_grad():
        start = torch.log_softmax(net(inputs), dim=-1)
    for _ in range(c.policy_steps):
        log_probs = torch.log_softmax(net(inputs), dim=-1)
        returns = penalised(paid, log_probs, start, kl=c.kl)
        loss = reinforce_loss(log_probs, _tried(log_probs, c.tries, drawn), returns).mean()
        _descend(adam, loss)
    with torch.no_grad():
        return np.asarray(net(inputs).double().numpy(), np.float64)


def _tried(log_probs: Tensor, tries: int, drawn: np.random.Generator) -> Tensor:
    """(B, m) the share of a state's tries that fell on each answer."""
    odds = log_probs.detach().double().exp().numpy()
    counts = drawn.multinomial(tries, odds / odds.sum(axis=1, keepdims=True))
    return torch.from_numpy((counts / tries).astype(np.float32))


def _net(c: Curriculum, inputs: int, outputs: int, name: str, level: int) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(keys.root(c.seed, "weights", name, level) % 2**63)
        return nn.Sequential(
            nn.Linear(inputs, c.hidden), nn.ReLU(), nn.Linear(c.hidden, outputs)
        )  # fmt: skip


def _descend(adam: torch.optim.Optimizer, loss: Tensor) -> None:
    adam.zero_grad()
    loss.backward()
    adam.step()


def _seen(c: Curriculum) -> Tensor:
    """(states, operations + 2m): a state as three one-hots."""
    state = np.arange(c.states)
    parts = (state // c.m**2, state // c.m % c.m, state % c.m)
    widths = (c.operations, c.m, c.m)
    hot = [np.eye(width, dtype=np.float32)[part] for part, width in zip(parts, widths, strict=True)]
    return torch.from_numpy(np.concatenate(hot, axis=1))


def _asked(c: Curriculum) -> Tensor:
    """(states·m, operations + 3m): a state and a proposal."""
    states = _seen(c).repeat_interleave(c.m, dim=0)
    return torch.cat([states, torch.eye(c.m).repeat(c.states, 1)], dim=1)
