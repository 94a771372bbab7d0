"""Beginnings of texts that a model has read: what it made of their tokens is kept and used again.

A tree of segments: tokens, and the attention keys and values that a model computed for them after
those of the segments above. Two texts that begin alike share the segments of that beginning,
whether they come in one call or in two. Memory is bounded; what was used longest ago goes first.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import torch

State: TypeAlias = list[tuple[torch.Tensor, torch.Tensor]]
"""A layer's keys and values each: (heads, tokens, dim)."""

WORTH = 16
"""The fewest tokens worth sharing: a pass over the weights of its own costs more than these."""


class Segment:
    """Some tokens of a text, after those of its parent."""

    def __init__(self, tokens: tuple[int, ...], parent: Segment | None) -> None:
        self.tokens, self.parent = tokens, parent
        self.children: list[Segment] = []
        self.state: State = []
        self.used = 0
        self.wanted: set[int] = set()
        self.logits: dict[int, torch.Tensor] = {}

    @property
    def start(self) -> int:
        """Tokens before it."""
        return self.parent.end if self.parent else 0

    @property
    def end(self) -> int:
        """Tokens up to its last."""
        return self.start + len(self.tokens)

    @property
    def path(self) -> list[Segment]:
        """The segments of the whole text, first to last."""
        above: list[Segment] = []
        segment: Segment | None = self
        while segment is not None:
            above.append(segment)
            segment = segment.parent
        return above[::-1]

    @property
    def size(self) -> int:
        """Bytes of its state."""
        return sum(part.nbytes for pair in self.state for part in pair)


class Text(NamedTuple):
    """Tokens to read, and from where on it matters what the model would say next."""

    tokens: tuple[int, ...]
    first: int
    """The first position whose logits are wanted; those of all later ones are wanted too."""


class Read(NamedTuple):
    """A text laid out in segments."""

    last: Segment
    computed: int
    """Tokens up to `first` that are computed for this text: not known, nor one's before it."""


class Prefixes:
    """The segments that are kept, at most `limit` bytes; a limit of 0 shares nothing at all."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.root = Segment((), None)
        self._clock = itertools.count(1)

    def lay_out(self, texts: Sequence[Text]) -> list[Read]:
        """Each text's segments: known ones, then new ones with no state yet.

        A new segment's `wanted` are the positions within it that somebody wants the logits of.
        """
        now = next(self._clock)
        groups: dict[Segment, list[int]] = defaultdict(list)
        for number, text in enumerate(texts):
            known = self._known(text.tokens[: text.first]) if self.limit else self.root
            for segment in known.path:
                segment.used = now
            groups[known].append(number)
        found: dict[int, Read] = {}
        waiting = list(groups.items())
        while waiting:
            parent, numbers = waiting.pop()
            for alike in self._alike([texts[n].tokens[parent.end :] for n in numbers]):
                own = [numbers[place] for place in alike]
                new, longer = _grown(parent, [texts[n] for n in own], now)
                for place, number in enumerate(own):
                    before = found[number].computed if number in found else 0
                    asked = min(new.end, texts[number].first + 1) - new.start
                    share = 0 if place else max(0, asked)
                    found[number] = Read(new, before + share)
                if longer:
                    waiting.append((new, [own[place] for place in longer]))
        return [found[number] for number in range(len(texts))]

    def trim(self) -> None:
        """Let go of what was used longest ago, until the limit holds."""
        segments = list(_below(self.root))
        for segment in segments:
            segment.wanted, segment.logits = set(), {}
        held = sum(segment.size for segment in segments)
        segments.reverse()  # children come before their parents, which are never used less
        for segment in sorted(segments, key=lambda segment: segment.used):
            if held <= self.limit:
                break
            assert segment.parent is not None  # only the root has none
            segment.parent.children.remove(segment)
            held -= segment.size

    def clear(self) -> None:
        """Forget everything."""
        self.root = Segment((), None)

    def _known(self, tokens: tuple[int, ...]) -> Segment:
        """The deepest segment whose text the tokens begin with; a longer one is split there."""
        segment, at = self.root, 0
        while True:
            best, most = None, 0
            for child in segment.children:
                shared = common(child.tokens, tokens[at : at + len(child.tokens)])
                if shared > most and (shared >= WORTH or shared == len(child.tokens)):
                    best, most = child, shared
            if best is None:
                return segment
            if most < len(best.tokens):
                return _split(best, most)
            segment, at = best, at + most

    def _alike(self, rests: Sequence[tuple[int, ...]]) -> list[list[int]]:
        """Which texts go on alike for long enough to be read together."""
        if not self.limit:
            return [[place] for place in range(len(rests))]
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for place, rest in enumerate(rests):
            groups[rest[:WORTH]].append(place)
        return list(groups.values())


def _grown(parent: Segment, texts: Sequence[Text], now: int) -> tuple[Segment, list[int]]:
    """A segment of all that the texts share after the parent, and which of them go on after it."""
    start = parent.end
    rests = [text.tokens[start:] for text in texts]
    # What the first and the last in order share, all share.
    new = Segment(rests[0][: common(min(rests), max(rests))], parent)
    new.used = now
    if len(new.tokens) >= WORTH:  # shorter ones are never found again, so they are not kept
        parent.children.append(new)
    for text in texts:
        new.wanted.update(range(max(text.first - start, 0), len(new.tokens)))
    return new, [place for place, rest in enumerate(rests) if len(rest) > len(new.tokens)]


def _split(segment: Segment, at: int) -> Segment:
    """Cut a segment in two; the lower stays the object that others hold. The upper is returned."""
    parent = segment.parent
    assert parent is not None  # the root is never split
    upper = Segment(segment.tokens[:at], parent)
    upper.used = segment.used
    # Cloned, so that letting go of one half frees its memory.
    upper.state = [(k[:, :at].clone(), v[:, :at].clone()) for k, v in segment.state]
    segment.state = [(k[:, at:].clone(), v[:, at:].clone()) for k, v in segment.state]
    segment.tokens, segment.parent = segment.tokens[at:], upper
    parent.children[parent.children.index(segment)] = upper
    upper.children.append(segment)
    return upper


def common(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """How many tokens two texts begin with alike."""
    if one == other:
        return len(one)
    differs = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differs, min(len(one), len(other)))


def _below(segment: Segment) -> Iterator[Segment]:
    waiting = list(segment.children)
    while waiting:
        each = waiting.pop()
        yield each
        waiting += each.children
