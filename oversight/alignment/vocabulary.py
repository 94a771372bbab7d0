"""Tokens: what answers are made of, and what stands before them.

Ids 0 … A−1 may stand in an answer, 0 being the end; ids from A on stand in contexts alone: the
words of prompts, and the controls by which a policy is asked for one thing or another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from oversight.core import OversightError

END = 0
"""Ends an answer that is shorter than the longest."""
PAD = -1
"""Stands after an answer's end, and before a context that is shorter than its batch's longest."""


@dataclass(frozen=True)
class Vocabulary:
    """Every token by its word.

    Attributes:
        answer: the words of ids 0 … A−1; the first is the end.
        context: the words of the ids from A on.
    """

    answer: tuple[str, ...]
    context: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.answer) < 2:
            raise OversightError("a vocabulary needs an end and one word at least")
        if len(set(self.words)) < len(self.words):
            raise OversightError("a vocabulary names two tokens alike; give each its own word")

    @property
    def words(self) -> tuple[str, ...]:
        """Every word, by its id."""
        return self.answer + self.context

    def id(self, word: str) -> int:
        """A word's id; OversightError if there is none such."""
        if word not in self.words:
            raise OversightError(f"no word {word!r} here; known: {', '.join(self.words)}")
        return self.words.index(word)

    def within(self, words: Iterable[str]) -> tuple[int, ...]:
        """The ids of words."""
        return tuple(self.id(word) for word in words)

    def read(self, tokens: Sequence[int]) -> str:
        """Tokens in words, without the end and what stands after it."""
        return " ".join(self.words[token] for token in tokens if token not in (END, PAD))

    def with_controls(self, controls: Iterable[str]) -> Vocabulary:
        """The same with further words for contexts."""
        new = tuple(word for word in controls if word not in self.context)
        return Vocabulary(self.answer, self.context + new)


def padded(
    rows: Sequence[Sequence[int]], length: int | None = None, *, left: bool = False
) -> Int[Tensor, "batch length"]:
    """Rows of tokens as one tensor, filled with `PAD`: after them, or before with `left`."""
    length = max((len(row) for row in rows), default=0) if length is None else length
    filled = [
        [PAD] * (length - len(row)) + list(row) if left else list(row) + [PAD] * (length - len(row))
        for row in rows
    ]
    return torch.tensor(filled, dtype=torch.long).reshape(len(rows), length)


def cut(answers: Int[Tensor, "batch length"], words: int) -> Int[Tensor, "batch length"]:
    """Answers up to their first token that is not below `words`, and ended there."""
    foreign = answers >= words
    over = foreign.long().cumsum(dim=1) > 0
    first = foreign & (over.long().cumsum(dim=1) == 1)
    return answers.masked_fill(over, PAD).masked_fill(first, END)


def lengths(answers: Int[Tensor, "*batch length"]) -> Int[Tensor, "*batch"]:
    """Tokens of each answer, its end among them; at least 1 where an answer is well made."""
    return (answers != PAD).sum(dim=-1)


def every_answer(words: int, longest: int) -> Int[Tensor, "answers longest"]:
    """Every answer over the ids 1 … words−1 of at most `longest` tokens, the end included or not.

    An answer of `longest` words has no end. Shorter ones come first, then by their ids.
    """
    rows: list[tuple[int, ...]] = []
    layer: list[tuple[int, ...]] = [()]
    for _ in range(longest):
        rows += [(*row, END) for row in layer]
        layer = [(*row, word) for row in layer for word in range(1, words)]
    return padded(rows + layer, longest)


def answer_count(words: int, longest: int) -> int:
    """How many `every_answer` gives."""
    return sum((words - 1) ** length for length in range(longest + 1))


class Tree(NamedTuple):
    """Answers by what they begin with: whoever reads the nodes has read all of them."""

    nodes: Int[Tensor, "nodes length"]
    """Every beginning that goes on, `PAD` after it; the first is empty."""
    at: Int[Tensor, "answers length"]
    """The node before each token of an answer; after its end, the first."""


def tree(answers: Int[Tensor, "answers length"]) -> Tree:
    """The beginnings of answers; 85 for the 341 of up to four tokens over five words."""
    places = torch.arange(answers.shape[1])
    begun = answers[:, None].masked_fill(places >= places[:, None], PAD)  # (answers, T, T)
    begun = begun.masked_fill((answers == PAD)[..., None], PAD)
    known, at = code(begun, int(answers.max()) + 1).unique(return_inverse=True)
    nodes = begun.new_empty(len(known), answers.shape[1])
    nodes[at] = begun
    return Tree(nodes, at)


def code(answers: Int[Tensor, "*batch length"], words: int) -> Int[Tensor, "*batch"]:
    """A whole number for each answer, its own: in base `words` + 1, what is padded counting 0."""
    powers = (words + 1) ** torch.arange(answers.shape[-1])
    return ((answers + 1) * powers).sum(dim=-1)
