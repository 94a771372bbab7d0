"""A judge that cannot check: it weighs its own working against how many speak for each answer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from oversight.core import OversightError, View
from oversight.players import Judge
from oversight.text.quotes import spoken
from oversight.text.working import Working


class Listener(Judge):
    """Believes its own working as far as it is reliable, and every seat that speaks for an answer.

    log credence(a) = log own(a) + trust · (seats whose last claim, or last argument that names
    exactly one answer, is for a), normalised; own is uniform for a judge that worked nothing out.
    What is said besides moves it not at all.
    """

    def __init__(self, trust: float = 1.0) -> None:
        """`trust`: log-odds that a seat's word is worth (nats)."""
        if trust < 0:
            raise OversightError(f"trust is in nats, 0 or more; got {trust:g}")
        self.trust = trust

    @property
    def label(self) -> str:
        """Such as "listener(trust=1)"."""
        return f"listener(trust={self.trust:g})"

    def judge(self, view: View) -> Sequence[float]:
        """Credences over the answers."""
        n = len(view.question.answers)
        own = view.private.credences(n) if isinstance(view.private, Working) else (1 / n,) * n
        spoken = list(_spoken_for(view).values())
        odds = [own[a] * math.exp(self.trust * spoken.count(a)) for a in range(n)]
        return [each / sum(odds) for each in odds]


def _spoken_for(view: View) -> dict[str, int]:
    """Seat -> the answer that it last spoke for; a claim outweighs what is said later."""
    claimed: dict[str, int] = {}
    argued: dict[str, int] = {}
    for message in view.transcript:
        if message.act == "claim":
            claimed[message.seat] = message.data
        elif message.act == "argue":
            answers = enumerate(view.question.answers)
            named = [a for a, words in answers if spoken(words) in message.text]
            if len(named) == 1:
                argued[message.seat] = named[0]
    return argued | claimed
