"""What judges preferred, and what they got right, as the data sets that TRL's trainers take.

- **preferences** (DPO, reward models: `prompt`, `chosen`, `rejected`): in a game with opposed
  sides, all that the side said that the judge believed more, against what another side said.
- **unpaired** (KTO: `prompt`, `completion`, `label`): what each side said, and whether the judge
  believed it more than an even share.
- **judgements** (`prompt`, `chosen`, `rejected`): the game as the judge heard it; the right answer
  against the wrong one that it believed most. This is the one that uses the truth.

Feedback comes from the judge's verdict, as it would in training; the truth stays out of the first
two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from oversight.agents.words import answers_shown, labels, scene
from oversight.core import SILENCE
from oversight.exchange.games import Game
from oversight.world import World

Row = dict[str, Any]


def preferences(games: Iterable[Game], world: World) -> Iterator[Row]:
    """One row a pair of seats that argued for different answers and were not believed alike."""
    for game in games:
        seats = _believed(game)
        for place, (seat, belief) in enumerate(seats):
            for other, less in seats[place + 1 :]:
                opposed = game.sides[seat] != game.sides[other]
                if opposed and belief > less:
                    yield {
                        "prompt": _prompt(game, seat, world),
                        "chosen": _said(game, seat),
                        "rejected": _said(game, other),
                    }


def unpaired(games: Iterable[Game], world: World) -> Iterator[Row]:
    """One row a seat with a side."""
    for game in games:
        for seat, belief in _believed(game):
            side = game.sides[seat]
            even = 1 / len(game.verdict)
            yield {
                "prompt": _prompt(game, seat, world),
                "completion": _said(game, seat),
                "label": belief > (even if side.supports else 1 - even),
            }


def judgements(games: Iterable[Game], world: World) -> Iterator[Row]:
    """One row a game."""
    for game in games:
        view = game.episode.table.view(game.judge)
        order = range(len(view.question.answers))
        wrong = max((a for a in order if a != game.record.truth), key=game.verdict.__getitem__)
        names = labels(len(order))
        yield {
            "prompt": f"{scene(view, '')}\n\n{answers_shown(view, order)}\n\n{WHICH}",
            "chosen": f" {names[game.record.truth]}",
            "rejected": f" {names[wrong]}",
        }


def _believed(game: Game) -> list[tuple[str, float]]:
    """Seats with a side that said something, and how far the judge sided with them, most first."""
    found: list[tuple[str, float]] = []
    for seat, side in game.sides.items():
        share = game.verdict[side.answer]
        if _said(game, seat):
            found.append((seat, share if side.supports else 1 - share))
    return sorted(found, key=lambda pair: -pair[1])


def _prompt(game: Game, seat: str, world: World) -> str:
    """What every side knew before it spoke: the question, its material and the answers."""
    view = game.opening(seat)
    order = range(len(view.question.answers))
    known = scene(view, world.material(view)).rpartition("\n\n")[0]
    return f"{known}\n\n{answers_shown(view, order).partition(chr(10))[2]}\n\n{ARGUE}"


def _said(game: Game, seat: str) -> str:
    said = [m.text for m in game.heard if m.seat == seat and m.act in ("claim", "argue")]
    return "\n".join(text for text in said if text != SILENCE)


ARGUE = "Argue for the answer that is right."
WHICH = "The label of the right answer is"
