"""A passage as an expert sees it, and where its sentences end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Passage:
    """The expert's material: the whole text, with the question that is asked about it."""

    text: str
    sentences: tuple[str, ...]
    """In order, white space made one; no two are alike."""
    prompt: str
    answers: tuple[str, ...]

    def __str__(self) -> str:
        return self.text


_ABBREVIATED = re.compile(
    r"(?:^|[\s(\"“])(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Gen|Col|Capt|Lt|No|vs|etc|e\.g|i\.e|cf|fig|al|[A-Z])"
    r"\.$",
    re.IGNORECASE,
)
"""Words, and initials, whose full stop ends no sentence."""
_STOP = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|\n\s*\n")


@lru_cache(maxsize=4096)
def split_sentences(text: str) -> tuple[str, ...]:
    """The different sentences of a text, white space made one: they end at . ! ? … or a blank line.

    A stop after an abbreviation or an initial ends none, nor does one before a small letter. A
    sentence that is said twice is listed once.

    >>> split_sentences("Dr. Ames left. Why? “It rained,” he said.")
    ('Dr. Ames left.', 'Why?', '“It rained,” he said.')
    """
    found: list[str] = []
    start = 0
    for stop in _STOP.finditer(text):
        so_far, rest = text[start : stop.end()], text[stop.end() :].lstrip()
        ends = "\n" in stop[0] or not (_ABBREVIATED.search(so_far) or rest[:1].islower())
        if ends:
            found.append(so_far.strip())
            start = stop.end()
    found.append(text[start:].strip())
    return tuple(dict.fromkeys(" ".join(sentence.split()) for sentence in found if sentence))
