"""Handwritten digits, one pixel at a time: the world of Irving et al. 2018 (arXiv:1805.00899).

The question is which digit an image shows. Debaters see the image; the judge sees only the pixels
that they reveal, published with their true values. Only nonzero pixels can be revealed, each once.

`Digits` are scikit-learn's 8×8 images, `Mnist` the 28×28 ones; they differ in nothing else.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from oversight import keys
from oversight.agents.searching import SearchingDebater
from oversight.core import SILENCE, Case, Message, OversightError, Question, Sealed, View
from oversight.data import NonzeroPixels, PixelData, load_digits, load_mnist
from oversight.derived import derived
from oversight.judges.sparse import SparseJudge
from oversight.players import Agent
from oversight.reveal import Reveal, revealed, standing
from oversight.spaces import Choose, Reply, numbered
from oversight.world import Arguable, Askable, Numeric, Unaided, World

QUARTERS = ("upper left", "upper right", "lower left", "lower right")
OF_QUARTERS = numbered(f"the {quarter} quarter" for quarter in QUARTERS)


class Pixels(World, Arguable, Askable, Unaided, Numeric):
    """Grey images of the ten digits, revealed a pixel at a time."""

    side: ClassVar[int]
    """Pixels along an edge."""
    answers = 10
    foreseeable = True

    def __init__(self, pixels: int = 6, rollouts: int = 200, training_seed: int = 0) -> None:
        """`pixels`: what the judge is trained to see; `rollouts`: the default debaters' search."""
        if pixels < 1:
            raise OversightError(f"a judge sees at least one pixel, got pixels={pixels}")
        self.pixels = pixels
        self.rollouts = rollouts
        self.training_seed = training_seed
        self.features = 3 * self.side**2 + 2 * self.answers + 1
        self._orders: dict[int, NDArray[np.int64]] = {}

    @abstractmethod
    def _load(self) -> PixelData: ...

    @cached_property
    def data(self) -> PixelData:
        """The images, loaded on first use; games are played on the test half."""
        return self._load()

    @cached_property
    def _nonzero(self) -> NonzeroPixels:
        return NonzeroPixels.of(self.data.test_values)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that rebuild this world."""
        return {
            "pixels": self.pixels,
            "rollouts": self.rollouts,
            "training_seed": self.training_seed,
        }

    @derived
    def size(self) -> int:
        """How many test images there are."""
        return len(self.data.test_labels)

    def case(self, index: int, seed: int) -> Case:
        """Test image number `index` in the order that `seed` shuffles them into."""
        if seed not in self._orders:
            self._orders[seed] = keys.generator(keys.root(seed, "order")).permutation(self.size)
        image = int(self._orders[seed][index])
        values = self.data.test_values[image]
        values.setflags(write=False)
        return Case(
            f"{self.name}-{image}",
            Question("Which digit does the image show?", tuple(map(str, range(self.answers)))),
            values,
            Sealed(int(self.data.test_labels[image])),
        )

    # Who plays

    @cached_property
    def _judge(self) -> SparseJudge:
        return SparseJudge(self.data, self.pixels, seed=self.training_seed)

    def judge(self) -> Agent:
        """The sparse learned judge."""
        return self._judge

    @cached_property
    def _debater(self) -> SearchingDebater:
        return SearchingDebater(self._judge, self.rollouts)

    def debater(self) -> Agent:
        """Tree search against the sparse judge."""
        return self._debater

    # What may be said

    def argue_space(self, case: Case, seat: str, view: View) -> Choose:
        """The nonzero pixels not yet revealed, within the quarter last asked for if it has any."""
        shown = {m.data.move for m in view.transcript if isinstance(m.data, Reveal)}
        legal = [p for p in np.flatnonzero(case.private).tolist() if p not in shown]
        asked = next((m.data for m in reversed(view.transcript) if m.act == "ask"), None)
        if asked is not None:
            legal = [p for p in legal if self._quarter(p) == asked] or legal
        return Choose(self.side**2, tuple(legal), silence=True, of=self._pixels)

    @cached_property
    def _pixels(self) -> str:
        """What the numbers of pixels mean."""
        return f"pixels, {self.side} × row + column, rows from the top and both from 0"

    @property
    def argue_bound(self) -> Choose:
        """Any pixel, or silence."""
        return Choose(self.side**2, silence=True, of=self._pixels)

    def publish(
        self, case: Case, seat: str, act: str, reply: Reply, transcript: Sequence[Message] = ()
    ) -> Message:
        """The revealed pixel with its true value."""
        if reply is None:
            return Message(seat, act, SILENCE)
        assert isinstance(reply, int)  # the space is a Choose
        row, column = divmod(reply, self.side)
        value = float(case.private[reply])
        return Message(
            seat, act, f"The pixel in row {row}, column {column} is {value:.2f}.",
            Reveal(reply, value),
        )  # fmt: skip

    def ask_space(self, case: Case, seat: str, view: View) -> Choose:
        """One of the four quarters of the image."""
        return Choose(len(QUARTERS), of=OF_QUARTERS)

    @property
    def ask_bound(self) -> Choose:
        """One of the four quarters."""
        return Choose(len(QUARTERS), of=OF_QUARTERS)

    def publish_question(self, case: Case, seat: str, reply: Reply) -> Message:
        """The quarter in words; its index binds the arguments that follow."""
        assert isinstance(reply, int)  # the space is a Choose
        return Message(seat, "ask", f"Show me a pixel of the {QUARTERS[reply]} quarter.", reply)

    def unaided(self, case: Case, budget: int, key: int) -> Sequence[Message]:
        """`budget` random nonzero pixels: what the judge is trained on."""
        nonzero = np.flatnonzero(case.private)
        looks = min(budget, len(nonzero))
        drawn = keys.generator(key).choice(nonzero, looks, replace=False)
        return [self.publish(case, "nature", "look", int(pixel)) for pixel in drawn]

    def _quarter(self, pixel: int) -> int:
        row, column = divmod(pixel, self.side)
        half = self.side / 2
        return 2 * (row >= half) + (column >= half)

    # As numbers

    def encode(self, view: View) -> NDArray[np.float32]:
        """Three planes (revealed, their values, the image), claims, own side, steps left.

        The image plane is zero for seats that do not see the image.
        """
        area = self.side**2
        numbers = np.zeros(self.features, np.float32)
        for reveal in revealed(view):
            numbers[reveal.move] = 1
            numbers[area + reveal.move] = reveal.value
        if view.private is not None:
            numbers[2 * area : 3 * area] = view.private
        numbers[3 * area :] = standing(view, self.answers)
        return numbers

    # To look at

    def draw(self, view: View) -> str:
        """The image as the seat sees it: grey blocks, and revealed pixels by their number."""
        order = {reveal.move: number for number, reveal in enumerate(revealed(view), 1)}
        shades = np.zeros(self.side**2) if view.private is None else view.private
        cells = [
            f"{order[pixel]:>2}" if pixel in order else " ░▒▓█"[round(float(shade) * 4)] * 2
            for pixel, shade in enumerate(shades)
        ]
        side = self.side
        rows = ["".join(cells[at : at + side]) for at in range(0, side * side, side)]
        frame = "─" * (2 * side)
        said = [f"  {message.seat}: {message.text}" for message in view.transcript]
        return "\n".join(
            [view.question.prompt, f"┌{frame}┐", *(f"│{row}│" for row in rows), f"└{frame}┘", *said]
        )

    def draw_html(self, view: View) -> str:
        """The image as an SVG, the revealed pixels numbered by turn and coloured by seat."""
        side, cell = self.side, 280 // self.side
        seats = list(dict.fromkeys(m.seat for m in view.transcript if isinstance(m.data, Reveal)))
        shapes: list[str] = []
        for pixel, shade in enumerate([] if view.private is None else view.private.tolist()):
            if shade:
                shapes.append(
                    _square(pixel, side, cell, f"rgb({','.join([str(round(255 * shade))] * 3)})")
                )
        number = 0
        for message in view.transcript:
            if isinstance(message.data, Reveal):
                number += 1
                colour = f"var(--seat-{seats.index(message.seat) % PAGE_COLOURS})"
                shapes.append(
                    _numbered(message.data.move, side, cell, colour, number, message.text)
                )
        width = side * cell
        return (
            f'<svg class="digit" width="{width}" height="{width}" role="img" '
            f'aria-label="the image, revealed pixels numbered">'
            f'<rect width="{width}" height="{width}" fill="#000"/>{"".join(shapes)}</svg>'
        )


PAGE_COLOURS = 4
"""How many seat colours a page defines (see `World.draw_html`)."""


def _square(pixel: int, side: int, cell: int, fill: str, extra: str = "") -> str:
    row, column = divmod(pixel, side)
    return (
        f'<rect x="{column * cell}" y="{row * cell}" width="{cell}" height="{cell}" '
        f'fill="{fill}" {extra}/>'
    )


def _numbered(pixel: int, side: int, cell: int, colour: str, number: int, title: str) -> str:
    row, column = divmod(pixel, side)
    x, y = (column + 0.5) * cell, (row + 0.5) * cell
    return (
        f"<g><title>{number}. {title}</title>"
        f"{_square(pixel, side, cell, colour)}"
        f'<text x="{x}" y="{y}" font-size="{max(8, cell * 0.6):.0f}" text-anchor="middle" '
        f'dominant-baseline="central" fill="#000">{number}</text></g>'
    )


class Digits(Pixels):
    """scikit-learn's 8×8 handwritten digits; needs no file."""

    name: ClassVar[str] = "digits"
    side: ClassVar[int] = 8

    def _load(self) -> PixelData:
        return load_digits()


class Mnist(Pixels):
    """MNIST, from `data_dir`, else from `mnist/` under OVERSIGHT_DATA_DIR, else the hub."""

    name: ClassVar[str] = "mnist"
    side: ClassVar[int] = 28

    def __init__(
        self,
        pixels: int = 6,
        rollouts: int = 200,
        training_seed: int = 0,
        data_dir: Path | None = None,
    ) -> None:
        super().__init__(pixels, rollouts, training_seed)
        self.data_dir = data_dir

    def _load(self) -> PixelData:
        return load_mnist(self.data_dir)
