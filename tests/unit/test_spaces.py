"""What may be replied: everything legal passes unchanged, everything else says why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oversight.spaces import TOLERANCE, Choose, Credences, IllegalReply, Number, Space, Write


@pytest.mark.parametrize(
    ("space", "reply", "reason"),
    [
        (Choose(3), 3, "outside 0…2"),
        (Choose(3), -1, "outside 0…2"),
        (Choose(3), True, "expected an index"),
        (Choose(3), 1.0, "expected an index"),
        (Choose(3), "1", "expected an index"),
        (Choose(3), None, "silence is not allowed"),
        (Choose(9, (2, 5)), 3, "not among the 2 legal"),
        (Choose(9, (), silence=True), 0, "not among the 0 legal"),
        (Credences(2), (0.5, float("nan")), "must be finite"),
        (Credences(2), (0.5, float("inf")), "must be finite"),
        (Credences(2), (1.5, -0.5), "must not be negative"),
        (Credences(2), (1.0,), "expected 2 credences, one an answer, got 1"),
        (Credences(2), (0.5, 0.25, 0.25), "got 3"),
        (Credences(2), (0.5, 0.4), "must sum to 1"),
        (Credences(2), (0.0, 0.0), "must sum to 1"),
        (Credences(2), (1.0, 2 * TOLERANCE), "normalise them in the judge"),
        (Credences(2), "10", "expected 2 credences"),
        (Credences(2), 0.5, "expected 2 credences"),
        (Credences(2), None, "expected 2 credences"),
        (Credences(2), ("a", "b"), "must be numbers"),
        (Credences(2), (None, 1.0), "must be numbers"),
        (Number(0, 1), 1.5, "expected a number in"),
        (Number(0, 1), float("nan"), "expected a number in"),
        (Number(0, 1), True, "expected a number in"),
        (Number(0, 1), "0.5", "expected a number in"),
        (Number(0, 1), None, "expected a number in"),
        (Write(3), "four", "4 characters; the limit is 3"),
        (Write(3), None, "expected text, got NoneType"),
        (Write(3), 1, "expected text, got int"),
    ],
)
def test_what_is_refused_and_why(space: Space, reply: Any, reason: str):
    with pytest.raises(IllegalReply, match=reason.replace("(", r"\(")):
        space.check(reply)


@pytest.mark.parametrize(
    ("space", "reply", "kept"),
    [
        (Choose(3), 2, 2),
        (Choose(3), np.int64(2), 2),
        (Choose(9, (2, 5)), 5, 5),
        (Choose(9, silence=True), None, None),
        (Credences(2), [0.25, 0.75], (0.25, 0.75)),
        (Credences(2), np.array([0.25, 0.75]), (0.25, 0.75)),
        (Credences(2), (1.0, TOLERANCE / 2), (1.0, TOLERANCE / 2)),
        (Credences(2), (1, 0), (1.0, 0.0)),
        (Number(0, 1), 1, 1.0),
        (Number(-2, 2), np.float32(0.5), 0.5),
        (Write(3), "abc", "abc"),
        (Write(3), "", ""),
        (Write(3, silence=True), None, None),
        (Write(3, silence=True), "", None),
    ],
)
def test_what_passes(space: Space, reply: Any, kept: Any):
    checked = space.check(reply)
    assert checked == kept
    assert type(checked) is type(kept)


def test_options_are_the_legal_indices():
    assert list(Choose(3).options) == [0, 1, 2]
    assert list(Choose(9, (2, 5)).options) == [2, 5]
