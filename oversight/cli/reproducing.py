"""`oversight reproduce`: one experiment, or all of them, from one command."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from oversight.cli import show
from oversight.cli.common import (
    NOT_WELL,
    AsJson,
    DataDir,
    Processes,
    Seed,
    command_line,
    interruptible,
    one_of,
    positive,
    say,
)
from oversight.cli.progress import progress_bars
from oversight.cli.spending import Cache, MaxCost, Price, show_calls, spending
from oversight.core import OversightError
from oversight.plain_json import json_text
from oversight.study import Scale

if TYPE_CHECKING:
    from oversight.accounts import Account

ALL = "all"
Executor = Literal["local", "ray"]


def reproduce(
    experiment: Annotated[
        str, typer.Argument(help="An experiment, or all; `oversight list` names them.")
    ],
    scale: Annotated[
        Scale, typer.Option(help="Minutes, longer, or the paper's own size.")
    ] = "quick",
    data: Annotated[str | None, typer.Option(help="Which world to run it on.")] = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where it is kept; by default runs/EXPERIMENT-DATA-SCALE, and with named seats "
            "-JUDGE-with-AGENT behind that."
        ),
    ] = None,
    publish: Annotated[
        Path | None,
        typer.Option(
            help="Also write EXPERIMENT.md, its JSON and figures here; with another world or named "
            "seats EXPERIMENT-DATA-JUDGE-with-AGENT.md, as khan2024-smollm2.md, beside it."
        ),
    ] = None,
    processes: Processes = 2,
    executor: Annotated[
        Executor, typer.Option(help="Processes here, or tasks on a Ray cluster that exists.")
    ] = "local",
    ray_address: Annotated[
        str | None, typer.Option(help="Where the cluster is: auto, HOST:PORT or ray://…")
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option(help="Who argues: a model, in khan2024 and kenton2024; or who aligns itself."),
    ] = None,
    judge: Annotated[
        list[str] | None, typer.Option(help="Who judges there, repeatable, the weakest first.")
    ] = None,
    max_cost: MaxCost = None,
    price: Price = None,
    cache: Cache = True,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Reproduce a paper's figures: ours beside the published numbers, with intervals."""
    from oversight.registry import load
    from oversight.study import Job

    positive(processes, "--processes")
    if ray_address is not None and executor != "ray":
        raise OversightError("--ray-address goes with --executor ray")
    if experiment == ALL:
        if agent or judge:
            raise OversightError("--agent and --judge are for one experiment; leave them out")
        wanted = _Wanted(scale, seed, out, publish, processes, executor, ray_address, data_dir)
        _all(wanted, data, as_json)
        return
    chosen = load("experiments", experiment)
    world = one_of(data or chosen.data[0], chosen.data, "--data")
    if (agent or judge) and not chosen.castable:
        raise OversightError(f"{experiment} has its own cast; leave --agent and --judge out")
    job = Job(scale, world, seed, Path(), data_dir, processes,
              agent=agent, judges=tuple(judge or ()))  # fmt: skip
    job = job._replace(out=out or _usual(experiment, job))
    with (
        interruptible(job.out),
        _executor(executor, ray_address),
        spending(job.out, max_cost, price, cache) as account,
        progress_bars(experiment) as progress,
    ):
        command = command_line("--out", "--publish")
        done = _run(experiment, job._replace(progress=progress), publish, command, account)
    if as_json:
        print(json_text(done.results))
    else:
        show.findings(chosen, done.findings)
        show_calls("calls to models", done.results["calls"])
    for path in done.written:
        say(f"wrote {path}")
    raise typer.Exit(0 if done.held == done.claims else NOT_WELL)


class _Done(NamedTuple):
    """An experiment that was run."""

    results: dict[str, Any]
    findings: Any
    written: list[Path]

    @property
    def claims(self) -> int:
        return len(self.results["claims"])

    @property
    def held(self) -> int:
        return sum(claim["holds"] for claim in self.results["claims"])


def _run(
    name: str, job: Any, publish: Path | None, command: str, account: Account | None = None
) -> _Done:
    from oversight import study
    from oversight.registry import load
    from oversight.report.experiment_page import publish as publish_page
    from oversight.report.experiment_page import write_results

    chosen: study.Experiment = load("experiments", name)
    with study.timed(job.out) as seconds:
        findings = chosen.run(job)
        calls = () if account is None else account.calls
        results = study.as_json(chosen, job, findings, seconds(), calls)
    written = write_results(chosen, job, findings, results, command)
    if publish is not None:
        written += publish_page(chosen, job, findings, results, command, publish)
    return _Done(results, findings, written)


class _Wanted(NamedTuple):
    """How all experiments are to be run."""

    scale: Scale
    seed: int
    out: Path | None
    publish: Path | None
    processes: int
    executor: Executor
    ray_address: str | None
    data_dir: Path | None


def _all(wanted: _Wanted, data: str | None, as_json: bool) -> None:
    """Every experiment on its own world: side by side here, one after the other on a cluster."""
    from oversight.pool import fork_map
    from oversight.registry import load, names
    from oversight.study import Job

    if data is not None:
        raise OversightError("--data names the world of one experiment; leave it out with all")
    base = wanted.out or Path("runs")
    here = wanted.executor == "local"

    def work(name: str) -> tuple[str, dict[str, Any]]:
        world = load("experiments", name).data[0]
        job = Job(wanted.scale, world, wanted.seed, base, wanted.data_dir,
                  1 if here else wanted.processes)  # fmt: skip
        job = job._replace(out=base / _usual(name, job).name)
        command = f"oversight reproduce {name} --scale {wanted.scale} --seed {wanted.seed}"
        return name, _run(name, job, wanted.publish, command).results

    found: dict[str, dict[str, Any]] = {}
    every = names("experiments")
    with (
        interruptible(base),
        _executor(wanted.executor, wanted.ray_address),
        progress_bars(ALL) as progress,
    ):
        many = fork_map(work, every, wanted.processes) if here else map(work, every)
        for name, results in many:
            found[name] = results
            held = sum(claim["holds"] for claim in results["claims"])
            say(f"{name}: {held} of {len(results['claims'])} claims hold, "
                f"{results['seconds']:,} s")  # fmt: skip
            if progress is not None:
                progress(ALL, len(found), len(every))
    ordered = [found[name] for name in every]
    if as_json:
        print(json_text(ordered))
    else:
        show.reproduced(ordered)
    held = all(claim["holds"] for results in ordered for claim in results["claims"])
    raise typer.Exit(0 if held else NOT_WELL)


def _usual(name: str, job: Any) -> Path:
    return Path("runs") / "-".join(filter(None, (name, job.data, job.scale, job.cast)))


@contextmanager
def _executor(executor: Executor, address: str | None) -> Generator[None]:
    if executor == "local":
        yield
        return
    from oversight.pool import on_ray

    with on_ray(address):
        yield
