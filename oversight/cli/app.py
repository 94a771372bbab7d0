"""The commands, one function each: read the words, call the library, print what it says.

Exit codes: 0 all well; 1 an episode failed or a claim does not hold; 2 wrong usage, or something
that the message says how to mend; 130 interrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from oversight.cli import (
    aligning,
    caching,
    comparing,
    exporting,
    living,
    reproducing,
    serving,
    show,
    spending,
)
from oversight.cli.common import (
    NOT_WELL,
    WRONG_USAGE,
    AsJson,
    DataDir,
    Processes,
    Seed,
    command_line,
    interruptible,
    pairs,
    say,
    world_of,
)
from oversight.cli.progress import progress_bars
from oversight.cli.spending import Cache, MaxCost, Price
from oversight.core import OversightError
from oversight.plain_json import json_text
from oversight.rollout import WIDTH

app = typer.Typer(
    name="oversight",
    help="Can a weak judge get the truth out of agents stronger than itself? Play it and see.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RunDirectory = Annotated[Path, typer.Argument(help="A run's directory, as --out named it.")]


@app.command(
    epilog="Examples:\n\n"
    "oversight run debate --world digits --episodes 500\n\n"
    "oversight run debate --world digits --agent debater=mcts:1000 --judge dials:skill=0.8\n\n"
    "oversight run consultancy --world digits --set form=open --judge my_judge.py:judge --json\n\n"
    "oversight run debate --world passages --agent debater=hf:NAME --judge smollm2 --out runs/lm"
)
def run(
    protocol: Annotated[str, typer.Argument(help="A protocol; `oversight list` names them.")],
    world: Annotated[str, typer.Option(help="A world, with settings if any: digits:pixels=4.")],
    agent: Annotated[
        list[str] | None,
        typer.Option(help="SEAT=SPEC, repeatable: debater_0=mcts:1000; debater=… seats them all."),
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="A judge: a name, FILE.py:NAME or package.module:NAME.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A protocol parameter, name=value, repeatable."),
    ] = None,
    episodes: Annotated[
        int, typer.Option(help="Games to play, and as many for each control.")
    ] = 100,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(help="Keep the games here; the same command again goes on.")
    ] = None,
    controls: Annotated[bool, typer.Option(help="Play the controls beside the protocol.")] = True,
    processes: Processes = 1,
    width: Annotated[
        int, typer.Option(help="Games under way at once; fewer lose less when interrupted.")
    ] = WIDTH,
    max_cost: MaxCost = None,
    price: Price = None,
    cache: Cache = True,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Play a protocol on a world, with its controls beside it."""
    from oversight.casting import cast_for
    from oversight.people.journal import FILE, Journal
    from oversight.people.person import Person
    from oversight.registry import load
    from oversight.runs import Effort, run
    from oversight.summary import comparison_as_json

    played = load("protocols", protocol).bind(**pairs(set_, "--set"))
    place = world_of(world, data_dir)
    with interruptible(out), spending.spending(out, max_cost, price, cache) as account:
        casting = cast_for(played, place, pairs(agent, "--agent"), judge)
        people = [agent for agent in casting.cast.values() if isinstance(agent, Person)]
        journal = Journal(None if out is None or not people else out / FILE)
        for person in people:
            person.journal = journal
        with progress_bars("playing", quiet=bool(people)) as progress:
            result = run(
                played, place, casting.cast, episodes=episodes, seed=seed, out=out,
                controls=controls, effort=Effort(1 if people else width, processes),
                progress=progress, names=casting.names,
            )  # fmt: skip
        calls = spending.calls_of(account)
    found: dict[str, Any] = {
        "protocol": protocol,
        "world": place.name,
        "parameters": played.settings,
        "cast": dict(casting.names),
        "seed": seed,
        **comparison_as_json(result.comparison),
        "calls": calls,
        "out": None if out is None else str(out),
    }
    if as_json:
        print(json_text(found))
    else:
        show.comparison(f"{protocol} on {place.name}", result.comparison)
        spending.show_calls("calls to models", calls)
        show.failures(result.frames)
    if out is not None:
        from oversight.report.run_page import write_run_page

        page = write_run_page(out, played, place, result, found, seed, command_line())
        say(f"page: {page}")
    raise typer.Exit(NOT_WELL if result.failed else 0)


@app.command(name="list", epilog="Example:\n\noversight list --json | jq '.protocols[].name'")
def list_(as_json: AsJson = False) -> None:
    """Name every protocol, world, judge, agent and experiment."""
    from oversight.catalogue import catalogue

    held = catalogue()
    if as_json:
        print(json_text(held))
    else:
        show.catalogue(held)


