"""Any causal language model of transformers as a policy over a task's answers.

The model's logits are restricted to tokens that spell some word of answers, and renormalised: at
each token, over those with which a word goes on. A word of several tokens has the product of their
probabilities, so that words sum to 1. Contexts that a batch has several times are read once, in
training too, where the gradient flows through the keys and values that they leave.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from oversight.alignment.policies.spelling import Spelling
from oversight.alignment.policy import Policy
from oversight.alignment.vocabulary import END, PAD, Vocabulary, answer_count, padded

MOST = 512
"""Answers that there may be for a model to be asked for each: fewer passes than samples take."""


class _Spelled(NamedTuple):
    """Answers in the model's tokens, one after the other: (B, S) each."""

    tokens: Tensor
    nodes: Tensor
    steps: Tensor
    places: Tensor
    """Of the word that the token belongs to."""
    real: Bool[Tensor, "batch spelled"]


class _Read(NamedTuple):
    """What was read of rows of tokens."""

    logits: Tensor
    """(B, n, tokens) after each of the last n tokens."""
    cache: Any
    seen: Tensor
    """(B, length) which tokens are no padding."""

    def of(self, rows: Int[Tensor, "some"]) -> _Read:
        """Some of the rows; what was read is handed on, and not to be gone on with here."""
        self.cache.batch_select_indices(rows.to(self.cache.layers[0].keys.device))
        return _Read(self.logits[rows], self.cache, self.seen[rows])


