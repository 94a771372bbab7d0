"""A run: a protocol on a world with a cast, its controls beside it, on disk and resumable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from oversight import controls as beside
from oversight.accounts import Calls, joined
from oversight.casting import Named, cast_for
from oversight.controls import Arm, Budget
from oversight.core import OversightError
from oversight.fingerprints import fingerprints
from oversight.models.ledger import Prices
from oversight.players import Agent, Cast
from oversight.protocol import Protocol
from oversight.record import Record
from oversight.registry import build, load
from oversight.rollout import WIDTH, check_cast, check_fit, rollout
from oversight.store import Store, frame_of
from oversight.summary import Comparison, compare
from oversight.world import World

MAIN = "main"

Progress = Callable[[str, int, int], None]
"""`(arm, episodes done, episodes)`, called as episodes finish."""


class RunResult(NamedTuple):
    """What a run and its controls gave."""

    comparison: Comparison
    frames: Mapping[str, pd.DataFrame]
    """Arm name -> its episodes; "main" is the run itself."""
    calls: Sequence[Calls] = ()
    """To language models, by seat: what `simulate` counts."""

    @property
    def failed(self) -> int:
        """Failed episodes over all arms."""
        return sum(int(frame["failure"].notna().sum()) for frame in self.frames.values())


class Effort(NamedTuple):
    """How a run is carried out; nothing here changes an episode."""

    width: int = WIDTH
    processes: int = 1


USUAL = Effort()


def run(
    protocol: Protocol,
    world: World,
    cast: Cast,
    *,
    episodes: int,
    seed: int = 0,
    out: Path | None = None,
    controls: bool = True,
    effort: Effort = USUAL,
    progress: Progress | None = None,
    names: Mapping[str, str] | None = None,
) -> RunResult:
    """Play a protocol and the controls beside it on the same cases, and compare them.

    Args:
        protocol: with its parameters bound.
        world: where the cases come from.
        cast: who sits where.
        episodes: how many games an arm; game i is played on the same case in every arm.
        seed: the root of all luck.
        out: a directory to keep the episodes in, an arm a folder; an interrupted run goes on where
            it stopped. None keeps them in memory only.
        controls: whether to play the controls as well.
        effort: width and processes.
        progress: told as episodes finish.
        names: seat -> how the manifest names who sits there; by default the agent's label.

    Raises:
        OversightError: a misfit, an empty seat, a number out of range, or a directory that holds
            another run or cannot be written.
    """
    check_fit(protocol, world)
    check_cast(protocol, cast)
    if episodes < 1:
        raise OversightError(f"episodes must be at least 1, got {episodes}")
    prepare(protocol, world, cast, episodes=episodes, seed=seed)
    called = dict(names or {seat: agent.label for seat, agent in cast.items()})

    def play(arm: Arm) -> pd.DataFrame:
        store = None
        if out is not None:
            store = Store(out / arm.name, configuration(arm, world, called, seed))
        return play_arm(arm, world, episodes, seed, store, effort, progress)

    frames = {MAIN: play(Arm(MAIN, protocol, cast))}
    if controls:
        played = frames[MAIN][frames[MAIN]["failure"].isna()]
        if not played.empty:
            budget = Budget(int(played["arguments"].max()), int(played["claims"].max()))
            for arm in beside.controls(protocol, world, cast, budget):
                frames[arm.name] = play(arm)
    main, *others = frames
    return RunResult(compare(frames[main], {name: frames[name] for name in others}), frames)


def simulate(
    protocol: str | Protocol,
    world: str | World,
    *,
    agents: Mapping[str, Named] | None = None,
    judge: Named | None = None,
    episodes: int = 100,
    seed: int = 0,
    out: Path | None = None,
    controls: bool = True,
    effort: Effort = USUAL,
    prices: Mapping[str, Prices] | None = None,
    max_cost: float | None = None,
    cache: bool = True,
    **parameters: Any,
) -> RunResult:
    """`run` by name: what `oversight run` does, from Python.

    `agents` and `judge` are specs or objects (see `casting.cast_for`); `parameters` are the
    protocol's own. `prices` (model -> what a million tokens cost), `max_cost` and `cache` (whether
    models' replies are read back and kept) are as in `oversight run`; calls to language models are
    in the result. Within an account that is open (`accounts.opened`), and without these, it is that
    account that pays and its calls that are told. The other arguments and the errors are those of
    `run`, and CostReached before calls cost more than `max_cost`.
    """
    chosen = load("protocols", protocol) if isinstance(protocol, str) else protocol
    chosen = chosen.bind(**parameters)
    place = build("worlds", world) if isinstance(world, str) else world
    with joined(out, prices=prices, cached=cache, limit=max_cost) as account:
        casting = cast_for(chosen, place, agents, judge)
        found = run(
            chosen, place, casting.cast, episodes=episodes, seed=seed, out=out, controls=controls,
            effort=effort, names=casting.names,
        )  # fmt: skip
        return found._replace(calls=account.calls)


def play_arm(
    arm: Arm,
    world: World,
    episodes: int,
    seed: int,
    store: Store | None = None,
    effort: Effort = USUAL,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Play the episodes that the store does not hold yet; all of them, in order, as a frame."""
    done = store.done if store is not None else set[int]()
    left = [index for index in range(episodes) if index not in done]
    finished = episodes - len(left)
    if progress is not None:
        progress(arm.name, finished, episodes)
    if left:
        records = rollout(
            arm.protocol, world, arm.cast, left, seed=seed,
            width=effort.width, processes=effort.processes,
        )  # fmt: skip
        if store is None:
            return frame_of(list(_counted(records, arm.name, finished, episodes, progress)))
        with store:
            for record in _counted(records, arm.name, finished, episodes, progress):
                store.append(record)
    assert store is not None  # nothing was done without one
    frame = store.frame()
    return frame[frame["episode"] < episodes].reset_index(drop=True)


