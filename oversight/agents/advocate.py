"""An advocate in words: it claims what it worked out, or argues for the side that it was given."""

from __future__ import annotations

from collections.abc import Sequence

from oversight.agents.simple import RandomAgent
from oversight.core import Turn
from oversight.players import Agent
from oversight.spaces import Choose, Credences, Reply, Write
from oversight.text.working import Working


class Advocate(Agent):
    """Plays a puzzle's seats from its own working; where it has none, it claims at random."""

    @property
    def label(self) -> str:
        """ "advocate"."""
        return "advocate"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Each turn by itself."""
        return [_play(turn) for turn in turns]


def _play(turn: Turn) -> Reply:
    view, space = turn.view, turn.space
    own = view.private if isinstance(view.private, Working) else None
    answers = view.question.answers
    match space:
        case Choose() if turn.act == "claim" and own is not None:
            return own.answer
        case Credences(n=n) if own is not None:
            return own.credences(n)
        case Write() if turn.act == "argue":
            if view.side is not None:
                words = FOR if view.side.supports else AGAINST
                return words.format(answer=answers[view.side.answer])[: space.limit]
            return None if own is None else FOR.format(answer=own.words)[: space.limit]
        case _:
            return RandomAgent().act([turn])[0]


FOR = "I went through it step by step; the answer is {answer}"
AGAINST = "I went through it step by step; the answer is not {answer}"
