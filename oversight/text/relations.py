"""The small closed world of the passages made here: kinds of things, and what relates them.

Every two kinds have two relations, so that which of the two a question asks for matters. In each
relation every thing of the one kind has exactly one partner of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

PERSON, TOWN, COMPANY, FESTIVAL = "person", "town", "company", "festival"
KINDS = (PERSON, TOWN, COMPANY, FESTIVAL)


class Relation(NamedTuple):
    """Something that holds between things `a` and `b` of two kinds."""

    kinds: tuple[str, str]
    of_a: str
    """What tells `a` apart, given `b`: "lives in {}"."""
    of_b: str
    """What tells `b` apart, given `a`: "is home to {}"."""
    sentences: tuple[str, ...]
    """Ways of saying it."""


def _relation(
    kinds: tuple[str, str], of_a: str, of_b: str, *others: str, turned: int = 1
) -> Relation:
    """Said as either end tells the other apart, or in other ways.

    `turned`: the place of the wording that begins with b; which one a key draws hangs on the order.
    """
    said = [f"{{a}} {of_a.format('{b}')}.", *others]
    said.insert(turned, f"{{b}} {of_b.format('{a}')}.")
    return Relation(kinds, of_a, of_b, tuple(said))


RELATIONS: Mapping[str, Relation] = {
    "lives_in": _relation(
        (PERSON, TOWN), "lives in {}", "is home to {}",
        "{a} has long lived in a house in {b}.", "The home of {a} is in {b}.",
    ),
    "born_in": _relation(
        (PERSON, TOWN), "was born in {}", "is the birthplace of {}",
        "The parish of {b} recorded the birth of {a}.", "{a} was born in a cottage in {b}.",
    ),
    "based_in": _relation(
        (COMPANY, TOWN), "has its office in {}", "has the office of {}",
        "The office of {a} is in {b}.", "Letters to {a} go to an office in {b}.", turned=3,
    ),
    "founded_in": _relation(
        (COMPANY, TOWN), "was founded in {}", "saw the founding of {}",
        "It was in {b} that {a} was founded.", "The founding of {a} took place in {b}.",
    ),
    "held_in": _relation(
        (FESTIVAL, TOWN), "is held in {}", "hosts {}",
        "Each year {b} hosts {a}.", "{a} is held in the square of {b}.",
    ),
    "planned_in": _relation(
        (FESTIVAL, TOWN), "was first planned in {}", "saw the planning of {}",
        "It was in {b} that {a} was planned.", "{a} was planned over a winter in {b}.",
    ),
    "leads": _relation(
        (PERSON, COMPANY), "leads {}", "is led by {}",
        "{a} leads the board of {b}.", "The workers of {b} are led by {a}.",
    ),
    "audits": _relation(
        (PERSON, COMPANY), "audits {}", "is audited by {}",
        "{a} audits the books of {b}.", "The books of {b} are audited by {a}.",
    ),
    "sponsors": _relation(
        (COMPANY, FESTIVAL), "sponsors {}", "is sponsored by {}",
        "{a} sponsors the stage of {b}.", "The stage of {b} is sponsored by {a}.",
    ),
    "insures": _relation(
        (COMPANY, FESTIVAL), "insures {}", "is insured by {}",
        "{a} insures the tents of {b}.", "The tents of {b} are insured by {a}.",
    ),
    "opens": _relation(
        (PERSON, FESTIVAL), "opens {}", "is opened by {}",
        "{a} opens {b} with a speech.", "The first day of {b} is opened by {a}.",
    ),
    "photographs": _relation(
        (PERSON, FESTIVAL), "photographs {}", "is photographed by {}",
        "{a} photographs {b} for a paper.", "The crowds of {b} are photographed by {a}.",
    ),
}  # fmt: skip
"""Name -> relation."""

ASIDES: Mapping[str, tuple[str, ...]] = {
    PERSON: ("{x} is fond of long walks.", "Many letters by {x} have been kept."),
    TOWN: ("The road to {x} was mended last spring.", "It rains a good deal in {x}."),
    COMPANY: ("The sign of {x} is painted green.", "Nobody remembers who named {x}."),
    FESTIVAL: ("There is always music at {x}.", "The posters of {x} are widely admired."),
}
"""Sentences that relate nothing to anything."""

OPENINGS = ("", "", "", "By all accounts, ", "As far as is known, ", "For what it is worth, ")
"""How a sentence may begin."""


def described(kind: str, clause: str, of: str) -> str:
    """A thing by what tells it apart: "the town that hosts the Orl Fair"."""
    return f"the {kind} {'who' if kind == PERSON else 'that'} {clause.format(of)}"


def asked(kind: str, clause: str, of: str) -> str:
    """The question for a thing by what tells it apart: "Who lives in …?"."""
    return f"{'Who' if kind == PERSON else f'Which {kind}'} {clause.format(of)}?"
