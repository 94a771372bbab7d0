"""What there is, by name: for `oversight list` and for the README.

`python -m oversight.catalogue --write README.md` renews the README's catalogue, `--check` fails
when it no longer says what the registry holds, or what the leaderboard's page on record says.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oversight.core import OversightError
from oversight.protocol import Protocol
from oversight.registry import load, names
from oversight.world import Ability, World

BOARD = Path("experiments", "results", "leaderboard.json")
"""The leaderboard on record, beside the README; its numbers stand with the methods."""
COLUMNS = {"gold reward at KL 0.5": 2, "gold reward": 2, "proxy reward": 2, "seconds": 1}
"""What of it the README shows, and to how many digits."""
BEGIN, END = "<!-- catalogue: begin -->", "<!-- catalogue: end -->"


def worlds_that_fit(protocol: Protocol) -> list[str]:
    """The registered worlds that have every ability the protocol needs."""
    return [name for name in names("worlds") if not protocol.missing(load("worlds", name))]


def catalogue() -> dict[str, list[dict[str, Any]]]:
    """Everything registered, as plain values: the JSON of `oversight list`."""
    return {
        "protocols": [_protocol(name) for name in names("protocols")],
        "worlds": [_world(name) for name in names("worlds")],
        "judges": [_thing("judges", name) for name in names("judges")],
        "agents": [_thing("agents", name) for name in names("agents")],
        "models": [_thing("models", name) for name in names("models")],
        "methods": [_method(name) for name in names("methods")],
        "experiments": [
            {"name": name, "paper": (it := load("experiments", name)).paper, "about": it.about}
            for name in names("experiments")
        ],
    }


def _protocol(name: str) -> dict[str, Any]:
    protocol: Protocol = load("protocols", name)
    return {
        "name": name,
        "paper": protocol.paper,
        "seats": list(protocol.seats),
        "worlds": worlds_that_fit(protocol),
        "parameters": protocol.defaults,
        "about": _first_line(sys.modules[protocol.script.__module__]),
    }


def _world(name: str) -> dict[str, Any]:
    world = load("worlds", name)
    abilities = [b for b in world.__mro__ if issubclass(b, Ability) and not issubclass(b, World)]
    return {
        "name": name,
        "abilities": sorted(b.__name__ for b in abilities if b is not Ability),
        "about": _first_line(world),
    }


def _thing(kind: str, name: str) -> dict[str, Any]:
    try:
        factory = load(kind, name)
    except OversightError as missing:  # an extra that is not installed; the message says which
        return {"name": name, "options": [], "about": str(missing)}
    options = [p for p in inspect.signature(factory).parameters if p != "setting"]
    return {"name": name, "options": options, "about": _first_line(factory)}


def _method(name: str) -> dict[str, Any]:
    method = load("methods", name)
    return {
        "name": name,
        "paper": method.paper,
        "needs": list(method.needs),
        "options": list(inspect.signature(method).parameters),
        "about": _first_line(method),
    }


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def as_markdown(board: Path) -> str:
    """The catalogue as the README prints it, with the leaderboard on record in `board`."""
    held = catalogue()
    lines = ["| Protocol | Seats | Worlds | Paper |", "|---|---|---|---|"]
    lines += [
        f"| `{p['name']}` | {', '.join(p['seats'])} | {', '.join(p['worlds'])} | {p['paper']} |"
        for p in held["protocols"]
    ]
    lines += ["", *_methods(held["methods"], board)]
    for kind in ("worlds", "judges", "agents", "models", "experiments"):
        lines += ["", f"| {kind[:-1].capitalize()} | |", "|---|---|"]
        lines += [f"| `{thing['name']}` | {_in_cell(thing['about'])} |" for thing in held[kind]]
    return "\n".join(lines)


def _methods(methods: Sequence[Mapping[str, Any]], board: Path) -> list[str]:
    """The methods, those first that have the most of the board's first number."""
    first, *_ = COLUMNS
    places: dict[str, dict[str, Any]] = {}
    for cell in json.loads(board.read_text())["cells"]:
        if "signal" in cell["setting"]:
            places.setdefault(cell["setting"]["method"], {})[cell["metric"]] = cell

    def order(method: Mapping[str, Any]) -> float:
        reached = places.get(method["name"], {}).get(first)
        return float("inf") if reached is None else -reached["value"]

    def told(method: Mapping[str, Any], metric: str, digits: int) -> str:
        cell = places.get(method["name"], {}).get(metric)
        if cell is None:
            return "–"
        value, low, high = (f"{cell[name]:.{digits}f}" for name in ("value", "low", "high"))
        return value if metric == "seconds" else f"{value} [{low}, {high}]"

    titles = [name[:1].upper() + name[1:] for name in COLUMNS]
    lines = [
        f"| Method | Signal | {' | '.join(titles)} | Paper |",
        "|---" * (3 + len(titles)) + "|",
    ]
    for method in sorted(methods, key=order):
        numbers = [told(method, metric, digits) for metric, digits in COLUMNS.items()]
        row = (f"`{method['name']}`", ", ".join(method["needs"]), *numbers, method["paper"])
        lines.append(f"| {' | '.join(row)} |")
    return lines


def _in_cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the catalogue in a README; 0 when it is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m oversight.catalogue", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", metavar="README", type=Path, help="fail if it is out of date")
    what.add_argument("--write", metavar="README", type=Path, help="bring it up to date")
    chosen = parser.parse_args(arguments)
    readme: Path = chosen.check or chosen.write
    text = readme.read_text()
    block = f"{BEGIN}\n{as_markdown(readme.parent / BOARD)}\n{END}"
    renewed, found = re.subn(
        f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: block, text, flags=re.DOTALL
    )
    if not found:
        print(f"{readme} has no {BEGIN} … {END} to fill", file=sys.stderr)
        return 2
    if chosen.write:
        readme.write_text(renewed)
    elif renewed != text:
        print(
            f"{readme} is out of date: run python -m oversight.catalogue --write {readme}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
