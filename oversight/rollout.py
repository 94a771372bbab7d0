"""The engine: drives thousands of scripts at once, asking each agent once a round.

Pending turns are collected over all live episodes, grouped by agent, and each agent is called once
with its group. Width and number of processes decide the speed and nothing else: an episode depends
on its own keys alone.
"""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from oversight.core import OversightError, Turn
from oversight.episode import Episode, EpisodeFailed
from oversight.players import Agent, Cast
from oversight.pool import fork_map
from oversight.protocol import Protocol
from oversight.record import Record, record_of, record_of_nothing
from oversight.registry import suggest
from oversight.spaces import Reply
from oversight.world import World

WIDTH = 1024
"""Episodes under way at once: enough to batch well, few enough to stay in cache."""


def rollout(
    protocol: Protocol,
    world: World,
    cast: Cast,
    episodes: int | Iterable[int],
    *,
    seed: int = 0,
    width: int = WIDTH,
    processes: int = 1,
) -> Iterator[Record]:
    """Play episodes and yield their records as they finish (sort by `.episode` for their order).

    Args:
        protocol: with its parameters bound.
        world: one that has the abilities the protocol needs.
        cast: an agent for every seat; seats that share an agent are asked together.
        episodes: how many, or which episode numbers.
        seed: the root of every key.
        width: how many episodes are under way at once, in each process.
        processes: 1 plays here; more fork workers.

    Raises:
        OversightError: a misfit of protocol and world, an empty seat, or a bad number. An agent
            that raises or replies illegally fails its own episode only; see `Record.failure`.
    """
    check_fit(protocol, world)
    check_cast(protocol, cast)
    if isinstance(episodes, int):
        if episodes < 1:
            raise OversightError(f"episodes must be at least 1, got {episodes}")
        episodes = range(episodes)
    if width < 1 or processes < 1:
        raise OversightError(f"width and processes must be at least 1, got {width}, {processes}")
    if processes == 1:
        return _play(protocol, world, cast, iter(episodes), seed, width)
    return _share_out(protocol, world, cast, list(episodes), seed, width, processes)


def check_fit(protocol: Protocol, world: World) -> None:
    """OversightError unless the world has what the protocol needs."""
    missing = protocol.missing(world)
    if missing:
        from oversight.catalogue import worlds_that_fit

        fitting = ", ".join(worlds_that_fit(protocol)) or "none registered"
        raise OversightError(
            f"{protocol.name} cannot be played on {world.name}: it is not {', '.join(missing)}; "
            f"worlds that fit: {fitting}"
        )


def check_cast(protocol: Protocol, cast: Cast) -> None:
    """OversightError unless every seat is taken and nobody sits where there is no seat."""
    seats = protocol.seats
    for seat in cast:
        if seat not in seats:
            raise OversightError(f"{protocol.name} has no seat {suggest(seat, seats, 'seats')}")
    empty = [seat for seat in seats if seat not in cast]
    if empty:
        raise OversightError(f"nobody sits at {', '.join(empty)}; give each seat an agent")


def _share_out(
    protocol: Protocol,
    world: World,
    cast: Cast,
    indices: list[int],
    seed: int,
    width: int,
    processes: int,
) -> Iterator[Record]:
    """Play the first episode here: the workers inherit what it loads, trains and compiles."""
    yield from _play(protocol, world, cast, iter(indices[:1]), seed, width)
    rest = indices[1:]
    block = max(1, min(width, -(-len(rest) // (4 * processes))))

    def play_block(start: int) -> list[Record]:
        return list(_play(protocol, world, cast, iter(rest[start : start + block]), seed, width))

    for records in fork_map(play_block, range(0, len(rest), block), processes):
        yield from records


def _play(
    protocol: Protocol, world: World, cast: Cast, indices: Iterator[int], seed: int, width: int
) -> Iterator[Record]:
    live: list[Episode] = []
    with _quiet_collector():
        while True:
            for index in islice(indices, width - len(live)):
                episode = _begin(protocol, world, index, seed)
                if isinstance(episode, Record):
                    yield episode
                else:
                    live.append(episode)
            if not live:
                return
            going: list[Episode] = []
            for episode, replies in zip(live, ask(cast, live), strict=True):
                record = _proceed(episode, replies)
                if record is None:
                    going.append(episode)
                else:
                    yield record
            live = going


def _begin(protocol: Protocol, world: World, index: int, seed: int) -> Episode | Record:
    """An episode under way; its record if it ends, or breaks, before anybody is asked."""
    try:
        episode = Episode(protocol, world, index, seed)
    except OversightError:
        raise
    except Exception as error:
        reason = f"{protocol.name} on {world.name} raised {type(error).__name__}: {error}"
        return record_of_nothing(index, EpisodeFailed("script", "begin", 0, reason))
    return episode if episode.outcome is None else record_of(episode)


def _proceed(episode: Episode, replies: list[Reply] | EpisodeFailed) -> Record | None:
    """Send the replies; the record if the episode ended or failed."""
    if isinstance(replies, EpisodeFailed):
        return record_of(episode, replies)
    turn = episode.pending[0]
    try:
        episode.send(replies)
    except EpisodeFailed as failed:
        return record_of(episode, failed)
    except OversightError:
        raise
    except Exception as error:  # the script itself broke: that too costs one episode only
        reason = f"{episode.protocol.name} raised {type(error).__name__}: {error}"
        return record_of(episode, EpisodeFailed(turn.seat, turn.act, turn.number, reason))
    return None if episode.outcome is None else record_of(episode)


def ask(cast: Cast, live: Sequence[Episode]) -> list[list[Reply] | EpisodeFailed]:
    """Ask every agent once for all its pending turns; what each episode was replied, or why not."""
    groups: dict[int, tuple[Agent, list[Turn], list[tuple[int, int]]]] = {}
    by_seat = {seat: groups.setdefault(id(agent), (agent, [], [])) for seat, agent in cast.items()}
    answers: list[list[Reply] | EpisodeFailed] = []
    for place, episode in enumerate(live):
        for slot, turn in enumerate(episode.pending):
            _, turns, places = by_seat[turn.seat]
            turns.append(turn)
            places.append((place, slot))
        empty: list[Reply] = [None] * len(episode.pending)
        answers.append(empty)
    for agent, turns, places in groups.values():
        if not turns:
            continue
        for (place, slot), reply in zip(places, _replies(agent, turns), strict=True):
            answer = answers[place]
            if isinstance(reply, EpisodeFailed):
                answers[place] = reply
            elif not isinstance(answer, EpisodeFailed):
                answer[slot] = reply
    return answers


def _replies(agent: Agent, turns: list[Turn]) -> Sequence[Reply | EpisodeFailed]:
    """The agent's replies; if the batch breaks, each turn alone, so that one costs one episode."""
    try:
        replies = agent.act(turns)
        if len(replies) == len(turns):
            return replies
        problem = f"{agent.label} gave {len(replies)} replies to {len(turns)} turns"
    except OversightError:
        raise  # the user can mend it: that stops the run rather than failing every episode
    except Exception as error:
        problem = f"{agent.label} raised {type(error).__name__}: {error}"
    if len(turns) > 1:
        return [_replies(agent, [turn])[0] for turn in turns]
    turn = turns[0]
    return [EpisodeFailed(turn.seat, turn.act, turn.number, problem)]


@contextmanager
def _quiet_collector() -> Generator[None]:
    """Keep the garbage collector from walking millions of small live objects over and over."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 10, 10)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