def _counted(
    records: Iterator[Record], name: str, finished: int, episodes: int, progress: Progress | None
) -> Iterator[Record]:
    for record in records:
        yield record
        finished += 1
        if progress is not None:
            progress(name, finished, episodes)


def prepare(protocol: Protocol, world: World, cast: Cast, *, episodes: int, seed: int) -> None:
    """Let every agent prepare on games of this very kind, over cases that the run will not see.

    A world of finite size lends its last cases, an endless one other cases by another seed.
    """

    def rehearse(judge: Agent, games: int) -> Sequence[Record]:
        seats = protocol.seats
        stand_in = {s: judge if "decide" in seats[s].acts else cast[s] for s in seats}
        if world.size is None:
            return list(rollout(protocol, world, stand_in, games, seed=seed + 1))
        if episodes + games > world.size:
            raise OversightError(
                f"{judge.label} prepares on {games} cases apart from the run's {episodes}, and "
                f"{world.name} has {world.size}; ask for fewer of either"
            )
        apart = range(world.size - games, world.size)
        return list(rollout(protocol, world, stand_in, apart, seed=seed))

    for agent in {id(agent): agent for agent in cast.values()}.values():
        agent.prepare(rehearse)


def configuration(arm: Arm, world: World, names: Mapping[str, str], seed: int) -> dict[str, Any]:
    """What makes an arm's episodes what they are: resuming asks for the same, to the letter.

    Seats whose replies may differ another time (people, language models) are named: what is
    promised for them is replay from the recorded replies. Files that the world reads are named
    with what they held.
    """
    read = fingerprints(world)
    fleeting = sorted(seat for seat, agent in arm.cast.items() if not agent.replayable)
    return {
        "arm": arm.name,
        "protocol": arm.protocol.name,
        "parameters": arm.protocol.settings,
        "world": world.name,
        "settings": dict(world.settings),
        **({"files": read} if read else {}),
        "cast": {seat: names.get(seat, agent.label) for seat, agent in arm.cast.items()},
        "seed": seed,
        **({"not_replayable": fleeting} if fleeting else {}),
    }
