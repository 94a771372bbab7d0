"""What calls cost, by seat and model: counted as they are answered, in a file of the run's.

Every process of a run writes to the one file, and a resumed run goes on in it, so that its sums are
the run's. Prices are the user's: none are known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from oversight.core import OversightError
from oversight.models.database import Database
from oversight.models.model import Answer, Answering, Asked, Heard, Model, Prompt, Unanswered, Usage

FILE = "calls.sqlite"
VERSION = 1
SCHEMA = """
CREATE TABLE calls (
    seat TEXT, model TEXT,
    calls INTEGER, unanswered INTEGER,
    prompt INTEGER, completion INTEGER, cached INTEGER,
    seconds REAL, hits INTEGER, spared INTEGER,
    PRIMARY KEY (seat, model)
);
CREATE TABLE promised (
    caller TEXT PRIMARY KEY, price REAL
)
"""
ADD = """
INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    calls = calls + excluded.calls, unanswered = unanswered + excluded.unanswered,
    prompt = prompt + excluded.prompt, completion = completion + excluded.completion,
    cached = cached + excluded.cached, seconds = seconds + excluded.seconds,
    hits = hits + excluded.hits, spared = spared + excluded.spared
"""
MILLION = 1_000_000


class Prices(NamedTuple):
    """What a million tokens cost, in the user's currency."""

    prompt: float
    completion: float
    cached: float | None = None
    """Of a prompt's tokens that the provider knew; as any other of the prompt by default."""

    def of(self, usage: Usage) -> float:
        """The price of what was used."""
        cached = self.prompt if self.cached is None else self.cached
        spent = (
            (usage.prompt - usage.cached) * self.prompt
            + usage.cached * cached
            + usage.completion * self.completion
        )
        return spent / MILLION


class Entry(NamedTuple):
    """A seat's calls to a model."""

    seat: str
    model: str
    calls: int
    """All of them, those included that the cache of replies answered (`usage.hits`)."""
    unanswered: int
    usage: Usage

    def plus(self, other: Entry) -> Entry:
        """Both, under this seat and model."""
        return Entry(
            self.seat, self.model, self.calls + other.calls, self.unanswered + other.unanswered,
            self.usage.plus(other.usage),
        )  # fmt: skip


class Ledger:
    """The counts of one run, in one file.

    Args:
        path: the file, such as RUN/calls.sqlite.
        prices: model -> what its tokens cost.

    Errors: those of `Database`.
    """

    def __init__(self, path: Path, prices: Mapping[str, Prices] | None = None) -> None:
        self.path, self.prices = path, dict(prices or {})
        self._kept = Database(path, SCHEMA, VERSION, "ledger of calls")

    def add(self, entries: Iterable[Entry]) -> None:
        """Count calls that are over."""
        rows = [(*entry[:4], *entry.usage) for entry in entries]
        with self._kept.writing() as connection:
            connection.executemany(ADD, rows)

    @property
    def entries(self) -> list[Entry]:
        """By seat, then model."""
        with self._kept.connected() as connection:
            found = connection.execute("SELECT * FROM calls ORDER BY seat, model").fetchall()
        return [
            Entry(seat, model, calls, unanswered, Usage(*used))
            for seat, model, calls, unanswered, *used in found
        ]

    def price(self, entry: Entry) -> float | None:
        """What an entry cost; None for a model without prices."""
        prices = self.prices.get(entry.model)
        return None if prices is None else prices.of(entry.usage)

    @property
    def spent(self) -> float:
        """On all models that have prices."""
        return sum(self.price(entry) or 0.0 for entry in self.entries)

    def promise(self, caller: str, most: Sequence[float], limit: float) -> int | None:
        """How many of the next calls, in order, surely stay within the limit; those are promised.

        None if it is none now, but may be some when the calls that others promised are over. `most`
        is the most that each can cost. A caller promises afresh each time: the calls that it had
        promised before are over, and counted by then.
        """
        with self._kept.writing() as connection:
            connection.execute("DELETE FROM promised WHERE caller = ?", (caller,))
            [others] = connection.execute("SELECT TOTAL(price) FROM promised").fetchone()
            left = limit - self.spent - others
            promised, number = 0.0, 0
            for price in most:
                if promised + price > left:
                    break
                promised, number = promised + price, number + 1
            if promised:
                connection.execute("INSERT INTO promised VALUES (?, ?)", (caller, promised))
        return number if number or not others else None

    def forget_promises(self) -> None:
        """Of a run that was killed: nobody is calling now."""
        with self._kept.connected() as connection:
            connection.execute("DELETE FROM promised")

    def close(self) -> None:
        """Close this process's connections."""
        self._kept.close()


class Counted(Answering):
    """A model whose every call goes into a ledger, by the seat that asked.

    It wraps the cache of replies, so that what the cache spared is counted too.
    """

    def __init__(self, model: Model, ledger: Ledger) -> None:
        self.model, self.ledger = model, ledger
        self.name, self.revision = model.name, model.revision
        self.context, self.charged = model.context, model.charged

    def answer(self, asked: Sequence[Asked], heard: Heard) -> None:
        """As the model answers; what was paid is counted at once, what was spared at the end."""
        spared: dict[str, Entry] = {}

        def counted(place: int, answer: Answer) -> None:
            seat = asked[place].seat
            entry = Entry(seat, self.name, 1, int(isinstance(answer, Unanswered)), answer.usage)
            if answer.usage.hits:
                spared[seat] = spared[seat].plus(entry) if seat in spared else entry
            else:
                self.ledger.add([entry])
            heard(place, answer)

        try:
            self.model.answer(asked, counted)
        finally:
            if spared:
                self.ledger.add(spared.values())

    def count(self, prompt: Prompt) -> int:
        """As the model counts."""
        return self.model.count(prompt)

    def close(self) -> None:
        """Close the model; the ledger is the run's."""
        self.model.close()


def prices_from(texts: Iterable[str]) -> dict[str, Prices]:
    """Prices as a user writes them: MODEL=PROMPT/COMPLETION or MODEL=PROMPT/COMPLETION/CACHED.

    A million tokens each. MODEL is as in a spec, without its options.

    >>> prices_from(["openai:m@http://localhost:8000/v1=0.5/2"])
    {'openai:m@http://localhost:8000/v1': Prices(prompt=0.5, completion=2.0, cached=None)}

    Errors: OversightError for a text that is no such thing.
    """
    read: dict[str, Prices] = {}
    for text in texts:
        model, _, numbers = text.rpartition("=")
        try:
            values = [float(number) for number in numbers.split("/")]
        except ValueError:
            values = []
        if not model or len(values) not in (2, 3) or not all(0 <= one < MILLION for one in values):
            raise OversightError(
                "prices: write MODEL=PROMPT/COMPLETION or MODEL=PROMPT/COMPLETION/CACHED, for a "
                f"million tokens each, not {text!r}"
            )
        read[model] = Prices(*values)
    return read
