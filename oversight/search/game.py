"""The reveal game: two sides show a judge evidence piece by piece, and the judge scores the set.

The pixel debate of Irving, Christiano and Amodei (2018, arXiv:1805.00899), for any judge with one
hidden layer that is additive over what is revealed:

    hidden = relu(start + Σ rows[move])            over the revealed moves
    margin = min_j (heads[j] · hidden + offsets[j])

The *raiser* wants the margin above zero, the *lowerer* wants it at or below zero: a tie is the
lowerer's. One head, the difference of two claimed labels' logits, is a debate with precommitment;
nine heads, "the truth beats every other label", one without, or a consultancy.

The search knows a game only as a named tuple with `rows` (one entry a move), `start` (the first
state, a float32 vector) and `movers`, and by two rules: `extend` and `margins`. Another world
states its own two with `rules(Kind, extend=..., margins=...)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import ArrayLike, NDArray


class Game(Protocol):
    """What the search reads of a game. Each move may be made once, by either side."""

    @property
    def rows(self) -> NDArray[Any]:
        """One entry for each legal move: (A, ...)."""
        ...

    @property
    def start(self) -> NDArray[np.float32]:
        """The state before the first ply: (S,)."""
        ...

    @property
    def movers(self) -> NDArray[np.int8]:
        """Who makes each remaining ply, +1 the raiser and −1 the lowerer: (D,)."""
        ...


class RevealGame(NamedTuple):
    """One position of the reveal game. Make it with `reveal_game`, which checks and casts.

    What is already revealed is folded into `start` and absent from `rows`.
    """

    rows: NDArray[np.float32]  # (A, H): what each legal move adds to the hidden layer
    start: NDArray[np.float32]  # (H,): bias plus the rows already revealed
    heads: NDArray[np.float32]  # (J, H)
    offsets: NDArray[np.float32]  # (J,)
    movers: NDArray[np.int8]  # (D,): +1 a ply of the raiser, −1 of the lowerer, any pattern

    def after(self, move: int) -> RevealGame:
        """The position once `move` is revealed; later moves shift down by one."""
        return self._replace(
            rows=np.delete(self.rows, move, axis=0),
            start=self.start + self.rows[move],
            movers=self.movers[1:].copy(),
        )

    def margins(self, sets: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """The judge's margin of each set of moves, in plain NumPy: (B, n) moves -> (B,)."""
        hidden = np.maximum(self.start + self.rows[sets].sum(axis=1), 0)  # (B, H)
        return (hidden @ self.heads.T + self.offsets).min(axis=1)


def reveal_game(
    rows: ArrayLike, start: ArrayLike, heads: ArrayLike, offsets: ArrayLike, movers: ArrayLike
) -> RevealGame:
    """A checked `RevealGame` in float32; shapes as in its fields.

    Raises ValueError for shapes that do not fit, weights that are not finite, movers other than
    ±1, and positions with no legal move or fewer moves than plies.
    """
    arrays = (np.array(a, np.float32, order="C") for a in (rows, start, heads, offsets))
    game = RevealGame(*arrays, movers=np.array(movers, np.int8))
    check(game)
    return game


