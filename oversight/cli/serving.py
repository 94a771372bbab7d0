"""`oversight serve`: the same games as `oversight run`, with people on a web page in some seats."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oversight.cli import show
from oversight.cli.common import (
    NOT_WELL,
    AsJson,
    DataDir,
    Seed,
    interruptible,
    pairs,
    say,
    world_of,
)
from oversight.cli.spending import Cache, MaxCost, Price, calls_of, show_calls, spending
from oversight.core import OversightError
from oversight.plain_json import json_text

if TYPE_CHECKING:
    from oversight.people.desk import Desk
    from oversight.people.server import PageServer

AHEAD = 4
"""Games under way at once: while a person thinks about one, the others' agents go on."""


def serve(
    protocol: Annotated[str, typer.Argument(help="A protocol; `oversight list` names them.")],
    world: Annotated[str, typer.Option(help="A world, with settings if any.")],
    seat: Annotated[
        list[str] | None, typer.Option(help="Where the person sits, repeatable: judge, debater_0.")
    ] = None,
    agent: Annotated[
        list[str] | None, typer.Option(help="SEAT=SPEC for the others, repeatable.")
    ] = None,
    judge: Annotated[str | None, typer.Option(help="A judge, where the person is none.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A protocol parameter, name=value, repeatable."),
    ] = None,
    episodes: Annotated[int, typer.Option(help="Games to play.")] = 10,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(help="Keep games and answers here; the same command goes on.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Where to listen; others can reach it if it is not this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="A port; 0 takes a free one.")] = 0,
    max_cost: MaxCost = None,
    price: Price = None,
    cache: Cache = True,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Play seats yourself on a local web page: judge, or debate."""
    from oversight.casting import cast_for
    from oversight.people.desk import Desk, WebPerson
    from oversight.people.journal import FILE, Journal
    from oversight.registry import load
    from oversight.runs import Effort, run
    from oversight.summary import comparison_as_json

    try:
        from oversight.people.server import PageServer
    except ModuleNotFoundError as error:
        raise OversightError(
            f"the page needs {error.name}: pip install 'oversight-lab[serve]'"
        ) from None

    played = load("protocols", protocol).bind(**pairs(set_, "--set"))
    place = world_of(world, data_dir)
    desk = Desk()
    person = WebPerson(desk, Journal(None if out is None else out / FILE))
    deciding = {name for name, role in played.seats.items() if "decide" in role.acts}
    seats: list[str] = seat or sorted(deciding) or list(played.seats)[:1]
    named: dict[str, Any] = {**pairs(agent, "--agent"), **dict.fromkeys(seats, person)}
    with spending(out, max_cost, price, cache) as account:
        casting = cast_for(played, place, named, judge)
        with _opened(PageServer(desk, place, host, port), desk, seats), interruptible(out):
            result = run(
                played, place, casting.cast, episodes=episodes, seed=seed, out=out,
                controls=False, effort=Effort(min(AHEAD, episodes), 1), names=casting.names,
            )  # fmt: skip
        calls = calls_of(account)
    if as_json:
        print(json_text({**comparison_as_json(result.comparison), "calls": calls}))
    else:
        show.comparison(f"{protocol} on {place.name}", result.comparison)
        show_calls("calls to models", calls)
        show.failures(result.frames)
    raise typer.Exit(NOT_WELL if result.failed else 0)


@contextmanager
def _opened(server: PageServer, desk: Desk, seats: Sequence[str]) -> Generator[None]:
    """The page is there for as long as this lasts."""
    say(f"open [bold]{server.start()}[/] and play {', '.join(seats)}")
    try:
        yield
    finally:
        desk.over = True
        server.stop()
