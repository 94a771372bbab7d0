"""Going back to a run on disk: its games replayed, shown, and judged anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from oversight.casting import Casting, cast_for
from oversight.controls import Arm
from oversight.core import OversightError
from oversight.episode import Episode
from oversight.fingerprints import check_files
from oversight.metrics.intervals import Interval
from oversight.players import Agent
from oversight.protocol import Protocol
from oversight.record import Record
from oversight.registry import load, suggest
from oversight.rejudge import rejudge
from oversight.runs import configuration, prepare
from oversight.store import Store, frame_of
from oversight.summary import Summary, as_json, difference, summarise, summary_as_json
from oversight.world import World


class Recorded(NamedTuple):
    """A run on disk, and the protocol and world it was played with."""

    store: Store
    protocol: Protocol
    world: World
    seed: int
    cast: Mapping[str, str]
    """Seat -> how the manifest names who sat there."""


class Rejudged(NamedTuple):
    """Recorded games before and after another judge decided them."""

    judge: str
    before: Summary
    after: Summary
    change: Interval | None
    """Accuracy after minus before, paired by case."""

    @property
    def failed(self) -> int:
        """Games that failed under the new judge."""
        return self.after.failed

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "judge": self.judge,
            "before": summary_as_json(self.before),
            "after": summary_as_json(self.after),
            "change": as_json(self.change),
        }


def reopen(directory: Path, arm: str = "main", data_dir: Path | None = None) -> Recorded:
    """A run's arm, with its protocol and world rebuilt from the manifest.

    OversightError where there is none, or a file that the world reads has changed since.
    """
    place = directory if (directory / "manifest.json").exists() else directory / arm
    if not (place / "manifest.json").exists():
        arms = sorted(path.parent.name for path in directory.glob("*/manifest.json"))
        raise OversightError(
            f"{directory} has no arm {suggest(arm, arms, 'arms')}"
            if arms
            else f"{directory} is not a run: it holds no manifest.json"
        )
    store = Store(place)
    held = store.manifest["configuration"]
    protocol = load("protocols", held["protocol"]).bind(**held["parameters"])
    world = load("worlds", held["world"])(**held["settings"])
    if data_dir is not None:
        world.data_dir = data_dir
    check_files(world, held)
    return Recorded(store, protocol, world, held["seed"], held["cast"])


def replayed(
    directory: Path, arm: str, episode: int, data_dir: Path | None = None
) -> tuple[Record, Episode]:
    """One recorded game, and the game itself as it stood at its end."""
    run = reopen(directory, arm, data_dir)
    records = {record.episode: record for record in run.store.records()}
    if episode not in records:
        raise OversightError(f"no episode {episode}; the run holds {len(records)}, from 0")
    record = records[episode]
    return record, Episode.replay(run.protocol, run.world, episode, run.seed, record.replies)


def rejudge_run(
    directory: Path, arm: str, judge: str, out: Path | None, data_dir: Path | None = None
) -> Rejudged:
    """Let another judge decide a run's recorded games."""
    run = reopen(directory, arm, data_dir)
    deciding = next((s for s, role in run.protocol.seats.items() if "decide" in role.acts), None)
    if deciding is None:
        raise OversightError(f"nobody decides in {run.protocol.name}; there is nothing to rejudge")
    before = run.store.records()
    casting = _cast_with(run, deciding, judge, episodes=len(before))
    decider = casting.cast[deciding]
    after = list(rejudge(run.protocol, run.world, before, decider, seed=run.seed))
    if not after:
        raise OversightError(f"{directory} holds no finished game to rejudge")
    if out is not None:
        names = {**run.cast, deciding: casting.names[deciding]}
        rejudged = Arm("main", run.protocol, dict.fromkeys(names, decider))
        with Store(out / "main", configuration(rejudged, run.world, names, run.seed)) as kept:
            done = kept.done
            for record in after:
                if record.episode not in done:
                    kept.append(record)
    old, new = frame_of(before), frame_of(after)
    return Rejudged(casting.names[deciding], summarise(old), summarise(new), difference(new, old))


def _cast_with(run: Recorded, deciding: str, judge: str, episodes: int) -> Casting:
    """The new judge; one that must prepare does so against the cast that was recorded."""
    casting = cast_for(run.protocol, run.world, judge=judge)
    if type(casting.cast[deciding]).prepare is not Agent.prepare:
        recorded = {seat: spec.partition("#")[0] for seat, spec in run.cast.items()}
        casting = cast_for(run.protocol, run.world, recorded, judge)
        prepare(run.protocol, run.world, casting.cast, episodes=episodes, seed=run.seed)
    return casting
