"""PUCT tree search over any game that states `extend` and `margins` (see `game.py`).

Score of a move at a node (Silver et al. 2017, AlphaGo Zero, with a uniform prior over legal moves):

    Q(s, a) + c · P(s, a) · √Σ_b N(s, b) / (1 + N(s, a)),      P(s, a) = 1/A

Leaves are valued by the judge, 2·sigmoid(margin) − 1, as in Irving et al. (2018,
arXiv:1805.00899): "pure MCTS", c = 1. The last ply is never searched but enumerated: the value of a
position with one ply to go is the best final value that its mover can reach, so it is exact at its
first visit. Without that, a thousand rollouts on MNIST still favour whoever moves last.

Deviations: a node is created at its edge's second visit, so at most one a rollout; an untried move
has Q = 0 plus a keyed noise below 1e-6, which breaks ties.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from oversight.search.game import Game, RevealGame, check, extend, margins

ILLEGAL = np.float32(-1e9)
NOISE = np.float32(1e-6)
NEVER, ONCE = -1, -2  # an edge without a node: not yet tried, or tried once


class Tree(NamedTuple):
    """A pool of nodes, allocated once a call and committed by the system as it is first touched.

    `q` is in the view of the side to move; `inverse` is 1/(1 + N(s, a)).
    """

    q: NDArray[np.float32]  # (nodes, A)
    inverse: NDArray[np.float32]  # (nodes, A)
    child: NDArray[np.int32]  # (nodes, A): a node, NEVER or ONCE
    state: NDArray[np.float32]  # (nodes, S)
    tried: NDArray[np.int32]  # (nodes,): Σ_b N(s, b)


class Found(NamedTuple):
    """What a search found in each of G games."""

    moves: NDArray[np.int64]  # (G,): most visited, ties to the larger Q, then the lower index
    values: NDArray[np.float64]  # (G,): mean value of that move, in [−1, 1], the raiser's view
    visits: list[NDArray[np.int64]]  # G × (A,): visits of each move at the root


def search(games: Sequence[Game], rollouts: int, keys: ArrayLike, *, c: float = 1.0) -> Found:
    """Search each game alone and return its most visited move.

    A rollout is one descent from the root to a position not seen before (one evaluation), to the
    last ply (enumerated at the first visit: an evaluation for each move left), or to a last ply
    already enumerated (none). With a single ply to go the search is the enumeration, and
    each move counts one visit.

    Args:
        games: positions with one kind of rules; see `game.Game`.
        rollouts: descents per game, the dial of strength.
        keys: one uint64 per game; it decides ties and nothing else does. A game's result depends
            on its own key and position only, never on the rest of the batch.
        c: weight of exploration.

    Raises ValueError for an unplayable game, fewer than one rollout, or keys that do not match.
    """
    keyed = np.asarray(keys, dtype=np.uint64)
    if rollouts < 1:
        raise ValueError(f"{rollouts} rollouts: a search needs at least 1")
    if keyed.shape != (len(games),):
        raise ValueError(f"keys of shape {keyed.shape} for {len(games)} games: give one per game")
    games = [_checked(game) for game in games]
    moves = np.zeros(len(games), np.int64)
    values = np.zeros(len(games))
    visits = [np.zeros(len(game.rows), np.int64) for game in games]
    tree = _pool(games, rollouts)
    for g, game in enumerate(games):
        tree.state[0, : game.start.size] = game.start
        run = _compiled(_rank if len(game.movers) == 1 else _explore, type(game))
        moves[g], values[g] = run(game, rollouts, c, keyed[g], tree, visits[g])
    return Found(moves, values, visits)


def greedy(game: Game) -> int:
    """The move after which the judge leans most to the mover's side; ties to the lower index.

    Raises ValueError for an unplayable game.
    """
    game = _checked(game)
    visits = np.zeros(len(game.rows), np.int64)
    move, _ = _compiled(_rank, type(game))(game, 1, 1.0, np.uint64(0), _pool([game], 1), visits)
    return int(move)


@functools.cache
def _compiled(kernel: Callable[..., Any], kind: type[Any]) -> Callable[..., Any]:
    """The kernel for one kind of game, kept on disk only for the kind that ships with it.

    One class in the cache's index whose module is missing makes all of the index unreadable. So
    the kernels below that take a game are not cached by themselves either.
    """
    return njit(kernel, cache=kind is RevealGame, nogil=True)


def _checked(game: Any) -> Any:
    """The game, sure to be playable, with every array laid out as the kernels were compiled for."""
    check(game)
    usual = (
        array if array.flags.carray else np.require(array, requirements=("C", "A", "W"))
        for array in game
    )
    return type(game)(*usual)


def _pool(games: Sequence[Game], rollouts: int) -> Tree:
    nodes = rollouts + 1  # the root, and at most one a rollout: a second visit may end in a first
    width = max((len(game.rows) for game in games), default=0)
    size = max((game.start.size for game in games), default=0)
    return Tree(
        q=np.empty((nodes, width), np.float32),
        inverse=np.empty((nodes, width), np.float32),
        child=np.empty((nodes, width), np.int32),
        state=np.empty((nodes, size), np.float32),
        tried=np.empty(nodes, np.int32),
    )


def _explore(game: Any, rollouts: int, c: float, key: Any, tree: Tree, visits: Any) -> Any:
    """Search one game of two or more plies -> (move, its mean value)."""
    moves, plies, size = len(game.rows), len(game.movers), game.start.size
    nodes, path = np.zeros(plies, np.int64), np.zeros(plies, np.int64)  # along this rollout
    order, after = np.empty(moves, np.int32), np.empty(moves, np.float32)
    leaf = np.empty(size, np.float32)
    last = plies - 2  # the depth whose moves leave one ply, to be enumerated
    _open(tree, 0, path[:0], moves, key)
    used = 1
    for _ in range(rollouts):
        depth, node = 0, 0
        while True:
            u = c / (moves - depth) * math.sqrt(tree.tried[node])
            move = _select(tree.q[node, :moves], tree.inverse[node, :moves], u, order)
            nodes[depth], path[depth] = node, move
            child = tree.child[node, move]
            if child == ONCE and depth < last:
                child, used = used, used + 1
                extend(game, tree.state[node, :size], move, tree.state[child, :size])
                _open(tree, child, path[: depth + 1], moves, key)
                tree.child[node, move] = child
            if child < 0:
                break
            depth, node = depth + 1, child
        if child == ONCE:  # one ply to go, enumerated before: the mean is the exact value
            z = tree.q[node, move] * game.movers[depth]
        elif depth < last:
            margins(game, tree.state[node, :size], move, move + 1, after)
            z = lean(after[move])
        else:
            extend(game, tree.state[node, :size], move, leaf)
            z = lean(_best(game, leaf, path[:-1], game.movers[-1], after)[0])
        tree.child[node, move] = ONCE
        visits[path[0]] += 1
        _back_up(tree, nodes, path, game.movers, depth, z)
    best = _most_visited(visits, tree.q[0])
    return best, float(tree.q[0, best] * game.movers[0])


def _rank(game: Any, rollouts: int, c: float, key: Any, tree: Tree, visits: Any) -> Any:
    """Play the first ply as if it were the last -> (move, its value)."""
    z, move = _best(
        game, game.start, visits[:0], game.movers[0], np.empty(len(game.rows), np.float32)
    )
    visits[:] = 1
    return move, float(lean(z))


@njit
def _best(game: Any, state: Any, spent: Any, mover: int, after: Any) -> Any:
    """The margin that the mover's best move reaches from `state`, and that move."""
    margins(game, state, 0, len(game.rows), after)
    sign, best = np.float32(mover), -1
    for move in range(len(game.rows)):
        if (best < 0 or sign * after[move] > sign * after[best]) and move not in spent:
            best = move
    return after[best], best


