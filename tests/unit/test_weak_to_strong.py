"""The weak-to-strong losses by hand, their gradients, the training, and crossed intervals."""

from __future__ import annotations

from math import inf, log

import numpy as np
import pytest
import torch

from experiments.burns2023.transfers import block_means, some_pixels
from oversight.metrics.crossed import crossed_mean, crossed_ratio
from oversight.training.weak_to_strong import (
    Recipe,
    confidence_loss,
    confident,
    cross_entropy,
    first_answers,
    fit,
    halves,
    hardened,
    plain,
    quotas,
    warmed_up,
)


def logs(*rows: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64).log()


def labels(*rows: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


# The loss


def test_cross_entropy_by_hand():
    found = cross_entropy(logs((0.5, 0.5), (0.25, 0.75)), labels((1, 0), (0.5, 0.5)))
    assert found.tolist() == pytest.approx([log(2), -0.5 * log(0.25) - 0.5 * log(0.75)])


def test_two_classes_are_hardened_at_the_quantile_that_matches_the_weak_prior():
    f1 = [0.9, 0.6, 0.7, 0.2]
    f = logs(*((1 - p, p) for p in f1))
    for ones in range(5):  # the supervisor gives so many of four to class 1
        weak = labels(*((1 - ones / 4, ones / 4) for _ in f1))
        threshold = [1.0, *sorted(f1, reverse=True), -inf][ones + 1] if ones else 1.0
        assert hardened(f, weak)[:, 1].tolist() == [float(p > threshold) for p in f1]


def test_the_confidence_loss_by_hand():
    f = logs((0.2, 0.8), (0.4, 0.6))
    weak = labels((0.5, 0.5), (0.5, 0.5))  # one of two in class 1: t = 0.6, so 0.8 is a one
    found = confidence_loss(f, weak, alpha=0.5)
    # targets: (0.25, 0.75) and (0.75, 0.25)
    assert found.tolist() == pytest.approx([
        -0.25 * log(0.2) - 0.75 * log(0.8),
        -0.75 * log(0.4) - 0.25 * log(0.6),
    ])  # fmt: skip


def test_without_the_term_it_is_plain_cross_entropy():
    f, weak = logs((0.2, 0.3, 0.5), (0.6, 0.3, 0.1)), labels((0.1, 0.8, 0.1), (0.3, 0.3, 0.4))
    assert torch.equal(confidence_loss(f, weak, alpha=0.0), cross_entropy(f, weak))


def test_many_classes_take_the_likeliest_labelling_with_the_supervisors_counts():
    # first answers are 0, 0, 0; the supervisor has one of each class. Of the six labellings,
    # (0, 2, 1) is likeliest: 0.8 · 0.3 · 0.4 = 0.096 against (0, 1, 2): 0.8 · 0.2 · 0.1, …
    f = logs((0.8, 0.1, 0.1), (0.5, 0.2, 0.3), (0.5, 0.4, 0.1))
    weak = labels((1, 0, 0), (0, 1, 0), (0, 0, 1))
    assert hardened(f, weak).argmax(dim=1).tolist() == [0, 2, 1]
    assert first_answers(f, weak).argmax(dim=1).tolist() == [0, 0, 0]


def test_hardening_has_the_supervisors_counts_whatever_the_student_says():
    drawn = torch.Generator().manual_seed(0)
    f = torch.randn(40, 5, generator=drawn).log_softmax(dim=1)
    weak = torch.randn(40, 5, generator=drawn).softmax(dim=1)
    assert hardened(f, weak).sum(dim=0).tolist() == quotas(weak).tolist()


@pytest.mark.parametrize(
    ("weak", "counts"),
    [
        ([(0.5, 0.5, 0.0)] * 3, [2, 1, 0]),  # 1.5, 1.5, 0: the tie goes to the first
        ([(0.4, 0.4, 0.2)] * 2, [1, 1, 0]),  # 0.8, 0.8, 0.4
        ([(1 / 3, 1 / 3, 1 / 3)] * 3, [1, 1, 1]),
        ([(0.9, 0.1, 0.0)] * 5, [5, 0, 0]),  # 4.5, 0.5, 0: the tie goes to the first
    ],
)
def test_counts_are_rounded_by_greatest_remainder(weak: list[tuple[float, ...]], counts: list[int]):
    assert quotas(labels(*weak)).tolist() == counts
    assert quotas(labels(*weak).float()).tolist() == counts


def test_no_gradient_flows_through_the_hardened_answers():
    f = logs((0.2, 0.8), (0.4, 0.6)).requires_grad_()
    weak = labels((0.5, 0.5), (0.5, 0.5))
    confidence_loss(f, weak, alpha=0.5).sum().backward()
    assert f.grad is not None
    assert f.grad.tolist() == [[-0.25, -0.75], [-0.75, -0.25]]  # minus the targets, no more


@pytest.mark.parametrize("classes", [2, 4])
def test_the_gradient_is_that_of_the_loss(classes: int):
    drawn = torch.Generator().manual_seed(1)
    scores = torch.randn(6, classes, generator=drawn, dtype=torch.float64, requires_grad=True)
    weak = torch.randn(6, classes, generator=drawn, dtype=torch.float64).softmax(dim=1)

    def loss(x: torch.Tensor) -> torch.Tensor:
        return confidence_loss(x.log_softmax(dim=1), weak, alpha=0.3)

    assert torch.autograd.gradcheck(loss, (scores,))


def test_impossible_answers_do_not_break_the_hardening():
    f = labels((0.0, 1.0), (0.0, 1.0)).log()
    assert hardened(f, labels((1, 0), (0, 1))).sum(dim=0).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("done", "alpha"), [(0.0, 0.0), (0.05, 0.25), (0.1, 0.5), (0.5, 0.5), (1.0, 0.5)]
)
def test_alpha_warms_up_over_a_tenth_of_training(done: float, alpha: float):
    assert warmed_up(done, 0.5) == pytest.approx(alpha)


