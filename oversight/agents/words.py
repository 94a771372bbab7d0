"""A turn in words, for agents that read: people's pages and language models.

What somebody said, and what the world shows, stands on lines that begin with a bar; no line of the
framework's does. Line breaks of every kind are broken at, and characters that print nothing or turn
the reading order are dropped. So nothing that an agent says, and nothing in a passage, can be taken
for an instruction, a heading, the end of the transcript or another seat's words.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence

from oversight.core import Turn, View

BAR = "| "
"""What every line begins with that is quoted."""
_BREAK = re.compile("\r\n|[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode's categories of control, format, surrogate, private and unassigned characters."""


def plain_lines(text: str) -> list[str]:
    """The lines of a text, without characters that print nothing; a tab becomes a space."""
    return [_seen(line.replace("\t", " ")) for line in _BREAK.split(text)]


def _seen(line: str) -> str:
    if line.isprintable():  # most lines are, and this is quick to tell
        return line
    return "".join(letter for letter in line if unicodedata.category(letter) not in _DROPPED)


def quoted(text: str) -> str:
    """The text on lines of its own, each beginning with the bar."""
    return "\n".join(BAR + line for line in plain_lines(text))


def on_one_line(text: str) -> str:
    """The text on one line, as it may stand within a sentence of the framework's."""
    return " ".join(filter(None, (line.strip() for line in plain_lines(text))))


def labels(n: int) -> tuple[str, ...]:
    """Names for `n` answers in the order shown: A, B, … or, beyond the alphabet, 1, 2, …

    >>> labels(3)
    ('A', 'B', 'C')
    """
    letters = string.ascii_uppercase
    return tuple(letters[:n]) if n <= len(letters) else tuple(map(str, range(1, n + 1)))


def scene(view: View, material: str) -> str:
    """The question, what the seat alone sees, and all that was said: the part that only grows.

    The candidate answers are left out (`answers_shown`): a judge that is asked in both orders, and
    the next turn of the same seat, begin with this very text.
    """
    parts = [f"Question:\n{quoted(view.question.prompt)}"]
    if material:
        parts.append(f"Only you and other experts see this:\n{quoted(material)}")
    parts.append(_transcript(view))
    return "\n\n".join(parts)


def _transcript(view: View) -> str:
    if not view.transcript:
        return "Transcript: nothing has been said yet."
    said = [
        f"[{number}] {message.seat}, {message.act}:\n{quoted(message.text)}"
        for number, message in enumerate(view.transcript, 1)
    ]
    return "\n".join(("Transcript:", *said))


def answers_shown(view: View, order: Sequence[int]) -> str:
    """The candidate answers under their labels, in the order given."""
    names = labels(len(order))
    shown = [
        f"{name}:\n{quoted(view.question.answers[answer])}"
        for name, answer in zip(names, order, strict=True)
    ]
    return "\n".join(("End of the transcript. The candidate answers:", *shown))


def part_of(turn: Turn, order: Sequence[int]) -> str:
    """Who the seat is, what it argues, and what it is asked to do now."""
    lines = [f"You are {turn.seat}."]
    side = turn.view.side
    if side is not None:
        name = labels(len(order))[list(order).index(side.answer)]
        stance = "for" if side.supports else "against"
        lines.append(f"You argue {stance} answer {name}.")
    lines.append(on_one_line(turn.instruction))
    return " ".join(lines)
