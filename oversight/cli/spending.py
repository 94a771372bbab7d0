"""What language models cost: the options that runs share, the table, `oversight estimate`."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oversight.cli import show
from oversight.cli.common import AsJson, DataDir, Seed, pairs, positive, world_of
from oversight.core import OversightError
from oversight.plain_json import json_text
from oversight.report import calls

if TYPE_CHECKING:
    from oversight.accounts import Account

MaxCost = Annotated[
    float | None,
    typer.Option(help="Stop before calls to models cost more in all; --price says what they cost."),
]
Price = Annotated[
    list[str] | None,
    typer.Option(help="MODEL=PROMPT/COMPLETION, or …/CACHED, a million tokens each."),
]
Cache = Annotated[
    bool, typer.Option(help="Read models' replies back where they are known, and keep new ones.")
]
SAMPLE = 4
"""Games that an estimate plays."""


@contextmanager
def spending(
    out: Path | None, max_cost: float | None, price: list[str] | None, cache: bool
) -> Generator[Account]:
    """What models are asked goes through the account of this run."""
    from oversight.accounts import opened
    from oversight.models.ledger import prices_from

    prices = prices_from(price or ())
    with opened(out, prices=prices, cached=cache, limit=max_cost) as account:
        yield account


def calls_of(account: Account, times: float = 1.0) -> list[dict[str, Any]]:
    """The calls as plain values, a row a seat and model; `times` scales a sample up."""
    return [called.times(times)._asdict() for called in account.calls]


def show_calls(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """The same as a table, where there is anything to show."""
    if not rows:
        return
    show.compared(title, calls.COLUMNS, calls.rows_of(rows), calls.notes_of(rows))


def estimate(
    protocol: Annotated[str, typer.Argument(help="A protocol; `oversight list` names them.")],
    world: Annotated[str, typer.Option(help="A world, with settings if any.")],
    agent: Annotated[list[str] | None, typer.Option(help="SEAT=SPEC, repeatable.")] = None,
    judge: Annotated[str | None, typer.Option(help="A judge.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A protocol parameter, name=value, repeatable."),
    ] = None,
    episodes: Annotated[int, typer.Option(help="Games of the study that is priced.")] = 100,
    seed: Seed = 0,
    controls: Annotated[bool, typer.Option(help="Price the controls beside it too.")] = True,
    price: Price = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Price a study before it is run: a few games with stand-ins that reply at full length."""
    from oversight.accounts import opened
    from oversight.casting import cast_for
    from oversight.models.ledger import prices_from
    from oversight.registry import load
    from oversight.runs import run

    positive(episodes, "--episodes")
    played = load("protocols", protocol).bind(**pairs(set_, "--set"))
    place = world_of(world, data_dir)
    sample = min(SAMPLE, episodes)
    with opened(None, prices=prices_from(price or ()), dry=True) as account:
        casting = cast_for(played, place, pairs(agent, "--agent"), judge)
        run(played, place, casting.cast, episodes=sample, seed=seed, controls=controls)
        rows = calls_of(account, episodes / sample)
    if not rows:
        raise OversightError("no seat is a language model's, so nothing is paid: name one")
    if as_json:
        total = [row["price"] for row in rows if row["price"] is not None]
        print(json_text({
            "protocol": protocol, "world": place.name, "episodes": episodes, "sample": sample,
            "calls": rows, "price": sum(total) if total else None,
        }))  # fmt: skip
    else:
        title = f"{episodes} games of {protocol} on {place.name}, at most"
        show_calls(title, rows)
