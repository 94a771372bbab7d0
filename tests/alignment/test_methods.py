"""Every registered method: it learns, keeps to its budget, and goes on to the same bits."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from oversight.alignment.aligning import align
from oversight.alignment.closed_forms import best_of
from oversight.alignment.lab import Lab
from oversight.alignment.method import Method
from oversight.alignment.methods.lima import LIMA
from oversight.alignment.methods.pairwise import IPO
from oversight.alignment.methods.raft import RAFT
from oversight.alignment.objectives.preference import bonbon, bonbon_beta
from oversight.alignment.overseer import Critique, Overseer
from oversight.core import OversightError
from oversight.registry import build, names
from oversight.training.descent import METRICS, Pace
from tests.alignment.bench import Handful, Onlooker, exact, lab

LABELS = 256


class Counting(Onlooker):
    """Counts the answers that it judges."""

    judged = 0

    def credence(
        self, prompts: Tensor, first: Tensor, second: Tensor, draw: torch.Generator
    ) -> Tensor:
        self.judged += 2 * len(prompts)
        return super().credence(prompts, first, second, draw)

    def score(self, prompts: Tensor, answers: Tensor, draw: torch.Generator) -> Tensor:
        self.judged += len(prompts)
        return super().score(prompts, answers, draw)

    def rank(self, prompts: Tensor, answers: Tensor, draw: torch.Generator) -> Tensor:
        self.judged += answers.shape[0] * answers.shape[1]
        return super().rank(prompts, answers, draw)

    def critique(
        self, prompts: Tensor, answers: Tensor, items: int, draw: torch.Generator
    ) -> Critique:
        self.judged += len(prompts)
        return super().critique(prompts, answers, items, draw)

    def label(self, prompts: Tensor, answers: Tensor, draw: torch.Generator) -> Tensor:
        self.judged += len(prompts)
        return super().label(prompts, answers, draw)


def bench(method: Method, overseer: Overseer, steps: int, labels: int) -> Lab:
    task = Handful()
    reference = exact(task, method.controls).frozen()
    return Lab(task, overseer, reference, steps, 32, labels)


def made(name: str) -> Method:
    return build("methods", "lima:examples=64" if name == "lima" else name)


@pytest.mark.parametrize("name", names("methods"))
def test_a_method_raises_what_the_overseer_sees(name: str) -> None:
    place = bench(made(name), Onlooker(Handful()), 80, 1024)
    rows = align(made(name), place, pace=Pace(80, rate=0.05, every=80)).descent.rows
    assert rows[-1]["proxy"] > rows[0]["proxy"] + 0.03
    assert math.isfinite(rows[-1]["kl"])


@pytest.mark.parametrize("name", names("methods"))
def test_a_method_keeps_to_its_budget_and_goes_on_to_the_same_bits(
    name: str, tmp_path: Path
) -> None:
    pace, method = Pace(20, rate=0.05, every=5), made(name)

    def stop(done: int, of: int) -> None:
        if done == 13:
            raise KeyboardInterrupt

    overseer = Counting(Handful())
    place = bench(method, overseer, 20, LABELS)
    align(method, place, pace=pace, kept=tmp_path / "whole")
    assert overseer.judged <= LABELS
    assert (overseer.judged > 0) == (set(method.needs) != {"demonstration"})
    with pytest.raises(KeyboardInterrupt):
        align(method, place, pace=pace, kept=tmp_path / "cut", progress=stop)
    align(method, place, pace=pace, kept=tmp_path / "cut")
    texts = [(tmp_path / run / METRICS).read_text() for run in ("whole", "cut")]
    assert texts[0] == texts[1]


def test_ipo_stays_finite_where_every_preference_points_the_same_way() -> None:
    sure = lab(600, temperature=1e-6)
    tight = align(IPO(tau=2.0), sure, pace=Pace(600, rate=0.05, every=600)).descent.rows[-1]
    free = align(build("methods", "dpo"), sure, pace=Pace(600, rate=0.05, every=600))
    assert tight["kl"] < 0.1 < free.descent.rows[-1]["kl"]


def test_one_round_of_raft_is_best_of_k() -> None:
    """Trained to its end, it is the law of the best of K, ties going by the order drawn."""
    place = lab(1500, labels=80_000)
    policy = align(RAFT(candidates=4, rounds=1), place, pace=Pace(1500, rate=0.05, every=1500))
    contexts = place.task.contexts(torch.arange(2))
    start = place.reference.distribution(contexts, place.task.answers)
    wanted = best_of(start, place.proxy_table, n=4).exp()
    found = policy.policy.distribution(contexts, place.task.answers).exp()
    assert (found - wanted).abs().sum(dim=1).max() < 0.12


def test_bonbons_optimum_is_best_of_n() -> None:
    """On 400 answers without ties: win rate n/(n + 1), KL ln n − (n − 1)/n, both about.

    At best-of-n the margin is 1/(2β) on average only; the least square lies a little beyond it.
    """
    n, size = 4, 400
    draw = torch.Generator().manual_seed(0)
    drawn = torch.randint(size, (200_000, n), generator=draw)
    best, worst = drawn.max(dim=1).values, drawn.min(dim=1).values  # an answer's reward: its number
    start = torch.full((size,), -math.log(size), dtype=torch.float64)
    logits = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimizer.zero_grad()
        log = logits.log_softmax(dim=0)
        how = {"alpha": 0.005, "beta": bonbon_beta(n)}
        loss = bonbon(log[best], log[worst], start[best], start[worst], **how).mean()
        loss.backward()
        return loss.item()

    optimizer.step(closure)
    log = logits.detach().log_softmax(dim=0)
    odds = log.exp()
    below = torch.arange(size) / size + 0.5 / size
    assert (odds * below).sum().item() == pytest.approx(n / (n + 1), abs=0.04)
    kl = (odds * (log - start)).sum().item()
    assert kl == pytest.approx(math.log(n) - (n - 1) / n, abs=0.3)


def test_few_good_examples_teach_more_than_many() -> None:
    few, many = (
        align(LIMA(examples), lab(300, labels=2000), pace=Pace(300, rate=0.05, every=300))
        for examples in (200, 2000)
    )
    assert few.descent.rows[-1]["gold"] > many.descent.rows[-1]["gold"] + 0.05


class Blank(Onlooker):
    """Finds every answer alike."""

    def esteem(self, prompts: Tensor, answers: Tensor) -> Tensor:
        return torch.zeros(len(prompts))


def test_all_answers_alike_are_refused_where_nothing_could_be_learned() -> None:
    place = lab()
    blank = Lab(place.task, Blank(place.task), place.reference)
    with pytest.raises(OversightError, match="the same number"):
        align(build("methods", "kto"), blank)
