"""Replies as actions and back, where a case is narrower than its world; and what is refused."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from gymnasium.spaces import Dict

from oversight.core import Message, OversightError, Question, Seat, Turn, View
from oversight.encoding import LONGEST, SeatEncoding, readable
from oversight.spaces import Choose, Credences, IllegalReply, Number, Pick, Space, Write
from tests.contract.plugin import Colours

WIDEST: dict[str, Space] = {
    "pick": Choose(6),
    "reveal": Choose(4, silence=True),
    "decide": Credences(5),
    "price": Number(-1, 1),
    "write": Write(20, silence=True),
    "list": Pick(7, 3),
}


def seat(*acts: str) -> SeatEncoding:
    return SeatEncoding("seat", Seat(acts, spaces=WIDEST), Colours())


def turn(act: str, space: Space) -> Turn:
    return Turn(
        "seat", act, "Do.", View(Question("?", ("a", "b")), (), None, None, ()), space, 0, 0
    )


@pytest.mark.parametrize(
    ("acts", "act", "space", "reply"),
    [
        (("pick", "reveal"), "pick", Choose(6), 5),
        (("pick", "reveal"), "reveal", Choose(4, (1, 3), silence=True), 3),
        (("pick", "reveal"), "reveal", Choose(4, (1, 3), silence=True), None),
        (("decide",), "decide", Credences(3), (0.1, 0.2, 0.7)),
        (("decide",), "decide", Credences(5), (0.0, 0.0, 1.0, 0.0, 0.0)),
        (("price",), "price", Number(0, 1), 0.1),
        (("write",), "write", Write(20), "any 😀 text"),
        (("write",), "write", Write(20, silence=True), None),
        (("pick", "write"), "pick", Choose(2), 1),
        (("pick", "write"), "write", Write(5), "word"),
        (("list",), "list", Pick(7, 3), ()),
        (("list",), "list", Pick(5, 2), (4, 0)),
        (("list",), "list", Pick(7, 3), (6, 6, 1)),
        (("pick", "decide"), "decide", Credences(3), (0.1, 0.2, 0.7)),
        (("pick", "price", "list"), "price", Number(0, 1), 0.5),
        (("pick", "price", "list"), "list", Pick(7, 3), (2,)),
        (("pick", "price", "list"), "pick", Choose(6, (3,)), 3),
    ],
)
def test_a_reply_comes_back_from_its_action(
    acts: tuple[str, ...], act: str, space: Space, reply: Any
):
    encoding, asked = seat(*acts), turn(act, space)
    action = encoding.encode(reply, asked)
    assert encoding.decode(action, asked) == reply
    if reply != "any 😀 text":  # understood, though the space would not sample it
        assert encoding.action_space.contains(action)


def test_the_mask_is_as_wide_as_the_widest_act_with_silence_last():
    encoding = seat("pick", "reveal")
    assert encoding.mask(turn("pick", Choose(6))).tolist() == [1] * 6 + [0]
    narrow = Choose(4, (1, 3), silence=True)
    assert encoding.mask(turn("reveal", narrow)).tolist() == [0, 1, 0, 1, 0, 0, 1]
    assert encoding.mask(turn("reveal", Choose(4, ()))).tolist() == [0] * 7
    assert encoding.mask(None).tolist() == [1] * 7


def test_weights_of_absent_answers_are_left_out():
    decided = seat("decide").decode([0.5, 0.5, 1.0, 9.0, 9.0], turn("decide", Credences(3)))
    assert decided == (0.25, 0.25, 0.5)


@pytest.mark.parametrize("space", [Choose(6), Credences(5), Number(-1, 1), Write(20), Pick(7, 3)])
@pytest.mark.parametrize(
    "action", [None, {}, pytest.param(object(), id="object"), np.full(9, np.nan), [[]]], ids=repr
)
def test_no_action_is_an_illegal_reply(space: Space, action: Any):
    act = next(name for name, widest in WIDEST.items() if type(widest) is type(space))
    with pytest.raises(IllegalReply):
        seat(act).decode(action, turn(act, space))
    with pytest.raises(IllegalReply):
        seat("pick", "write").decode(action, turn("pick", Choose(6)))


def test_a_mixture_names_its_entries_and_masks_its_choice():
    encoding = seat("pick", "price", "list")
    assert list(cast(Dict, encoding.action_space).spaces) == ["choice", "list", "number"]
    assert encoding.actions.mask_key == "choice_mask"
    assert encoding.mask(turn("pick", Choose(6, (1,)))).tolist() == [0, 1, 0, 0, 0, 0]
    assert encoding.mask(turn("price", Number(0, 1))).tolist() == [1] * 6


def test_a_seat_without_an_act_is_refused():
    with pytest.raises(OversightError, match="nothing to do"):
        seat()


def test_an_act_that_nothing_bounds_is_named_with_the_remedy():
    with pytest.raises(OversightError, match=r"what seat may reply when it is to sing.*spaces="):
        SeatEncoding("seat", Seat(("sing",)), Colours())


def test_observations_hold_whatever_was_said():
    encoding = seat("write")
    said = Message("seat", "argue", "red 😀\x07\u4e2d" * LONGEST)
    view = View(Question("?" * 2 * LONGEST, ("a", "b")), (said,), 42, None, ())
    seen = encoding.observe(view, turn("write", Write(20)))
    assert encoding.observation_space.contains(seen)
    assert len(seen["transcript"]) == LONGEST
    assert seen["material"] == "42"


def test_readable_keeps_letters_and_marks_what_it_cannot_show():
    assert readable("Ünïcödé “…” αβγ\n\t─█ 中😀") == "Ünïcödé “…” αβγ\n\t─█ \ufffd\ufffd"
