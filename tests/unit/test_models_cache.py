"""Replies kept on disk: under what, by how many at once, and through what interruptions."""

import multiprocessing
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from oversight.core import OversightError
from oversight.models.cache import FILE, Cached
from oversight.models.database import Database
from oversight.models.model import (
    Answer,
    Answering,
    Asked,
    Completion,
    Heard,
    Model,
    Options,
    Prompt,
    Request,
    Said,
    Sampling,
    Scores,
    Unanswered,
    Usage,
)
from oversight.models.openai_api import OpenAI
from tests.stubs.openai_server import said, served

PROMPT = (Said("user", "Who hosted the fair?"),)


class Counting(Answering):
    """Says who is asked for the how-manieth time; counts what reaches it."""

    def __init__(self, name: str = "counting", revision: str = "1") -> None:
        self.name, self.revision = name, revision
        self.asked: list[Asked] = []

    def answer(self, asked: Sequence[Asked], heard: Heard) -> None:
        for place, one in enumerate(asked):
            self.asked.append(one)
            heard(place, self.one(one))

    def one(self, one: Asked) -> Answer:
        if isinstance(one, Options):
            return Scores((-0.1, -2.5), Usage(20, 2))
        return Completion(f"reply {len(self.asked)}", "length", Usage(10, 3, 4, 0.5))

    def count(self, prompt: Prompt) -> int:
        return len(prompt)


class Failing(Counting):
    def one(self, one: Asked) -> Answer:
        return Unanswered("busy", Usage(5, 0))


def request(
    key: int = 1, prompt: Prompt = PROMPT, seat: str = "judge", **sampling: float
) -> Request:
    return Request(prompt, Sampling(**sampling), key, seat)  # pyright: ignore[reportArgumentType] — the test names the fields


def text_of(found: Answer) -> str:
    assert isinstance(found, Completion), found
    return found.text


def test_what_is_known_is_read_back_as_it_was_and_costs_nothing(tmp_path: Path) -> None:
    model = Counting()
    options = Options(PROMPT, (" A", " B"))
    first = Cached(model, tmp_path / "r.sqlite")
    [reply], [scores] = first.generate([request()]), first.score([options])
    assert (reply.usage, scores.usage) == (Usage(10, 3, 4, 0.5), Usage(20, 2))
    again = Cached(Counting(), tmp_path / "r.sqlite")
    [read], [scored] = again.generate([request()]), again.score([options])
    assert read == Completion("reply 1", "length", read.usage)
    assert scored == Scores((-0.1, -2.5), scored.usage)
    assert read.usage._replace(seconds=0) == Usage(hits=1, spared=13)
    assert scored.usage._replace(seconds=0) == Usage(hits=1, spared=22)
    assert 0 < read.usage.seconds < 1


@pytest.mark.parametrize(
    "other",
    [
        request(key=2),
        request(tokens=255),
        request(temperature=0.9),
        request(top_p=0.9),
        Request(PROMPT, Sampling(stop=("x",)), 1),
        request(prompt=(Said("system", "Who hosted the fair?"),)),
        request(prompt=(*PROMPT, Said("assistant", "It"))),
        Options(PROMPT, ("1",)),
    ],
)
def test_all_that_changes_a_reply_is_in_its_key(other: Asked, tmp_path: Path) -> None:
    model = Counting()
    cached = Cached(model, tmp_path / "r.sqlite")
    cached.answer([request()], lambda place, answer: None)
    cached.answer([other], lambda place, answer: None)
    assert model.asked == [request(), other]


def test_another_model_or_revision_is_asked_anew_and_another_seat_is_not(tmp_path: Path) -> None:
    models = [Counting(), Counting(revision="2"), Counting(name="other")]
    for model in models:
        Cached(model, tmp_path / "r.sqlite").generate([request()])
    assert [len(model.asked) for model in models] == [1, 1, 1]
    Cached(models[0], tmp_path / "r.sqlite").generate([request(seat="debater_0")])
    assert len(models[0].asked) == 1


def test_only_the_unknown_are_asked_and_each_once(tmp_path: Path) -> None:
    model = Counting()
    cached = Cached(model, tmp_path / "r.sqlite")
    cached.generate([request(1), request(3)])
    found = cached.generate([request(key) for key in (1, 2, 3, 2, 4)])
    assert [text_of(each) for each in found] == [f"reply {n}" for n in (1, 3, 2, 3, 4)]
    assert [each.usage.hits for each in found] == [1, 0, 1, 1, 0]
    assert len(model.asked) == 4


def test_what_went_unanswered_is_asked_again(tmp_path: Path) -> None:
    failing, model = Failing(), Counting()
    found = Cached(failing, tmp_path / "r.sqlite").generate([request(), request()])
    assert found == [Unanswered("busy", Usage(5, 0)), Unanswered("busy")]  # one call was made
    assert text_of(Cached(model, tmp_path / "r.sqlite").generate([request()])[0]) == "reply 1"


def test_every_answer_is_kept_before_the_next_one_is_there(tmp_path: Path) -> None:
    class Breaking(Counting):
        def one(self, one: Asked) -> Answer:
            if len(self.asked) == 3:
                raise KeyboardInterrupt
            return super().one(one)

    with pytest.raises(KeyboardInterrupt):
        Cached(Breaking(), tmp_path / "r.sqlite").generate([request(key) for key in range(5)])
    model = Counting()
    Cached(model, tmp_path / "r.sqlite").generate([request(key) for key in range(5)])
    assert [one.key for one in model.asked if isinstance(one, Request)] == [2, 3, 4]


