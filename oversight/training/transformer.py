"""A small transformer over facts and questions: the answerer X of iterated amplification.

Facts are a set: each is the sum of its tokens' embeddings, and nothing says where it stands.
Questions attend to the facts and to themselves, never to each other, so that many questions about
one context cost one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import relu


class Tokens(nn.Module):
    """Several tokens as one vector: the sum of an embedding for each position."""

    starts: Tensor

    def __init__(self, widths: Sequence[int], width: int) -> None:
        """`widths`: how many values the token of each position takes."""
        super().__init__()
        self.register_buffer("starts", torch.tensor([0, *accumulate(widths)][:-1]))
        self.table = nn.EmbeddingBag(sum(widths), width, mode="sum")

    def forward(self, tokens: Tensor) -> Tensor:
        """(…, W) whole numbers -> (…, width)."""
        rows = (tokens + self.starts).flatten(0, -2)
        return self.table(rows).unflatten(0, tokens.shape[:-1])


class Layer(nn.Module):
    """Attention and a hidden layer, each on the normalised stream and added to it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.into = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.before_hidden = nn.LayerNorm(width)
        self.hidden = nn.Linear(width, 2 * width)
        self.back = nn.Linear(2 * width, width)

    def forward(self, stream: Tensor, mask: Tensor) -> Tensor:
        """(B, T, width) -> the same; `mask` (T, T) is True where a row may look."""
        batch, length, width = stream.shape
        parts = self.into(self.before_attention(stream))
        parts = parts.view(batch, length, 3, self.heads, width // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)  # each (B, heads, T, ·)
        scores = queries @ keys.transpose(-1, -2) * (width // self.heads) ** -0.5
        seen = scores.masked_fill(~mask, -1e9).softmax(dim=-1) @ values
        stream = stream + self.out(seen.transpose(1, 2).reshape(batch, length, width))
        return stream + self.back(relu(self.hidden(self.before_hidden(stream))))


class Answerer(nn.Module):
    """Logits of every answer to questions about a context."""

    def __init__(
        self,
        fact_widths: Sequence[int],
        question_widths: Sequence[int],
        named_by: Sequence[int | None],
        answers: int,
        *,
        width: int = 64,
        layers: int = 3,
        heads: int = 4,
    ) -> None:
        """Widths and `named_by` are those of `oversight.algorithms.Task`."""
        super().__init__()
        self.facts = Tokens(fact_widths, width)
        self.questions = Tokens(question_widths, width)
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, answers)
        self._begin_matching(fact_widths, named_by)

    def _begin_matching(self, fact_widths: Sequence[int], named_by: Sequence[int | None]) -> None:
        """Start from attention that looks for equals: what is left to learn is what to do then.

        Queries and keys begin alike, and so do the embeddings of a question's token and of the
        fact's token that names the same thing. On one core this saves most of the search for the
        first attention pattern.
        """
        with torch.no_grad():
            for layer in self.layers:
                queries, keys, _ = cast(Layer, layer).into.weight.chunk(3)
                keys.copy_(queries)
            for own, other in enumerate(named_by):
                if other is not None:
                    start, width = self.facts.starts[other], fact_widths[other]
                    here = self.questions.starts[own]
                    rows = self.facts.table.weight[start : start + width]
                    self.questions.table.weight[here : here + width] = rows

    def forward(self, facts: Tensor, questions: Tensor) -> Tensor:
        """(B, facts, F) and (B, Q, W) whole numbers -> (B, Q, answers) logits."""
        stream = torch.cat([self.facts(facts), self.questions(questions)], dim=1)
        held, length = facts.shape[1], stream.shape[1]
        mask = torch.eye(length, dtype=torch.bool)
        mask[:, :held] = True
        for layer in self.layers:
            stream = layer(stream, mask)
        return self.head(self.norm(stream[:, held:]))