def test_alpha_is_at_most_a_half():
    with pytest.raises(ValueError, match=r"0\.5 at most, got 0\.6"):
        confident(0.6)


def test_a_loss_warms_up_as_training_goes_on():
    f, weak = logs((0.2, 0.8), (0.4, 0.6)), labels((0.5, 0.5), (0.5, 0.5))
    assert torch.equal(confident(0.5)(f, weak, 0.0), plain(f, weak, 0.0))
    assert torch.equal(confident(0.5)(f, weak, 0.05), confidence_loss(f, weak, alpha=0.25))


# Training

CORNERS = np.repeat(np.eye(3, dtype=np.float32), 20, axis=0)


def test_a_classifier_learns_what_can_be_learned():
    learned = fit(CORNERS, CORNERS, Recipe(16, 100, batch=10), seed=0)
    assert (learned.probabilities(CORNERS).argmax(axis=1) == CORNERS.argmax(axis=1)).all()


def test_soft_targets_are_reproduced_as_probabilities():
    targets = CORNERS @ np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]], np.float32)
    learned = fit(CORNERS, targets, Recipe(16, 400, batch=30), seed=0)
    assert np.abs(learned.probabilities(CORNERS) - targets).max() < 0.02


def test_the_same_seed_trains_the_same_bytes_and_leaves_the_threads_alone():
    before = torch.get_num_threads()
    first, again, other = (
        fit(CORNERS, CORNERS, Recipe(8, 30, batch=16), seed, confident(0.5)) for seed in (3, 3, 4)
    )
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (first.inner != other.inner).any()
    assert torch.get_num_threads() == before


def test_the_student_never_sees_what_the_supervisor_learned_from():
    split = halves(101, seed=5)
    assert sorted([*split.supervisor, *split.student]) == list(range(101))
    assert len(split.supervisor) == 50


# What supervisors see


def test_some_pixels_keeps_that_many_nonzero_ones_and_their_values():
    images = np.array([[0, 0.5, 0.2, 0.9], [0, 0, 0, 0.3]], np.float32)
    seen = some_pixels(images, 2, seed=0)
    assert np.count_nonzero(seen, axis=1).tolist() == [2, 1]
    assert set(np.unique(seen)) <= set(np.unique(images))
    assert (seen[seen > 0] == images[seen > 0]).all()


def test_block_means_by_hand():
    image = np.arange(16, dtype=np.float32)[None]
    assert block_means(image, 4, 2).tolist() == [[2.5, 4.5, 10.5, 12.5]]
    assert block_means(image, 4, 1).tolist() == [[7.5]]


# Intervals over seeds and cases


def test_a_table_without_spread_has_no_interval_to_speak_of():
    assert crossed_mean(np.full((3, 5), 0.25)) == (0.25, 0.25, 0.25, 5)


def test_seeds_that_differ_widen_the_interval_although_every_case_agrees():
    table = np.repeat([[0.0], [1.0], [0.0], [1.0]], 500, axis=1)
    found = crossed_mean(table)
    assert found.value == 0.5
    assert (found.low, found.high) == (0.0, 1.0)  # four seeds all alike: 2 · 2⁻⁴ of resamples


def test_one_seed_leaves_the_cases():
    table = (np.arange(400) % 2)[None]
    found = crossed_mean(table)
    assert found.high - found.value == pytest.approx(1.96 * 0.5 / 20, rel=0.1)


def test_a_ratio_is_unbounded_where_its_denominator_may_be_nothing():
    below = np.array([[1.0, -1.0, 1.0]])
    found = crossed_ratio(np.ones((1, 3)), below)
    assert (found.value, found.low, found.high) == (pytest.approx(3.0), -inf, inf)


def test_a_ratio_of_proportional_tables_is_exact():
    below = np.random.default_rng(0).random((3, 50)) + 0.5
    assert crossed_ratio(2 * below, below)[:3] == pytest.approx((2.0, 2.0, 2.0))


@pytest.mark.parametrize(
    ("table", "level", "reason"),
    [
        (np.ones(3), 0.95, "one entry a seed and case"),
        (np.ones((0, 3)), 0.95, "one entry a seed and case"),
        (np.full((1, 2), np.nan), 0.95, "must be finite"),
        (np.ones((1, 2)), 1.0, "level must lie between 0 and 1"),
    ],
)
def test_tables_that_say_nothing_are_refused(table: np.ndarray, level: float, reason: str):
    with pytest.raises(ValueError, match=reason):
        crossed_mean(table, level=level)


def test_tables_of_a_ratio_must_pair():
    with pytest.raises(ValueError, match="pair by entry"):
        crossed_ratio(np.ones((1, 2)), np.ones((2, 1)))
    with pytest.raises(ValueError, match="no ratio to estimate"):
        crossed_ratio(np.ones((1, 2)), np.zeros((1, 2)))
