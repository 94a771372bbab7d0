"""Turns that wait for a person on the page, and the one way in which they are answered.

The engine's thread lays turns on the desk and waits; the page's server shows the first and brings
replies, which the turn's own space checks. What a page is sent is made from the turn and from
nothing else, so nothing sealed can be in it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from oversight.agents.replies import of_answers
from oversight.core import Turn, View
from oversight.people.journal import Journal, name_of
from oversight.people.person import Answered, Person
from oversight.spaces import Choose, Credences, Number, Pick, Reply, Write
from oversight.world import World


class Desk:
    """Turns waiting, oldest first; safe to use from both threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, Turn] = {}
        self._replies: dict[str, Reply] = {}
        self._shown: dict[str, float] = {}
        self._done = 0
        self.over = False
        """Set when no more turns will come."""

    def put(self, turns: Sequence[Turn], answered: Answered) -> list[Reply]:
        """Wait until every turn is answered; `answered` is told of each at once."""
        names = [name_of(turn) for turn in turns]
        with self._changed:
            self._waiting |= dict(zip(names, turns, strict=True))
            self._changed.notify_all()
            told: set[str] = set()
            while True:
                for name, turn in zip(names, turns, strict=True):
                    if name in self._replies and name not in told:
                        began = self._shown.get(name, time.monotonic())
                        answered(turn, self._replies[name], time.monotonic() - began)
                        told.add(name)
                if len(told) == len(names):
                    return [self._replies.pop(name) for name in names]
                self._changed.wait(timeout=0.5)  # a wait without end would not hear Ctrl-C

    def first(self) -> tuple[str, Turn] | None:
        """The oldest turn that waits, and its name; the clock of its answer runs from here."""
        with self._changed:
            for name, turn in self._waiting.items():
                self._shown.setdefault(name, time.monotonic())
                return name, turn
            return None

    def answer(self, name: str, raw: Any) -> None:
        """Take a reply as the page sent it.

        Errors: KeyError for a turn that does not wait (it was answered, or never was);
        IllegalReply, with the reason, for one outside the turn's space.
        """
        with self._changed:
            turn = self._waiting[name]
            reply = tuple(raw) if isinstance(raw, list) else raw
            self._replies[name] = turn.space.check(reply)
            del self._waiting[name]
            self._done += 1
            self._changed.notify_all()

    @property
    def counts(self) -> dict[str, int]:
        """How many turns were answered here, and how many wait."""
        with self._changed:
            return {"answered": self._done, "waiting": len(self._waiting)}


class WebPerson(Person):
    """A person who plays on the page."""

    def __init__(self, desk: Desk, journal: Journal | None = None) -> None:
        super().__init__(journal)
        self.desk = desk

    def asked(self, turns: Sequence[Turn], answered: Answered) -> list[Reply]:
        """Lays the turns on the desk."""
        return self.desk.put(turns, answered)


def as_page(name: str, turn: Turn, world: World) -> dict[str, Any]:
    """A turn as plain values: all that is ever sent to a browser."""
    view = turn.view
    return {
        "turn": name,
        "seat": turn.seat,
        "act": turn.act,
        "instruction": turn.instruction,
        "question": view.question.prompt,
        "answers": list(view.question.answers),
        "side": None if view.side is None else view.side._asdict(),
        "transcript": [{"seat": m.seat, "act": m.act, "text": m.text} for m in view.transcript],
        "material": world.material(view),
        "picture": world.draw_html(view),
        "reply": _form(turn, view),
    }


def _form(turn: Turn, view: View) -> dict[str, Any]:
    """What the page needs to know of the turn's space."""
    answers = list(view.question.answers)
    match turn.space:
        case Credences(n=n):
            return {"kind": "credences", "n": n}
        case Choose() as space:
            named = of_answers(turn)
            return {
                "kind": "choose", "options": list(space.options), "silence": space.silence,
                "names": answers if named else None, "of": "" if named else space.of,
            }  # fmt: skip
        case Pick(most=most) as space:
            return {"kind": "pick", "options": list(space.options), "most": most}
        case Number(low=low, high=high):
            return {"kind": "number", "low": low, "high": high}
        case Write(limit=limit, silence=silence):
            return {"kind": "write", "limit": limit, "silence": silence}
