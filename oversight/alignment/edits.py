"""Answers changed by a word: what refiners try."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from oversight.alignment.vocabulary import END, PAD, lengths


def edited(
    answers: Int[Tensor, "batch length"], words: int, draw: torch.Generator
) -> Int[Tensor, "batch length"]:
    """Each answer with one word put in, put in another's place, or taken out, as likely.

    Words are drawn from the ids 1 … words−1, places from those there are. Where an edit is not to
    be had (nothing to take out, no room to put in) a word is replaced, or put in. An answer may
    come back as it was, by a word that replaces itself.
    """
    rows, longest = answers.shape
    said = lengths(answers) - (answers == END).any(dim=1).long()  # (B,) words, the end not counted
    kind = torch.randint(3, (rows,), generator=draw)  # 0 put in, 1 replace, 2 take out
    kind = torch.where((kind == 0) & (said == longest), 1, kind)
    kind = torch.where(said == 0, 0, kind)
    spots = said + (kind == 0).long()  # one more place to put a word than there are words
    luck = torch.rand(rows, generator=draw)
    spot = torch.minimum((luck * spots).long(), spots - 1)[:, None]
    word = torch.randint(1, words, (rows,), generator=draw)[:, None]
    place = torch.arange(longest)[None]
    shift = torch.where(kind == 0, -1, torch.where(kind == 2, 1, 0))[:, None]
    moved = (kind[:, None] == 0) & (place > spot) | (kind[:, None] == 2) & (place >= spot)
    source = torch.where(moved, place + shift, place.expand(rows, -1))
    longer = torch.cat([answers, torch.full((rows, 1), PAD)], dim=1)
    changed = longer.gather(1, source)
    changed = torch.where((place == spot) & (kind[:, None] != 2), word, changed)
    return _ended(changed)


def _ended(answers: Int[Tensor, "batch length"]) -> Int[Tensor, "batch length"]:
    """With an end after the last word where there is room, and nothing after it."""
    longest = answers.shape[1]
    said = (answers > END).sum(dim=1)[:, None]  # words come first
    place = torch.arange(longest)[None]
    return torch.where(place < said, answers, torch.where(place == said, END, PAD))
