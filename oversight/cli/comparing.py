"""`oversight compare`: every protocol on one world, at one judge budget, in one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
    positive,
    say,
    world_of,
)
from oversight.cli.progress import progress_bars
from oversight.cli.spending import Cache, MaxCost, Price, show_calls, spending
from oversight.plain_json import json_text

GAP, OBFUSCATION = "gap", "obfuscation"


def compare(
    world: Annotated[str, typer.Option(help="A world, with settings if any.")],
    episodes: Annotated[int, typer.Option(help="Games an arm, on the same cases.")] = 500,
    seed: Seed = 0,
    protocols: Annotated[
        str | None, typer.Option(help="Some protocols only, separated by commas.")
    ] = None,
    budget: Annotated[
        int, typer.Option(help="Pieces of evidence that the judge may read a game.")
    ] = 8,
    judge: Annotated[
        str | None, typer.Option(help="The judge; by default the world's own.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Keep the games here, with a page and the figures; run again to go on."),
    ] = None,
    figures: Annotated[
        bool, typer.Option(help="With --out, also sweep the world's dials and draw the figures.")
    ] = True,
    processes: Processes = 2,
    max_cost: MaxCost = None,
    price: Price = None,
    cache: Cache = True,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Compare every protocol that fits a world, at one judge budget, on the same cases."""
    from oversight import compare as comparing
    from oversight.report import compare_page, pages
    from oversight.runs import Effort

    wanted = None if protocols is None else [name.strip() for name in protocols.split(",")]
    place = world_of(world, data_dir)
    with (
        interruptible(out),
        spending(out, max_cost, price, cache) as account,
        progress_bars("comparing") as progress,
    ):
        bench = comparing.Bench(
            place, budget, episodes, seed, judge, out,
            Effort(processes=positive(processes, "--processes")), progress,
        )  # fmt: skip
        table = comparing.compare(bench, wanted)
        drawn = []
        if out is not None and figures:
            few = comparing.Bench(
                place, budget, max(100, episodes // 5), seed, judge, out / "dials", bench.effort,
                progress,
            )  # fmt: skip
            drawn = compare_page.drawn(few, [row.protocol for row in table.rows])
        table = table._replace(calls=account.calls)
    found = comparing.as_json(table)
    if as_json:
        print(json_text(found))
    else:
        show.compared(
            f"protocols on {place.name}, judge budget {budget}", compare_page.COLUMNS,
            [compare_page.cells_of(row) for row in table.rows], compare_page.notes_of(table),
        )  # fmt: skip
        show_calls("calls to models", found["calls"])
    if out is not None:
        made = {"seed": str(seed), "world": pages.settings(place.settings)}
        made |= {} if judge is None else {"who judges": judge}
        for path in compare_page.write_comparison(out, table, drawn, command_line(), made):
            say(f"wrote {path}")
    raise typer.Exit(NOT_WELL if any(row.failed for row in table.rows) else 0)
