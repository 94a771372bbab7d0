"""A judge of circuits that is calibrated on cases kept apart.

It plays the run's own game on other cases, tabulates what it read there against what was true, and
then believes what it reads as often as that was right. By what was read, not by the credences that
another judge made of it: two readings that a Bayesian confuses stay apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from oversight.circuits.judges import CircuitJudge, on_circuits
from oversight.circuits.steps import Asked
from oversight.circuits.workers import Part
from oversight.core import OversightError, Turn
from oversight.players import Agent, Rehearsal
from oversight.registry import Setting
from oversight.spaces import Reply

REHEARSED = 1000
"""How many games are rehearsed unless it is said."""
WEIGHT = 2.0
"""How many cases the Bayesian judge's credence counts for, where few were tabulated."""


class TabulatedJudge(Agent):
    """Credences by the frequency with which the same reading was right.

    Args:
        base: whose readings these are, and who asks where a judge asks.
        cases: how many games are rehearsed.
    """

    def __init__(self, base: CircuitJudge, cases: int) -> None:
        if cases < 1:
            raise OversightError(f"tabulation needs at least one case, got {cases}")
        self.base = base
        self.cases = cases
        self._seen: Counter[Hashable] = Counter()
        self._right: Counter[Hashable] = Counter()

    @property
    def label(self) -> str:
        """Such as "tabulated(1000)"."""
        return f"tabulated({self.cases})"

    def prepare(self, rehearse: Rehearsal) -> None:
        """Play and tabulate; both answers alike, so every game counts twice."""
        watching = _Watching(self.base)
        self._seen, self._right = Counter(), Counter()
        for record in rehearse(watching, self.cases):
            if record.case in watching.read:
                for answer, reading in enumerate(reversed(watching.read[record.case])):
                    self._seen[reading] += 1
                    self._right[reading] += record.truth == answer

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Verdicts by the table; questions as the base asks them."""
        if not self._seen:
            raise OversightError("tabulate first: call prepare")
        replies = self.base.act(turns)
        return [
            reply if turn.act == "ask" else self._decide(turn, reply)
            for turn, reply in zip(turns, replies, strict=True)
        ]

    def _decide(self, turn: Turn, reply: Reply) -> Reply:
        reading, _ = self.base.features(turn)
        assert isinstance(reply, tuple)  # the base's own verdict
        sure = (self._right[reading] + WEIGHT * reply[1]) / (self._seen[reading] + WEIGHT)
        return (1 - sure, sure)


class _Watching(Agent):
    """The base judge, keeping what it read of each case: the reading, and its mirror image."""

    def __init__(self, base: CircuitJudge) -> None:
        self.base = base
        self.read: dict[str, tuple[Hashable, Hashable]] = {}

    def act(self, turns: Sequence[Turn]) -> Sequence[Reply]:
        for turn in turns:
            asked = turn.view.question.data
            if turn.act == "decide" and isinstance(asked, Asked | Part):
                self.read[asked.case] = self.base.features(turn)
        return self.base.act(turns)


def tabulated(
    setting: Setting,
    cases: int | None = None,
    credulity: float = 0.0,
    selection_aware: bool = True,
    trust: float = 0.0,
) -> TabulatedJudge:
    """`tabulated[:cases]`: a judge of circuits, calibrated by what it reads on other cases."""
    on_circuits(setting, "tabulated")
    return TabulatedJudge(
        CircuitJudge(credulity, selection_aware, trust), REHEARSED if cases is None else cases
    )
