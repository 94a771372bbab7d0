"""The drawn task: attributes by hand, the reference and its samples, and what it is made for."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from oversight.alignment.drawn import ATTRIBUTES, DrawnTask
from oversight.alignment.edits import edited
from oversight.alignment.vocabulary import END, PAD, every_answer, lengths
from oversight.core import OversightError


@pytest.fixture(scope="module")
def task() -> DrawnTask:
    return DrawnTask()


def test_the_default_task_has_twelve_prompts_and_341_answers(task: DrawnTask):
    assert len(task.prompts) == len(set(task.prompts)) == 12
    assert len(task.answers) == 1 + 4 + 16 + 64 + 256 == 341
    assert task.vocabulary.answer == (".", "water", "wood", "brilliant", "stupid")
    assert task.vocabulary.read(task.prompts[0]) == "cooking briefly"
    assert all(word.isalpha() for word in task.vocabulary.words[1:])


def test_attributes_by_hand(task: DrawnTask):
    drawn = task.drawn  # what hand arithmetic starts from
    r, o, h = drawn.relevance[5], drawn.order[5], drawn.honesty[5]
    water, wood, brilliant, stupid = 1, 2, 3, 4
    answers = torch.tensor(
        [[END, PAD, PAD, PAD], [water, wood, water, END], [brilliant, stupid, stupid, wood]]
    )
    found = task.values(torch.tensor([5, 5, 5]), answers).double()
    assert found[0].tolist() == [0, 0, 0, 0, 0]
    again = 0.5 * (r[water] + o[wood, water])
    assert found[1, 0] == pytest.approx(float(r[water] + r[wood] + o[water, wood] + again))
    assert found[1, 1] == pytest.approx(float(0.4 * h[water] + 0.8 * h[wood] + 1.2 * h[water]))
    assert found[1, 2:].tolist() == pytest.approx([0, 0, 3 / 4])
    assert found[2].tolist() == pytest.approx(
        [float(r[wood]), float(1.6 * h[wood]), 1 / 2, 1 / 4, 1]
    )
    assert float(r[brilliant].abs() + r[stupid].abs() + h[brilliant].abs()) == 0


def test_a_rows_values_are_its_own_in_any_batch(task: DrawnTask):
    prompts = torch.arange(12).repeat_interleave(341)
    answers = task.answers.repeat(12, 1)
    whole = task.values(prompts, answers)
    for row in (0, 7, 340, 2000, 4091):
        assert torch.equal(
            task.values(prompts[row : row + 1], answers[row : row + 1])[0], whole[row]
        )


def test_the_reference_is_what_the_demonstrators_write(task: DrawnTask):
    odds = task.reference().exp()
    assert torch.allclose(odds.sum(dim=1), torch.ones(12, dtype=torch.float64))
    draw = torch.Generator().manual_seed(0)
    written = task.demonstrate(torch.full((10_000,), 3), draw)
    share = task.number(written).bincount(minlength=341) / 10_000
    error = (odds[3] * (1 - odds[3]) / 10_000).sqrt()
    assert ((share - odds[3]).abs() < 5 * error + 1e-4).all()


@pytest.mark.parametrize("seed", range(3))
def test_gold_rewards_spread_by_about_one_over_the_reference(seed: int):
    task = DrawnTask(seed=seed)
    odds, gold = task.reference().exp() / 12, task.gold_table.double()
    mean = (odds * gold).sum()
    assert ((odds * (gold - mean) ** 2).sum() ** 0.5).item() == pytest.approx(1, abs=0.07)


def test_better_demonstrators_write_better(task: DrawnTask):
    draw = torch.Generator().manual_seed(0)
    prompts = torch.arange(12).repeat(200)
    gold = [
        task.gold(prompts, task.demonstrate(prompts, draw, quality)).mean()
        for quality in (0.0, 1.0, 3.0)
    ]
    assert all(worse + 0.3 < better for worse, better in pairwise(gold))


def tilted(task: DrawnTask, beta: float) -> Tensor:
    """Mean gold reward of π_ref·exp(r/β), r being what is visible of the gold reward."""
    seen = (task.table @ (task.weights * task.visible)).double()
    odds = (task.reference() + seen / beta).softmax(dim=1)
    return (odds * task.gold_table).sum(dim=1).mean()


def test_what_is_seen_is_worth_following_and_not_to_its_end():
    rises = falls = aligned = 0.0
    for seed in range(4):
        task = DrawnTask(seed=seed)
        start, middle, end = (tilted(task, beta) for beta in (1e6, 0.5, 0.02))
        rises, falls = rises + float(middle - start) / 4, falls + float(middle - end) / 4
        honest = DrawnTask(seed=seed, rho=0.8)
        aligned += float(tilted(honest, 0.02) - tilted(honest, 0.5)) / 4
    assert rises > 0.2
    assert falls > 0.1
    assert aligned > 0.2  # where what helps is honest, more is better


def test_honesty_goes_against_help_on_what_helps():
    on_liked = on_others = 0.0
    for seed in range(8):
        drawn = DrawnTask(words=12, seed=seed).drawn
        both = torch.stack([drawn.relevance[:, 1:11].flatten(), drawn.honesty[:, 1:11].flatten()])
        liked = both[0] > 0
        on_liked += float(torch.corrcoef(both[:, liked])[0, 1]) / 8
        on_others += float(torch.corrcoef(both[:, ~liked])[0, 1]) / 8
    assert on_liked < -0.6
    assert abs(on_others) < 0.2


def test_a_task_too_large_to_go_through_is_sampled():
    task = DrawnTask(words=12, longest=8)
    draw = torch.Generator().manual_seed(0)
    prompts = torch.arange(12).repeat(20)
    answers = task.demonstrate(prompts, draw)
    assert answers.shape == (240, 8)
    gold = task.gold(prompts, answers)
    assert 0.7 < gold.std() < 1.3
    assert "answers" not in vars(task)  # nothing went through them all
    with pytest.raises(OversightError, match="too many for a table; use --policy small"):
        task.reference()


def test_settings_rebuild_the_task():
    task = DrawnTask(topics=2, words=5, rho=0.3, seed=9)
    settings: dict[str, Any] = {**task.settings, "qualities": tuple(task.settings["qualities"])}
    again = DrawnTask(**settings)
    rows = torch.arange(6), task.answers[100:106]
    assert torch.equal(task.values(*rows), again.values(*rows))
    other = DrawnTask(topics=2, words=5, rho=0.3, seed=8)
    assert not torch.equal(task.values(*rows), other.values(*rows))


@pytest.mark.parametrize("setting", [{"words": 2}, {"words": 13}, {"rho": 2.0}, {"topics": 0}])
def test_settings_out_of_range_are_refused(setting: dict[str, Any]):
    with pytest.raises(OversightError, match=f"{next(iter(setting))} is in"):
        DrawnTask(**setting)


def test_only_what_is_hidden_is_hidden(task: DrawnTask):
    hidden = [
        name for name, seen in zip(ATTRIBUTES, task.visible.tolist(), strict=True) if not seen
    ]
    assert hidden == ["honest"]


def words_of(row: list[int]) -> list[int]:
    return [token for token in row if token > END]


def test_an_edit_changes_one_word():
    answers = every_answer(4, 3)
    draw = torch.Generator().manual_seed(0)
    kinds = set[int]()
    for _ in range(40):
        changed = edited(answers, 4, draw)
        for before, after in zip(answers.tolist(), changed.tolist(), strict=True):
            one, two = words_of(before), words_of(after)
            longer, shorter = max(one, two, key=len), min(one, two, key=len)
            kinds.add(len(two) - len(one))
            if len(one) == len(two):
                assert sum(a != b for a, b in zip(one, two, strict=True)) <= 1
            else:
                assert shorter in [longer[:at] + longer[at + 1 :] for at in range(len(longer))]
                assert len(longer) == len(shorter) + 1
        known = {tuple(row) for row in answers.tolist()}
        assert {tuple(row) for row in changed.tolist()} <= known  # well made, ends and all
    assert kinds == {-1, 0, 1}
    assert lengths(edited(answers[:1], 4, draw)).tolist() == [2]  # an empty answer gains a word
