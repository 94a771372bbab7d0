"""The small transformer as a policy, and its reference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from oversight.alignment.aligning import align
from oversight.alignment.lab import Lab
from oversight.alignment.methods.pairwise import DPO
from oversight.alignment.policies import small
from oversight.alignment.policies.naming import rate_of, reference_for, size_of
from oversight.alignment.policies.small import Small, SmallPolicy, small_reference
from oversight.alignment.policy import Policy
from oversight.alignment.vocabulary import PAD, Vocabulary, answer_count, every_answer, tree
from oversight.cache_dir import CACHE_DIR_VARIABLE
from oversight.core import OversightError
from oversight.threads import one_thread
from oversight.training.descent import METRICS, Pace
from tests.alignment.bench import Handful, Onlooker

BRIEF = Small(width=32, steps=80, rate=5e-3)
WORDS = Vocabulary((".", "a", "b", "c"), ("p", "q", "r"))
CONTEXTS = torch.tensor([[PAD, 4], [5, 6], [6, 4]])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(CACHE_DIR_VARIABLE, str(tmp_path / "cache"))
    with one_thread():
        yield tmp_path / "cache"


def test_a_tree_holds_each_beginning_once() -> None:
    answers = every_answer(5, 4)
    nodes, at = tree(answers)
    assert len(answers) == answer_count(5, 4) == 341
    assert len(nodes) == 1 + 4 + 16 + 64 == len(nodes.unique(dim=0))
    for row, where in zip(answers.tolist(), at.tolist(), strict=True):
        for place, token in enumerate(row):
            if token != PAD:
                assert nodes[where[place]].tolist() == row[:place] + [PAD] * (4 - place)


def test_answers_through_their_tree_are_answers_one_by_one() -> None:
    policy = SmallPolicy(WORDS, 3, width=16)
    answers = every_answer(4, 3)
    whole = policy.distribution(CONTEXTS, answers)
    beside = CONTEXTS.repeat_interleave(len(answers), dim=0)
    assert torch.allclose(whole.exp().sum(dim=1), torch.ones(3), atol=1e-5)
    alone = policy.log_probs(beside, answers.repeat(3, 1)).view_as(whole)
    assert torch.allclose(whole, alone, atol=1e-5)
    nodes = tree(answers).nodes
    each = Policy.at_nodes(policy, CONTEXTS, nodes)
    assert torch.allclose(policy.at_nodes(CONTEXTS, nodes), each, atol=1e-5)


def test_padding_in_a_context_is_not_seen_and_its_words_are() -> None:
    policy = SmallPolicy(WORDS, 3, width=16)
    answer = torch.tensor([[1, 2, 0]])
    plain = policy.next(torch.tensor([[4, 5]]), answer)
    for padded in ([[PAD, PAD, 4, 5]], [[4, PAD, 5]]):
        assert torch.allclose(policy.next(torch.tensor(padded), answer), plain, atol=1e-6)
    assert not torch.allclose(policy.next(torch.tensor([[5, 4]]), answer), plain, atol=1e-3)
    later = policy.next(torch.tensor([[4, 5]]), torch.tensor([[1, 3, 0]]))
    assert torch.equal(later[:, :2], plain[:, :2])
    assert not torch.allclose(later[:, 2], plain[:, 2], atol=1e-3)


def test_weights_hang_on_the_seed_alone() -> None:
    torch.manual_seed(3)
    drawn = torch.rand(1)
    torch.manual_seed(3)
    same, other = SmallPolicy(WORDS, 3, seed=1), SmallPolicy(WORDS, 3, seed=1)
    assert torch.equal(torch.rand(1), drawn)
    assert torch.equal(same.table.weight, other.table.weight)
    assert not torch.equal(same.table.weight, SmallPolicy(WORDS, 3, seed=2).table.weight)
    answer = torch.tensor([[1, 2, 0]] * 3)
    assert torch.equal(same.next(CONTEXTS, answer), other.next(CONTEXTS, answer))


def test_samples_follow_the_policy() -> None:
    policy = SmallPolicy(WORDS, 3, width=16)
    answers, rows = every_answer(4, 3), 5_000
    drawn = policy.sample(CONTEXTS[1:2].expand(rows, -1), torch.Generator().manual_seed(0))
    odds = policy.distribution(CONTEXTS[1:2], answers)[0].exp()
    counts = (drawn[:, None] == answers).all(dim=-1).sum(dim=0)
    assert counts.sum() == rows
    assert ((counts / rows - odds).abs() < 5 * (odds / rows).sqrt() + 1e-3).all()


def test_a_reference_comes_near_the_tasks_and_is_made_once(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Handful()
    made = small_reference(task, 0, BRIEF, controls=("good:",))
    assert made.kl < 0.01
    untrained = small_reference(task, 0, Small(width=32, steps=0), controls=("good:",))
    assert untrained.kl > 20 * made.kl
    good = torch.tensor([[made.policy.vocabulary.id("good:")]] * 2)
    asked = task.contexts(torch.arange(2), good)
    log = made.policy.distribution(asked, task.answers)
    assert torch.allclose(log.exp(), task.reference().exp().float(), atol=0.03)

    monkeypatch.setattr(small, "descend", _refuse)
    again = small_reference(task, 0, BRIEF, controls=("good:",))
    assert again.kl == made.kl
    pairs = zip(made.policy.parameters(), again.policy.parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
    with pytest.raises(AssertionError, match="trained anew"):
        small_reference(task, 1, BRIEF, controls=("good:",))
    assert len(list(cache.glob("small-policy-*.npz"))) == 2


def _refuse(*_: object, **__: object) -> None:
    raise AssertionError("trained anew")


def test_where_answers_are_too_many_it_imitates_demonstrations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(small, "MOST", 10)
    task = Handful()
    made = small_reference(task, 0, BRIEF).policy
    prompts = torch.arange(2).repeat(300)
    shown = task.demonstrate(prompts, torch.Generator().manual_seed(9))
    contexts = task.contexts(prompts)
    told = made.log_probs(contexts, shown).mean()
    start = SmallPolicy(task.vocabulary, 3, width=32).log_probs(contexts, shown).mean()
    odds = (task.reference() + 2 * task.gold_table).log_softmax(dim=1)  # who demonstrates there
    best = odds[prompts, task.number(shown)].mean()
    assert start < best - 0.3
    assert best - 0.1 < told < best + 0.02
    assert not made.enumerable


def test_dpo_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    task = Handful()
    reference = small_reference(task, 0, BRIEF).policy.frozen()
    bench, pace = Lab(task, Onlooker(task), reference, 30, 32, 256), Pace(30, rate=3e-3, every=10)
    whole = align(DPO(), bench, pace=pace, kept=tmp_path / "whole")
    rows = whole.descent.rows
    assert rows[0]["kl"] == pytest.approx(0, abs=1e-6)
    assert rows[-1]["proxy"] > rows[0]["proxy"] + 0.05

    def stop(done: int, of: int) -> None:
        if done == 14:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        align(DPO(), bench, pace=pace, kept=tmp_path / "cut", progress=stop)
    align(DPO(), bench, pace=pace, kept=tmp_path / "cut")
    texts = [(tmp_path / name / METRICS).read_text() for name in ("whole", "cut")]
    assert texts[0] == texts[1]


def test_policies_have_names() -> None:
    task = Handful()
    exact = reference_for(task, "exact", ("good:",))
    assert exact is reference_for(task, "exact", ("good:",))
    assert not any(weight.requires_grad for weight in exact.parameters())
    log = exact.distribution(task.contexts(torch.arange(2)), task.answers)
    assert torch.allclose(log, task.reference().double())
    made = reference_for(task, "small:width=16,steps=2")
    assert isinstance(made, SmallPolicy)
    assert made.width == 16
    assert rate_of("exact") > rate_of("small") > rate_of("smollm2")
    with pytest.raises(OversightError, match="unknown policy 'smal'; did you mean 'small'"):
        size_of("smal")
    with pytest.raises(OversightError, match="small has no option 'with'; did you mean 'width'"):
        size_of("small:with=3")
