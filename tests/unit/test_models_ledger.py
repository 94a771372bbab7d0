"""What calls cost, counted by seat; and a limit on it that is held before a call is paid."""

import os
import pickle
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from oversight.agents.chat import ChatAgent
from oversight.core import OversightError, View
from oversight.models.budget import CostReached, Limited, at_most, expected
from oversight.models.cache import Cached
from oversight.models.ledger import Counted, Entry, Ledger, Prices, prices_from
from oversight.models.model import (
    Answering,
    Asked,
    Completion,
    Heard,
    Options,
    Prompt,
    Request,
    Said,
    Sampling,
    Scores,
    Unanswered,
    Usage,
)
from oversight.players import judge
from oversight.pool import fork_map
from oversight.registry import build, load
from oversight.runs import Effort, run

PROMPT = (Said("system", "é" * 50), Said("user", "Who?"))  # 104 bytes in two messages
MOST = 104 + 2 * 32 + 256  # tokens, as `at_most` reckons


class Paid(Answering):
    """Every reply takes 100 tokens of prompt, 40 of them known, and 10 of reply."""

    name = "paid"
    charged = True

    def __init__(self) -> None:
        self.batches: list[list[Asked]] = []

    def answer(self, asked: Sequence[Asked], heard: Heard) -> None:
        self.batches.append(list(asked))
        for place, one in enumerate(asked):
            if isinstance(one, Options):
                heard(place, Scores((-1.0,), Usage(50, 1, 0, 0.25)))
            elif one.key < 0:
                heard(place, Unanswered("busy", Usage(100)))
            else:
                heard(place, Completion("yes", "stop", Usage(100, 10, 40, 0.5)))

    def count(self, prompt: Prompt) -> int:
        return 30

    @property
    def calls(self) -> int:
        return sum(map(len, self.batches))


class Free(Paid):
    name = "free"
    charged = False


def asks(number: int, seat: str = "judge", begin: int = 0) -> list[Request]:
    return [Request(PROMPT, Sampling(20), key, seat) for key in range(begin, begin + number)]


def test_calls_are_counted_by_seat_and_model(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "calls.sqlite")
    paid, free = Counted(Paid(), ledger), Counted(Free(), ledger)
    paid.generate([*asks(2, "judge"), *asks(1, "debater_0")])
    paid.generate([Request(PROMPT, Sampling(), -1, "judge")])
    paid.score([Options(PROMPT, ("A",), "judge")])
    free.generate(asks(1, "judge"))
    assert ledger.entries == [
        Entry("debater_0", "paid", 1, 0, Usage(100, 10, 40, 0.5)),
        Entry("judge", "free", 1, 0, Usage(100, 10, 40, 0.5)),
        Entry("judge", "paid", 4, 1, Usage(350, 21, 80, 1.25)),
    ]


def test_a_ledger_goes_on_where_an_earlier_one_stopped(tmp_path: Path) -> None:
    for _ in range(2):
        ledger = Ledger(tmp_path / "calls.sqlite")
        Counted(Paid(), ledger).generate(asks(3))
        ledger.close()
    [entry] = Ledger(tmp_path / "calls.sqlite").entries
    assert (entry.calls, entry.usage.prompt) == (6, 600)


def test_what_the_cache_spared_is_counted_apart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "calls.sqlite")
    model = Counted(Cached(Paid(), tmp_path / "replies.sqlite"), ledger)
    model.generate(asks(2))
    model.generate([*asks(3), *asks(1, "debater_0")])
    debater, judge = ledger.entries
    assert (debater.calls, debater.usage.hits, debater.usage.prompt) == (1, 1, 0)
    assert judge.calls == 5
    assert judge.usage._replace(seconds=0) == Usage(300, 30, 120, 0, hits=2, spared=220)


def test_counts_of_forked_workers_come_home(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "calls.sqlite")
    model = Counted(Paid(), ledger)
    model.generate(asks(1))  # the parent's connection is there before the fork

    def work(key: int) -> int:
        model.generate(asks(5, f"seat_{key % 3}", key))
        return os.getpid()

    workers = set(fork_map(work, range(60), 3))
    assert os.getpid() not in workers
    assert [(entry.seat, entry.calls) for entry in ledger.entries] == [
        ("judge", 1), ("seat_0", 100), ("seat_1", 100), ("seat_2", 100)
    ]  # fmt: skip


