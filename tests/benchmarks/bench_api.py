"""Models behind an API, asked of a local server that answers after a fixed time.

The server is a process of its own. "Ideal" is that time, once for every wave of calls that the
limit on concurrency lets through; client and server need processor time beside it, so a busy
machine shows here first.
"""

from __future__ import annotations

import asyncio
import functools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oversight.agents.chat import ChatAgent
from oversight.core import View
from oversight.models.budget import Limited
from oversight.models.cache import Cached
from oversight.models.ledger import Counted, Ledger, Prices
from oversight.models.loop import submitted
from oversight.models.model import Completion, Model, Prompt, Request, Said, Sampling, Usage
from oversight.models.openai_api import OpenAI
from oversight.players import judge
from oversight.protocol import Protocol
from oversight.registry import build, load
from oversight.rollout import rollout
from oversight.world import World
from tests.benchmarks.measure import row, take_turns

CALLS = 200
DELAY = 0.05
"""Seconds after which the server answers."""
SLOW = 1.0
"""The same where a whole run is played: a hosted model takes seconds for an argument."""
DEBATES, ROUNDS = 20, 2
SAID = 2 * ROUNDS
"""Arguments in a debate."""


class Instant(Model):
    """Answers at once: what is left is the engine's own time."""

    name = "instant"
    charged = True

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """The same two words."""
        return [Completion("hello there", "stop", Usage(10, 2)) for _ in requests]

    def count(self, prompt: Prompt) -> int:
        """By the bytes."""
        return sum(len(said.text) for said in prompt) // 4


@judge
def undecided(view: View) -> Sequence[float]:
    """Costs nothing."""
    answers = len(view.question.answers)
    return (1 / answers,) * answers


def rows() -> list[dict[str, Any]]:
    """One entry a comparison; `holds` says whether `ratio` reaches `bar`; None has no bar."""
    return [*_calls(), *_overhead(), _cached()]


def _calls() -> list[dict[str, Any]]:
    """Bursts of calls against the ideal, and against the bare client doing the same."""
    found: list[dict[str, Any]] = []
    with _server(DELAY) as base:
        at_once, limited = OpenAI(f"m@{base}", concurrency=CALLS), OpenAI(f"m@{base}")
        bare, ours, waves = take_turns(
            lambda: _bare(at_once), lambda: at_once.generate(_requests()),
            lambda: limited.generate(_requests()),
        )  # fmt: skip
        ideal = -(-CALLS // limited.concurrency) * DELAY
        name = f"s for {CALLS} calls of {DELAY * 1000:.0f} ms"
        found = [
            row(f"{name}, all at once: ideal and ours", DELAY, ours, 1 / 1.5),
            row(f"{name}, all at once: aiohttp's own loop and ours", bare, ours, None),
            row(f"{name}, {limited.concurrency} at once: ideal and ours", ideal, waves, 1 / 1.5),
        ]
        at_once.close()
        limited.close()
    return found


def _overhead() -> list[dict[str, Any]]:
    """Processor milliseconds of ours for each call of a run: prompts, engine, and the accounts.

    Processor time, because what other programs take of a busy machine is not ours.
    """
    with tempfile.TemporaryDirectory() as directory:
        ledger = Ledger(Path(directory) / "calls.sqlite", {"instant": Prices(1, 1)})
        numbers = iter(range(1000))

        def accounted() -> None:
            cache = Path(directory) / f"{next(numbers)}.sqlite"
            model = Cached(Limited(Instant(), ledger, 1e6), cache)
            _play(Counted(model, ledger))

        plain, whole = (_processor_time(run) for run in (lambda: _play(Instant()), accounted))
        ledger.close()
    calls = DEBATES * SAID
    return [
        row("processor ms a call at most, and of the engine's own", 1, 1000 * whole / calls, 1),
        row("the same without cache, ledger and budget", 1, 1000 * plain / calls, None),
    ]


def _processor_time(run: Callable[[], object]) -> float:
    """The median of five, in seconds, after a first that does not count."""
    run()
    taken: list[float] = []
    for _ in range(5):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def _cached() -> dict[str, Any]:
    """A run, and the same run again with every reply in the cache."""
    with _server(SLOW) as base, tempfile.TemporaryDirectory() as directory:
        ledger = Ledger(Path(directory) / "calls.sqlite")

        def play() -> float:
            start = time.perf_counter()
            model = Cached(OpenAI(f"m@{base}"), Path(directory) / "replies.sqlite")
            _play(Counted(model, ledger))
            model.close()
            return time.perf_counter() - start

        _table()
        first, *again = [play() for _ in range(6)]
        ledger.close()
    name = f"runs/s of {DEBATES} debates, cached and at {SLOW:g} s a reply"
    return row(name, 1 / sorted(again)[len(again) // 2], 1 / first, 50)


def _play(model: Model) -> None:
    """Debates between two seats of the model, all under way at once."""
    world, debate = _table()
    chat = ChatAgent(model, world.material)
    cast = {"debater_0": chat, "debater_1": chat, "judge": undecided}
    for record in rollout(debate, world, cast, DEBATES):
        assert record.failure is None, record.failure


@functools.cache
def _table() -> tuple[World, Protocol]:
    """What is looked up and loaded once in a run."""
    world = build("worlds", "passages")
    world.case(0, 0)
    return world, load("protocols", "debate").bind(rounds=ROUNDS)


def _requests() -> list[Request]:
    prompt = (Said("system", "Be brief."), Said("user", "word " * 300))
    return [Request(prompt, Sampling(), key) for key in range(CALLS)]


def _bare(model: OpenAI) -> None:
    """The same calls by the client alone, with the model's own connections."""
    client = model._client  # pyright: ignore[reportPrivateUsage] — to race on the same sockets
    body = {"model": "m", "messages": [{"role": "user", "content": "word " * 300}]}

    async def one() -> None:
        path = f"{client.base}/chat/completions"
        pool = client._pool()  # pyright: ignore[reportPrivateUsage] — the same
        async with pool.post(path, data=json.dumps(body)) as response:
            json.loads(await response.read())

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(CALLS)))

    submitted(all_of_them()).result()


@contextmanager
def _server(delay: float) -> Generator[str]:
    command = [sys.executable, "-m", "tests.stubs.openai_server", str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # it is a pipe
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        process.terminate()


if __name__ == "__main__":
    for found in rows():
        print(found)
