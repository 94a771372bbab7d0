"""Work that is rated a step at a time: what a world offers, and what a rater has before it.

A `Stepwise` world takes a presented work apart into steps. Whoever rates a step sees it and those
before it, and a `Looked` for each (`oversight.looks`): what looking at it told.
`oversight.agents.rating` has raters that look, `oversight.training.reward_models` those that learn.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from oversight.core import Case, Message, View
from oversight.looks import Looked
from oversight.world import Presentable


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