def test_prices_are_for_a_million_tokens_and_known_ones_may_cost_less() -> None:
    usage = Usage(prompt=1_000_000, completion=100_000, cached=400_000)
    assert Prices(2, 10).of(usage) == pytest.approx(2 + 1)
    assert Prices(2, 10, 0.5).of(usage) == pytest.approx(1.2 + 0.2 + 1)


def test_only_what_has_prices_is_priced(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "calls.sqlite", {"paid": Prices(1000, 10_000, 0)})
    Counted(Paid(), ledger).generate(asks(2))
    Counted(Free(), ledger).generate(asks(2))
    assert [ledger.price(entry) for entry in ledger.entries] == [None, pytest.approx(0.32)]
    assert ledger.spent == pytest.approx(0.32)  # 2 x (60 x 0.001 + 10 x 0.01)


@pytest.mark.parametrize(
    "text", ["m", "m=", "=1/2", "m=1", "m=1/x", "m=-1/2", "m=1/nan", "m=1/2/3/4"]
)
def test_prices_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(OversightError, match="write MODEL=PROMPT/COMPLETION"):
        prices_from([text])


def test_a_damaged_ledger_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "calls.sqlite").write_bytes(b"nonsense " * 1000)
    with pytest.raises(OversightError, match=r"ledger of calls .* move it away"):
        Ledger(tmp_path / "calls.sqlite")


def limited(path: Path, limit: float, model: Paid | None = None) -> tuple[Paid, Counted, Ledger]:
    """A token of either kind costs 0.001: a call costs 0.11, and MOST + 20 tokens at most."""
    model = model or Paid()
    ledger = Ledger(path / "calls.sqlite", {"paid": Prices(1000, 1000)})
    inner = Limited(model, ledger, limit)
    return model, Counted(Cached(inner, path / "replies.sqlite"), ledger), ledger


def test_the_most_that_a_call_can_take() -> None:
    [request] = asks(1)
    assert at_most(request) == Usage(MOST, 20)
    assert at_most(Options(PROMPT, ("A", "é"))) == Usage(2 * MOST + 3, 2)


def test_a_dry_run_reckons_by_the_models_count() -> None:
    found = expected(Paid(), [*asks(2), Options(PROMPT, ("A",))])
    assert (found.prompt, found.completion) == (90, 41)


def test_a_limit_that_is_far_off_changes_nothing(tmp_path: Path) -> None:
    model, counted, _ = limited(tmp_path, 100.0)
    counted.generate(asks(50))
    assert [len(batch) for batch in model.batches] == [50]


def test_the_run_stops_before_the_limit_and_keeps_what_it_paid_for(tmp_path: Path) -> None:
    """0.444 at most and 0.11 in fact: of 2.0, calls are sent 4, 3, 2, 2, 1, 1, 1, 1 at once."""
    model, counted, ledger = limited(tmp_path, 2.0)
    with pytest.raises(CostReached, match=r"may cost up to 0.44 and 1.65 of 2 is spent"):
        counted.generate(asks(100))
    assert [len(batch) for batch in model.batches] == [4, 3, 2, 2, 1, 1, 1, 1]
    assert ledger.spent == pytest.approx(1.65)
    [entry] = ledger.entries
    assert entry.calls == 15


def test_a_stopped_run_goes_on_under_a_higher_limit_without_paying_twice(tmp_path: Path) -> None:
    with pytest.raises(CostReached):
        limited(tmp_path, 2.0)[1].generate(asks(20))
    model, counted, ledger = limited(tmp_path, 4.0)
    found = counted.generate(asks(20))
    assert [each.usage.hits for each in found] == [1] * 15 + [0] * 5
    assert model.calls == 5
    assert ledger.spent == pytest.approx(20 * 0.11)


def test_what_is_known_is_read_though_nothing_is_left_to_spend(tmp_path: Path) -> None:
    limited(tmp_path, 100.0)[1].generate(asks(10))
    model, counted, _ = limited(tmp_path, 0.0)
    assert len(counted.generate(asks(10))) == 10
    with pytest.raises(CostReached):
        counted.generate(asks(11))
    assert model.calls == 0


def test_processes_together_stay_within_the_limit(tmp_path: Path) -> None:
    _, counted, ledger = limited(tmp_path, 5.0)

    def work(number: int) -> bool:
        try:
            counted.generate(asks(8, begin=100 * number))
        except CostReached:
            return False
        return True

    assert not all(fork_map(work, range(12), 3))
    assert 5 - (MOST + 20) / 1000 < ledger.spent <= 5  # as near as one process comes


