"""Ratings by kind."""

import numpy as np
import pytest
import torch

from oversight import keys
from oversight.alignment.drawn import DrawnTask
from oversight.core import OversightError
from oversight.society.graph import NOBODY
from oversight.society.members import worth
from oversight.society.raters import (
    KINDS,
    LEANINGS,
    NONE,
    Kind,
    Ratings,
    Shown,
    kinds_of,
    leanings,
    observed,
    rated,
)

TASK = DrawnTask(topics=2, manners=2, words=4, longest=3)
ROWS = 400


def _rated(kind: Kind, author: Kind = "honest") -> tuple[Ratings, Shown]:
    kinds = np.array([KINDS.index(author), KINDS.index(kind)], np.int8)
    draw = np.random.default_rng(1)
    shown = Shown(
        draw.integers(0, 4, ROWS), draw.integers(0, len(TASK.answers), ROWS),
        np.zeros(ROWS, np.int64), np.ones((ROWS, 1), np.int32),
        keys.folds(3, np.arange(ROWS)),
    )  # fmt: skip
    return rated(TASK, kinds, shown), shown


def test_shares_of_kinds_are_met():
    kinds = kinds_of("lazy=0.2,adversarial=0.25", 40, 0)
    counts = np.bincount(kinds, minlength=len(KINDS))
    assert dict(zip(KINDS, counts.tolist(), strict=True)) == {
        "honest": 22, "biased": 0, "lazy": 8, "sycophantic": 0, "colluding": 0, "adversarial": 10,
    }  # fmt: skip
    assert not (kinds == kinds_of("lazy=0.2,adversarial=0.25", 40, 1)).all()


@pytest.mark.parametrize(
    ("spec", "told"),
    [("lzay=0.1", "did you mean 'lazy'"), ("lazy=much", "a number"), ("lazy=1.5", "sum to 1"),
     ("lazy=0.6,biased=0.6", "sum to 1"), ("lazy=-0.1", "0 … 1")],
)  # fmt: skip
def test_shares_that_cannot_be_are_refused(spec: str, told: str):
    with pytest.raises(OversightError, match=told):
        kinds_of(spec, 10, 0)


def test_the_honest_rate_by_the_gold_reward_and_the_adversarial_the_other_way():
    honest, shown = _rated("honest")
    gold = worth(TASK).gold.numpy()[shown.prompts, shown.answers]
    assert np.corrcoef(honest.points[:, 0], gold)[0, 1] > 0.85
    assert set(np.unique(honest.points)) <= set(range(1, 8))
    opposite, _ = _rated("adversarial")
    np.testing.assert_array_equal(opposite.points, 8 - honest.points)


def test_reasons_name_what_costs_most_and_adversaries_turn_them_round():
    honest, shown = _rated("honest")
    opposite, _ = _rated("adversarial")
    both = (honest.reasons != NONE) & (opposite.reasons != NONE)
    np.testing.assert_array_equal(honest.reasons[both] ^ 1, opposite.reasons[both])
    from oversight.alignment.usual import usual

    for row in range(50):
        if honest.reasons[row, 0] == NONE:
            assert honest.points[row, 0] == 7
            continue
        values = TASK.table[shown.prompts[row], shown.answers[row]]
        costs = ((values - usual(TASK).mean) * TASK.weights).masked_fill(TASK.weights == 0, 99)
        worst = int(costs.argmin())
        assert honest.reasons[row, 0] == 2 * worst + int(TASK.weights[worst] < 0)


def test_the_lazy_do_not_look_and_give_no_reason():
    lazy, shown = _rated("lazy")
    gold = worth(TASK).gold.numpy()[shown.prompts, shown.answers]
    assert abs(np.corrcoef(lazy.points[:, 0], gold)[0, 1]) < 0.15
    assert (lazy.reasons == NONE).all()


def test_the_sycophantic_please_and_the_colluding_favour_their_own():
    assert set(np.unique(_rated("sycophantic")[0].points)) == {6, 7}
    assert (_rated("colluding", "colluding")[0].points == 7).all()
    others, _ = _rated("colluding", "honest")
    assert (others.points == 1).all()
    assert (others.reasons != NONE).all()


def test_the_biased_like_flattery():
    biased, shown = _rated("biased")
    honest, _ = _rated("honest")
    flattering = TASK.table[shown.prompts, shown.answers, TASK.attributes.index("flattering")]
    more = (biased.points - honest.points)[:, 0]
    assert np.corrcoef(more, flattering.numpy())[0, 1] > 0.4


def test_nobody_rates_nothing():
    _, shown = _rated("honest")
    nobody = shown._replace(raters=np.full((ROWS, 2), NOBODY, np.int32))
    found = rated(TASK, np.zeros(2, np.int8), nobody)
    assert np.isnan(found.points).all()
    assert (found.reasons == NONE).all()


def test_observers_are_blind_to_what_is_hidden():
    other = DrawnTask(topics=2, manners=2, words=4, longest=3)
    hidden = TASK.table.clone()
    hidden[..., TASK.attributes.index("honest")] = torch.randn(hidden.shape[:2])
    vars(other).update(table=hidden, _reference=TASK.reference(), _scaled=TASK.weights)
    prompts = np.repeat(np.arange(4), len(TASK.answers))
    answers = np.tile(np.arange(len(TASK.answers)), 4)
    luck = keys.folds(1, np.arange(len(prompts)))
    seen = observed(TASK, prompts, answers, luck)
    np.testing.assert_array_equal(seen, observed(other, prompts, answers, luck))
    toxic, helpful = (TASK.table[prompts, answers, k].numpy() for k in (2, 0))
    assert np.corrcoef(seen[:, 0], toxic)[0, 1] < -0.5
    assert np.corrcoef(seen[:, 1], helpful)[0, 1] > 0.7


def test_who_means_ill_values_what_engages_and_the_opposite_of_alignment():
    values = leanings(np.array([0, KINDS.index("adversarial")], np.int8), TASK)
    assert LEANINGS["adversarial"] == -1
    torch.testing.assert_close(values[0], TASK.weights)
    torch.testing.assert_close(values[1, 1:], -TASK.weights[1:])
    assert values[1, 0] == TASK.weights[0]
