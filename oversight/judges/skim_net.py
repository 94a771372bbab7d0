"""The judge that reads little: it joins sentences by the names that they share.

The text twin of the pixel judge (`sparse_net`): one hidden layer, additive over the sentences that
were shown, so that debaters can search it. Its weights are shared over candidates c and over names
b, as a convolution shares its own over places. For a set S of sentences, each seen from the
question (`oversight.text.slots`):

    join[c, b] = relu(bias + Σ_{s ∈ S} ([subject, b in s] · subject(s) + [c, b in s] · answer(s)))
    met[c]     = relu(bias' + Σ_{s ∈ S} ([subject in s] · subject'(s) + [c in s] · answer'(s)))
    logit[c]   = head · Σ_b join[c, b] + head' · met[c]

where subject(s), answer(s), … are sums of learned vectors, one for each pair of a word of the
question and a word of the sentence. `join` fires where two sentences share a name, one about the
question's subject and one about a candidate; `met` where both were spoken of, whatever they share.

When it plays, other names are hashed into `NAMES` slots, so two names can be taken for one.

Deviations from the pixel judge: none of the weights belongs to one input alone.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from oversight.text.slots import Slots

NAMES = 128
"""Slots for the names that sentences share."""


@dataclass(frozen=True, eq=False)
class SkimNet:
    """The trained judge, as float32 arrays: P word pairs, J units a join, M units a meeting.

    Attributes:
        pairs: (P, 2, J + M) what a pair of words adds: for the subject's sentences, the answers'.
        base: (2, J + M) what any sentence adds.
        bias: (J + M,).
        head: (J + M,).
        joins: J.
    """

    pairs: NDArray[np.float32]
    base: NDArray[np.float32]
    bias: NDArray[np.float32]
    head: NDArray[np.float32]
    joins: int

    def row(self, seen: Slots, answers: int) -> NDArray[np.float32]:
        """(H,) what a sentence adds to the hidden sum, H = answers · (NAMES · J + M)."""
        subject, answer = self.base + self.pairs[list(seen.pairs)].sum(axis=0, dtype=np.float32)
        join = np.zeros((answers, NAMES, self.joins), np.float32)
        met = np.zeros((answers, len(self.bias) - self.joins), np.float32)
        for name in sorted({zlib.crc32(other.encode()) % NAMES for other in seen.others}):
            if seen.subject:
                join[:, name] += subject[: self.joins]
            for candidate in seen.candidates:
                join[candidate, name] += answer[: self.joins]
        if seen.subject:
            met += subject[self.joins :]
        for candidate in seen.candidates:
            met[candidate] += answer[self.joins :]
        return _flat(join, met)

    def hidden_bias(self, answers: int) -> NDArray[np.float32]:
        """(H,) the hidden sum when nothing is shown."""
        join = np.broadcast_to(self.bias[: self.joins], (answers, NAMES, self.joins))
        met = np.broadcast_to(self.bias[self.joins :], (answers, len(self.bias) - self.joins))
        return _flat(join, met)

    def heads(self, answers: int) -> NDArray[np.float32]:
        """(C, H) from the hidden layer to the logits: each candidate listens to its own units."""
        join = np.zeros((answers, answers, NAMES, self.joins), np.float32)
        met = np.zeros((answers, answers, len(self.bias) - self.joins), np.float32)
        own = np.arange(answers)
        join[own, own] = self.head[: self.joins]
        met[own, own] = self.head[self.joins :]
        return np.stack([_flat(join[c], met[c]) for c in range(answers)])

    @cached_property
    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """What is kept of it."""
        return {"pairs": self.pairs, "base": self.base, "bias": self.bias, "head": self.head}


def _flat(join: NDArray[np.float32], met: NDArray[np.float32]) -> NDArray[np.float32]:
    """A candidate's units side by side: its joins, name by name, then its meetings."""
    return np.concatenate([join.reshape(len(join), -1), met], axis=1).ravel()
