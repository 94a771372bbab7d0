"""`oversight align`: one alignment method, or all of them, from one command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oversight.cli import show
from oversight.cli.common import (
    AsJson,
    Processes,
    Seed,
    command_line,
    interruptible,
    positive,
    say,
)
from oversight.cli.progress import progress_bars
from oversight.core import OversightError
from oversight.plain_json import json_text

if TYPE_CHECKING:
    from oversight.alignment.leaderboard import Training

ALL = "all"


def align(
    method: Annotated[str, typer.Argument(help="A method, with options if any, or all.")],
    policy: Annotated[
        str, typer.Option(help="exact, small, smollm2 or hf:NAME_OR_PATH.")
    ] = "exact",
    world: Annotated[str, typer.Option(help="What is aligned on, with settings.")] = "preferences",
    feedback: Annotated[
        str, typer.Option(help="annotators[:OPTIONS], judge[:SPEC], or any protocol.")
    ] = "annotators",
    steps: Annotated[int, typer.Option(help="Steps of the training.")] = 300,
    batch: Annotated[int, typer.Option(help="Rows a step.")] = 64,
    labels: Annotated[int, typer.Option(help="Answers that the overseer may judge.")] = 4096,
    rate: Annotated[
        float | None, typer.Option(help="Adam's learning rate; by default the policy's own.")
    ] = None,
    every: Annotated[int, typer.Option(help="Steps between two evaluations.")] = 25,
    patience: Annotated[
        int | None, typer.Option(help="Stop after so many evaluations without more proxy reward.")
    ] = None,
    seed: Seed = 0,
    seeds: Annotated[int, typer.Option(help="How many seeds, from --seed on.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(help="Keep checkpoints, metrics and figures; the same command goes on."),
    ] = None,
    processes: Processes = 1,
    as_json: AsJson = False,
) -> None:
    """Train a policy by an alignment method on any overseer's feedback, and measure what became."""
    from oversight.alignment import leaderboard
    from oversight.alignment.bench import Bench
    from oversight.registry import names
    from oversight.training.descent import Pace

    for value, option in ((steps, "--steps"), (batch, "--batch"), (labels, "--labels"),
                          (every, "--every"), (seeds, "--seeds")):  # fmt: skip
        positive(value, option)
    bench = Bench(world, policy, feedback, steps, batch, labels)
    specs = names("methods") if method == ALL else [method]
    lacking = {spec: bench.overseer.lacking(bench.method(spec).needs) for spec in specs}
    fit = [spec for spec in specs if lacking[spec] is None]
    if not fit:
        raise OversightError(f"{method} {lacking[specs[0]]}")
    for spec, why in lacking.items():
        if why is not None:
            say(f"{spec} is left out: it {why}")

    pace = Pace(steps, rate or bench.rate, every=every, patience=patience)
    with interruptible(out), progress_bars("aligning") as progress:
        trainings = leaderboard.carried_out(
            fit, range(seed, seed + seeds), bench.placed, pace, out=out,
            processes=positive(processes, "--processes"), progress=progress,
        )  # fmt: skip
    found = {"world": world, "policy": policy, "feedback": feedback, "steps": steps,
             "labels": labels, **leaderboard.as_json(trainings)}  # fmt: skip
    if as_json:
        print(json_text(found))
    else:
        _show(f"{method} on {world}, {policy} policy, {feedback}", trainings)
    if out is not None:
        from oversight.report.align_page import write_alignment

        for path in write_alignment(out, found, trainings, command_line()):
            say(f"wrote {path}")


def _show(title: str, trainings: list[Training]) -> None:
    from oversight.alignment.leaderboard import ranked
    from oversight.report.align_page import COLUMNS, cells_of, notes_of

    rows = [cells_of(place) for place in ranked(trainings)]
    show.compared(show.plain(title), COLUMNS, rows, notes_of(trainings))
