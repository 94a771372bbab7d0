"""A small transformer over facts and questions: the answerer X of iterated amplification.

Facts are a set: each is the sum of its tokens' embeddings, and nothing says where it stands.
Questions attend to the facts and to themselves, never to each other, so that many questions about
one context cost one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, cast

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


class Held(NamedTuple):
    """What a layer keeps of the facts for questions to attend to, each (B, heads, facts, ·)."""

    keys: Tensor
    values: Tensor


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
        queries, keys, values = self._parts(stream)
        scores = (queries @ keys.transpose(-1, -2)).masked_fill(~mask, -1e9)
        return self._on(stream, scores.softmax(dim=-1) @ values)

    def read(self, facts: Tensor) -> tuple[Tensor, Held]:
        """(B, facts, width), each seeing all of them -> the same, and what is held of them."""
        queries, keys, values = self._parts(facts)
        seen = (queries @ keys.transpose(-1, -2)).softmax(dim=-1) @ values
        return self._on(facts, seen), Held(keys, values)

    def answer(self, questions: Tensor, held: Held) -> Tensor:
        """(B, Q, width), each seeing the facts that are held, and itself -> the same."""
        queries, keys, values = self._parts(questions)
        own = (queries * keys).sum(dim=-1, keepdim=True)
        scores = torch.cat([queries @ held.keys.transpose(-1, -2), own], dim=-1)
        weights = scores.softmax(dim=-1)  # (B, heads, Q, facts + 1)
        return self._on(questions, weights[..., :-1] @ held.values + weights[..., -1:] * values)

    def _parts(self, stream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, scaled, then keys and values: each (B, heads, T, ·)."""
        batch, length, width = stream.shape
        parts = self.into(self.before_attention(stream))
        parts = parts.view(batch, length, 3, self.heads, width // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        return queries * (width // self.heads) ** -0.5, keys, values

    def _on(self, stream: Tensor, seen: Tensor) -> Tensor:
        """The rest of the layer, from what attention brought: (B, heads, T, ·)."""
        stream = stream + self.out(seen.transpose(1, 2).reshape(stream.shape))
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
        facts_named_by: Sequence[int | None] = (),
        layers: int = 3,
        heads: int = 4,
    ) -> None:
        """Widths and who is named by whom are those of `oversight.algorithms.Task`."""
        super().__init__()
        self.facts = Tokens(fact_widths, width)
        self.questions = Tokens(question_widths, width)
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, answers)
        self._begin_matching()
        self._begin_alike(self.facts, facts_named_by, fact_widths)
        self._begin_alike(self.questions, named_by, fact_widths)

    def _begin_matching(self) -> None:
        """Start from attention that looks for equals: what is left to learn is what to do then.

        Queries and keys begin alike, and so do the embeddings of a question's token and of the
        fact's token that names the same thing. On one core this saves most of the search for the
        first attention pattern.
        """
        with torch.no_grad():
            for layer in self.layers:
                queries, keys, _ = cast(Layer, layer).into.weight.chunk(3)
                keys.copy_(queries)

    def _begin_alike(
        self, tokens: Tokens, named_by: Sequence[int | None], fact_widths: Sequence[int]
    ) -> None:
        with torch.no_grad():
            for own, other in enumerate(named_by):
                if other is not None:
                    start, width = self.facts.starts[other], fact_widths[other]
                    rows = self.facts.table.weight[start : start + width]
                    here = tokens.starts[own]
                    tokens.table.weight[here : here + width] = rows

    def forward(self, facts: Tensor, questions: Tensor) -> Tensor:
        """(B, facts, F) and (B, Q, W) whole numbers -> (B, Q, answers) logits."""
        stream = torch.cat([self.facts(facts), self.questions(questions)], dim=1)
        held, length = facts.shape[1], stream.shape[1]
        mask = torch.eye(length, dtype=torch.bool)
        mask[:, :held] = True
        for layer in self.layers:
            stream = layer(stream, mask)
        return self.head(self.norm(stream[:, held:]))

    def read(self, facts: Tensor) -> list[Held]:
        """What each layer holds of (B, facts, F) facts, to answer from again and again."""
        stream, held = self.facts(facts), list[Held]()
        for layer in self.layers:
            stream, kept = cast(Layer, layer).read(stream)
            held.append(kept)
        return held

    def answer(self, held: Sequence[Held], questions: Tensor) -> Tensor:
        """(B, Q, W) questions about facts that were read -> the logits of `forward`."""
        stream = self.questions(questions)
        for layer, kept in zip(self.layers, held, strict=True):
            stream = cast(Layer, layer).answer(stream, kept)
        return self.head(self.norm(stream))
