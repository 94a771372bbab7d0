"""Puzzles from reasoning-gym (Stojanovski et al. 2025, arXiv:2505.24760) as multiple choice.

A generator there stores one answer an item and has a scorer of its own. The candidates of a
puzzle are the stored answer, which the scorer must give 1, and wrong ones, each of which it must
give less:

1. the stored answers of the next items of the same generator, as many as are needed;
2. where `BLOCK` items are not enough, the stored answer made a little wrong: a number in it one or
   two more or less, or ten times itself; two of its lines, words or characters exchanged. A lone
   word is left as it is, so a question of yes or no keeps two candidates.

Deviations: the library's items are open questions.
"""

from __future__ import annotations

import importlib
import io
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from functools import lru_cache
from typing import Any, NamedTuple

from oversight import keys
from oversight.core import OversightError
from oversight.registry import suggest

BLOCK = 32
"""Items of a generator that one puzzle may use."""
LIBRARY = 1 << 31
"""Items that a generator is asked to have; they are made one at a time, when wanted."""

REJECTS = "its scorer does not accept its stored answer"
NEEDS_PARTS = "it has no items of its own: it mixes other generators"
LEFT_OUT: Mapping[str, str] = {
    "boxnet": REJECTS,
    "composite": NEEDS_PARTS,
    "graph_color": REJECTS,
    "propositional_logic": REJECTS,
    "rubiks_cube": REJECTS,
    "rush_hour": REJECTS,
}
"""Generator -> why no puzzles are made of it. A test walks over all and finds the same."""
UNSETTLED = frozenset(
    ("isomorphic_strings", "knight_swap", "polynomial_multiplication", "ransom_note", "word_ladder")
)
"""Generators whose items hang on Python's hashes of texts, which differ from process to process."""


class Puzzle(NamedTuple):
    """A question with candidate answers, one of which its scorer accepts."""

    prompt: str
    answers: tuple[str, ...]
    correct: int


class Generator:
    """Puzzles of one generator, drawn by a seed; number `index` is the same at any time."""

    def __init__(self, name: str, seed: int) -> None:
        """OversightError for a generator that is unknown, left out, or not settled here."""
        check_generator(name)
        self.name = name
        with redirect_stdout(io.StringIO()):  # some of them talk
            self._made: Any = _library().create_dataset(
                name, seed=keys.root(seed, "reasoning", name) % LIBRARY, size=LIBRARY
            )

    def puzzle(self, index: int, candidates: int) -> Puzzle:
        """The first of the index's items that its scorer accepts, with up to `candidates` answers.

        OversightError where there is none, or no wrong answer for it.
        """
        start = BLOCK * (index % (LIBRARY // BLOCK))
        for place in range(start, start + BLOCK):
            item = self._item(place)
            if self.score(item["answer"], item) == 1:
                return self._asked(item, place, start + BLOCK, candidates)
        raise OversightError(f"{self.name}: {REJECTS}, in item {start} and the next {BLOCK - 1}")

    def score(self, answer: Any, item: Mapping[str, Any]) -> float:
        """The library's own score; 0 for an answer that is no text or that it cannot read."""
        if not isinstance(answer, str) or not answer.strip():
            return 0.0
        try:
            with redirect_stdout(io.StringIO()):
                return float(self._made.score_answer(answer, item))
        except Exception:  # a scorer's own error: it did not accept the answer
            return 0.0

    def _item(self, place: int) -> Mapping[str, Any]:
        with redirect_stdout(io.StringIO()):
            return self._made[place]

    def _asked(self, item: Mapping[str, Any], place: int, end: int, candidates: int) -> Puzzle:
        right: str = item["answer"]
        wrong: list[str] = []
        for offered in self._offers(right, place, end):
            if len(wrong) == candidates - 1:
                break
            if offered not in (right, *wrong) and self.score(offered, item) < 1:
                wrong.append(offered)
        if not wrong:
            raise OversightError(f"{self.name}: no wrong answer is found for item {place}")
        correct = keys.below(keys.root(self.name, place, right), len(wrong) + 1)
        answers = (*wrong[:correct], right, *wrong[correct:])
        return Puzzle(item["question"].strip(), answers, correct)

    def _offers(self, right: str, place: int, end: int) -> Iterator[str]:
        """Answers that may be wrong, the likeliest to mislead first."""
        for other in range(place + 1, end):
            offered = self._item(other)["answer"]
            if isinstance(offered, str) and offered.strip():
                yield offered
        yield from nearly(right)


def nearly(answer: str) -> Iterator[str]:
    """Answers a little wrong.

    >>> list(nearly("x = 7"))[:3]
    ['x = 8', 'x = 6', 'x = 9']
    >>> list(nearly("yes"))
    []
    """
    for number in re.finditer(r"-?\d+", answer):
        value = int(number[0])
        for other in (value + 1, value - 1, value + 2, value - 2, 10 * value):
            yield answer[: number.start()] + str(other) + answer[number.end() :]
    if re.fullmatch(r"[A-Za-z]+", answer):
        return
    for gap in ("\n", " ", ""):
        parts = answer.split(gap) if gap else list(answer)
        for place in range(len(parts) - 1):
            swapped = [*parts[:place], parts[place + 1], parts[place], *parts[place + 2 :]]
            yield gap.join(swapped)


def check_generator(name: str) -> None:
    """OversightError, with the reason, for a generator of which no puzzles are made."""
    known = [one for one in generators() if one not in LEFT_OUT]
    if name in LEFT_OUT:
        raise OversightError(
            f"{name} is left out: {LEFT_OUT[name]}; take another, such as {known[0]}"
        )
    if name not in known:
        raise OversightError(f"unknown generator {suggest(name, known, 'generators')}")
    if name in UNSETTLED and not os.environ.get("PYTHONHASHSEED", "").isdigit():
        raise OversightError(
            f"{name} makes other items in every process; set the environment's PYTHONHASHSEED to a "
            "number before starting Python, and it makes the same"
        )


@lru_cache(maxsize=1)
def generators() -> tuple[str, ...]:
    """Every generator of the library, those included that are left out."""
    _library()
    return tuple(sorted(importlib.import_module("reasoning_gym.factory").DATASETS))


def _library() -> Any:
    try:
        return importlib.import_module("reasoning_gym")
    except ImportError as error:
        raise OversightError(
            "the world of puzzles needs the package reasoning-gym: pip install reasoning-gym"
        ) from error
