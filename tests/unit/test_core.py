"""Sealed truth, sub-scripts side by side, and keys."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import pytest

from oversight import keys
from oversight.core import Case, Question, Sealed, Turn, View, together
from oversight.spaces import Choose

VIEW = View(Question("?", ("a", "b")), (), None, None, ())


def ask(name: str) -> Turn:
    return Turn(name, "argue", "", VIEW, Choose(100), 0, 0)


def count(name: str, rounds: int) -> Generator[Any, Any, list[Any]]:
    """Asks `rounds` times for one reply; returns what it was told."""
    heard: list[Any] = []
    while len(heard) < rounds:
        heard.append((yield ask(name)))
    return heard


def pair(name: str) -> Generator[Any, Any, Any]:
    """One simultaneous step of two turns."""
    return (yield (ask(name + "0"), ask(name + "1")))


def drive(script: Generator[Any, Any, Any]) -> tuple[list[list[str]], Any]:
    """Reply with running numbers; who was asked in each step, and what the script returned."""
    steps: list[list[str]] = []
    number = 0
    answer: Any = None
    while True:
        try:
            step = script.send(answer)
        except StopIteration as stop:
            return steps, stop.value
        assert isinstance(step, tuple)
        steps.append([turn.seat for turn in step])
        answer = tuple(range(number, number + len(step)))
        number += len(step)


def test_together_asks_every_script_at_once_and_returns_in_order():
    steps, results = drive(together(count("a", 2), count("b", 2)))
    assert steps == [["a", "b"], ["a", "b"]]
    assert results == ([0, 2], [1, 3])


def test_together_goes_on_when_scripts_end_at_different_times():
    steps, results = drive(together(count("a", 1), count("b", 3), count("c", 0)))
    assert steps == [["a", "b"], ["b"], ["b"]]
    assert results == ([0], [1, 2, 3], [])


def test_together_hands_a_simultaneous_step_its_own_replies():
    steps, results = drive(together(count("a", 1), pair("b"), count("c", 1)))
    assert steps == [["a", "b0", "b1", "c"]]
    assert results == ([0], (1, 2), [3])


def test_together_nests():
    inner = together(count("b", 2), count("c", 1))
    steps, results = drive(together(count("a", 3), inner))
    assert steps == [["a", "b", "c"], ["a", "b"], ["a"]]
    assert results == ([0, 3, 5], ([1, 4], [2]))


def test_together_of_nothing_is_nothing():
    assert drive(together()) == ([], ())


def test_a_sealed_value_prints_as_sealed_and_opens_on_request():
    case = Case("c", Question("?", ("a", "b")), "secret", Sealed(1))
    assert "sealed" in repr(case.truth)
    for printed in (repr(case), str(case), f"{case.truth}"):
        assert "1" not in printed
        assert "secret" not in printed
    assert case.truth.unseal() == 1
    assert case.with_truth(0).truth.unseal() == 0
    assert case.truth.unseal() == 1


# Keys

SPLITMIX64 = (  # the reference implementation's first outputs from the seed 1234567
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
)


def test_fold_is_splitmix64():
    assert tuple(keys.fold(1234567, number) for number in range(5)) == SPLITMIX64


def test_uniforms_are_the_scalar_folds():
    some = np.array([0, 1, 1234567, 2**63, 2**64 - 1], np.uint64)
    drawn = keys.uniforms(some, 7)
    assert drawn.shape == (5, 7)
    for row, key in zip(drawn, some.tolist(), strict=True):
        assert row.tolist() == [(keys.fold(key, i) >> 11) * 2.0**-53 for i in range(7)]
        assert row[0] == keys.unit(key)


def test_uniforms_of_a_key_do_not_depend_on_the_batch():
    some = np.arange(9, dtype=np.uint64)
    assert (keys.uniforms(some, 3)[4:5] == keys.uniforms(some[4:5], 3)).all()


def test_uniforms_are_uniform():
    drawn = keys.uniforms(np.arange(20_000, dtype=np.uint64), 2)
    assert 0 <= drawn.min() <= drawn.max() < 1
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < 4 * np.sqrt(1 / 12 / 20_000)
    assert np.abs(drawn.var(axis=0) - 1 / 12).max() < 0.002
    assert abs(np.dot(*(drawn - 0.5).T) * 12 / 20_000) < 4 / np.sqrt(20_000)


def test_below_is_uniform_and_refuses_nothing_to_draw_from():
    counts = np.bincount([keys.below(key, 6) for key in range(12_000)], minlength=6)
    assert np.abs(counts - 2000).max() < 4 * np.sqrt(12_000 * 5 / 36)
    with pytest.raises(ValueError, match="at least 1"):
        keys.below(1, 0)


def test_roots_differ_by_every_part_and_by_where_parts_end():
    roots = {keys.root(1, "a"), keys.root(1, "b"), keys.root(2, "a"), keys.root("1a"), keys.root(1)}
    assert len(roots) == 5
    assert keys.root(1, "a") == keys.root(1, "a") < 2**64


def test_generators_of_a_key_draw_the_same():
    assert (keys.generator(5).random(4) == keys.generator(5).random(4)).all()
    assert (keys.generator(5).random(4) != keys.generator(6).random(4)).all()