class LanguageModelPolicy(Policy):
    """A causal model that is asked in words (`spelling`) and answers in a task's words only.

    The vectors of tokens, in and out, are never trained: of 49,152 a task uses a dozen, and their
    gradients are a quarter of a step of SmolLM2-135M's. All else is. Dropout is never on: all luck
    is the lab's. Log-probabilities are single precision, on the CPU;
    the model may lie on any device.
    """

    together = 256

    def __init__(
        self, vocabulary: Vocabulary, longest: int, net: Any, spelling: Spelling, name: str
    ) -> None:
        super().__init__(vocabulary, longest)
        self.net, self.spelling, self.size = net.eval(), spelling, name
        self.enumerable = answer_count(len(vocabulary.answer), longest) <= MOST

    def train(self, mode: bool = True) -> LanguageModelPolicy:
        """Never: what training switches on in a network is luck that nobody has named."""
        return super().train(False)

    def requires_grad_(self, requires_grad: bool = True) -> LanguageModelPolicy:
        """Of everything but the vectors of tokens."""
        super().requires_grad_(requires_grad)
        for vectors in (self.net.get_input_embeddings(), self.net.get_output_embeddings()):
            vectors.requires_grad_(False)
        return self

    def next(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length words"]:
        """In one pass where every word is one token; else each word is tried at each place."""
        if self.spelling.single:
            tokens = self.spelling.tokens[answers.clamp(min=0)]
            return self.shares(self._logits(contexts, tokens), torch.zeros_like(answers))
        rows, length = answers.shape
        places = torch.arange(length)
        begun = answers.clamp(min=0)[:, None].expand(-1, length, -1)
        begun = begun.masked_fill(places >= places[:, None], PAD).flatten(0, 1)
        tried = self._tried(contexts.repeat_interleave(length, dim=0), begun, places.repeat(rows))
        return tried.view(rows, length, -1)

    def at_nodes(
        self, contexts: Int[Tensor, "batch before"], nodes: Int[Tensor, "nodes length"]
    ) -> Float[Tensor, "batch nodes words"]:
        """A word after the other where each is one token; else each word is tried at each node."""
        if self.spelling.single:
            return self._grown(contexts, nodes)
        rows, size = len(contexts), len(nodes)
        beside, depth = contexts.repeat_interleave(size, dim=0), (nodes != PAD).sum(dim=1)
        tried = self._tried(beside, nodes.repeat(rows, 1), depth.repeat(rows))
        return tried.view(rows, size, -1)

    def token_log_probs(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length"]:
        """In one pass, however words are spelled."""
        self.check(answers)
        spelled = self._spelled(answers)
        shares = self.shares(self._logits(contexts, spelled.tokens), spelled.nodes)
        picked = shares.gather(-1, spelled.steps[..., None])[..., 0]
        picked = torch.where(spelled.real, picked, 0.0)
        return picked.new_zeros(answers.shape).scatter_add(1, spelled.places, picked)

    @torch.no_grad()
    def sample(
        self, contexts: Int[Tensor, "batch before"], draw: torch.Generator
    ) -> Int[Tensor, "batch length"]:
        """A token after the other, what was read being kept."""
        parts = contexts.split(self.together)
        return torch.cat([self._sampled(part, draw) for part in parts])

    def shares(
        self, logits: Float[Tensor, "*batch tokens"], nodes: Int[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch tokens"]:
        """Log-probabilities of the tokens with which words go on; −∞ for the others."""
        barred = ~self.spelling.allowed[nodes]
        return logits.masked_fill(barred, -torch.inf).log_softmax(dim=-1)

    def _grown(
        self, contexts: Tensor, nodes: Int[Tensor, "nodes length"]
    ) -> Float[Tensor, "batch nodes words"]:
        """Beginnings of one length after those that are a word shorter, each read once."""
        rows, depth = len(contexts), (nodes != PAD).sum(dim=1)
        read, above = self._read(contexts), (depth == 0).nonzero()[:, 0]
        order, found = [above], [read.logits]
        for level in range(1, int(depth.max()) + 1):
            here = (depth == level).nonzero()[:, 0]
            last = nodes[here, level - 1]
            begun = nodes[here].index_fill(1, torch.tensor(level - 1), PAD)
            parent = (begun[:, None] == nodes[above]).all(dim=-1).long().argmax(dim=1)
            from_each = torch.arange(rows)[:, None] * len(above) + parent
            read = read.of(from_each.flatten())
            read = self._on(read, self.spelling.tokens[last].repeat(rows)[:, None])
            order.append(above := here)
            found.append(read.logits.view(rows, len(here), -1))
        logits = torch.cat(found, dim=1)[:, torch.cat(order).argsort()]
        return self.shares(logits, torch.zeros(logits.shape[:2], dtype=torch.long))

    def _tried(
        self, contexts: Tensor, begun: Int[Tensor, "batch length"], depth: Int[Tensor, "batch"]
    ) -> Float[Tensor, "batch words"]:
        """log P of each word after beginnings that are `depth` words long."""
        words = len(self.vocabulary.answer)
        answers, where = begun.repeat_interleave(words, dim=0), depth.repeat_interleave(words)
        answers[torch.arange(len(answers)), where] = torch.arange(words).repeat(len(begun))
        parts = zip(contexts.repeat_interleave(words, dim=0).split(self.together),
                    answers.split(self.together), strict=True)  # fmt: skip
        tried = torch.cat([self.token_log_probs(*part) for part in parts])
        return tried.gather(1, where[:, None]).view(len(begun), words)

    def _spelled(self, answers: Int[Tensor, "batch length"]) -> _Spelled:
        """Answers' tokens side by side, whatever each word takes."""
        words = answers.clamp(min=0)
        steps = self.spelling.steps[words]  # (B, T, M)
        real = ((steps != PAD) & (answers != PAD)[..., None]).flatten(1)
        places = torch.arange(answers.shape[1])[:, None].expand(steps.shape)
        order = (~real).long().argsort(dim=1, stable=True)[:, : int(real.sum(dim=1).max())]
        steps, nodes, places, real = (
            part.flatten(1).gather(1, order)
            for part in (steps, self.spelling.nodes[words], places, real)
        )
        steps = steps.clamp(min=0)
        return _Spelled(self.spelling.tokens[steps], nodes, steps, places, real)

    def _logits(
        self, contexts: Int[Tensor, "batch before"], tokens: Int[Tensor, "batch spelled"]
    ) -> Float[Tensor, "batch spelled words"]:
        """Logits of the words' tokens at each of `tokens`, which is itself not yet seen there."""
        read = self._read(contexts)
        if tokens.shape[1] == 1:
            return read.logits
        return torch.cat([read.logits, self._on(read, tokens[:, :-1]).logits], dim=1)

    def _read(self, contexts: Int[Tensor, "batch before"]) -> _Read:
        """Read contexts, those alike once."""
        unlike, back = contexts.unique(dim=0, return_inverse=True)
        ids = padded([self.spelling.context(row) for row in unlike.tolist()], left=True)
        seen = ids != PAD
        places = (seen.long().cumsum(dim=1) - 1).clamp(min=0)
        out = self._pass(ids.clamp(min=0), seen, places, None)
        return _Read(self._ours(out), out.past_key_values, seen).of(back)

    def _on(self, read: _Read, tokens: Int[Tensor, "batch more"]) -> _Read:
        """Read further tokens."""
        seen = torch.cat([read.seen, torch.ones_like(tokens, dtype=torch.bool)], dim=1)
        places = (seen.long().cumsum(dim=1) - 1)[:, read.seen.shape[1] :]
        out = self._pass(tokens, seen, places, read.cache)
        return _Read(self._ours(out), read.cache, seen)

    def _pass(self, ids: Tensor, seen: Tensor, places: Tensor, cache: Any) -> Any:
        device = next(self.net.parameters()).device
        return self.net(
            input_ids=ids.to(device), attention_mask=seen.long().to(device),
            position_ids=places.to(device), past_key_values=cache, use_cache=True,
            logits_to_keep=1 if cache is None else 0,
        )  # fmt: skip

    def _ours(self, out: Any) -> Tensor:
        """(B, T, tokens) of the words' tokens."""
        return out.logits[..., self.spelling.tokens.to(out.logits.device)].float().cpu()

    def _sampled(self, contexts: Tensor, draw: torch.Generator) -> Tensor:
        read, tree = self._read(contexts), self.spelling
        answers = torch.full((len(contexts), self.longest), PAD)
        node, place = torch.zeros(2, len(contexts), dtype=torch.long)
        going = torch.ones(len(contexts), dtype=torch.bool)
        while True:
            odds = self.shares(read.logits[:, -1], node).exp()
            step = odds.multinomial(1, generator=draw)[:, 0]
            made = tree.made[node, step]
            whole = going & (made != PAD)
            answers[whole, place[whole]] = made[whole]
            place, node = place + whole, tree.below[node, step]
            going = going & (place < self.longest) & ~(whole & (made == END))
            if not bool(going.any()):
                return answers
            read = self._on(read, tree.tokens[step][:, None])
