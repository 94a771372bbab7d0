"""How fast the search and the exact solver are, against the plain way to write each.

`plain_search` is the same search, one game at a time in NumPy and Python. It asks the game's own
compiled rule for leaf values, so that it must find the same visits, to the last one.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oversight.core import Case
from oversight.data.pixels import DATA_DIR_VARIABLE
from oversight.keys import fold
from oversight.registry import build
from oversight.reveal import AdditiveJudge
from oversight.search.game import RevealGame, claim_heads, margins, reveal_game
from oversight.search.induction import induct
from oversight.search.puct import ILLEGAL, lean, search
from tests.benchmarks.measure import row

ALTERNATE = {4: (1, -1, 1, -1), 6: (1, -1, 1, -1, 1, -1)}


def games(data: str, plies: int, lies: int, count: int) -> list[RevealGame]:
    """Positions before the first reveal: the truth against its first `lies` lies.

    On the trained judge's own images; MNIST's files are used where `OVERSIGHT_DATA_DIR` has them,
    otherwise weights drawn on the scale and of the size of its judge's.
    """
    if data == "mnist" and not _mnist_is_here():
        return _drawn(moves=150, hidden=128, plies=plies, heads=lies, count=count)
    world = build("worlds", f"{data}:pixels={plies}")
    judge = world.judge()
    return [_at_the_start(judge, world.case(index, 0), plies, lies) for index in range(count)]


def _mnist_is_here() -> bool:
    root = os.environ.get(DATA_DIR_VARIABLE)
    return root is not None and (Path(root) / "mnist").is_dir()


def _at_the_start(judge: AdditiveJudge, case: Case, plies: int, lies: int) -> RevealGame:
    truth = case.truth.unseal()
    rivals = [answer for answer in range(len(judge.head_bias)) if answer != truth][:lies]
    heads, offsets = claim_heads(judge.head, judge.head_bias, truth, rivals)
    rows = judge.rows(case.private)[np.flatnonzero(case.private)]
    return reveal_game(rows, judge.bias, heads, offsets, ALTERNATE[plies])


def _drawn(moves: int, hidden: int, plies: int, heads: int, count: int) -> list[RevealGame]:
    rng = np.random.default_rng(0)
    return [
        reveal_game(
            rng.normal(0, 0.5, (moves, hidden)),
            rng.normal(0, 0.3, hidden),
            rng.normal(0, 0.3, (heads, hidden)),
            rng.normal(0, 0.1, heads),
            ALTERNATE[plies],
        )
        for _ in range(count)
    ]


def rows() -> list[dict[str, Any]]:
    """One entry a comparison; `holds` says whether `ratio` reaches `bar`."""
    mnist = "mnist" if _mnist_is_here() else "mnist-sized"
    return [
        *(_search_row(f"digits, k = {plies}", "digits", plies) for plies in (4, 6)),
        *(_search_row(f"{mnist}, k = {plies}", "mnist", plies) for plies in (4, 6)),
        _exact_row("digits, k = 6, nine lies", "digits", plies=6),
        _exact_row(f"{mnist}, k = 4, nine lies", "mnist", plies=4),
    ]


def _search_row(name: str, data: str, plies: int) -> dict[str, Any]:
    """At the paper's 10,000 rollouts a move."""
    rollouts, few, many = 10_000, 2, 20
    positions = games(data, plies, lies=1, count=many)
    keys = [fold(7, g) for g in range(many)]
    visits = plain_search(positions[0], rollouts, keys[0])
    found = search(positions[:1], rollouts, keys[:1])
    assert (found.visits[0] == visits).all(), "the plain search must visit as ours does"
    ours = many * rollouts / _seconds(lambda: search(positions, rollouts, keys))

    def plainly() -> None:
        for position, key in zip(positions[:few], keys, strict=False):
            plain_search(position, rollouts, key)

    theirs = few * rollouts / _seconds(plainly, repeats=2)
    return row(f"PUCT rollouts per second: {name}", ours, theirs, bar=50)


def _exact_row(name: str, data: str, plies: int) -> dict[str, Any]:
    (game,) = games(data, plies, lies=9, count=1)
    sets = math.comb(len(game.rows), plies)
    induct(game._replace(rows=game.rows[: plies + 1]))  # compile
    ours = sets / _seconds(lambda: induct(game))
    return row(f"full sets solved per second: {name}", ours, _judge_rate(game), bar=0.5)


