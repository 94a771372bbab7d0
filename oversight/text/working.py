"""What somebody who worked a puzzle out came to, right as often as they are reliable."""

from __future__ import annotations

from typing import NamedTuple

from oversight import keys


class Working(NamedTuple):
    """The answer that a seat came to by itself, and how often it is right."""

    answer: int
    words: str
    """The answer in words."""
    reliability: float

    def __str__(self) -> str:
        return f"By yourself you came to the answer: {self.words}"

    def credences(self, answers: int) -> tuple[float, ...]:
        """Reliability for its own answer, the rest shared evenly."""
        rest = (1 - self.reliability) / (answers - 1)
        return tuple(self.reliability if a == self.answer else rest for a in range(answers))


def worked(correct: int, answers: tuple[str, ...], skill: float, key: int) -> Working:
    """Someone's working: with probability `skill` they see the answer, else they guess.

    So they are right with probability skill + (1 − skill) / n; that is their reliability.
    """
    n = len(answers)
    guess = keys.below(keys.fold(key, 1), n)
    answer = correct if keys.unit(key) < skill else guess
    return Working(answer, answers[answer], skill + (1 - skill) / n)
