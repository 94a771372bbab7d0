"""Work that is rated a step at a time: what a world offers, and what a rater has before it.

A `Stepwise` world takes a presented work apart into steps. Whoever rates a step sees it and those
before it, and a `Looked` for each: what looking at it told. Protocols speak in these types;
`oversight.agents.rating` has raters that look, `oversight.training.reward_models` those that learn.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

from oversight.core import Case, Message, View
from oversight.world import Presentable


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


class Stepwise(Presentable):
    """Ability: presented work consists of steps, each of which can be looked at by itself."""

    steps: int
    """How many steps a work has at most."""
    signs: int
    """How many different signs steps bear; see `signs_of`."""

    @abstractmethod
    def steps_of(self, case: Case, work: Message) -> Sequence[Message]:
        """A presented work's steps, in order."""

    @abstractmethod
    def looked(self, case: Case, work: Message) -> Sequence[Looked]:
        """What looking at each of a work's steps tells. Fixed by case and step, not by truth."""

    @abstractmethod
    def signs_of(self, view: View, place: int) -> Sequence[int]:
        """The signs, numbered below `signs`, of step `place` of a rater's view.

        What can be seen of a step without a careful look: what a reward model generalises by.
        """

    @abstractmethod
    def graded(self, case: Case, work: Message) -> Sequence[bool]:
        """Whether each step follows from those before it: for the scorer alone."""
