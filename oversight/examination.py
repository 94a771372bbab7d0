"""A node of a decomposition, put before another protocol as a case of its own.

What `factored_cognition` does with its leaves, and `amplification` with what its assistant answers.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, NamedTuple, cast

from oversight.core import Outcome, Script, Step, Turn, turns_of
from oversight.protocol import Protocol
from oversight.table import Table
from oversight.world import Separable


class Decided(NamedTuple):
    """What the other protocol made of the node."""

    answer: int
    """Index among the node's own candidate answers."""
    read: int
    """How much evidence its judge read."""
    rewards: Mapping[str, float]
    """What it paid, by seat."""


def decided(
    table: Table, rule: Protocol, node: int, name: str, claim: int | None = None
) -> Generator[Step, Any, Decided | None]:
    """The answer to a node that stands after a game of `rule` about it; None if it is given.

    The candidate answers of a node's case are among the node's own, in the same words.

    Args:
        table: of the game that the node is a part of.
        rule: the protocol.
        node: the node.
        name: what the luck of the game about it is keyed by.
        claim: an answer to the node that was given, and is in dispute: whoever would claim an
            answer in that game claims this one, and is not asked. One that is no candidate of the
            node's case is nobody's to defend, and the game goes on as it would without.
    """
    world = cast(Separable, table.world)
    case = world.subcase(table.case, node)
    if case is None:
        return None
    own, put = world.subquestion(table.case, node).answers, case.question.answers
    inner = table.inside(case, name)
    script = rule.play(case, inner)
    if claim is not None and own[claim] in put:
        script = _claiming(script, put.index(own[claim]))
    outcome: Outcome = yield from script
    best = max(range(len(put)), key=outcome.credences.__getitem__)
    return Decided(own.index(put[best]), inner.read, outcome.rewards)


def _claiming(script: Script, answer: int) -> Script:
    """The script with every claim in it made already."""
    given: Any = None
    while True:
        try:
            step = script.send(given)
        except StopIteration as stop:
            return stop.value
        asked = tuple(turn for turn in turns_of(step) if turn.act != "claim")
        replies = iter((yield asked) if asked else ())
        told = tuple(answer if t.act == "claim" else next(replies) for t in turns_of(step))
        given = told[0] if isinstance(step, Turn) else told
