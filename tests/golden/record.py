"""Golden games: one file a protocol, played on the tests' own world of text.

`python -m tests.golden.record` writes them anew. Do that when a change is meant to change games,
read the difference, and say why in the commit. The world is pure Python, so that every machine
must play the same game to the last bit.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from oversight.casting import cast_for
from oversight.record import Record, as_row
from oversight.rollout import rollout
from tests.contract.games import ON_TEXT, Game

HERE = Path(__file__).parent
SEED, EPISODES = 2018, 3

GOLDEN: dict[str, Game] = {str(param.id): param.values[0] for param in ON_TEXT}
"""File name without its ending -> the game."""


def path_of(name: str) -> Path:
    """Where a golden game is kept."""
    return HERE / f"{name}.json"


def played(game: Game) -> list[Record]:
    """The game as it is played today, by the world's own agents."""
    cast = cast_for(game.protocol, game.world).cast
    records = rollout(game.protocol, game.world, cast, EPISODES, seed=SEED)
    return sorted(records, key=lambda record: record.episode)


def as_plain(records: list[Record]) -> list[dict[str, Any]]:
    """Records as JSON reads them back."""
    return json.loads(json.dumps([as_row(record) for record in records]))


def main() -> None:
    """Write every golden game."""
    for name, game in GOLDEN.items():
        text = json.dumps(as_plain(played(game)), indent=1, ensure_ascii=False)
        path_of(name).write_text(text + "\n")
        print(f"wrote {path_of(name).name}")


if __name__ == "__main__":
    main()
