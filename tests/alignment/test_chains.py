"""Edits from one answer to another."""

from __future__ import annotations

from itertools import product

from oversight.alignment.chains import DELETE, INSERT, REPLACE, distance, edits_between, replayed

COSTS = {"insert": INSERT, "delete": DELETE, "replace": REPLACE}
EVERY = [words for length in range(4) for words in product((1, 2, 3), repeat=length)]


def common(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Words of the longest common subsequence, by trying all."""
    if not one or not other:
        return 0
    if one[0] == other[0]:
        return 1 + common(one[1:], other[1:])
    return max(common(one[1:], other), common(one, other[1:]))


def test_edits_replay_to_the_target_at_the_least_cost() -> None:
    """A replacement costs both of what it could be made of: so the least keeps all it can."""
    for source, target in product(EVERY, EVERY):
        edits = edits_between(source, target)
        assert (replayed(source, edits) or [source])[-1] == target
        least = len(source) + len(target) - 2 * common(source, target)
        assert sum(COSTS[edit.kind] for edit in edits) == distance(source, target) == least


def test_no_answer_on_the_way_is_longer_than_both() -> None:
    for source, target in product(EVERY, EVERY):
        chain = replayed(source, edits_between(source, target))
        assert all(len(words) <= max(len(source), len(target)) for words in chain)


def test_a_changed_word_is_replaced() -> None:
    assert [edit.kind for edit in edits_between((1, 2, 3), (1, 3, 3))] == ["replace"]
    assert edits_between((1, 2), (1, 2)) == []
