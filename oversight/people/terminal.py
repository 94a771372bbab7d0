"""A person at the terminal, in any seat: judge, debater or consultant."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from oversight.agents.replies import of_answers
from oversight.core import OversightError, Turn, View
from oversight.people.journal import Journal
from oversight.people.person import Answered, Person
from oversight.registry import Setting
from oversight.spaces import Choose, Credences, IllegalReply, Number, Pick, Reply, Write


class HumanAgent(Person):
    """Shows the game as its seat may see it and asks until the reply is legal."""

    def __init__(
        self,
        draw: Callable[[View], str],
        ask: Callable[[str], str] = input,
        show: Callable[[str], None] | None = None,
        journal: Journal | None = None,
    ) -> None:
        """`draw` pictures a view (a world's own `draw`); `ask` and `show` are the terminal."""
        super().__init__(journal)
        self._draw = draw
        self._ask = ask
        self._show = show or _to_the_terminal

    def asked(self, turns: Sequence[Turn], answered: Answered) -> list[Reply]:
        """Each turn in order, on the screen."""
        replies: list[Reply] = []
        for turn in turns:
            began = time.monotonic()
            reply = self._play(turn)
            answered(turn, reply, time.monotonic() - began)
            replies.append(reply)
        return replies

    def _play(self, turn: Turn) -> Reply:
        self._show(f"\n{self._draw(turn.view)}\n\nYou are {turn.seat}. {turn.instruction}")
        self._show(_how_to_reply(turn))
        while True:
            try:
                return turn.space.check(_read(turn, self._ask("> ")))
            except IllegalReply as error:
                self._show(f"Not possible: {error}.")
            except EOFError:
                raise OversightError("the terminal was closed before the game was over") from None


def _to_the_terminal(text: str) -> None:
    print(text, file=sys.stderr)


def _read(turn: Turn, text: str) -> Reply:
    """What was typed, as the turn's space expects it; left as text where it does not parse."""
    text = text.strip()
    try:
        match turn.space:
            case Choose():
                return _named(turn, text) if text else None
            case Pick():
                return tuple(int(part) for part in text.replace(",", " ").split())
            case Credences(n=n):
                typed = text.replace(",", " ").split()
                return (
                    _sure_of(_named(turn, text), n)
                    if len(typed) == 1
                    else tuple(float(part) for part in typed)
                )
            case Number():
                return float(text)
            case Write():
                return text or None
    except ValueError:
        return text


def _named(turn: Turn, text: str) -> int:
    """An answer by its words (where answers are chosen), or any index by its number."""
    answers = turn.view.question.answers
    named = of_answers(turn) or turn.act != "argue"
    return answers.index(text) if named and text in answers else int(text)


def _sure_of(answer: int, n: int) -> tuple[float, ...]:
    if not 0 <= answer < n:
        raise IllegalReply(f"{answer} is no answer; there are {n}")
    return tuple(float(place == answer) for place in range(n))


def _how_to_reply(turn: Turn) -> str:
    answers = turn.view.question.answers
    match turn.space:
        case Credences(n=n):
            listed = ", ".join(answers)
            return (
                f"Type one answer ({listed}) if you are sure, or {n} probabilities in that order."
            )
        case Choose() as space:
            named = of_answers(turn)
            options = [answers[place] if named else str(place) for place in space.options]
            shown, more = ", ".join(options[:40]), ", …" if len(options) > 40 else ""
            what = f" ({space.of})" if space.of and not named else ""
            silence = "; an empty line stays silent" if space.silence else ""
            return f"Type one of: {shown}{more}{what}{silence}."
        case Pick(n=n, most=most):
            return f"Type up to {most} numbers below {n}, or an empty line for none."
        case Number(low=low, high=high):
            return f"Type a number from {low:g} to {high:g}."
        case Write(limit=limit):
            return f"Type up to {limit} characters."


def human(setting: Setting) -> HumanAgent:
    """`human`: a person at the terminal, asked until the reply is legal."""
    return HumanAgent(setting.world.draw)
