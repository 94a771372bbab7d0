"""A task's words in a tokenizer's tokens: how prompts and answers are put to a language model.

A context is written as `Request: WORDS` and `Reply:` on a line of its own, an answer as its words,
each after a space, and the model's own end of text. Answers' words form a tree of tokens whose
leaves they are; most often each word is one token, and the tree a root with its leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from oversight.alignment.vocabulary import END, PAD, Vocabulary, padded
from oversight.core import OversightError

HEAD, TAIL = "Request:", "\nReply:"


def asked(vocabulary: Vocabulary, context: Sequence[int]) -> str:
    """A context as text; ends of answers in it are not written."""
    return f"{HEAD}{said(vocabulary, context)}{TAIL}"


def said(vocabulary: Vocabulary, answer: Sequence[int]) -> str:
    """An answer as text, each word after a space, without its end."""
    return "".join(f" {vocabulary.words[token]}" for token in answer if token not in (END, PAD))


class Spelling(NamedTuple):
    """Words as tokens. The tree's nodes are numbered from the root, 0; tokens by `tokens`."""

    head: tuple[int, ...]
    tail: tuple[int, ...]
    words: tuple[tuple[int, ...], ...]
    """The model's tokens of every word of the vocabulary; the end's is the end of text."""
    tokens: Int[Tensor, "tokens"]
    """The model's tokens that answers are made of, each once; words of one token in their order."""
    nodes: Int[Tensor, "words longest"]
    """The nodes on the way to each word of answers, 0 after it."""
    steps: Int[Tensor, "words longest"]
    """The token taken at each of them, `PAD` after the word."""
    allowed: Bool[Tensor, "nodes tokens"]
    """Which tokens go on from a node."""
    below: Int[Tensor, "nodes tokens"]
    """The node that a token leads to; the root again where it ends a word."""
    made: Int[Tensor, "nodes tokens"]
    """The word that a token ends, or `PAD`."""

    @property
    def single(self) -> bool:
        """Whether every word of answers is one token."""
        return self.nodes.shape[1] == 1

    def context(self, context: Sequence[int]) -> list[int]:
        """The model's tokens of a context."""
        said = [token for word in context if word not in (END, PAD) for token in self.words[word]]
        return [*self.head, *said, *self.tail]


def spelling(vocabulary: Vocabulary, tokenizer: Any) -> Spelling:
    """The words of a vocabulary in a tokenizer's tokens.

    Errors: OversightError for a tokenizer without an end of text, and where one word's tokens begin
    another's, so that nobody could tell whether the first is over.
    """
    if tokenizer.eos_token_id is None:
        raise OversightError("the tokenizer has no end of text; choose a model that has one")
    plain = [tokenizer.encode(f" {word}", add_special_tokens=False) for word in vocabulary.words]
    words = ((tokenizer.eos_token_id,), *map(tuple, plain[1:]))
    answers = words[: len(vocabulary.answer)]
    for (one, its), (other, others) in permutations(enumerate(answers), 2):
        if others[: len(its)] == its:
            pair = f"{vocabulary.words[one]!r} and {vocabulary.words[other]!r}"
            raise OversightError(f"the model spells {pair} alike at first; choose other words")
    head = tuple(tokenizer.encode(HEAD))
    tail = tuple(tokenizer.encode(TAIL, add_special_tokens=False))
    return Spelling(head, tail, words, *_grown(answers))


def _grown(
    answers: Sequence[tuple[int, ...]],
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The tree: `tokens`, `nodes`, `steps`, `allowed`, `below`, `made`."""
    tokens = list(dict.fromkeys(token for word in answers for token in word))
    number = {token: place for place, token in enumerate(tokens)}
    root: tuple[int, ...] = ()
    inner = dict.fromkeys([root, *(word[:n] for word in answers for n in range(1, len(word)))])
    node = {begun: place for place, begun in enumerate(inner)}
    below = torch.zeros(len(node), len(tokens), dtype=torch.long)
    made = torch.full_like(below, PAD)
    for place, word in enumerate(answers):
        for n, token in enumerate(word):
            cell = node[word[:n]], number[token]
            below[cell] = node.get(word[: n + 1], 0)
            made[cell] = place if n == len(word) - 1 else PAD
    nodes = padded([[node[word[:n]] for n in range(len(word))] for word in answers]).clamp(min=0)
    steps = padded([[number[token] for token in word] for word in answers])
    return torch.tensor(tokens), nodes, steps, (below > 0) | (made >= 0), below, made
