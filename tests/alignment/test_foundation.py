"""Policies, tasks, labs and the loop: what every method stands on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from oversight.alignment.aligning import align
from oversight.alignment.lab import Lab
from oversight.alignment.measures import win_rate
from oversight.alignment.method import Method, State
from oversight.alignment.methods.pairwise import DPO
from oversight.alignment.methods.raft import RAFT
from oversight.alignment.policy import Policy
from oversight.alignment.signals import Signal
from oversight.alignment.vocabulary import END, PAD, every_answer, lengths
from oversight.core import OversightError
from oversight.training.descent import METRICS, Pace
from tests.alignment.bench import Handful, Onlooker, exact, lab


def test_every_answer_is_there_once() -> None:
    answers = every_answer(3, 3)
    assert len(answers) == 1 + 2 + 4 + 8 == len(answers.unique(dim=0))
    assert lengths(answers).tolist() == [1] + [2] * 2 + [3] * 12
    ended = (answers == END).any(dim=1)
    assert ended.sum() == 7
    task = Handful()
    assert task.number(task.answers).tolist() == list(range(15))


def test_tokens_of_an_exact_policy_sum_to_its_answers() -> None:
    task = Handful()
    policy = exact(task)
    contexts = task.contexts(torch.arange(2))
    whole = policy.distribution(contexts, task.answers)
    tokens = Policy.distribution(policy, contexts, task.answers)  # through `next`
    assert torch.allclose(whole.exp().sum(dim=1), torch.ones(2, dtype=torch.float64))
    by_token = policy.token_log_probs(
        contexts.repeat_interleave(15, dim=0), task.answers.repeat(2, 1)
    )
    assert torch.allclose(whole, tokens)
    assert torch.allclose(by_token.sum(dim=1).view(2, 15), whole)
    assert by_token[task.answers.repeat(2, 1) == PAD].abs().sum() == 0


def test_samples_follow_the_policy_by_tokens_as_well() -> None:
    task = Handful()
    policy = exact(task)
    contexts = task.contexts(torch.zeros(20_000, dtype=torch.long))
    draw = torch.Generator().manual_seed(0)
    odds = policy.distribution(contexts[:1], task.answers)[0].exp()
    for answers in (policy.sample(contexts, draw), Policy.sample(policy, contexts, draw)):
        share = task.number(answers).bincount(minlength=15) / 20_000
        assert (share - odds).abs().max() < 4 * (odds.max() / 20_000) ** 0.5


def test_an_exact_policy_knows_its_prompts_and_its_last_control() -> None:
    task = Handful()
    policy = exact(task, ("good:", "bad:"))
    good, bad = policy.vocabulary.within(("good:", "bad:"))
    rows = policy.rows(torch.tensor([[3, PAD, PAD], [4, good, PAD], [3, good, bad]]))
    assert rows.tolist() == [0, 3, 4]
    with pytest.raises(OversightError, match="--policy small"):
        policy.rows(torch.tensor([[1]]))


def test_an_empty_answer_and_a_long_one_are_refused() -> None:
    policy = exact(Handful())
    with pytest.raises(OversightError, match="has no token"):
        policy.log_probs(torch.tensor([[3]]), torch.tensor([[PAD, PAD, PAD]]))
    with pytest.raises(OversightError, match="4 tokens, where 3"):
        policy.log_probs(torch.tensor([[3]]), torch.tensor([[1, 1, 1, 1]]))


def test_win_rate_counts_ties_half() -> None:
    gold = torch.tensor([[0.0, 1.0, 1.0]]).double()
    odds = torch.tensor([[0.0, 1.0, 0.0]]).double()
    others = torch.tensor([[0.5, 0.25, 0.25]]).double()
    assert win_rate(odds, others, gold).item() == pytest.approx(0.75)
    assert win_rate(others, others, gold).item() == pytest.approx(0.5)


def test_dpo_raises_what_the_overseer_sees_and_moves_away_from_the_reference() -> None:
    done = align(DPO(), lab(), pace=Pace(200, rate=0.05, every=100))
    first, *_, last = done.descent.rows
    assert first["kl"] == pytest.approx(0, abs=1e-9)
    assert first["wins"] == pytest.approx(0.5)
    assert last["proxy"] > first["proxy"] + 0.1
    assert last["kl"] > 0.1


@pytest.mark.parametrize("method", [DPO(), RAFT(rounds=2)])
def test_an_interrupted_training_goes_on_to_the_same_bits(method: Method, tmp_path: Path) -> None:
    bench, pace = lab(60, labels=256), Pace(60, every=20)
    whole = align(method, bench, pace=pace, kept=tmp_path / "whole")

    def stop(done: int, of: int) -> None:
        if done == 47:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        align(method, bench, pace=pace, kept=tmp_path / "cut", progress=stop)
    resumed = align(method, bench, pace=pace, kept=tmp_path / "cut")
    pairs = zip(whole.policy.parameters(), resumed.policy.parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
    texts = [(tmp_path / name / METRICS).read_text() for name in ("whole", "cut")]
    assert texts[0] == texts[1]


def test_a_checkpoint_of_another_method_is_refused(tmp_path: Path) -> None:
    bench, pace = lab(2, labels=64), Pace(2)
    align(DPO(), bench, pace=pace, kept=tmp_path)
    with pytest.raises(OversightError, match=r"of another training \(beta: 0.1 there, 0.2 now"):
        align(DPO(beta=0.2), bench, pace=pace, kept=tmp_path)


@dataclass(frozen=True)
class Bursting(Method):
    """Its loss is no number from step 3 on."""

    paper: ClassVar[str] = "none"
    needs: ClassVar[tuple[Signal, ...]] = ()

    def begin(self, lab: Lab) -> State[Any]:
        return State(lab.policy(), None)

    def loss(self, lab: Lab, state: State[Any], step: int) -> Tensor:
        rows = torch.ones(4)
        rows[2] = torch.nan if step >= 3 else 1.0
        prompts = torch.zeros(4, dtype=torch.long)
        return rows * lab.log_probs(state.policy, prompts, lab.task.answers[:4])


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(OversightError, match=r"nan at step 3, from rows \[2\] .* checkpoint is"):
        align(Bursting(), lab(), pace=Pace(10, every=2), kept=tmp_path)
    assert len((tmp_path / METRICS).read_text().splitlines()) == 2


def test_patience_ends_a_training_that_does_not_rise() -> None:
    done = align(DPO(), lab(), pace=Pace(200, rate=0.0, every=5, patience=3))
    assert done.descent.stopped == "patience"
    assert done.descent.steps == 15


def test_a_method_is_refused_an_overseer_without_its_signal() -> None:
    bench = lab()
    Blind = type("Blind", (Onlooker,), {"gives": frozenset({"scalar"}), "name": "blind"})
    blind = Lab(bench.task, Blind(bench.task), bench.reference)
    with pytest.raises(OversightError, match=r"DPO needs preference .* blind gives scalar"):
        align(DPO(), blind)
