"""Annotators: each signal by its equation, every dial, and what they cannot see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from oversight.alignment.annotators import Annotators, Pool
from oversight.alignment.drawn import DrawnTask
from oversight.alignment.questions import QuestionsTask
from oversight.alignment.signals import SIGNALS
from oversight.core import OversightError
from oversight.derived import derived
from oversight.registry import build

ALIKE = Pool(people=1, disagreement=0, flattery=0, noise=0, blur=0)
HELPFUL, HONEST, TOXIC, FLATTERING, LENGTH = range(5)


@pytest.fixture(scope="module")
def task() -> DrawnTask:
    return DrawnTask()


def luck(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(task: DrawnTask, rows: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    prompts = torch.randint(12, (rows,), generator=luck(seed))
    return prompts, task.demonstrate(prompts, luck(seed + 1))


def seen(task: DrawnTask, prompts: Tensor, answers: Tensor, bias: float = 0.0) -> Tensor:
    """What is visible of the gold reward, and a bias for flattery."""
    values, weights = task.values(prompts, answers), task.weights * task.visible
    return values @ weights + bias * values[:, FLATTERING]


def test_preferences_are_bradley_terrys(task: DrawnTask):
    prompts, first = drawn(task, 300)
    _, second = drawn(task, 300, seed=5)
    judged = Annotators(task, replace(ALIKE, temperature=0.7, position=0.2, flattery=0.9))
    margin = seen(task, prompts, first, 0.9) - seen(task, prompts, second, 0.9)
    found = judged.credence(prompts, first, second, luck())
    assert torch.allclose(found, torch.sigmoid(margin / 0.7 + 0.2), atol=1e-5)
    shown = (first.repeat(100, 1), second.repeat(100, 1))
    votes = judged.prefers(prompts.repeat(100), *shown, luck()).view(100, 300)
    error = (found * (1 - found) / 100).sqrt()
    assert ((votes.float().mean(dim=0) - found).abs() < 5 * error + 1e-3).all()


def test_lists_of_two_are_put_in_order_as_pairs_are(task: DrawnTask):
    judged = Annotators(task, replace(ALIKE, temperature=0.8, position=0.3))
    prompts, first = drawn(task, 1)
    _, second = drawn(task, 1, seed=5)
    rows = 20_000
    lists = torch.stack([first, second], dim=1).expand(rows, -1, -1)
    scores = judged.rank(prompts.expand(rows), lists, luck())
    ahead = (scores[:, 0] > scores[:, 1]).double().mean().item()
    wanted = judged.credence(prompts, first, second, luck()).item()
    assert 0.05 < wanted < 0.95
    assert ahead == pytest.approx(wanted, abs=0.015)


def test_lists_of_three_are_plackett_luces(task: DrawnTask):
    judged = Annotators(task, ALIKE)
    answers = task.answers[[1, 2, 4]]
    worth = seen(task, torch.zeros(3, dtype=torch.long), answers)
    scores = judged.rank(
        torch.zeros(20_000, dtype=torch.long), answers.expand(20_000, 3, 4), luck()
    )
    order = scores.argsort(dim=1, descending=True)
    odds = worth.exp()
    for one, two, three in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        wanted = odds[one] / odds.sum() * odds[two] / (odds[two] + odds[three])
        share = (order == torch.tensor([one, two, three])).all(dim=1).double().mean()
        assert share.item() == pytest.approx(float(wanted), abs=0.015)


def test_ratings_go_from_one_to_seven_and_follow_what_is_seen(task: DrawnTask):
    prompts, answers = drawn(task, 2000)
    exact = Annotators(task, ALIKE).score(prompts, answers, luck())
    assert set(exact.tolist()) <= set(range(1, 8))
    assert exact.mean().item() == pytest.approx(4, abs=0.2)
    order = seen(task, prompts, answers).argsort()
    assert (exact[order].diff() >= 0).all()
    noisy = Annotators(task, replace(ALIKE, noise=1.0)).score(prompts, answers, luck())
    assert 0.8 < (noisy - exact).std() < 1.2


def test_a_critique_names_what_costs_most_and_refinements_are_no_worse(task: DrawnTask):
    judged = Annotators(task, ALIKE)
    water, brilliant, stupid = 1, 3, 4
    prompt = int(task.drawn.relevance[:, water].argmax())
    prompts = torch.full((3,), prompt)
    answers = torch.tensor([[water, stupid, -1, -1], [stupid] * 4, [water, brilliant, 0, -1]])
    answers[0, 2] = 0
    said = judged.critique(prompts, answers, 5, luck())
    assert said.faults[:2].tolist() == [TOXIC, TOXIC]
    assert set(said.faults.tolist()) <= {HELPFUL, TOXIC, FLATTERING}  # length counts for nothing
    assert said.refined.shape == (3, 5, 4)

    prompts, answers = drawn(task, 500)
    before = task.gold(prompts, answers)
    gains = list[float]()
    for skill in (1, 8):
        refined = Annotators(task, replace(ALIKE, skill=skill)).critique(
            prompts, answers, 1, luck()
        )
        after = task.gold(prompts, refined.refined[:, 0])
        assert (after >= before).all()
        gains.append(float((after - before).mean()))
    assert 0 < gains[0] < gains[1]


def test_labels_are_what_is_visible_blurred(task: DrawnTask):
    prompts, answers = drawn(task, 3000)
    exact = Annotators(task, ALIKE).label(prompts, answers, luck())
    assert torch.equal(exact, torch.where(task.visible, task.values(prompts, answers), 0.0))
    blurred = Annotators(task, replace(ALIKE, blur=0.5)).label(prompts, answers, luck())
    assert (blurred[:, HONEST] == 0).all()
    noise = (blurred - exact)[:, HELPFUL].std() / exact[:, HELPFUL].std()
    assert 0.4 < noise < 0.6


def test_disagreement_parts_the_pool_and_flattery_biases_it(task: DrawnTask):
    prompts, answers = drawn(task, 1)
    _, other = drawn(task, 1, seed=5)
    rows = 200

    def votes(pool: Pool) -> Tensor:
        one, two = (row.expand(rows, -1) for row in (answers, other))
        return Annotators(task, pool).credence(prompts.expand(rows), one, two, luck())

    assert votes(ALIKE).std() < 1e-6
    assert len(votes(replace(ALIKE, people=8, disagreement=0.3)).unique()) == 8
    flattering = torch.tensor([[3, 0, -1, -1]])
    empty = torch.tensor([[0, -1, -1, -1]])
    zero = torch.zeros(1, dtype=torch.long)
    liked = [float(Annotators(task, replace(ALIKE, flattery=f)).esteem(zero, flattering)
                   - Annotators(task, ALIKE).esteem(zero, empty)) for f in (0, 2)]  # fmt: skip
    assert liked[0] < 0 < liked[1]
    long = float(Annotators(task, replace(ALIKE, length=1)).esteem(zero, flattering))
    assert long == pytest.approx(liked[0] + 1 / 4)


class Otherwise(DrawnTask):
    """The same to look at; what is hidden is another draw, and demonstrators do not know of it."""

    def __init__(self, plain: DrawnTask, salt: float) -> None:
        super().__init__()
        self.plain, self.salt = plain, salt

    def values(self, prompts: Tensor, answers: Tensor) -> Tensor:
        values = self.plain.values(prompts, answers)
        code = (answers + 2) * torch.tensor([1.0, 3.0, 7.0, 11.0])[: answers.shape[1]]
        other = torch.sin(self.salt * code.sum(dim=1) + prompts)
        return torch.where(self.visible, values, 5 * other[:, None])

    def demonstrate(
        self, prompts: Tensor, draw: torch.Generator, quality: float | None = None
    ) -> Tensor:
        return self.plain.demonstrate(prompts, draw, quality)

    @derived
    def weights(self) -> Tensor:
        return self.plain.weights


def test_no_signal_but_refinements_hangs_on_what_is_hidden(task: DrawnTask):
    prompts, answers = drawn(task, 400)
    _, others = drawn(task, 400, seed=5)
    lists = torch.stack([answers, others], dim=1)
    one, two = (Annotators(Otherwise(task, salt)) for salt in (1.0, 2.0))
    assert not torch.equal(one.task.gold(prompts, answers), two.task.gold(prompts, answers))
    signals: list[Callable[[Annotators], Tensor]] = [
        lambda a: a.esteem(prompts, answers),
        lambda a: a.credence(prompts, answers, others, luck()),
        lambda a: a.prefers(prompts, answers, others, luck()),
        lambda a: a.score(prompts, answers, luck()),
        lambda a: a.rank(prompts, lists, luck()),
        lambda a: a.label(prompts, answers, luck()),
        lambda a: a.critique(prompts, answers, 1, luck()).faults,
    ]
    for signal in signals:
        assert torch.equal(signal(one), signal(two))
    refined = [judged.critique(prompts, answers, 1, luck()).refined for judged in (one, two)]
    assert not torch.equal(*refined)


def test_they_give_every_signal_and_name_the_dials_that_are_turned(task: DrawnTask):
    assert Annotators(task).gives == frozenset(SIGNALS)
    assert Annotators(task).name == "annotators"
    assert Annotators(task, Pool(people=3, flattery=2.0)).name == "annotators:people=3,flattery=2"


def test_annotators_of_what_cannot_be_seen_are_refused():
    with pytest.raises(OversightError, match="those of questions of digits show none; ask judge"):
        Annotators(QuestionsTask(build("worlds", "digits"), 4))
    with pytest.raises(OversightError, match="temperature must be above 0"):
        Pool(temperature=0)
