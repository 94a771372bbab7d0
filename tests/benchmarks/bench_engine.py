"""How fast the engine is: against PettingZoo's own loop, against itself without a store, in memory.

The game is PettingZoo's rock-paper-scissors, 15 rounds of two simultaneous throws, written as a
protocol, so that both sides play the same number of moves. Repetitions of the two sides take turns
and medians are compared, because machines are noisy.
"""

from __future__ import annotations

import importlib
import itertools
import resource
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from oversight.casting import cast_for
from oversight.core import Case, Message, Outcome, Question, Script, Sealed, Seat, Turn, View
from oversight.players import Agent, Cast
from oversight.pool import fork_map
from oversight.protocol import Protocol, protocol
from oversight.registry import build, load
from oversight.rollout import rollout
from oversight.spaces import Choose, Reply
from oversight.stage import Stage
from oversight.store import Store
from oversight.table import Table
from oversight.world import Numeric, World
from tests.benchmarks.measure import row, take_turns

THROWS = ("rock", "paper", "scissors")
PLAYERS = ("player_0", "player_1")
ROUNDS = 15
THROW = Choose(len(THROWS))


class Hands(World, Numeric):
    """Nothing to know: one empty case. A seat observes the last round's throws."""

    name: ClassVar[str] = "hands"
    answers = len(THROWS)
    features = 2 * len(THROWS)

    def case(self, index: int, seed: int) -> Case:
        """The same case every time."""
        return Case("hands", Question("Throw.", THROWS), None, Sealed(0))

    def judge(self) -> Agent:
        """Nobody judges."""
        return AlwaysRock()

    def debater(self) -> Agent:
        """A trivial agent."""
        return AlwaysRock()

    def encode(self, view: View) -> NDArray[np.float32]:
        """One-hot, the two throws of the last round."""
        numbers = np.zeros(self.features, np.float32)
        for place, message in enumerate(view.transcript[-2:]):
            numbers[place * len(THROWS) + message.data] = 1
        return numbers


@protocol(
    paper="PettingZoo's rps_v2",
    seats={seat: Seat(("throw",), spaces={"throw": THROW}) for seat in PLAYERS},
)
def rock_paper_scissors(case: Case, table: Table) -> Script:
    """Fifteen rounds; +1 for a win, −1 for a loss."""
    score = 0
    for _ in range(ROUNDS):
        first, second = yield (
            table.turn("player_0", "throw", "Throw.", THROW),
            table.turn("player_1", "throw", "Throw.", THROW),
        )
        table.say(Message("player_0", "throw", THROWS[first], first))
        table.say(Message("player_1", "throw", THROWS[second], second))
        score += (0, 1, -1)[(first - second) % 3]
    return Outcome((1 / 3,) * 3, dict(zip(PLAYERS, (score, -score), strict=True)))


class AlwaysRock(Agent):
    """The cheapest agent there is."""

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Rock."""
        return [0] * len(turns)


def rows() -> list[dict[str, Any]]:
    """One entry a comparison; `holds` says whether `ratio` reaches `bar`; None has no bar."""
    rps = _pettingzoo()
    return [
        *_against_pettingzoo(rps),
        _storing(),
        _memory(),
        *_processes(),
    ]


def _against_pettingzoo(rps: Any) -> list[dict[str, Any]]:
    episodes = 60
    played = episodes * ROUNDS * 2  # moves; each loop's dead steps are counted for neither
    wrapped, raw = rps.env(), rps.raw_env()
    adapter = _aec()
    cast: Cast = dict.fromkeys(PLAYERS, AlwaysRock())
    engine, theirs, theirs_raw, ours = take_turns(
        lambda: list(rollout(rock_paper_scissors, Hands(), cast, 1024)),
        lambda: _loop(wrapped, episodes),
        lambda: _loop(raw, episodes),
        lambda: _loop(adapter, episodes),
    )
    engine_rate = 1024 * ROUNDS * 2 / engine
    rate, raw_rate, adapter_rate = played / theirs, played / theirs_raw, played / ours
    return [
        row("engine turns/s, PettingZoo rps_v2.env() steps/s", engine_rate, rate, 5),
        row("engine turns/s, PettingZoo rps_v2.raw_env() steps/s", engine_rate, raw_rate, None),
        row("AEC adapter steps/s, PettingZoo rps_v2.env() steps/s", adapter_rate, rate, 0.5),
        row("AEC adapter steps/s, rps_v2.raw_env() steps/s", adapter_rate, raw_rate, None),
    ]


def _pettingzoo() -> Any:
    with warnings.catch_warnings():  # it deprecates this way of naming its own games
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module("pettingzoo.classic.rps_v2")


def _aec() -> Any:
    aec = importlib.import_module("envs.aec")
    return aec.OversightAEC(Stage(rock_paper_scissors, Hands()))


def _loop(env: Any, episodes: int) -> None:
    """The loop of PettingZoo's documentation."""
    for _ in range(episodes):
        env.reset()
        for _ in env.agent_iter():
            _, _, terminated, truncated, _ = env.last()
            env.step(None if terminated or truncated else 0)


