"""How fast contests are simulated: all at once as arrays, and match by match in a Python loop.

The same bouts by the same keys on both sides, which must come out the same. Repetitions of the two
sides take turns and medians are compared, because machines are noisy.
"""

from __future__ import annotations

from typing import Any

from envs.worlds.contests import Contests, Keys, bout_keys
from oversight import keys
from oversight.metrics.double_relu import DoubleRelu
from tests.benchmarks.measure import row, take_turns

MANY, FEW = 1_000_000, 10_000


def rows() -> list[dict[str, Any]]:
    """One entry a comparison; `holds` says whether `ratio` reaches `bar`; None has no bar."""
    world = Contests("backdoor")
    drawn = bout_keys(1, MANY)
    few = drawn[:FEW]
    at_once = world.bouts(0, 1, few).tolist()
    assert match_by_match(world, few) == at_once, "the loop must play the same bouts"
    assert one_call_a_bout(world, few) == at_once, "bout must play the same bouts"
    fast, loop, calls = take_turns(
        lambda: world.bouts(0, 1, drawn),
        lambda: match_by_match(world, few),
        lambda: one_call_a_bout(world, few),
    )
    return [
        row("contests/s at once, in a plain Python loop", MANY / fast, FEW / loop, 100),
        row("contests/s at once, one call of the world a bout", MANY / fast, FEW / calls, None),
    ]


def match_by_match(world: Contests, drawn: Keys) -> list[bool]:
    """A loop over matches in plain Python: ratings from levels, luck from the key, who wins."""
    held: list[bool] = []
    for key in map(int, drawn):
        guard = _domain_elo(world.lines.guard, world.start)
        adversary = _domain_elo(world.lines.adversary, world.start + world.gap)
        luck = keys.unit(key)
        held.append(10 ** ((guard - adversary) / 400) * (1 - luck) > luck)
    return held


def _domain_elo(line: DoubleRelu, general: float) -> float:
    return min(line.high, max(line.low, line.slope * general + line.intercept))


def one_call_a_bout(world: Contests, drawn: Keys) -> list[bool]:
    """What the engine does: one bout at a time."""
    case = world.case(0, 0)
    return [world.bout(case, (0, 1), (1, 1), key) for key in map(int, drawn)]


if __name__ == "__main__":
    for found in rows():
        print(found)