def _seconds(run: Callable[[], object], repeats: int = 3) -> float:
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def _judge_rate(game: RevealGame) -> float:
    """Sets per second of the judge alone: one thread of torch at its best batch size.

    A batch is valued as cheaply as torch can: one row added to a shared sum, in place, into
    memory it already has; no gathering of rows, no search, no verdict.
    """
    import torch  # the unit tests want `plain_search` without it

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    best = 0.0
    start, heads = torch.from_numpy(game.start), torch.from_numpy(game.heads.T.copy())
    offsets = torch.from_numpy(game.offsets)
    with torch.inference_mode():
        for batch in (32, 64, 128, 256, 1024, 4096, 16384):
            added = torch.from_numpy(np.resize(game.rows, (batch, game.start.size)))
            hidden, logits = torch.empty_like(added), torch.empty(batch, len(offsets))

            def value(
                added: torch.Tensor = added,
                hidden: torch.Tensor = hidden,
                logits: torch.Tensor = logits,
                times: int = max(1, 65536 // batch),
            ) -> None:
                for _ in range(times):
                    torch.add(start, added, out=hidden)
                    torch.relu_(hidden)
                    torch.addmm(offsets, hidden, heads, out=logits)

            value()
            best = max(best, batch * max(1, 65536 // batch) / _seconds(value, repeats=5))
    torch.set_num_threads(threads)
    return best


@njit
def _margins(game: Any, state: Any, first: int, last: int) -> Any:
    out = np.empty(last, np.float32)
    margins(game, state, first, last, out)
    return out


def _noise(key: int, node: int, moves: int) -> NDArray[np.float32]:
    x = np.uint32(fold(key, node) >> 32) + np.arange(moves, dtype=np.uint32) * np.uint32(0x9E3779B9)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    x = (x ^ (x >> np.uint32(16))) >> np.uint32(8)
    return x.astype(np.float32) * np.float32(np.float32(1e-6) / np.float32(1 << 24))


class _Node:
    """A node of the plain search: what is spent, the judge's sum, and statistics of each move."""

    def __init__(
        self, game: RevealGame, path: list[int], state: Any, key: int, number: int
    ) -> None:
        moves = len(game.rows)
        self.path = path
        self.state = state
        self.q = _noise(key, number, moves)
        self.q[path] = ILLEGAL
        self.inverse = np.ones(moves, np.float32)  # 1 / (1 + N(s, a))
        self.children: dict[int, _Node] = {}
        self.exact: dict[int, np.float32] = {}  # by move: the value of the last ply, enumerated
        self.visits = np.zeros(moves, np.int64)

    def select(self, c: float) -> int:
        legal = len(self.q) - len(self.path)
        u = np.float32(c / legal * math.sqrt(self.visits.sum()))
        return int(np.argmax(self.q + u * self.inverse))

    def update(self, move: int, z: np.float32) -> None:
        self.q[move] += (z - self.q[move]) * self.inverse[move]
        self.inverse[move] /= np.float32(1) + self.inverse[move]
        self.visits[move] += 1


def plain_search(game: RevealGame, rollouts: int, key: int, c: float = 1.0) -> NDArray[np.int64]:
    """The visits of each move at the root; for games of two or more plies."""
    root = _Node(game, [], game.start, key, 0)
    nodes = 1
    for _ in range(rollouts):
        node, steps = root, list[tuple[_Node, int]]()
        while True:
            move = node.select(c)
            steps.append((node, move))
            depth = len(node.path)
            if depth < len(game.movers) - 2 and node.visits[move] == 1:
                path, state = [*node.path, move], node.state + game.rows[move]
                node.children[move] = _Node(game, path, state, key, nodes)
                nodes += 1
            if move not in node.children:
                break
            node = node.children[move]
        if depth < len(game.movers) - 2:
            z = lean(_margins(game, node.state, move, move + 1)[move])
        else:
            if move not in node.exact:
                node.exact[move] = _last_ply(game, node, move)
            z = node.exact[move]
        for visited, made in steps:
            visited.update(made, np.float32(game.movers[len(visited.path)]) * z)
    return root.visits


def _last_ply(game: RevealGame, node: _Node, move: int) -> np.float32:
    """The last mover's best value after `move`."""
    after = _margins(game, node.state + game.rows[move], 0, len(game.rows))
    legal = np.delete(after, [*node.path, move])
    return lean(legal.max() if game.movers[-1] > 0 else legal.min())


if __name__ == "__main__":
    for found in rows():
        print(
            f"{found['name']:45s} {found['ours']:12.0f} {found['theirs']:12.0f}"
            f" {found['ratio']:8.2f} (bar {found['bar']})"
            f" {'holds' if found['holds'] else 'FALLS SHORT'}"
        )
