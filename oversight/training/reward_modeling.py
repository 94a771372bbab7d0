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

With recursive critique the user reads Cⁿ of the help. A critic, who errs as an expert does, points
at answers that fail; such a part the user works out by itself, by a careful look at the operation
at its parts' answers, of which it reads Cⁿ⁻¹:

    C⁰(part) = A_{l−1}'s answer,    Cⁿ(part) = the look at Cⁿ⁻¹ of its two parts, if criticised

Agent and user see the same help, criticised or not.

Of the user's errors a share is a fixed misunderstanding of an entry of a table, the same in all
questions, which no amount of judgements averages away; the rest are drawn anew.

    r_φ: −Σ log σ(±r_φ(s, a)) over judgements;    π: max E[σ(r_φ(s, a)) − β·log(π(a|s)/π₀(a|s))]

Deviations: users judge uniform proposals once, and the reward model is not refreshed as the policy
moves. The policy at level l starts from the same π₀, not from the level below.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from oversight import keys
from oversight.circuits.graph import Shape, draw_circuit
from oversight.core import OversightError
from oversight.threads import one_thread
from oversight.training.judgements import (
    Curriculum,
    Floats,
    Ints,
    fit_reward_model,
    train_policy,
)

Reward = Literal["aided", "unaided", "true"]
Learner = Literal["policy", "best_of", "judged"]
"""An agent trained on the reward model; the best of `candidates` by it; the best by the user's own
judgement of each, with no model between."""
CRITIC = 0.005
"""How often the critic is wrong about an answer: ε of the experts on circuits."""


class Trees(NamedTuple):
    """Questions: full trees of one height."""

    leaves: Ints  # (B, 2^height)
    operations: Sequence[Ints]
    """(B, 2^(height−level)) for levels 1 … height."""


class Seen(NamedTuple):
    """All nodes at one level: (B, nodes) each."""

    state: Ints
    """What the agent sees: operation·m² + left·m + right, by the help of the level below."""
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

    def __init__(
        self,
        curriculum: Curriculum,
        reward: Reward,
        learner: Learner = "policy",
        critiques: int = 0,
    ) -> None:
        """`critiques`: n, how deep the criticism of the help goes."""
        if critiques < 0:
            raise OversightError(f"criticism goes ≥ 0 levels deep, got {critiques}")
        self.curriculum, self.reward, self.learner = curriculum, reward, learner
        self.critiques = critiques
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
        true = glanced = trees.leaves
        read: Sequence[Ints] = [trees.leaves] * (self.critiques + 1)  # C⁰ … Cⁿ of what is below
        levels: list[Seen] = []
        for level, operations in enumerate(trees.operations, 1):
            state = self._state(operations, read[-1])
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
                read = self._criticised(answered, true, operations, read, drawn)
        return levels

    def _criticised(
        self,
        answered: Ints,
        true: Ints,
        operations: Ints,
        below: Sequence[Ints],
        drawn: np.random.Generator,
    ) -> Sequence[Ints]:
        """C⁰ … Cⁿ of the answers to a level's nodes; `below`: the same of their parts."""
        read = [answered]
        if not self.critiques:
            return read
        pointed = (answered != true) ^ (drawn.random(answered.shape) < CRITIC)
        for parts in below[:-1]:
            looked = self.tables.careful[self._state(operations, parts)]
            looked = self._off(looked, self.curriculum.careful, drawn)
            read.append(np.where(pointed, looked, answered))
        return read

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
