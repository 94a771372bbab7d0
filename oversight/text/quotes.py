"""Quotes that the framework checks against a passage, and marks that only the framework writes.

An agent writes `<quote>…</quote>`. What is published has each quote marked by the framework:
`<v_quote>…</v_quote>` if the passage says so, `<u_quote>…</u_quote>` if not (the marks of Khan et
al. 2024, arXiv:2402.06782). A quote is verified if it occurs in the passage, whole words, once
white space, quotation marks and case are made alike; anything else that differs leaves it
unverified.

A mark in a published message is always the framework's: nothing that an agent writes is published
with `<` or `>` in it (they become `‹` and `›`), and what reads like one of the marks (another case,
spaces, look-alike letters or brackets, invisible characters) is taken out. Every line of an agent's
after its first is indented, so that none can pass for the next speaker's.

Deviations: the paper's own matching is not described; ours never splits a word.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

OPEN, CLOSE = "<quote>", "</quote>"
"""How an agent marks a quote."""
VERIFIED, UNVERIFIED = "v_quote", "u_quote"
"""What the framework's marks are called."""


class Span(NamedTuple):
    """A part of a passage: characters `start` up to but not including `end`."""

    start: int
    end: int


class Quote(NamedTuple):
    """A quote as it was checked."""

    text: str
    """The passage's own words where it is verified, else what the agent wrote."""
    span: Span | None
    """Where the passage says so first; None if it does not."""

    @property
    def verified(self) -> bool:
        """Whether the passage says so."""
        return self.span is not None


class Published(NamedTuple):
    """An agent's text as everybody reads it."""

    text: str
    quotes: tuple[Quote, ...]
    """In the order of the text."""


def publish(text: str, passage: str) -> Published:
    """Check every quote of an agent's text against the passage and mark it.

    >>> said = publish("<quote>The  RED door</quote>, <v_quote>blue</v_quote>", "It: the red door.")
    >>> said.text
    '<v_quote>the red door</v_quote>, blue'
    >>> said.quotes
    (Quote(text='the red door', span=Span(start=4, end=16)),)
    """
    said: list[str] = []
    quotes: list[Quote] = []
    for part, quoted in _parts(_visible(text)):
        words = defused(part)
        if not quoted:
            said.append(words)
        elif words := _alike_space(words).strip():
            quote = checked(words, passage)
            quotes.append(quote)
            mark = VERIFIED if quote.verified else UNVERIFIED
            said.append(f"<{mark}>{quote.text}</{mark}>")
    return Published(_indented("".join(said)), tuple(quotes))


def spoken(text: str) -> str:
    """An agent's text where nothing is quoted: no marks, no invisible characters, one speaker."""
    return _indented(defused(_visible(text)))


def checked(words: str, passage: str) -> Quote:
    """Whether the passage says these words, and where."""
    span = find(words, passage)
    if span is None:
        return Quote(words, None)
    return Quote(defused(_alike_space(passage[span.start : span.end])), span)


def find(words: str, passage: str) -> Span | None:
    """Where a passage first says these words: whole ones; None if it does not."""
    sought, _ = _normalised(words)
    sought = sought.strip()
    if not any(map(str.isalnum, sought)):
        return None
    held, places = _normalised(passage)
    at = held.find(sought)
    while at >= 0:
        end = at + len(sought)
        if not _splits_a_word(held, at) and not _splits_a_word(held, end):
            return Span(places[at], places[end - 1] + 1)
        at = held.find(sought, at + 1)
    return None


# Taking marks apart

_TAG = re.compile(r"<\s*(/?)\s*quote\s*>", re.IGNORECASE)
_ODD = "[^a-z‹›]"  # whatever may stand between the letters of a mark
_WORD = rf"{_ODD}{{0,9}}(?:[vu]{_ODD}{{0,9}})?" + rf"{_ODD}{{0,3}}".join("quote")
_MARK = re.compile(
    rf"‹{_WORD}(?![a-z])[^a-z‹›]*›?"  # its end may be missing
    rf"|[\[({{]{_WORD}[^a-z‹›]{{0,9}}[\])}}]"
)
"""What reads like a mark in folded text: brackets round v or u, or neither, and the word."""
_ANGLES = str.maketrans(
    {**dict.fromkeys("<＜﹤〈〈⟨❬❮❰˂ᐸ⟪《⧼≺", "‹"), **dict.fromkeys(">＞﹥〉〉⟩❭❯❱˃ᐳ⟫》⧽≻", "›"),
     **dict.fromkeys("«»", '"')}
)  # fmt: skip
_LIKE_LETTERS = {
    **dict.fromkeys("оοօᴏ", "o"), **dict.fromkeys("еεᴇ", "e"), **dict.fromkeys("тτᴛ", "t"),
    **dict.fromkeys("ѵνᴠ", "v"), **dict.fromkeys("υսᴜ", "u"), **dict.fromkeys("ԛզǫ", "q"),
}  # fmt: skip
"""Letters of other scripts that pass for those of the marks."""


def defused(text: str) -> str:
    """The text with whatever reads like a mark taken out, and no angle bracket left.

    >>> defused("3 < 5 <V_Quote >sure</v_quote>")
    '3 ‹ 5 sure'
    """
    text = _tidied(text.translate(_ANGLES))
    while found := _MARK.search(_folded(text)):  # what is left may read like one again
        text = _tidied(text[: found.start()] + text[found.end() :])
    return text


def _tidied(text: str) -> str:
    """White space made one, lines kept and blank ones dropped."""
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"[^\S\n]+", " ", text))


def _parts(text: str) -> list[tuple[str, bool]]:
    """The text between tags, and whether it is quoted; tags that close nothing are dropped."""
    parts: list[tuple[str, bool]] = [("", False)]

    def add(part: str, quoted: bool) -> None:
        before, kind = parts[-1]
        if quoted or kind:
            parts.append((part, quoted))
        else:
            parts[-1] = (before + part, False)  # in one piece, so that no mark hides in two

    at, opened = 0, False
    for tag in _TAG.finditer(text):
        closes = bool(tag[1])
        add(text[at : tag.start()], opened and closes)
        opened = not closes
        at = tag.end()
    add(text[at:], False)
    return parts


def _visible(text: str) -> str:
    """The text without control, format and private characters; lines and spaces stay."""
    kept = (
        letter if letter == "\n" else " " if letter.isspace() else letter
        for letter in unicodedata.normalize("NFC", text)
        if letter.isspace() or unicodedata.category(letter)[0] != "C"
    )
    return "".join(kept)


def _folded(text: str) -> str:
    """As many characters, each the small Latin letter that it passes for, if any."""
    return "".join(map(_fold, text))


def _fold(letter: str) -> str:
    base = unicodedata.normalize("NFKD", letter)[:1].lower()[:1] or letter
    return _LIKE_LETTERS.get(base, base)


def _indented(text: str) -> str:
    return _tidied(text).strip().replace("\n", "\n  ")


# Making passage and quote alike

_QUOTATION = str.maketrans({**dict.fromkeys("“”„‟″", '"'), **dict.fromkeys("‘’‚‛`´′ʼ", "'")})


def _alike_space(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _normalised(text: str) -> tuple[str, list[int]]:
    """White space, quotation marks and case made alike; and where each character came from."""
    made: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        if letter.isspace():
            if made and made[-1] == " ":
                continue
            letter = " "
        elif unicodedata.category(letter)[0] == "C":
            continue
        for each in letter.translate(_ANGLES).translate(_QUOTATION).lower():
            made.append(each)
            places.append(place)
    return "".join(made), places


def _splits_a_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum()
