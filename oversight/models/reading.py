"""Reading texts with a causal model of transformers: batched, each shared beginning once.

New segments of the tree (`oversight.models.prefixes`) are computed level by level, those of a level
together, sorted by length so that little is spent on padding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar

import torch
from transformers.cache_utils import (
    Cache,
    DynamicCache,
    DynamicLayer,
    DynamicSlidingWindowLayer,
)

from oversight.models.prefixes import Prefixes, Read, Segment, Text

T = TypeVar("T")

WASTE = 256
"""Tokens of padding that any batch may have; beyond it a quarter of what is real."""
AHEAD = 64
"""Room for so many tokens is made at once while a reply grows."""


class Room(DynamicLayer):
    """A layer's keys and values with room to grow in place: no copy of all of it a token."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, length: int) -> None:
        super().__init__()
        self._room = (keys, values)
        self.dtype, self.device = keys.dtype, keys.device
        self.is_initialized = True
        self._fill(length)

    def _fill(self, length: int) -> None:
        self.keys, self.values = (part[:, :, :length] for part in self._room)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new ones behind those there are, and return all."""
        assert self.keys is not None
        before = self.keys.shape[2]
        after = before + key_states.shape[2]
        if after > self._room[0].shape[2]:
            self._room = tuple(_longer(part, before, after + AHEAD) for part in self._room)  # type: ignore[assignment]  # still a pair
        for part, new in zip(self._room, (key_states, value_states), strict=True):
            part[:, :, before:after] = new
        self._fill(after)
        assert self.values is not None
        return self.keys, self.values

    def keep(self, rows: torch.Tensor) -> None:
        """Only these rows stay."""
        assert self.keys is not None
        length = self.keys.shape[2]
        self._room = tuple(part[rows] for part in self._room)  # type: ignore[assignment]
        self._fill(length)


def _longer(part: torch.Tensor, used: int, capacity: int) -> torch.Tensor:
    batch, heads, _, dim = part.shape
    grown = part.new_zeros(batch, heads, capacity, dim)
    grown[:, :, :used] = part[:, :, :used]
    return grown


class Reader:
    """A causal model, and the beginnings that it has read."""

    def __init__(self, net: Any, prefixes: Prefixes, tokens: int) -> None:
        self.net, self.prefixes = net, prefixes
        self.tokens = tokens
        """The most tokens of a batch, padding included."""

    def read(self, texts: Sequence[Text]) -> list[Read]:
        """Lay the texts out and compute whatever is new; all logits wanted are then there."""
        found = self.prefixes.lay_out(texts)
        new = {segment for read in found for segment in read.last.path if not segment.state}
        new.discard(self.prefixes.root)
        while new:
            ready = [segment for segment in new if segment.parent not in new]
            for batch in batches(ready, _new_tokens, self.tokens):
                self._compute(batch)
            new.difference_update(ready)
        return found

    def _compute(self, segments: Sequence[Segment]) -> None:
        """One pass over several segments: the known end, and the new begin, at one column.

        So the tokens of a row lie side by side, and padding is at its two ends only.
        """
        known = max(segment.start for segment in segments)
        width = max(len(segment.tokens) for segment in segments)
        ids = torch.zeros(len(segments), width, dtype=torch.long)
        mask = torch.zeros(len(segments), known + width, dtype=torch.long)
        places = torch.zeros_like(ids)
        for row, segment in enumerate(segments):
            ids[row, : len(segment.tokens)] = torch.tensor(segment.tokens)
            mask[row, known - segment.start : known + len(segment.tokens)] = 1
            places[row] = segment.start + torch.arange(width).clamp(max=len(segment.tokens) - 1)
        rooms = self.rooms([segment.parent for segment in segments], known, width)
        wanted = sorted(set().union(*(segment.wanted for segment in segments))) or [width - 1]
        logits = self.step(ids, mask, places, rooms, torch.tensor(wanted))
        for row, segment in enumerate(segments):
            span = slice(known, known + len(segment.tokens))
            segment.state = [
                (room.keys[row, :, span].clone(), room.values[row, :, span].clone())
                for room in rooms
                if room.keys is not None and room.values is not None
            ]
            segment.logits = {
                place: logits[row, at] for at, place in enumerate(wanted) if place in segment.wanted
            }

    def rooms(self, lasts: Sequence[Segment | None], length: int, ahead: int) -> list[Room]:
        """The states of whole texts, in rows that end at column `length`: (B, heads, T, dim)."""
        paths = [[each for each in last.path if each.state] if last else [] for last in lasts]
        rooms: list[Room] = []
        for layer, (heads, key_dim, value_dim) in enumerate(self._shapes):
            pair = [
                torch.zeros(
                    len(lasts), heads, length + ahead, dim, dtype=self.net.dtype,
                    device=self.net.device,
                )
                for dim in (key_dim, value_dim)
            ]  # fmt: skip
            for row, path in enumerate(paths):
                column = length - sum(len(segment.tokens) for segment in path)
                for segment in path:
                    after = column + len(segment.tokens)
                    for room, part in zip(pair, segment.state[layer], strict=True):
                        room[row, :, column:after] = part
                    column = after
            rooms.append(Room(pair[0], pair[1], length))
        return rooms

    def step(
        self,
        ids: torch.Tensor,
        mask: torch.Tensor,
        places: torch.Tensor,
        rooms: Sequence[Room],
        wanted: torch.Tensor,
    ) -> torch.Tensor:
        """Logits at the wanted columns of ids (B, T), as float32 on the CPU: (B, wanted, V)."""
        device = self.net.device
        with torch.inference_mode():
            out = self.net(
                input_ids=ids.to(device),
                attention_mask=mask.to(device),
                position_ids=places.to(device),
                past_key_values=Cache(layers=list(rooms)),
                use_cache=True,
                logits_to_keep=wanted.to(device),
            )
        return out.logits.float().cpu()

    @cached_property
    def _shapes(self) -> list[tuple[int, int, int]]:
        """Heads, and dimensions of a key and of a value, of each layer: measured once."""
        with torch.inference_mode():
            one = torch.zeros(1, 1, dtype=torch.long, device=self.net.device)
            out = self.net(input_ids=one, use_cache=True)
        return [
            (layer.keys.shape[1], layer.keys.shape[3], layer.values.shape[3])
            for layer in out.past_key_values.layers
        ]


def keeps_each_token(net: Any) -> bool:
    """Whether a network holds keys and values of each token, and nothing else, of what it read."""
    if getattr(net, "_is_stateful", False):
        return False
    layers = DynamicCache(config=net.config).layers
    return all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers)


def batches(items: Iterable[T], tokens: Callable[[T], int], most: int) -> Iterator[list[T]]:
    """Items cut into batches of at most `most` tokens with padding, the longest first.

    A batch also ends where a quarter of it would be padding. An item too long for any batch is one
    of its own.
    """
    batch: list[T] = []
    longest = real = 0
    for item in sorted(items, key=tokens, reverse=True):
        here = tokens(item)
        padded = longest * (len(batch) + 1)
        if batch and (padded > most or padded > 1.25 * (real + here) + WASTE):
            yield batch
            batch, longest, real = [], 0, 0
        batch.append(item)
        longest, real = max(longest, here), real + here
    if batch:
        yield batch


def _new_tokens(segment: Segment) -> int:
    return len(segment.tokens)
