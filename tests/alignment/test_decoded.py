"""Policies made from others at decoding time."""

from __future__ import annotations

import pickle
from functools import partial

import pytest
import torch
from torch import Tensor

from oversight.alignment.policies.decoded import LEAST, Decoded
from oversight.alignment.policies.exact import ExactPolicy
from oversight.alignment.policy import Conditioned
from tests.alignment.bench import Handful, exact


def base(log: Tensor, others: Tensor) -> Tensor:
    return log


def product(log: Tensor, others: Tensor, *, power: float = 1.0) -> Tensor:
    return log + power * others


def without_no(log: Tensor, others: Tensor) -> Tensor:
    barred = torch.tensor([False, False, True])
    return log.masked_fill(barred, -torch.inf)


def flat(task: Handful) -> ExactPolicy:
    start = torch.zeros(2, len(task.answers))
    return ExactPolicy(task.vocabulary, task.longest, task.prompts, start)


def test_the_base_alone_is_the_base() -> None:
    task = Handful()
    policy, contexts = exact(task), task.contexts(torch.arange(2))
    decoded = Decoded(policy, flat(task), base)
    assert torch.allclose(
        decoded.distribution(contexts, task.answers), policy.distribution(contexts, task.answers)
    )


def test_next_tokens_are_combined_by_hand() -> None:
    task = Handful()
    policy, contexts, answer = exact(task), task.contexts(torch.tensor([0])), torch.tensor([[1, 0]])
    squared = Decoded(policy, policy, partial(product, power=1.0)).next(contexts, answer)[0].exp()
    for place, odds in enumerate(policy.next(contexts, answer)[0].exp().tolist()):
        whole = sum(p * p for p in odds)
        expected = torch.tensor([p * p / whole for p in odds], dtype=torch.float64)
        assert torch.allclose(squared[place], expected)


def test_a_model_asked_in_two_ways_is_two_policies() -> None:
    task = Handful()
    policy = exact(task, ("bad:",))
    with torch.no_grad():
        policy.logits[2:, 0] += 3.0  # asked for bad ones, it says nothing
    contexts = task.contexts(torch.arange(2))
    away = Decoded(policy, Conditioned(policy, ["bad:"]), partial(product, power=-1.0))
    start, bad = torch.ones(2, 1, dtype=torch.long), policy.vocabulary.id("bad:")
    plain = policy.next(contexts, start).exp()
    asked = policy.next(torch.cat([contexts, torch.full((2, 1), bad)], dim=1), start).exp()
    assert (asked[..., 0] > 2 * plain[..., 0]).all()
    ratio = plain / asked
    expected = ratio / ratio.sum(dim=-1, keepdim=True)
    assert torch.allclose(away.next(contexts, start).exp(), expected)


def test_what_is_ruled_out_is_never_said_and_its_logarithm_is_finite() -> None:
    task = Handful()
    decoded = Decoded(exact(task), flat(task), without_no)
    contexts = task.contexts(torch.zeros(2_000, dtype=torch.long))
    drawn = decoded.sample(contexts, torch.Generator().manual_seed(0))
    assert not (drawn == 2).any()
    log = decoded.distribution(contexts[:1], task.answers)
    assert torch.isfinite(log).all()
    assert log.exp().sum().item() == pytest.approx(1)
    no = torch.tensor([[2, 0]])
    assert decoded.token_log_probs(contexts[:1], no)[0, 0].item() == LEAST


def test_it_pickles_for_checkpoints() -> None:
    task = Handful()
    decoded = Decoded(exact(task), flat(task), partial(product, power=0.5))
    again: Decoded = pickle.loads(pickle.dumps(decoded))
    contexts = task.contexts(torch.arange(2))
    one, other = (policy.distribution(contexts, task.answers) for policy in (decoded, again))
    assert torch.equal(one, other)
