"""A sentence as it looks from a question: who is in it, and how its words go with the question's.

Names are told by their capitals. Seen from a question, a name is the *subject* (the question names
it), a *candidate* (an answer), or *another*, which may be what joins two sentences. What is left
are words; every word of the question is paired with every word of the sentence, so that "hosts" in
the one can be learned to go with "is held in" in the other.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from typing import NamedTuple

PAIRS = 4096
"""How many different pairs of words are told apart: they are hashed (CRC-32) into so many."""


class Slots(NamedTuple):
    """What a sentence shows to somebody who has a question."""

    subject: bool
    """Whether it names what the question names."""
    candidates: tuple[int, ...]
    """The answers that it names, by number."""
    others: tuple[str, ...]
    """The other names in it."""
    pairs: tuple[int, ...]
    """(question's word, sentence's word), each pair as a number below `PAIRS`, ascending."""


@lru_cache(maxsize=1 << 15)
def slots(sentence: str, prompt: str, answers: tuple[str, ...]) -> Slots:
    """A sentence seen from a question.

    >>> seen = slots("Orlby hosts the Ax Fair.", "Who lives where the Ax Fair is?", ("Bo", "Di"))
    >>> seen.subject, seen.candidates, seen.others
    (True, (), ('Orlby',))
    """
    asked = _asked(prompt, answers)
    named = names(sentence)
    held = sentence.lower()
    candidates = [i for i, answer in enumerate(answers) if _says(held, answer.lower())]
    within = tuple(answers[i] for i in candidates)
    others = [n for n in named if n not in asked.names and not any(n in a for a in within)]
    pairs = {
        zlib.crc32(f"{theirs} {ours}".encode()) % PAIRS
        for theirs in asked.words
        for ours in _words(sentence, named)
    }
    return Slots(
        any(name in asked.names for name in named),
        tuple(candidates),
        tuple(dict.fromkeys(others)),
        tuple(sorted(pairs)),
    )


def names(text: str) -> list[str]:
    """The names in a text: runs of capitalised words, common words at their start left off."""
    found: list[str] = []
    for run in _CAPITALISED.findall(text):
        words = run.split()
        while words and words[0].lower() in _COMMON:
            words.pop(0)
        if words:
            found.append(" ".join(words))
    return found


class _Asked(NamedTuple):
    names: frozenset[str]
    words: tuple[str, ...]


@lru_cache(maxsize=4096)
def _asked(prompt: str, answers: tuple[str, ...]) -> _Asked:
    named = names(prompt)
    return _Asked(frozenset(named) - frozenset(answers), tuple(_words(prompt, named)))


def _words(text: str, named: list[str]) -> list[str]:
    """The words of a text that are neither names nor so common that they say nothing."""
    for name in named:
        text = text.replace(name, " ")
    return [word for word in re.findall(r"[a-z]+", text.lower()) if word not in _COMMON]


def _says(text: str, words: str) -> bool:
    at = text.find(words)
    while at >= 0:
        before, after = text[at - 1 : at] if at else "", text[at + len(words) :][:1]
        if not before.isalnum() and not after.isalnum():
            return True
        at = text.find(words, at + 1)
    return False


_CAPITALISED = re.compile(r"\b[A-Z][\w’'-]*(?: [A-Z][\w’'-]*)*")
_COMMON = frozenset(re.findall(r"\w+", """
    a about after all also although an and another any are as at be because been before but
    by can did do does during each even few for from go had has have he her his how i if in
    into is it its known letters many may might more most much must my no nobody not now of
    off on one only or our out over own said she should since so some still such than that
    the their them then there these they this those though through to too under until up
    upon us very was we were what when where whether which while who whom whose why will
    with would yes yet you your
"""))  # fmt: skip
"""Words that begin sentences and are no names, and say little."""
