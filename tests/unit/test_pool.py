"""Work shared out to processes and to a Ray cluster comes back the same, to the last bit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator

import pytest

from oversight import pool
from oversight.casting import cast_for
from oversight.core import OversightError
from oversight.registry import build, load
from oversight.rollout import rollout


def played(processes: int) -> str:
    """Twenty debates on circuits, as text."""
    world = build("worlds", "circuits:depth=3,width=4")
    protocol = load("protocols", "debate").bind(rounds=2)
    records = rollout(
        protocol, world, cast_for(protocol, world).cast, 20, seed=3, width=8, processes=processes
    )
    return repr(sorted(records, key=lambda record: record.episode))


def test_processes_give_what_one_gives() -> None:
    assert played(2) == played(1)


def test_an_exception_in_a_worker_is_raised_here() -> None:
    def broken(item: int) -> int:
        raise ValueError(f"no {item}")

    with pytest.raises(ValueError, match="no 1"):
        list(pool.fork_map(broken, [1], 2))


def test_no_cluster_is_an_error_that_names_the_remedy() -> None:
    pytest.importorskip("ray")
    with pytest.raises(OversightError, match=r"ray start --head"), pool.on_ray("127.0.0.1:1"):
        pass


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A Ray of the test's own, on this machine."""
    pytest.importorskip("ray")
    ray = [sys.executable, "-m", "ray.scripts.scripts"]
    port = str(20_000 + os.getpid() % 20_000)
    quiet = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    subprocess.run(
        [*ray, "start", "--head", "--port", port, "--num-cpus", "2", "--include-dashboard", "false",
         "--temp-dir", str(tmp_path_factory.mktemp("ray"))],
        check=True, capture_output=True, env=quiet, timeout=120,
    )  # fmt: skip
    yield f"127.0.0.1:{port}"
    subprocess.run([*ray, "stop", "--force"], check=False, capture_output=True, env=quiet)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_a_ray_cluster_gives_the_same_games_to_the_last_bit(cluster: str) -> None:
    here = played(2)
    with pool.on_ray(cluster):
        assert played(2) == here

        def broken(item: int) -> int:
            raise ValueError(f"no {item}")

        with pytest.raises(ValueError, match="no 1"):
            list(pool.fork_map(broken, [1], 2))
