"""`oversight export`: a run's games in other people's formats."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from oversight.cli.common import AsJson, DataDir, one_of, say
from oversight.core import OversightError
from oversight.plain_json import json_text

FORMATS = ("transcripts", "preferences", "unpaired", "judgements", "inspect")


def export(
    directory: Annotated[Path, typer.Argument(help="A run's directory, as --out named it.")],
    to: Annotated[str, typer.Option(help=f"The format: {', '.join(FORMATS)}.")],
    out: Annotated[Path, typer.Option(help="The file to write; .eval or .json for inspect.")],
    arm: Annotated[str, typer.Option(help="Which arm of the run.")] = "main",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write a run's games as transcripts, as TRL's data sets, or as a log of Inspect's."""
    from oversight.exchange import preferences as data_sets
    from oversight.exchange.games import games_of
    from oversight.exchange.transcripts import lines, transcript_of

    one_of(to, FORMATS, "--to")
    run, games = games_of(directory, arm, data_dir)
    match to:
        case "inspect":
            written = _log(out, run, games)
        case "transcripts":
            source = f"{run.protocol.spec} on {run.world.name}"
            written = _write(out, lines(transcript_of(game, source) for game in games))
        case _:
            rows = getattr(data_sets, to)(games, run.world)
            written = _write(out, (json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    if as_json:
        print(json_text({"format": to, "out": str(out), "written": written}))
    else:
        say(f"{written} {'samples' if to == 'inspect' else 'lines'} in {out}")


def _log(out: Path, run: Any, games: Iterable[Any]) -> int:
    if out.suffix not in (".eval", ".json"):
        raise OversightError(f"--out {out}: a log of Inspect's is a .eval or a .json file")
    try:
        from oversight.exchange.inspect_log import write_log
    except ModuleNotFoundError as error:
        raise OversightError(
            f"logs for Inspect need {error.name}: pip install 'oversight-lab[inspect]'"
        ) from None
    return write_log(out, run, games)


def _write(out: Path, rows: Iterable[str]) -> int:
    from oversight.store import write_text

    held = list(rows)
    write_text(out, "".join(held))
    return len(held)
