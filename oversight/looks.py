"""What raters and judges are told of work: the look at a step, and the work that was selected."""

from __future__ import annotations

from typing import Any, NamedTuple


class Looked(NamedTuple):
    """What looking at one step told a rater."""

    passes: bool | None
    """Whether a careful look found the same; None if it told nothing. Reading this costs 1."""
    care: float
    """How often a careful look errs: η."""
    rate: float
    """How often a solver errs at one step, as raters know it."""
    choices: int
    """How many values a step can have: m."""
    glance: bool
    """Whether the rater's free glance at the step agrees."""
    whole: bool
    """Whether the rater's own answer to the whole question is this work's."""
    record: Any
    """The careful look as the world records it, for judges who read such records."""


class Selected(NamedTuple):
    """A work that was selected, as the judge hears it."""

    answer: int
    score: float
    """In [0, 1]: how far whoever selected believes in it."""
