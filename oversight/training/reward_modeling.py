"""Recursive reward modeling, level upon level: each agent's users are helped by the agent below.

Leike et al. 2018, arXiv:1811.07871. At every level (1) users judge proposals, (2) a reward model
learns from their judgements, (3) an agent is trained on it by policy gradient, and (4) becomes the
assistant of the next level's users. Beside it: users who judge unaided, and the true reward.

The task is a small one on circuits (`oversight.circuits`): trees whose gates take one of a few
operations by its number. The operations' tables are hidden from the agents, and the same in all
trees, so there is something to learn: what an operation makes of its children's values. A_l answers
nodes at height l. It sees the operation's number, and A_{l−1}'s answers to the two children.

    judgement(a) = 1[a = found]
    aided:    found = the user's careful look at the operation at A_{l−1}'s answers     (error η)
    unaided:  found = the user's own glance at the whole tree below                     (ε₀ a gate)
    true:     found = the node's value

Of the user's errors a share is a fixed misunderstanding of an entry of a table, the same in all
questions, which no amount of judgements averages away; the rest are drawn anew.

    r_φ: −Σ log σ(±r_φ(s, a)) over judgements;    π: max E[σ(r_φ(s, a)) − β·log(π(a|s)/π₀(a|s))]

Deviations: users judge uniform proposals once, and the reward model is not refreshed as the policy
moves. The policy at level l starts from the same π₀, not from the level below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from oversight import keys
from oversight.circuits.graph import Shape, draw_circuit
from oversight.core import OversightError
from oversight.training.transformer import one_thread

Reward = Literal["aided", "unaided", "true"]
Learner = Literal["policy", "best_of", "judged"]
"""An agent trained on the reward model; the best of `candidates` by it; the best by the user's own
judgement of each, with no model between."""
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


class Trees(NamedTuple):
    """Questions: full trees of one height."""

    leaves: Ints  # (B, 2^height)
    operations: Sequence[Ints]
    """(B, 2^(height−level)) for levels 1 … height."""


class Seen(NamedTuple):
    """All nodes at one level: (B, nodes) each."""

    state: Ints
    """What the agent sees: operation·m² + left·m + right, by the answers of the level below."""
    found: Ints
    """What the user finds, by the arm's way of judging."""
    true: Ints


class Understanding:
    """The true tables, and the user's two understandings of them: (states,) values each."""

    def __init__(self, curriculum: Curriculum) -> None:
        c = curriculum
        shape = Shape(c.operations, 2, c.m, c.hard, "chain")
        circuit = draw_circuit(shape, keys.root(c.seed, "hidden tables"))
        self.true: Ints = np.array(circuit.table, np.int64).ravel()
        self.careful = self._misread(c, "careful", c.careful)
        self.shallow = self._misread(c, "shallow", c.shallow)

    def _misread(self, c: Curriculum, name: str, rate: float) -> Ints:
        drawn = c.draws("misread", name)
        wrong = drawn.random(c.states) < rate * c.systematic
        return (self.true + wrong * drawn.integers(1, c.m, c.states)) % c.m


