"""What there is, by name: for `oversight list` and for the README.

`python -m oversight.catalogue --write README.md` renews the README's catalogue, `--check` fails
when it no longer says what the registry holds.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oversight.core import OversightError
from oversight.protocol import Protocol
from oversight.registry import load, names
from oversight.world import Ability, World

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


def as_markdown() -> str:
    """The catalogue as the README prints it."""
    held = catalogue()
    lines = ["| Protocol | Seats | Worlds | Paper |", "|---|---|---|---|"]
    lines += [
        f"| `{p['name']}` | {', '.join(p['seats'])} | {', '.join(p['worlds'])} | {p['paper']} |"
        for p in held["protocols"]
    ]
    lines += ["", "| Method | Signal | Paper |", "|---|---|---|"]
    lines += [
        f"| `{m['name']}` | {', '.join(m['needs'])} | {m['paper']} |" for m in held["methods"]
    ]
    for kind in ("worlds", "judges", "agents", "models", "experiments"):
        lines += ["", f"| {kind[:-1].capitalize()} | |", "|---|---|"]
        lines += [f"| `{thing['name']}` | {_in_cell(thing['about'])} |" for thing in held[kind]]
    return "\n".join(lines)


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
    block = f"{BEGIN}\n{as_markdown()}\n{END}"
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
