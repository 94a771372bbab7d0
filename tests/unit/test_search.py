"""The search is the textbook's, plays what is exact ever more often, and never minds its batch."""

from __future__ import annotations

import importlib.util
import itertools
import multiprocessing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from oversight.search import RevealGame, claim_heads, greedy, induct, reveal_game, rules, search

ALTERNATE = (1, -1, 1, -1, 1, -1)


def random_game(seed: int, moves: int = 8, plies: int = 4, heads: int = 1) -> RevealGame:
    rng = np.random.default_rng(seed)
    return reveal_game(
        rng.normal(size=(moves, 12)),
        rng.normal(size=12),
        rng.normal(size=(heads, 12)),
        rng.normal(size=heads),
        ALTERNATE[:plies],
    )


def played_out(games: list[RevealGame], rollouts: int) -> NDArray[np.bool_]:
    """Whether the raiser wins each game when both sides search."""
    while len(games[0].movers):
        keys = np.arange(len(games), dtype=np.uint64)
        moves = search(games, rollouts, keys).moves
        games = [game.after(int(move)) for game, move in zip(games, moves, strict=True)]
    none = np.empty((1, 0), np.int64)
    return np.array([game.margins(none)[0] > 0 for game in games])


def plain_search() -> Any:
    path = Path(__file__).parents[1] / "benchmarks" / "bench_search.py"
    spec = importlib.util.spec_from_file_location("bench_search", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.plain_search


@pytest.mark.parametrize(("moves", "plies"), [(7, 2), (9, 4), (12, 6), (20, 6)])
def test_it_visits_what_the_plain_search_visits(moves: int, plies: int):
    plain = plain_search()
    for seed in range(3):
        game = random_game(seed, moves, plies, heads=1 + seed % 2)
        (ours,) = search([game], 400, [seed]).visits
        assert ours.tolist() == plain(game, 400, seed).tolist()


def test_every_rollout_is_counted_once_at_the_root():
    found = search([random_game(s) for s in range(3)], 123, [1, 2, 3])
    assert [visits.sum() for visits in found.visits] == [123] * 3
    assert found.moves.tolist() == [visits.argmax() for visits in found.visits]
    assert (np.abs(found.values) <= 1).all()


def test_a_search_that_digs_one_line_has_nodes_enough():
    for seed, rollouts in itertools.product(range(10), (1, 2, 5, 9)):
        game = random_game(seed, moves=7, plies=6)
        assert search([game], rollouts, [seed], c=0.0).visits[0].sum() == rollouts


def test_more_rollouts_play_the_exact_verdict_more_often():
    games = [random_game(seed, moves=10) for seed in range(60)]
    exact = np.array([induct(game).joint[0] for game in games])
    assert 10 < exact.sum() < 50
    few, some, many = [(played_out(games, r) == exact).mean() for r in (1, 30, 3000)]
    assert few < some <= many
    assert many == 1.0


def test_a_game_is_searched_alike_alone_and_in_any_company():
    games = [random_game(s, moves=6 + s % 7, plies=4) for s in range(9)]
    keys = np.arange(9, dtype=np.uint64) + np.uint64(2**63)
    together = search(games, 200, keys)
    backwards = search(games[::-1], 200, keys[::-1])
    for g, game in enumerate(games):
        alone = search([game], 200, keys[g : g + 1])
        for visits in (together.visits[g], backwards.visits[8 - g]):
            assert (visits == alone.visits[0]).all()
        assert together.values[g] == alone.values[0]


def searched_in_child(seed: int) -> list[int]:
    return search([random_game(seed)], 200, [seed]).visits[0].tolist()


def test_a_forked_process_finds_the_same():
    here = [searched_in_child(seed) for seed in range(3)]
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.map(searched_in_child, range(3)) == here


def test_the_key_only_breaks_ties():
    flat = reveal_game(np.ones((30, 4)), np.zeros(4), np.ones((1, 4)), [0.0], ALTERNATE[:2])
    first_moves = {int(search([flat], 1, [key]).moves[0]) for key in range(20)}
    assert len(first_moves) > 5
    won = random_game(1, plies=2)
    assert len({int(search([won], 500, [key]).moves[0]) for key in range(5)}) == 1


@pytest.mark.parametrize("mover", [1, -1])
def test_a_single_ply_is_enumerated(mover: int):
    rows = np.array([[1.0, 0.0], [0.0, 3.0], [2.0, -5.0]])
    game = reveal_game(rows, [0.0, 0.0], [[1.0, -1.0]], [0.5], [mover])
    # margins by hand: 1.5, -2.5, 2.5 (the −5 is clipped)
    best = 2 if mover > 0 else 1
    assert greedy(game) == best
    found = search([game], 1, [0])
    assert found.moves.tolist() == [best]
    assert found.values[0] == pytest.approx(np.tanh((2.5 if mover > 0 else -2.5) / 2))
    assert found.visits[0].tolist() == [1, 1, 1]


def test_two_plies_are_solved_by_one_visit_of_each_move():
    game = random_game(5, moves=9, plies=2)
    margins = [
        min(game.margins(np.array([[a, b]]))[0] for b in range(9) if b != a) for a in range(9)
    ]
    found = search([game], 2000, [0])
    assert found.moves[0] == int(np.argmax(margins))
    assert found.values[0] == pytest.approx(np.tanh(max(margins) / 2), abs=1e-6)


class SumGame(NamedTuple):
    """Sides pick numbers in turn; the raiser wants the sum divisible by three."""

    rows: NDArray[np.float32]  # (A,)
    start: NDArray[np.float32]  # (1,): the sum
    movers: NDArray[np.int8]


def add(game: Any, state: Any, move: Any, child: Any) -> None:
    child[0] = state[0] + game.rows[move]


def divisible(game: Any, state: Any, first: Any, last: Any, out: Any) -> None:
    for move in range(first, last):
        out[move] = np.float32(4) if (state[0] + game.rows[move]) % 3 == 0 else np.float32(-4)


rules(SumGame, extend=add, margins=divisible)


def test_another_game_is_searched_through_its_own_two_rules():
    def raiser_wins(numbers: tuple[int, ...], total: int, movers: tuple[int, ...]) -> bool:
        if not movers:
            return total % 3 == 0
        outcomes = [
            raiser_wins(numbers[:i] + numbers[i + 1 :], total + n, movers[1:])
            for i, n in enumerate(numbers)
        ]
        return any(outcomes) if movers[0] > 0 else all(outcomes)

    verdicts: set[bool] = set()
    for numbers in itertools.combinations_with_replacement((1, 2, 3), 5):
        movers = (1, -1, 1) if sum(numbers) % 2 else (-1, 1, -1)
        game = SumGame(
            np.array(numbers, np.float32), np.zeros(1, np.float32), np.array(movers, "b")
        )
        exact = raiser_wins(numbers, 0, movers)
        assert (search([game], 3000, [3]).values[0] > 0) == exact, numbers
        verdicts.add(exact)
    assert verdicts == {True, False}


def test_claims_become_logit_differences():
    weights, biases = np.arange(12, dtype=np.float32).reshape(3, 4), np.array([1, 2, 4], np.float32)
    heads, offsets = claim_heads(weights, biases, label=2, rivals=[0, 1])
    assert heads.tolist() == [[8] * 4, [4] * 4]
    assert offsets.tolist() == [3, 2]


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"rows": np.zeros((0, 3))}, "no legal moves"),
        ({"movers": []}, "no plies left"),
        ({"movers": [1, -1, 1]}, "shorten `movers` to 2"),
        ({"movers": [1, 0]}, r"must be \+1 \(raiser\) or -1"),
        ({"start": np.zeros(4)}, r"`rows` has shape \(2, 3\), not \(2, 4\)"),
        ({"heads": np.zeros((2, 3))}, r"`heads` has shape \(2, 3\), not \(1, 3\)"),
        ({"rows": np.full((2, 3), np.nan)}, "`rows` holds NaN"),
    ],
)
def test_an_unplayable_game_is_refused_with_the_remedy(change: dict[str, Any], remedy: str):
    parts: dict[str, Any] = {
        "rows": np.zeros((2, 3)),
        "start": np.zeros(3),
        "heads": np.zeros((1, 3)),
        "offsets": np.zeros(1),
        "movers": [1, -1],
    }
    with pytest.raises(ValueError, match=remedy):
        reveal_game(**(parts | change))


def test_search_refuses_what_it_cannot_do():
    game = random_game(0)
    with pytest.raises(ValueError, match="at least 1"):
        search([game], 0, [1])
    with pytest.raises(ValueError, match="give one per game"):
        search([game, game], 10, [1])
    with pytest.raises(ValueError, match="make games with `reveal_game`"):
        search([game._replace(start=game.start.astype(np.float64))], 10, [1])
    with pytest.raises(ValueError, match="no legal moves"):
        greedy(game._replace(rows=game.rows[:0]))
    assert search([], 10, []).visits == []
