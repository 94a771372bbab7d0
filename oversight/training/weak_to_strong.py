"""Weak-to-strong generalisation: a strong student learns from its weak supervisor's own labels.

Burns et al. 2023, arXiv:2312.09390. The supervisor is trained on true labels, then labels other
examples with its probabilities w, and the student f learns from those alone. The confidence loss
lets the student stand by its own answers f̂ where it disagrees:

    L = CE(f, (1 − α)·w + α·f̂) = −Σ_c [(1 − α)·w_c + α·f̂_c] log f_c

f̂ is f hardened, and no gradient flows through it. With two classes the paper takes 1[f₁ > t], t the
batch quantile at which the share of ones is the supervisor's. Those are the labels likeliest under
f, Π_i f(ŷ_i | x_i), among all labellings of the batch with so many ones: swapping a one for a zero
of smaller f₁ can only lose. That says what f̂ is for many classes too: the likeliest labelling of
the batch whose class counts are the supervisor's, an assignment problem. Without the counts f̂ is
f's first answer (`first_answers`), and a weakly taught student may fall into few classes.

Deviations: the paper states two classes only; for more, f̂ is as derived here.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from oversight.threads import one_thread

Loss: TypeAlias = Callable[[Tensor, Tensor, float], Tensor]
"""`(log f, targets, share of training done) -> loss`: (B, C), (B, C) -> (B,), unreduced, nats."""
Harden: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""`(log f, weak labels) -> f̂`: (B, C), (B, C) -> (B, C), one-hot and without a gradient."""

WARM_UP = 0.1
"""The share of training over which α rises from 0 to its most."""
_LEAST = -1e6  # nats: an assignment needs finite numbers
_DIGITS = 4  # of a batch's class counts: float32 probabilities sum to no more


def cross_entropy(log_probs: Tensor, targets: Tensor) -> Tensor:
    """−Σ_c target_c log f_c in nats: (B, C), (B, C) -> (B,)."""
    return -(targets * log_probs).sum(dim=-1)


def hardened(log_probs: Tensor, weak: Tensor) -> Tensor:
    """f̂, one-hot (B, C), of log f (B, C) and the weak labels w (B, C); carries no gradient.

    The labelling of greatest Σ_i log f that has the counts of `quotas`. With two classes and no
    ties, 1[f₁ > t] at the paper's t.
    """
    logs = np.maximum(log_probs.detach().double().numpy(), _LEAST)  # (B, C)
    places = np.repeat(np.arange(logs.shape[1]), quotas(weak))  # (B,): one class a place
    examples, taken = linear_sum_assignment(logs[:, places], maximize=True)
    labels = torch.from_numpy(places[taken[np.argsort(examples)]])
    return nn.functional.one_hot(labels, logs.shape[1]).to(log_probs.dtype)


def quotas(weak: Tensor) -> NDArray[np.int64]:
    """How many of a batch the weak labels (B, C) give each class: whole numbers (C,) summing to B.

    Σ_i w_i rounded down, what is missing going to the greatest remainders (two classes: rounding).
    """
    wanted = weak.detach().double().sum(dim=0).numpy().round(_DIGITS)
    given = np.floor(wanted).astype(np.int64)
    missing = len(weak) - int(given.sum())
    given[np.argsort(given - wanted, kind="stable")[:missing]] += 1
    return given


def first_answers(log_probs: Tensor, weak: Tensor) -> Tensor:
    """f̂ without the supervisor's class counts: one-hot (B, C) at each example's greatest f."""
    fixed = log_probs.detach()
    return nn.functional.one_hot(fixed.argmax(dim=-1), fixed.shape[-1]).to(fixed.dtype)


def confidence_loss(
    log_probs: Tensor, weak: Tensor, *, alpha: float, harden: Harden = hardened
) -> Tensor:
    """CE(f, (1 − α)·w + α·f̂), nats: (B, C), (B, C) -> (B,). α = 0 is plain cross-entropy."""
    targets = (1 - alpha) * weak + alpha * harden(log_probs, weak)
    return cross_entropy(log_probs, targets)