@njit(cache=True)
def lean(log_odds: Any) -> Any:
    """A margin as a value in [−1, 1]: 2·sigmoid − 1."""
    return np.float32(2) / (np.float32(1) + np.exp(-np.float32(log_odds))) - np.float32(1)


@njit(cache=True)
def _open(tree: Tree, node: int, path: Any, moves: int, key: Any) -> None:
    """Make `node` a fresh node in which the moves of `path` are spent."""
    tree.tried[node] = 0
    salt = np.uint64(key) + np.uint64(node + 1) * np.uint64(0x9E3779B97F4A7C15)  # keys.fold
    salt = (salt ^ (salt >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    salt = (salt ^ (salt >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    seed = np.uint32((salt ^ (salt >> np.uint64(31))) >> np.uint64(32))
    q, inverse, child = tree.q[node], tree.inverse[node], tree.child[node]
    for a in range(moves):
        x = np.uint32(seed + np.uint32(a) * np.uint32(0x9E3779B9))
        x = np.uint32((x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D))
        x = np.uint32((x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B))
        bits = np.int32((x ^ (x >> np.uint32(16))) >> np.uint32(8))
        q[a] = np.float32(bits) * (NOISE / np.float32(1 << 24))
        inverse[a] = 1
        child[a] = NEVER
    for move in path:
        q[move] = ILLEGAL


@njit(cache=True)
def _select(q: Any, inverse: Any, u: float, order: Any) -> Any:
    """The first move of highest q + u·inverse.

    Numba vectorises an integer maximum but no float one, so scores are compared by their bits,
    turned into integers of the same order.
    """
    weight, moves = np.float32(u), np.int32(q.size)
    top, first = np.int32(-(2**31)), moves
    for a in range(q.size):
        bits = np.float32(q[a] + weight * inverse[a]).view(np.int32)
        bits = np.int32(bits ^ ((bits >> np.int32(31)) & np.int32(2**31 - 1)))
        order[a] = bits
        top = bits if bits > top else top
    for a in range(q.size):
        at = np.int32(a) if order[a] == top else moves
        first = at if at < first else first
    return first


@njit(cache=True)
def _back_up(tree: Tree, nodes: Any, path: Any, movers: Any, depth: int, z: Any) -> None:
    """Count the rollout and move each mean on its path toward z, seen from that ply's mover."""
    for d in range(depth + 1):
        node, move = nodes[d], path[d]
        inverse = tree.inverse[node, move]
        tree.q[node, move] += (np.float32(movers[d]) * z - tree.q[node, move]) * inverse
        tree.inverse[node, move] = inverse / (np.float32(1) + inverse)
        tree.tried[node] += 1


@njit(cache=True)
def _most_visited(visits: Any, q: Any) -> int:
    best = 0
    for a in range(1, visits.shape[0]):
        if visits[a] > visits[best] or (visits[a] == visits[best] and q[a] > q[best]):
            best = a
    return best
