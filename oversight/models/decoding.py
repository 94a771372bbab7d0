"""Replies drawn token by token, many at once; a row that is done leaves the batch.

A token is drawn from its row's own uniform by inverting the distribution function, so that a reply
hangs on its request's key and on the logits alone, not on its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from oversight import keys
from oversight.models.model import Finish, Sampling
from oversight.models.prefixes import Segment
from oversight.models.reading import AHEAD, Reader


class Wanted(NamedTuple):
    """A reply to draw after a text that has been read."""

    last: Segment
    sampling: Sampling
    key: int


class Drawn(NamedTuple):
    """The tokens of a reply, the one that ended it left out."""

    tokens: list[int]
    text: str
    finish: Finish


class Row:
    """A reply being drawn."""

    def __init__(self, number: int, wanted: Wanted) -> None:
        self.number, self.wanted = number, wanted
        self.tokens: list[int] = []
        self.luck = keys.uniforms(
            np.array([wanted.key], np.uint64), max(wanted.sampling.tokens, 1)
        )[0]


def decode(
    reader: Reader,
    wanted: Sequence[Wanted],
    ends: frozenset[int],
    text_of: Callable[[list[int]], str],
) -> list[Drawn]:
    """A reply each; `ends` are the tokens that end one."""
    rows = [Row(number, each) for number, each in enumerate(wanted)]
    lengths = torch.tensor([each.last.end for each in wanted])
    longest = int(lengths.max())
    rooms = reader.rooms([each.last for each in wanted], longest, AHEAD)
    mask = (torch.arange(longest) >= longest - lengths[:, None]).long()
    logits = torch.stack([each.last.logits[len(each.last.tokens) - 1] for each in wanted])
    done: dict[int, Drawn] = {}
    while True:
        chosen = draw(logits, rows)
        stays: list[int] = []
        for place, (row, token) in enumerate(zip(rows, chosen, strict=True)):
            drawn = _take(row, token, ends, text_of)
            if drawn is None:
                stays.append(place)
            else:
                done[row.number] = drawn
        if not stays:
            return [done[number] for number in range(len(wanted))]
        if len(stays) < len(rows):
            kept = torch.tensor(stays)
            rows = [rows[place] for place in stays]
            mask, lengths = mask[kept], lengths[kept]
            for room in rooms:
                room.keep(kept.to(reader.net.device))
        ids = torch.tensor([[row.tokens[-1]] for row in rows])
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], 1)
        logits = reader.step(ids, mask, lengths[:, None], rooms, torch.tensor([0]))[:, 0]
        lengths = lengths + 1


def draw(logits: torch.Tensor, rows: Sequence[Row]) -> list[int]:
    """The next token of each row: (B, V) logits, each by its own temperature, top-p and luck."""
    warm = [place for place, row in enumerate(rows) if row.wanted.sampling.temperature > 0]
    chosen: list[int] = logits.argmax(1).tolist()
    if not warm:
        return chosen
    settings = [rows[place].wanted.sampling for place in warm]
    heat = torch.tensor([each.temperature for each in settings])
    shares = torch.softmax(logits[warm] / heat[:, None], 1)
    for place, each in enumerate(settings):
        if each.top_p < 1:
            shares[place] = nucleus(shares[place], each.top_p)
    below = shares.double().cumsum(1)  # in single precision, 50,000 small terms would be lost
    luck = torch.tensor([rows[place].luck[len(rows[place].tokens)] for place in warm])
    found = torch.searchsorted(below, (luck.double() * below[:, -1])[:, None], right=True)[:, 0]
    for place, token in zip(warm, found.clamp(max=logits.shape[1] - 1).tolist(), strict=True):
        chosen[place] = token
    return chosen


def nucleus(shares: torch.Tensor, top_p: float) -> torch.Tensor:
    """The likeliest tokens that together reach `top_p` (Holtzman et al. 2020); others get 0: (V,).

    >>> nucleus(torch.tensor([0.25, 0.5, 0.125, 0.125]), 0.75).tolist()
    [0.25, 0.5, 0.0, 0.0]
    """
    ordered, places = shares.sort(descending=True)
    before = ordered.cumsum(0) - ordered
    kept = places[before < top_p]
    return torch.zeros_like(shares).index_copy_(0, kept, shares[kept])


def _take(
    row: Row, token: int, ends: frozenset[int], text_of: Callable[[list[int]], str]
) -> Drawn | None:
    """Add a token to a row; the reply if that ends it."""
    sampling = row.wanted.sampling
    if token in ends:
        return Drawn(row.tokens, text_of(row.tokens), "stop")
    row.tokens.append(token)
    if sampling.stop:
        text = text_of(row.tokens)
        cuts = [text.index(stop) for stop in sampling.stop if stop in text]
        if cuts:
            return Drawn(row.tokens, text[: min(cuts)], "stop")
    if len(row.tokens) >= sampling.tokens:
        return Drawn(row.tokens, text_of(row.tokens), "length")
    return None