def warmed_up(done: float, most: float) -> float:
    """α when a share `done` of training is over: linear to `most` in the first tenth, then flat."""
    return most * min(1.0, done / WARM_UP)


def plain(log_probs: Tensor, targets: Tensor, done: float) -> Tensor:
    """The naive student's `Loss`: imitate the supervisor."""
    return cross_entropy(log_probs, targets)


def confident(most: float, harden: Harden = hardened) -> Loss:
    """The `Loss` with the auxiliary confidence term, α warming up to `most` ≤ ½."""
    if not 0 <= most <= 0.5:
        raise ValueError(f"alpha goes up to 0.5 at most, got {most:g}")

    def loss(log_probs: Tensor, targets: Tensor, done: float) -> Tensor:
        return confidence_loss(log_probs, targets, alpha=warmed_up(done, most), harden=harden)

    return loss


class Recipe(NamedTuple):
    """How a classifier is trained: one hidden layer, Adam, the rate falling linearly to 0."""

    hidden: int
    steps: int
    batch: int = 100
    lr: float = 5e-3


class Classifier(NamedTuple):
    """One hidden layer of rectified units; weights as arrays."""

    inner: NDArray[np.float32]  # (F, H)
    inner_bias: NDArray[np.float32]  # (H,)
    outer: NDArray[np.float32]  # (H, C)
    outer_bias: NDArray[np.float32]  # (C,)

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, F) -> (N, C)."""
        hidden = np.maximum(features @ self.inner + self.inner_bias, 0)
        logits = hidden @ self.outer + self.outer_bias
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)


def fit(
    features: NDArray[np.float32],
    targets: NDArray[np.float32],
    recipe: Recipe,
    seed: int,
    loss: Loss = plain,
) -> Classifier:
    """Train a classifier on (N, F) features and (N, C) targets, which may be soft.

    Batches are drawn without replacement, epoch by epoch. On one machine the same arguments give
    the same bytes: nothing global is seeded, and PyTorch is held to one thread meanwhile.
    """
    drawn = np.random.default_rng(seed)
    inputs, labels = torch.from_numpy(features), torch.from_numpy(targets)
    with one_thread():
        weights = _initial(features.shape[1], recipe.hidden, targets.shape[1], drawn)
        inner, inner_bias, outer, outer_bias = weights
        optimizer = torch.optim.Adam(weights, recipe.lr, fused=True)
        for step, batch in enumerate(_batches(len(features), recipe, drawn)):
            done = step / recipe.steps
            optimizer.param_groups[0]["lr"] = recipe.lr * (1 - done)
            rows = torch.from_numpy(batch)
            logits = torch.relu(inputs[rows] @ inner + inner_bias) @ outer + outer_bias
            value = loss(torch.log_softmax(logits, dim=-1), labels[rows], done).mean()
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    return Classifier(*(tensor.detach().numpy() for tensor in weights))


def _initial(features: int, hidden: int, classes: int, drawn: np.random.Generator) -> list[Tensor]:
    """Weights of variance 2/F and 1/H, biases of 0."""
    inner = drawn.standard_normal((features, hidden), np.float32) * np.float32(
        (2 / features) ** 0.5
    )
    outer = drawn.standard_normal((hidden, classes), np.float32) * np.float32(hidden**-0.5)
    arrays = (inner, np.zeros(hidden, np.float32), outer, np.zeros(classes, np.float32))
    return [torch.from_numpy(array).requires_grad_() for array in arrays]


def _batches(
    examples: int, recipe: Recipe, drawn: np.random.Generator
) -> Generator[NDArray[np.int64]]:
    """`steps` batches of indices; an epoch's last batch may be short."""
    left = recipe.steps
    while left:
        order = drawn.permutation(examples)
        for start in range(0, examples, recipe.batch)[:left]:
            yield order[start : start + recipe.batch]
            left -= 1


class Halves(NamedTuple):
    """Training examples: those that the supervisor learns from, and those that it labels."""

    supervisor: NDArray[np.int64]
    student: NDArray[np.int64]


def halves(examples: int, seed: int) -> Halves:
    """Split example numbers at random into two disjoint halves."""
    order = np.random.default_rng(seed).permutation(examples)
    return Halves(*np.split(order, [examples // 2]))