def test_a_promise_of_a_killed_run_is_forgotten_and_of_others_is_not(tmp_path: Path) -> None:
    _, _, ledger = limited(tmp_path, 1.0)
    assert ledger.promise("one", [0.6, 0.6], 1.0) == 1
    assert ledger.promise("other", [0.6], 1.0) is None  # wait and see
    assert ledger.promise("other", [0.3], 1.0) == 1
    ledger.promise("one", [], 1.0)
    assert ledger.promise("other", [0.6], 1.0) == 1  # and then it is killed
    model, counted, _ = limited(tmp_path, 1.0)
    counted.generate(asks(2))
    assert [len(batch) for batch in model.batches] == [2]


def test_a_call_that_broke_promises_nothing_any_more(tmp_path: Path) -> None:
    class Broken(Paid):
        def answer(self, asked: Sequence[Asked], heard: Heard) -> None:
            raise KeyboardInterrupt

    _, counted, ledger = limited(tmp_path, 1.0, Broken())
    with pytest.raises(KeyboardInterrupt):
        counted.generate(asks(2))
    assert ledger.promise("another", [1.0], 1.0) == 1


def test_a_limit_needs_the_prices_of_what_may_charge(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "calls.sqlite")
    with pytest.raises(OversightError, match=r"needs the prices of paid.*paid=PROMPT/COMPLETION"):
        Limited(Paid(), ledger, 1.0)
    with pytest.raises(OversightError, match="cannot be negative"):
        Limited(Free(), ledger, -1.0)
    free = Free()
    Limited(free, ledger, 0.0).generate(asks(3))
    assert free.calls == 3


def test_it_travels_to_other_processes(tmp_path: Path) -> None:
    _, counted, ledger = limited(tmp_path, 10.0)
    pickle.loads(pickle.dumps(counted)).generate(asks(2))
    assert ledger.entries[0].calls == 2


class Arguing(Paid):
    """Says something legal that hangs on the request alone; its calls are tallied in a file."""

    def __init__(self, tally: Path) -> None:
        super().__init__()
        self.tally = tally

    def answer(self, asked: Sequence[Asked], heard: Heard) -> None:
        for place, one in enumerate(asked):
            assert isinstance(one, Request)
            with self.tally.open("a") as file:
                file.write(f"{one.key}\n")
            heard(place, Completion(f"Because of {one.key}.", "stop", Usage(100, 10)))

    def paid(self) -> list[str]:
        return self.tally.read_text().split()


@judge
def undecided(view: View) -> Sequence[float]:
    """Costs nothing."""
    return [1 / len(view.question.answers)] * len(view.question.answers)


def played(path: Path, limit: float, processes: int) -> pd.DataFrame:
    model = Arguing(path / "tally")
    ledger = Ledger(path / "calls.sqlite", {"paid": Prices(1000, 1000)})
    inner = Limited(model, ledger, limit)
    speaker = Counted(Cached(inner, path / "replies.sqlite"), ledger)
    world, debate = build("worlds", "passages"), load("protocols", "debate").bind(rounds=2)
    chat = ChatAgent(speaker, world.material)
    cast = {"debater_0": chat, "debater_1": chat, "judge": undecided}
    return run(
        debate, world, cast, episodes=24, out=path / "run", controls=False,
        effort=Effort(width=4, processes=processes),
    ).frames["main"]  # fmt: skip


@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_that_reached_its_limit_goes_on_and_ends_as_if_it_had_not(
    processes: int, tmp_path: Path
) -> None:
    """Three times under a limit, then without: each call of 24 debates is paid for once."""
    for limit in (3.0, 5.0, 7.0):
        with pytest.raises(CostReached, match=f"of {limit:g} is spent"):
            played(tmp_path, limit, processes)
        assert Ledger(tmp_path / "calls.sqlite", {"paid": Prices(1000, 1000)}).spent <= limit
    ended = played(tmp_path, 1e6, processes)
    paid = Arguing(tmp_path / "tally").paid()
    assert len(paid) == len(set(paid)) == 24 * 4
    straight = played(tmp_path / "straight", 1e6, 1)
    assert ended["failure"].isna().all()
    assert list(ended["transcript"]) == list(straight["transcript"])
    assert {e.seat: e.usage.prompt for e in Ledger(tmp_path / "calls.sqlite").entries} == {
        "debater_0": 4800, "debater_1": 4800
    }  # fmt: skip
