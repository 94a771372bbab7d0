"""Debaters over sentences, in words: they write a short argument that quotes what they would show.

Where arguments are text, the searching debaters (`oversight.agents.searching`) play the game that
quotes alone would be: each sentence of the passage is a move, and a sentence that was quoted truly
is revealed. Whatever else a text says is not part of that game.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oversight import keys
from oversight.core import Message, Turn, View
from oversight.players import Agent
from oversight.reveal import Reveal
from oversight.spaces import Choose, Reply, Write
from oversight.text.passage import Passage, split_sentences
from oversight.text.quotes import CLOSE, OPEN, Quote


class QuotingDebater(Agent):
    """Writes arguments that quote the sentence that `base` would reveal; else plays as `base`."""

    def __init__(self, base: Agent) -> None:
        self.base = base

    @property
    def label(self) -> str:
        """Such as "quoting(mcts:200)"."""
        return f"quoting({self.base.label})"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Each turn's reply, the base asked once for all of them."""
        asked = [_as_moves(turn) for turn in turns]
        replies = iter(self.base.act([turn for turn in asked if turn is not None]))
        return [
            "" if base_turn is None else _in_words(turn, next(replies))
            for turn, base_turn in zip(turns, asked, strict=True)
        ]


class Enquirer(Agent):
    """Asks in words about one of the answers, drawn from the turn's key."""

    @property
    def label(self) -> str:
        """ "enquirer"."""
        return "enquirer"

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """A question about an answer."""
        return [_enquiry(turn) for turn in turns]


def _enquiry(turn: Turn) -> str:
    answers = turn.view.question.answers
    return ASK.format(answer=answers[keys.below(turn.key, len(answers))])


def _writes(turn: Turn) -> Write | None:
    """The text space of a turn whose seat sees a passage to quote from."""
    quotable = isinstance(turn.view.private, Passage) and turn.act == "argue"
    return turn.space if quotable and isinstance(turn.space, Write) else None


def _as_moves(turn: Turn) -> Turn | None:
    """The turn as a choice of sentences; None where none is left that fits."""
    space = _writes(turn)
    if space is None:
        return turn
    passage: Passage = turn.view.private
    view = _revealing(turn.view, passage)
    quoted = {m.data.move for m in view.transcript if isinstance(m.data, Reveal)}
    room = space.limit - len(_argument(turn, ""))
    legal = [
        move
        for move, sentence in enumerate(passage.sentences)
        if move not in quoted and len(sentence) <= room
    ]
    if not legal:
        return None
    moves = Choose(len(passage.sentences), tuple(legal), silence=space.silence)
    return turn._replace(view=view, space=moves)


def _revealing(view: View, passage: Passage) -> View:
    """The same view, in which every sentence that was quoted truly is revealed."""
    places = {sentence: move for move, sentence in enumerate(passage.sentences)}
    transcript: list[Message] = []
    for message in view.transcript:
        transcript.append(message._replace(data=None) if _quotes(message) else message)
        for quote in filter(None, _quotes(message)):
            for sentence in split_sentences(quote.text) if quote.verified else ():
                if sentence in places:
                    shown = Reveal(places[sentence], 1.0)
                    transcript.append(Message(message.seat, message.act, sentence, shown))
    return view._replace(transcript=tuple(transcript))


def _quotes(message: Message) -> tuple[Quote, ...]:
    data: Any = message.data
    return tuple(q for q in data if isinstance(q, Quote)) if isinstance(data, tuple) else ()


def _in_words(turn: Turn, reply: Reply) -> Reply:
    if _writes(turn) is None:
        return reply
    sentences = turn.view.private.sentences
    return _argument(turn, sentences[reply]) if isinstance(reply, int) else ""


def _argument(turn: Turn, sentence: str) -> str:
    side = turn.view.side
    if side is None:
        return ARGUE.format(quote=f"{OPEN}{sentence}{CLOSE}")
    words = FOR if side.supports else AGAINST
    answer = turn.view.question.answers[side.answer]
    return words.format(answer=answer, quote=f"{OPEN}{sentence}{CLOSE}")


FOR = "The answer is {answer}. The passage says: {quote}"
AGAINST = "The answer is not {answer}. The passage says: {quote}"
ARGUE = "The passage says: {quote}"
ASK = "What does the passage say about {answer}?"
