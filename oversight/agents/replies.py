"""How a reader is told to reply, and what its text then means: strict, and never guessed at.

A text that is not in the form asked for raises IllegalReply with the reason, which is what a
language model is told once before its episode fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from oversight.agents.words import labels
from oversight.core import SILENCE, Turn
from oversight.spaces import ANSWERS, Choose, Credences, IllegalReply, Number, Pick, Reply, Write

_REPLY = re.compile(r"^\s*REPLY:(.*)$", re.MULTILINE)
_THOUGHT = re.compile(r"\A\s*<thinking>.*?</thinking>", re.DOTALL)
SHOWN = 60
"""How many numbers a prompt lists one by one."""


def how_to_reply(turn: Turn, order: Sequence[int], words: int) -> str:
    """The form of a legal reply, in words; `order` is that of the answers as they are shown."""
    names = labels(len(order))
    match turn.space:
        case Write(silence=silence):
            hush = f" Reply {SILENCE} to say nothing." if silence else ""
            return (
                "You may think first, between <thinking> and </thinking>. All the rest of your "
                f"reply is what will be heard; at most {words} words.{hush}"
            )
        case Credences():
            shown = ", ".join(f"{name}={share}" for name, share in zip(names, _even(len(names)),
                                                                      strict=True))  # fmt: skip
            return (
                f"{_END}REPLY: and a percentage for every answer, whole numbers that sum to 100, "
                f"such as REPLY: {shown}"
            )
        case Choose() as space if of_answers(turn):
            legal = ", ".join(names[order.index(option)] for option in space.options)
            return f"{_END}REPLY: and one of {legal}{_or_silence(space)}"
        case Choose() as space:
            what = f" ({space.of})" if space.of else ""
            return (
                f"{_END}REPLY: and one number of {_listed(space.options)}{what}{_or_silence(space)}"
            )
        case Pick(most=most) as space:
            return (
                f"{_END}REPLY: and at most {most} numbers of {_listed(space.options)}, separated "
                "by commas, or REPLY: none"
            )
        case Number(low=low, high=high):
            return f"{_END}REPLY: and a number from {low:g} to {high:g}"


def meant(turn: Turn, text: str, order: Sequence[int], words: int) -> Reply:
    """The reply that a text means, checked against the turn's space; IllegalReply if it is none.

    What a text thinks aloud first, between <thinking> and </thinking>, is heard by nobody. A text
    longer than `words` is cut there: the budget is kept, not asked for.
    """
    space, text = turn.space, _THOUGHT.sub("", text)
    if text.lstrip().startswith("<thinking>"):
        raise IllegalReply("the thinking has no end: close it with </thinking>, then reply")
    if isinstance(space, Write):
        said = text.strip()
        if said == SILENCE and space.silence:
            return None
        return space.check(within(said, words)[: space.limit])
    given = _given(text)
    match space:
        case Credences():
            return space.check(_credences(given, order))
        case Choose(silence=True) if given == "silence":
            return None
        case Choose() if of_answers(turn):
            return space.check(order[_label(given, order)])
        case Choose():
            return space.check(_whole(given))
        case Pick():
            return space.check(
                () if given == "none" else tuple(_whole(part) for part in given.split(","))
            )
        case Number():
            try:
                return space.check(float(given))
            except ValueError:
                raise IllegalReply(f"{given!r} is not a number") from None


def picks(turn: Turn, space: Choose, order: Sequence[int]) -> Mapping[str, int | None]:
    """What may be picked, by its label."""
    if of_answers(turn):
        names = labels(len(order))
        found: dict[str, int | None] = {
            names[order.index(option)]: option for option in space.options
        }
    else:
        found = {str(option): option for option in space.options}
    return found | {"silence": None} if space.silence else found


def of_answers(turn: Turn) -> bool:
    """Whether what is chosen is one of the question's candidate answers."""
    space = turn.space
    if not isinstance(space, Choose):
        return False
    answers = len(turn.view.question.answers)
    return space.of == ANSWERS or (turn.act in ("claim", "answer") and space.n == answers)


def one_answer(text: str, order: Sequence[int]) -> int:
    """The one answer that a text names by its label; IllegalReply if it names none or several."""
    return order[_label(_given(text), order)]


def within(text: str, words: int) -> str:
    """The text's beginning of at most so many words.

    >>> within("one  two three", 2)
    'one  two'
    """
    found = list(re.finditer(r"\S+", text))
    return text if len(found) <= words else text[: found[words - 1].end()]


def _given(text: str) -> str:
    lines = _REPLY.findall(text)
    if len(lines) != 1:
        raise IllegalReply(f"expected one line that begins with REPLY:, found {len(lines)}")
    return lines[0].strip().rstrip(".")


def _credences(given: str, order: Sequence[int]) -> tuple[float, ...]:
    shares: dict[int, int] = {}
    for part in given.split(","):
        name, equals, share = part.partition("=")
        if not equals:
            raise IllegalReply(f"{part.strip()!r} is not of the form A=50")
        answer = order[_label(name.strip(), order)]
        if answer in shares:
            raise IllegalReply(f"answer {name.strip()} is given twice")
        shares[answer] = _whole(share.strip().removesuffix("%"))
    if len(shares) != len(order):
        raise IllegalReply(f"expected a percentage for each of {len(order)} answers")
    if sum(shares.values()) != 100:
        raise IllegalReply(f"the percentages sum to {sum(shares.values())}, not to 100")
    return tuple(shares[answer] / 100 for answer in range(len(order)))


def _label(given: str, order: Sequence[int]) -> int:
    names = labels(len(order))
    if given not in names:
        raise IllegalReply(f"{given!r} is none of {', '.join(names)}")
    return names.index(given)


def _whole(given: str) -> int:
    if not re.fullmatch(r"-?\d{1,9}", given.strip()):
        raise IllegalReply(f"{given.strip()!r} is not a whole number")
    return int(given)


def _listed(options: Sequence[int]) -> str:
    shown = ", ".join(map(str, options[:SHOWN]))
    return f"{shown}, … {options[-1]}" if len(options) > SHOWN else shown


def _or_silence(space: Choose) -> str:
    return ", or REPLY: silence" if space.silence else ""


def _even(n: int) -> list[int]:
    return [100 // n + (place < 100 % n) for place in range(n)]


_END = "You may think first. End with a line of its own: "
BEGUN = "REPLY:"
"""How a reply begins that is given in one word."""
