"""Work that is rated a step at a time: what a world offers, and what a rater has before it.

A `Stepwise` world takes a presented work apart into steps. Whoever rates a step sees it and those
before it, and a `Looked` for each (`oversight.looks`): what looking at it told.
`oversight.agents.rating` has raters that look, `oversight.training.reward_models` those that learn.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

from oversight.core import Case, Message, Side, View
from oversight.looks import Looked
from oversight.spaces import Choose
from oversight.world import Presentable


def works_that_fit(
    bound: Choose, side: Side | None, answer: Callable[[int], object], wanted: object
) -> Choose:
    """What may be presented: one's own work (0), and if it does not suit the side, works that do.

    `answer(option)` is what the work of an option comes to, `wanted` what the side stands for.
    """
    if side is None or (answer(0) == wanted) is side.supports:
        return Choose(bound.n, (0,))
    suiting = (o for o in range(1, bound.n) if (answer(o) == wanted) is side.supports)
    return Choose(bound.n, (0, *suiting))


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
