"""What a task is: facts, numbered questions, an overseer's rule for taking them apart.

A **context** is an array of facts. A **node** is a question about any context, by its number; the
first `simple` nodes are the primitive questions that a single fact answers. Answers are numbered,
and the last of them, "none", is never a whole question's true answer: it says that there is no
such thing, or that nobody knows.

The overseer's rule sees a question and the answers to its subquestions, never the context.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from oversight.core import OversightError

Ints = NDArray[np.int64]

STOP = -1
"""Instead of a node: nothing more is asked. Instead of an answer: not asked."""


class Task(ABC):
    """One task at one size; every method works on whole arrays and draws from a generator."""

    name: ClassVar[str]
    steps: ClassVar[int]
    """The most subquestions that the rule asks of one question."""
    smallest: ClassVar[int] = 2
    """The least number of symbols."""

    simple: int
    """Nodes 0 … simple − 1 are primitive."""
    facts: int
    """Facts a context has."""
    question_widths: tuple[int, ...]
    """How many values each token of a question takes."""
    fact_widths: tuple[int, ...]
    """The same of a fact."""
    named_by: tuple[int | None, ...]
    """For each token of a question, which token of a fact names the same thing, if any."""
    facts_named_by: tuple[int | None, ...] = ()
    """The same for each token of a fact; empty if learners are to find that out for themselves."""

    def __init__(self, size: int, difficulty: int) -> None:
        """`size`: how many symbols; `difficulty`: the deepest question, 1 needs facts alone."""
        if size < self.smallest:
            raise OversightError(f"{self.name} needs {self.smallest} symbols or more, got {size}")
        if not 1 <= difficulty <= self.deepest(size):
            raise OversightError(
                f"{self.name} with {size} symbols has questions of depth 1 to "
                f"{self.deepest(size)}, got difficulty={difficulty}"
            )
        self.size = size
        self.difficulty = difficulty

    @classmethod
    def deepest(cls, size: int) -> int:
        """The greatest difficulty at a size."""
        return size

    # Questions and answers by their numbers

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """Every answer in words, by its number; the last is "none"."""
        return (*self._answers(), "none")

    @property
    def none(self) -> int:
        """The number of "none"."""
        return len(self.answers) - 1

    @cached_property
    def table(self) -> Ints:
        """(nodes, W) the tokens of every node."""
        return np.asarray(self._tokens(), np.int64)

    @property
    def nodes(self) -> int:
        """How many questions can be asked of a context."""
        return len(self.table)

    @cached_property
    def _numbers(self) -> Ints:
        numbers = np.full(int(np.prod(self.question_widths)), STOP)
        numbers[np.ravel_multi_index(tuple(self.table.T), self.question_widths)] = np.arange(
            self.nodes
        )
        return numbers

    def number(self, tokens: Ints) -> Ints:
        """(…, W) tokens -> (…) nodes, STOP where the tokens are no question."""
        flat = np.ravel_multi_index(tuple(np.moveaxis(tokens, -1, 0)), self.question_widths)
        return self._numbers[flat]

    @abstractmethod
    def _answers(self) -> Sequence[str]:
        """Every answer but "none"."""

    @abstractmethod
    def _tokens(self) -> Sequence[Sequence[int]]:
        """The tokens of node 0, 1, …"""

    @abstractmethod
    def prompt(self, node: int) -> str:
        """The question in words."""

    @abstractmethod
    def words(self, fact: Sequence[int]) -> str:
        """A fact in words."""

    # Contexts and what is true of them

    @abstractmethod
    def contexts(self, generator: np.random.Generator, batch: int, difficulty: int) -> Ints:
        """(batch, facts, F) contexts whose deepest questions have this depth, if it varies."""

    @abstractmethod
    def askable(self, difficulty: int) -> Ints:
        """The nodes to train on at a difficulty: none primitive, none deeper."""

    @abstractmethod
    def lookup(self, contexts: Ints) -> Ints:
        """(B, simple) answers of the primitive questions, read off the facts."""

    @abstractmethod
    def solve(self, contexts: Ints) -> Ints:
        """(B, nodes) the true answer of every node, computed directly and not by taking apart."""

    @abstractmethod
    def depths(self, contexts: Ints) -> Ints:
        """(B, nodes) how deep a node comes apart: 0 if primitive, else 1 + its parts' deepest."""

    def questions(
        self, generator: np.random.Generator, batch: int, count: int, difficulty: int
    ) -> Ints:
        """(batch, count) nodes to train on, each askable one as likely as the others."""
        return generator.choice(self.askable(difficulty), (batch, count))

    # The overseer's rule

    @abstractmethod
    def ask(self, nodes: Ints, heard: Ints) -> Ints:
        """(N,) what to ask next, STOP for nothing: from (N,) nodes and (N, s) answers so far."""

    @abstractmethod
    def compose(self, nodes: Ints, heard: Ints) -> Ints:
        """(N,) the answer of each node from (N, steps) answers, STOP where nothing was asked."""


def chosen(where: Sequence[Any], what: Sequence[Ints | int], other: int) -> Ints:
    """`np.select` in whole numbers: of `what`, each where its own condition holds first."""
    return np.select(list(where), list(what), other).astype(np.int64)