def claim_heads(
    weights: NDArray[np.float32], biases: NDArray[np.float32], label: int, rivals: ArrayLike
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Heads and offsets that score `label` against each rival: logit differences, (J, H) and (J,).

    `weights` (C, H) and `biases` (C,) are the judge's output layer.
    """
    against = np.asarray(rivals)
    return weights[label] - weights[against], biases[label] - biases[against]


def check(game: Game) -> None:
    """Raise ValueError, with the remedy, unless `game` can be played."""
    moves, plies = len(game.rows), len(game.movers)
    if moves == 0:
        raise ValueError("no legal moves: do not search a position in which all is revealed")
    if plies == 0:
        raise ValueError("no plies left: `movers` needs an entry for each ply still to be made")
    if moves < plies:
        raise ValueError(f"{plies} plies but {moves} legal moves: shorten `movers` to {moves}")
    if (np.abs(game.movers) != 1).any():
        raise ValueError("`movers` must be +1 (raiser) or -1 (lowerer) at every ply")
    if isinstance(game, RevealGame):
        _check_weights(game)


def _check_weights(game: RevealGame) -> None:
    hidden, heads = game.start.size, len(game.offsets)
    wanted = {"rows": (len(game.rows), hidden), "heads": (heads, hidden), "offsets": (heads,)}
    for name, shape in wanted.items():
        found = getattr(game, name).shape
        if found != shape or heads == 0:
            raise ValueError(
                f"`{name}` has shape {found}, not {shape}: rows (A, H), start (H,), heads (J, H) "
                "and offsets (J,) must share H and J, with J at least 1"
            )
    for name in ("rows", "start", "heads", "offsets"):
        if getattr(game, name).dtype != np.float32:
            raise ValueError(f"`{name}` must be float32: make games with `reveal_game`")
        with np.errstate(invalid="ignore"):
            total = getattr(game, name).sum()
        if not np.isfinite(total):  # one NaN or infinity spoils the sum
            raise ValueError(f"`{name}` holds NaN or infinity: check how the judge was trained")


def extend(game: Any, state: Any, move: Any, child: Any) -> None:
    """Rule 1: write into `child` (S,) the state that `move` leads to from `state`. For kernels."""
    raise NotImplementedError("called from compiled kernels only; state it with `rules`")


def margins(game: Any, state: Any, first: Any, last: Any, out: Any) -> None:
    """Rule 2: write into out[move] the raiser's margin (log-odds) after `move` at `state`.

    For moves `first` up to but not including `last`. For kernels.
    """
    raise NotImplementedError("called from compiled kernels only; state it with `rules`")


FAST = {"reassoc", "contract", "nnan", "nsz"}  # weights are finite: sums and maxima may vectorise


def rules(
    kind: type[Any],
    *,
    extend: Callable[[Any, Any, Any, Any], None],
    margins: Callable[[Any, Any, Any, Any, Any], None],
) -> None:
    """Give games of the named-tuple class `kind` their two rules, plain functions numba compiles.

    Their arguments are named as in `extend` and `margins` above. The search is compiled for each
    kind in each process; for `RevealGame` alone it is cached on disk: after changing its rules,
    clear the `__pycache__` beside `puct.py`.
    """

    def plays(game: types.Type) -> bool:
        return isinstance(game, types.NamedTuple) and game.instance_class is kind

    def choose_extend(game: Any, state: Any, move: Any, child: Any) -> Any:
        return extend if plays(game) else None

    def choose_margins(game: Any, state: Any, first: Any, last: Any, out: Any) -> Any:
        return margins if plays(game) else None

    overload(globals()["extend"], jit_options={"fastmath": FAST})(choose_extend)
    overload(globals()["margins"], jit_options={"fastmath": FAST})(choose_margins)


BLOCK = 4  # moves valued side by side, to read each weight once


@njit(cache=True, fastmath=FAST)
def four_leads(game: Any, j: int, state: Any, move: int) -> Any:
    """Head j's logits after each of BLOCK moves from `move`, were it made at `state`."""
    head, dead = game.heads[j], np.float32(0)
    row_0, row_1 = game.rows[move], game.rows[move + 1]
    row_2, row_3 = game.rows[move + 2], game.rows[move + 3]
    lead_0 = lead_1 = lead_2 = lead_3 = game.offsets[j]
    for h in range(head.shape[0]):
        weight, shared = head[h], state[h]
        lead_0 += weight * max(row_0[h] + shared, dead)
        lead_1 += weight * max(row_1[h] + shared, dead)
        lead_2 += weight * max(row_2[h] + shared, dead)
        lead_3 += weight * max(row_3[h] + shared, dead)
    return lead_0, lead_1, lead_2, lead_3


@njit(cache=True, fastmath=FAST)
def one_lead(game: Any, j: int, state: Any, move: int) -> Any:
    """Head j's logit after `move` at `state`."""
    head, row, lead = game.heads[j], game.rows[move], game.offsets[j]
    for h in range(head.shape[0]):
        lead += head[h] * max(row[h] + state[h], np.float32(0))
    return lead


def _reveal(game: Any, state: Any, move: Any, child: Any) -> None:
    row = game.rows[move]
    for h in range(state.shape[0]):
        child[h] = state[h] + row[h]


def _least_leads(game: Any, state: Any, first: Any, last: Any, out: Any) -> None:
    out[first:last] = np.inf
    for j in range(game.heads.shape[0]):
        move = first
        while move + BLOCK <= last:
            lead_0, lead_1, lead_2, lead_3 = four_leads(game, j, state, move)
            out[move] = min(out[move], lead_0)
            out[move + 1] = min(out[move + 1], lead_1)
            out[move + 2] = min(out[move + 2], lead_2)
            out[move + 3] = min(out[move + 3], lead_3)
            move += BLOCK
        while move < last:
            out[move] = min(out[move], one_lead(game, j, state, move))
            move += 1


rules(RevealGame, extend=_reveal, margins=_least_leads)