def test_ctrl_c_and_resume_pay_for_nothing_twice(tmp_path: Path) -> None:
    """A process is interrupted in the midst of 40 calls, and run again to the end."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from oversight.models.cache import Cached\n"
        "from oversight.models.model import Request, Said, Sampling\n"
        "from oversight.models.openai_api import OpenAI\n"
        "model = Cached(OpenAI(f'm@{sys.argv[1]}', concurrency=4), Path(sys.argv[2]))\n"
        "asked = [Request((Said('user', 'Who?'),), Sampling(), key) for key in range(40)]\n"
        "print(len(model.generate(asked)))\n"
    )
    with served(lambda _: said("Ada.", delay=0.05)) as server:
        command = [sys.executable, "-c", program, server.base, str(tmp_path / "r.sqlite")]
        first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while len(server.calls) < 10:
            assert first.poll() is None
            threading.Event().wait(0.01)
        first.send_signal(signal.SIGINT)
        _, error = first.communicate(timeout=20)
        assert error.rstrip().endswith("KeyboardInterrupt")
        paid = len(server.calls)
        second = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
        keys = [call.body["seed"] for call in server.calls]
    assert 10 <= paid < 40
    assert second.stdout == "40\n"
    assert sorted(keys) == list(range(40))


def _ask_all(
    path: Path, base: str, start: int, said_back: "multiprocessing.Queue[list[str]]"
) -> None:
    model = Cached(OpenAI(f"m@{base}", concurrency=4), path)
    keys = [*range(start, 60), *range(start)]
    found = dict(zip(keys, model.generate([request(key) for key in keys]), strict=True))
    said_back.put([text_of(found[key]) for key in range(60)])


def test_processes_that_share_a_cache_lose_nothing_and_agree(tmp_path: Path) -> None:
    """Three at once, the same 60 requests in other orders; no two calls get the same text."""
    fork = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[list[str]] = fork.Queue()
    path = tmp_path / "r.sqlite"
    with served(lambda call: said(f"call {call.number}", delay=0.005)) as server:
        workers = [
            fork.Process(target=_ask_all, args=(path, server.base, start, queue))
            for start in (0, 20, 40)
        ]
        for worker in workers:
            worker.start()
        told = [queue.get(timeout=30) for _ in workers]
        for worker in workers:
            worker.join(10)
        name, calls = f"m@{server.base}", len(server.calls)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert told[0] == told[1] == told[2]  # where two paid at once, the first answer is everybody's
    assert len(set(told[0])) == 60 <= calls
    with sqlite3.connect(path) as kept:
        assert kept.execute("SELECT COUNT(*) FROM replies").fetchone() == (60,)
        assert kept.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    kept.close()
    silent = Counting(f"openai:{name}", "")
    found = Cached(silent, path).generate([request(key) for key in range(60)])
    assert [text_of(each) for each in found] == told[0]
    assert not silent.asked


def test_a_process_that_is_killed_leaves_a_sound_file(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    parent = Cached(Counting(), path)
    parent.generate([request(0)])
    child = os.fork()
    if not child:
        try:
            Cached(Counting(), path).generate([request(key) for key in range(1, 20_000)])
        finally:
            os._exit(1)  # never reached: it is killed
    while True:  # until the child has written something
        with sqlite3.connect(path) as kept:
            [rows] = kept.execute("SELECT COUNT(*) FROM replies").fetchone()
        kept.close()
        if rows > 20:
            break
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with sqlite3.connect(path) as kept:
        assert kept.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    kept.close()
    assert parent.generate([request(5)])[0].usage.hits == 1


def test_a_forked_child_and_its_parent_both_go_on_writing(tmp_path: Path) -> None:
    """The child neither uses nor closes the connection that it inherits."""
    path = tmp_path / "r.sqlite"
    cached = Cached(Counting(), path)
    cached.generate([request(0)])
    child = os.fork()
    if not child:
        try:
            cached.generate([request(1)])
            cached.close()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    cached.generate([request(2)])
    assert [each.usage.hits for each in cached.generate([request(key) for key in range(3)])] == [
        1
    ] * 3


def test_a_file_that_is_no_cache_names_the_remedy_and_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    path.write_bytes(b"no database at all " * 100)
    with pytest.raises(OversightError, match=r"r\.sqlite is damaged.*move it away"):
        Cached(Counting(), path)
    assert path.read_bytes() == b"no database at all " * 100


def test_a_file_that_is_damaged_later_names_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    cached = Cached(Counting(), path)
    cached.generate([request(key) for key in range(500)])
    cached.close()
    with path.open("r+b") as file:  # after the first page, which says that it is a database
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(OversightError, match="move it away"):
        Cached(Counting(), path).generate([request(key) for key in range(500)])


def test_a_file_of_another_release_is_refused(tmp_path: Path) -> None:
    Database(tmp_path / "r.sqlite", "", 7, "cache").close()
    with pytest.raises(OversightError, match="version 7, not 1"):
        Cached(Counting(), tmp_path / "r.sqlite")


def test_a_file_that_is_not_to_be_had_says_so(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(OversightError, match="the cache of replies"):
        Cached(Counting(), tmp_path / "taken" / "r.sqlite")
    with pytest.raises(OversightError, match="cannot be used"):
        Cached(Counting(), tmp_path)  # a directory


def test_it_lies_in_the_cache_directory_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERSIGHT_CACHE_DIR", str(tmp_path))
    cached = Cached(Counting())
    assert cached.path == tmp_path / FILE
    assert cached.path.exists()


def test_it_speaks_for_its_model_and_travels(tmp_path: Path) -> None:
    model = Counting()
    cached: Model = Cached(model, tmp_path / "r.sqlite")
    assert (cached.name, cached.revision, cached.count(PROMPT)) == ("counting", "1", 1)
    cached.generate([request()])
    assert pickle.loads(pickle.dumps(cached)).generate([request()])[0].usage.hits == 1