@app.command(
    epilog="Examples:\n\n"
    "oversight rejudge runs/debate --judge dials:skill=0.5\n\n"
    "oversight rejudge runs/debate --judge my_judge.py:judge --out runs/debate-mine --json\n\n"
    "oversight rejudge runs/debate --judge smollm2,form=vote"
)
def rejudge(
    directory: RunDirectory,
    judge: Annotated[str, typer.Option(help="The judge that decides the recorded games anew.")],
    arm: Annotated[str, typer.Option(help="Which arm of the run.")] = "main",
    out: Annotated[Path | None, typer.Option(help="Keep the rejudged games here.")] = None,
    max_cost: MaxCost = None,
    price: Price = None,
    cache: Cache = True,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Judge recorded games again: the same arguments, another judge."""
    from oversight.recorded import rejudge_run

    with interruptible(out), spending.spending(out, max_cost, price, cache) as account:
        old = rejudge_run(directory, arm, judge, out, data_dir)
        calls = spending.calls_of(account)
    if as_json:
        print(json_text({**old.as_json(), "calls": calls}))
    else:
        show.rejudged(old)
        spending.show_calls("calls to models", calls)
    raise typer.Exit(NOT_WELL if old.failed else 0)


@app.command(
    name="show",
    epilog="Examples:\n\noversight show runs/debate --episode 3\n\n"
    "oversight show runs/debate --arm judge_alone --json",
)
def show_(
    directory: RunDirectory,
    episode: Annotated[int, typer.Option(help="The episode's number.")] = 0,
    arm: Annotated[str, typer.Option(help="Which arm of the run.")] = "main",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Read one game's transcript in the terminal."""
    from oversight.record import as_row
    from oversight.recorded import replayed

    record, game = replayed(directory, arm, episode, data_dir)
    if as_json:
        print(json_text(as_row(record)))
    else:
        show.game(record, game)


app.command(
    epilog="Examples:\n\n"
    "oversight reproduce irving2018 --scale quick\n\n"
    "oversight reproduce all --scale quick\n\n"
    "oversight reproduce irving2018 --scale paper --data mnist --data-dir ../mnist "
    "--publish experiments/results\n\n"
    "oversight reproduce kenton2024_sim --scale full --executor ray --ray-address auto\n\n"
    "oversight reproduce khan2024 --data quality --agent hf:STRONG --judge hf:WEAK\n\n"
    "oversight reproduce khan2024 --judge smollm2 --publish experiments/results"
)(reproducing.reproduce)
app.command(
    epilog="Examples:\n\n"
    "oversight compare --world circuits --episodes 2000\n\n"
    "oversight compare --world circuits --judge tabulated --out runs/compare\n\n"
    "oversight compare --world digits --protocols naive,debate,consultancy --budget 6 --json\n\n"
    "oversight compare --world passages --judge openai:M@URL --episodes 50 "
    "--price openai:M@URL=2/8 --max-cost 5"
)(comparing.compare)
app.command(
    epilog="Examples:\n\n"
    "oversight estimate debate --world passages --agent debater=openai:STRONG@https://HOST/v1 "
    "--judge smollm2 --episodes 500 --price openai:STRONG@https://HOST/v1=2/8"
)(spending.estimate)
app.command(
    epilog="Examples:\n\n"
    "oversight export runs/debate --to transcripts --out debates.jsonl\n\n"
    "oversight export runs/debate --to preferences --out preferences.jsonl\n\n"
    "oversight export runs/debate --to inspect --out logs/debate.eval"
)(exporting.export)
app.command(
    epilog="Examples:\n\n"
    "oversight serve debate --world digits --out runs/mine\n\n"
    "oversight serve consultancy --world passages --seat consultant --judge skim\n\n"
    "oversight serve debate --world passages --seat judge --agent debater=smollm2 --episodes 20\n\n"
    "oversight serve debate --world passages --agent debater=openai:M@URL "
    "--price openai:M@URL=2/8 --max-cost 1"
)(serving.serve)
app.command(
    epilog="Examples:\n\n"
    "oversight align dpo\n\n"
    "oversight align dpo:beta=0.2 --policy small --steps 600 --seeds 3 --out runs/dpo\n\n"
    "oversight align rlhf --feedback debate:rounds=2 --json\n\n"
    "oversight align kto --world circuits --feedback debate\n\n"
    "oversight align all --seeds 3 --processes 2 --out runs/leaderboard"
)(aligning.align)
app.command(
    epilog="Examples:\n\n"
    "oversight society --rounds 50 --out runs/village\n\n"
    "oversight society --members 400 --graph watts_strogatz:degree=6 --kinds adversarial=0.3 "
    "--institution debate --set taught_by=raters\n\n"
    "oversight society --members 9 --rounds 2 --model smollm2 --scored --data said.jsonl"
)(living.society)
app.command(
    epilog="Examples:\n\n"
    "oversight cache\n\n"
    "oversight cache --json | jq '.replies.models[] | [.model, .bytes]'\n\n"
    "oversight cache --clear --model smollm2\n\n"
    "oversight cache --clear --yes"
)(caching.cache)


def main() -> None:
    """The `oversight` command."""
    try:
        app()
    except OversightError as error:
        say(f"[bold red]error:[/] {show.plain(str(error))}")
        sys.exit(WRONG_USAGE)