class Ladder:
    """The agents of one arm, learned one level after the other."""

    def __init__(self, curriculum: Curriculum, reward: Reward, learner: Learner = "policy") -> None:
        self.curriculum, self.reward, self.learner = curriculum, reward, learner
        self.scores: list[Floats] = []
        """(states, m) for each level learned: a policy's logits, or a reward model's ratings."""

    @cached_property
    def tables(self) -> Understanding:
        """What is hidden, and how the user understands it."""
        return Understanding(self.curriculum)

    def climb(self) -> Ladder:
        """Learn every level; returns itself."""
        if self.learner != "judged":
            with one_thread():
                while len(self.scores) < self.curriculum.levels:
                    self._learn(len(self.scores) + 1)
        return self

    def _learn(self, level: int) -> None:
        """Steps 1 to 3 at one level."""
        c, drawn = self.curriculum, self.curriculum.draws("judge", level)
        seen = self._walk(self.questions(drawn, c.judgements, level), drawn)[-1]
        states, found = seen.state[:, 0], seen.found[:, 0]
        proposals = drawn.integers(0, c.m, c.judgements)
        ratings = fit_reward_model(c, states, proposals, proposals == found, level)
        learned = ratings if self.learner == "best_of" else train_policy(c, ratings, level)
        self.scores.append(learned)

    def errors(self, questions: int = 1_000) -> list[float]:
        """How often A_1 … A_levels answer a node of their level wrongly, on fresh trees."""
        drawn = self.curriculum.draws("test")
        trees = self.questions(drawn, questions, self.curriculum.levels)
        levels = self._walk(trees, drawn)
        answers = [self._answers(seen, level, drawn) for level, seen in enumerate(levels, 1)]
        return [
            float((answer != seen.true).mean())
            for answer, seen in zip(answers, levels, strict=True)
        ]

    def questions(self, drawn: np.random.Generator, count: int, height: int) -> Trees:
        """Uniform trees."""
        c = self.curriculum
        leaves = drawn.integers(0, c.m, (count, 2**height))
        sizes = [2 ** (height - level) for level in range(1, height + 1)]
        return Trees(leaves, [drawn.integers(0, c.operations, (count, n)) for n in sizes])

    def _walk(self, trees: Trees, drawn: np.random.Generator) -> list[Seen]:
        """From the leaves up: what everybody makes of every node.

        The agents answer all but the top, whose own agent need not exist yet.
        """
        answered = true = glanced = trees.leaves
        levels: list[Seen] = []
        for level, operations in enumerate(trees.operations, 1):
            state = self._state(operations, answered)
            true = self.tables.true[self._state(operations, true)]
            glanced = self._off(
                self.tables.shallow[self._state(operations, glanced)],
                self.curriculum.shallow, drawn,
            )  # fmt: skip
            careful = self._off(self.tables.careful[state], self.curriculum.careful, drawn)
            found = {"aided": careful, "unaided": glanced, "true": true}[self.reward]
            levels.append(Seen(state, found, true))
            if level < len(trees.operations):
                answered = self._answers(levels[-1], level, drawn)
        return levels

    def _state(self, operations: Ints, below: Ints) -> Ints:
        m = self.curriculum.m
        return operations * m * m + below[:, ::2] * m + below[:, 1::2]

    def _off(self, values: Ints, rate: float, drawn: np.random.Generator) -> Ints:
        """Values with the errors that are drawn anew."""
        c = self.curriculum
        wrong = drawn.random(values.shape) < rate * (1 - c.systematic)
        return (values + wrong * drawn.integers(1, c.m, values.shape)) % c.m

    def _answers(self, seen: Seen, level: int, drawn: np.random.Generator) -> Ints:
        """A policy's first answer; else the best of several uniform proposals."""
        c = self.curriculum
        if self.learner == "policy":
            return self.scores[level - 1].argmax(axis=1)[seen.state]
        proposed = drawn.integers(0, c.m, (*seen.state.shape, c.candidates))
        if self.learner == "judged":
            rated = (proposed == seen.found[..., None]).astype(np.float64)
        else:
            rated = self.scores[level - 1][seen.state[..., None], proposed]
        best = rated.argmax(axis=-1)
        return np.take_along_axis(proposed, best[..., None], axis=-1)[..., 0]


# The nets


def judgement_loss(logits: Tensor, share: Tensor) -> Tensor:
    """−k̄·log σ(r) − (1 − k̄)·log σ(−r): (B,), nats.

    `share` is how often users found a thing right, k̄; the sum over their judgements is so many
    times this.
    """
    return nn.functional.binary_cross_entropy_with_logits(logits, share, reduction="none")


def reinforce_loss(log_probs: Tensor, tried: Tensor, returns: Tensor) -> Tensor:
    """−Σ_a n_a·(R_a − Σ_b π_b·R_b)·log π_a, n_a the share of a state's tries that were answer a.

    All (B, m) -> (B,). The policy gradient (Williams 1992) with the state's own mean for a baseline;
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
