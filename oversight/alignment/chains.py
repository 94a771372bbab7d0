"""Edits that make one answer of another, at the least cost, and the answers on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

INSERT, DELETE, REPLACE = 1, 1, 2
"""What edits cost."""

Words = tuple[int, ...]
"""An answer's words, without its end."""


class Edit(NamedTuple):
    """One word put in before a place, taken out of it, or put in another's."""

    kind: Literal["insert", "delete", "replace"]
    place: int
    """In the answer as the edits before have left it."""
    word: int
    """What is put in; of a deletion, what is taken out."""


def distance(source: Sequence[int], target: Sequence[int]) -> int:
    """The least cost of edits from one to the other."""
    return _costs(source, target)[len(source)][len(target)]


def edits_between(source: Sequence[int], target: Sequence[int]) -> list[Edit]:
    """Cheapest edits, in the order in which to make them.

    Words are taken out and replaced first, from the end, and put in then, from the beginning: so no
    answer on the way is longer than both. A replacement costs as much as a deletion and an
    insertion; where they tie it is a replacement.

    >>> edits_between((1, 2, 3), (1, 3, 4))
    [Edit(kind='delete', place=1, word=2), Edit(kind='insert', place=2, word=4)]
    """
    costs = _costs(source, target)
    i, j = len(source), len(target)
    changes, inserts = list[Edit](), list[Edit]()
    while i or j:
        here = costs[i][j]
        if i and j and source[i - 1] == target[j - 1] and here == costs[i - 1][j - 1]:
            i, j = i - 1, j - 1
        elif i and j and here == costs[i - 1][j - 1] + REPLACE:
            i, j = i - 1, j - 1
            changes.append(Edit("replace", i, target[j]))
        elif i and here == costs[i - 1][j] + DELETE:
            i -= 1
            changes.append(Edit("delete", i, source[i]))
        else:
            j -= 1
            inserts.append(Edit("insert", j, target[j]))
    return changes + inserts[::-1]


def replayed(source: Sequence[int], edits: Sequence[Edit]) -> list[Words]:
    """The answers after each edit; the last is the target of `edits_between`."""
    words, found = list(source), list[Words]()
    for edit in edits:
        if edit.kind == "insert":
            words.insert(edit.place, edit.word)
        elif edit.kind == "delete":
            del words[edit.place]
        else:
            words[edit.place] = edit.word
        found.append(tuple(words))
    return found


def _costs(source: Sequence[int], target: Sequence[int]) -> list[list[int]]:
    """[i][j]: from the first i words of one to the first j of the other."""
    costs = [[j * INSERT for j in range(len(target) + 1)]]
    for i, word in enumerate(source, start=1):
        row = [i * DELETE]
        for j, other in enumerate(target, start=1):
            kept = costs[i - 1][j - 1] + (0 if word == other else REPLACE)
            row.append(min(kept, costs[i - 1][j] + DELETE, row[-1] + INSERT))
        costs.append(row)
    return costs
