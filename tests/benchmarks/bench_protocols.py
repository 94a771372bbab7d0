"""The comparison of all protocols on circuits, against two minutes; batches of workers, and depth.

Seconds are this machine's with two processes. The batches are counted, not timed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from oversight.bench import Bench
from oversight.casting import cast_for
from oversight.circuits.workers import CircuitWorker
from oversight.compare import compare
from oversight.core import Turn
from oversight.registry import build, load
from oversight.rollout import rollout
from oversight.runs import Effort
from oversight.spaces import Reply
from tests.benchmarks.measure import row

EPISODES, SECONDS, DEPTH = 2000, 120.0, 9


class Counting(CircuitWorker):
    """A worker that counts how often it is asked to answer."""

    batches = 0

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        self.batches += any(turn.act == "answer" for turn in turns)
        return super().act(turns)


def rows() -> list[dict[str, Any]]:
    """One entry a comparison; `holds` says whether `ratio` reaches `bar`."""
    return [_compared(), _batches()]


def _compared() -> dict[str, Any]:
    bench = Bench(build("worlds", "circuits"), 8, EPISODES, effort=Effort(processes=2))
    began = time.perf_counter()
    table = compare(bench)
    seconds = time.perf_counter() - began
    name = f"compare, {len(table.rows)} protocols x {EPISODES} games: seconds, and allowed"
    return row(name, seconds, SECONDS, 1.0, SECONDS / seconds)


def _batches() -> dict[str, Any]:
    world = build("worlds", f"circuits:family=tree,depth={DEPTH}")
    protocol = load("protocols", "factored_cognition").bind(depth=DEPTH)
    worker = Counting()
    [record] = rollout(protocol, world, {**cast_for(protocol, world).cast, "worker": worker}, 1)
    name = f"a tree of {record.metrics['nodes']:.0f} nodes: batches of workers, and its depth"
    return row(name, float(worker.batches), float(DEPTH), 1.0, DEPTH / worker.batches)