def _storing() -> dict[str, Any]:
    debate = load("protocols", "debate")
    world, cast = _debaters()
    episodes = 4096
    numbers = itertools.count()
    with tempfile.TemporaryDirectory() as directory:

        def store() -> None:
            path = Path(directory) / str(next(numbers))
            with Store(path, {"benchmark": "storing"}) as kept:
                for record in rollout(debate, world, cast, episodes):
                    kept.append(record)

        def drop() -> None:
            for _ in rollout(debate, world, cast, episodes):
                pass

        kept, dropped = take_turns(store, drop)
    name = "episodes/s of a debate, stored to disk and not stored"
    return row(name, episodes / kept, episodes / dropped, 0.5)


def _debaters() -> tuple[World, Cast]:
    """The cheapest debate on digits: every reply drawn from its key, and a judge without a net."""
    world = build("worlds", "digits")
    return world, dict.fromkeys(load("protocols", "debate").seats, Trivial())


class Trivial(Agent):
    """The first legal reply."""

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """An index, or certainty of the first answer."""
        return [
            turn.space.options[0] if isinstance(turn.space, Choose) else (1.0,) + (0.0,) * 9
            for turn in turns
        ]


def _memory() -> dict[str, Any]:
    """Peak resident memory of a process that streams games to a store, few games and many.

    `ours` is the peak with 10,000 episodes over the peak with 100,000 (in MiB), so that the bar of
    1 / 1.2 says: ten times the episodes may need at most 1.2 times the memory.
    """
    few, many = (_peak(episodes) for episodes in (10_000, 100_000))
    return row("peak MiB of 10,000 and of 100,000 stored episodes", few, many, 1 / 1.2)


def _peak(episodes: int) -> float:
    """MiB, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_engine", str(episodes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def stream(episodes: int) -> float:
    """Judge and store that many cases alone; this process's peak resident memory in MiB."""
    naive = load("protocols", "naive")
    world, cast = build("worlds", "digits"), {"judge": Trivial()}
    with tempfile.TemporaryDirectory() as directory, Store(Path(directory) / "run", {}) as kept:
        for record in rollout(naive, world, cast, episodes):
            kept.append(record)
    return _resident_peak()


def _resident_peak() -> float:
    """MiB. Linux's own count where there is one: the other includes what forked this process."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # bytes on macOS


def _processes() -> list[dict[str, Any]]:
    """Searching debates; and beside them a loop that only counts, which says what there is to gain.

    On a machine that is busy with other work, two processes may get no more of it than one.
    """
    world = build("worlds", "digits:rollouts=2000")
    debate: Protocol = load("protocols", "debate")
    cast = cast_for(debate, world).cast
    episodes, loops = 512, 8

    def play(processes: int) -> None:
        list(rollout(debate, world, cast, episodes, width=64, processes=processes))

    def spin(processes: int) -> None:
        list(fork_map(_count, range(loops), processes))

    list(rollout(debate, world, cast, 2))  # train and compile
    two, one, spun_two, spun_one = take_turns(
        lambda: play(2), lambda: play(1), lambda: spin(2), lambda: spin(1), repeats=3
    )
    name = "searching debates/s, two processes and one"
    ceiling = "loops/s that only count, two processes and one"
    return [
        row(name, episodes / two, episodes / one, 1.8),
        row(ceiling, loops / spun_two, loops / spun_one, None),
    ]


def _count(_: int) -> int:
    return sum(range(5_000_000))


if __name__ == "__main__":
    if sys.argv[1:]:
        print(stream(int(sys.argv[1])))
    else:
        for found in rows():
            print(found)
