"""Recorded games under another judge: the same arguments, a new verdict.

An episode is its replies, so every seat's replies are given again as recorded, except the verdicts,
which the new judge is asked for. What the judge asked during a game stays as it was: the arguments
answered those questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from oversight.core import OversightError
from oversight.episode import Episode, EpisodeFailed
from oversight.players import Agent
from oversight.protocol import Protocol
from oversight.record import Record, record_of
from oversight.rollout import WIDTH, ask
from oversight.spaces import Reply
from oversight.world import World


def rejudge(
    protocol: Protocol,
    world: World,
    records: Sequence[Record],
    judge: Agent,
    *,
    seed: int,
    width: int = WIDTH,
) -> Iterator[Record]:
    """Play each record again with `judge` deciding; games that had failed are left out.

    Errors: OversightError when the records belong to another protocol, world or seed.
    """
    waiting = iter([record for record in records if record.failure is None])
    while block := list(islice(waiting, width)):
        yield from _rejudge_block(protocol, world, block, judge, seed)


def _rejudge_block(
    protocol: Protocol, world: World, records: Sequence[Record], judge: Agent, seed: int
) -> Iterator[Record]:
    cast = dict.fromkeys(protocol.seats, judge)
    live = [(Episode(protocol, world, record.episode, seed), record) for record in records]
    while live:
        going: list[tuple[Episode, Record]] = []
        deciding: list[tuple[Episode, Record]] = []
        for episode, record in live:
            _check_same_case(episode, record)
            decides = episode.pending[0].act == "decide"
            (deciding if decides else going).append((episode, record))
        for episode, record in going:
            at, width = len(episode.replies), len(episode.pending)
            yield from _sent(episode, list(record.replies[at : at + width]))
        answers = ask(cast, [episode for episode, _ in deciding])
        for (episode, _), answer in zip(deciding, answers, strict=True):
            if isinstance(answer, EpisodeFailed):
                yield record_of(episode, answer)
                episode.pending = ()
            else:
                yield from _sent(episode, answer)
        live = [(episode, record) for episode, record in live if episode.pending]


def _sent(episode: Episode, replies: list[Reply]) -> Iterator[Record]:
    """Send the replies; the record, if that ended the game one way or the other."""
    try:
        episode.send(replies)
    except EpisodeFailed as failed:
        episode.pending = ()
        yield record_of(episode, failed)
    except ValueError as error:
        raise OversightError(
            f"the record of episode {episode.index} does not fit {episode.protocol.name}: {error}"
        ) from None
    if episode.outcome is not None:
        yield record_of(episode)


def _check_same_case(episode: Episode, record: Record) -> None:
    if episode.case.id != record.case:
        raise OversightError(
            f"episode {record.episode} was recorded on case {record.case}, but the world now gives "
            f"{episode.case.id}; use the world, the settings and the seed of the run"
        )
