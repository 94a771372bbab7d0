"""Induction agrees with plain recursion, certificates with induction, wherever each is used."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from oversight.search import RevealGame, induct, reveal_game, search, settle, solve
from oversight.search.sets import rank_of, unrank


def random_game(
    seed: int, moves: int, movers: Sequence[int], heads: int = 1, *, whole: bool = False
) -> RevealGame:
    """Weights drawn from a normal law, or whole numbers, whose margins often tie at zero."""
    rng = np.random.default_rng(seed)
    hidden = int(rng.integers(1, 9))

    def draw(*shape: int) -> NDArray[np.float64]:
        normal = rng.normal(size=shape)
        return np.round(normal) if whole else normal

    return reveal_game(draw(moves, hidden), draw(hidden), draw(heads, hidden), draw(heads), movers)


def recursion(game: RevealGame) -> NDArray[np.bool_]:
    """Who wins by the definition: (J + 1,), every head and then all heads at once."""

    @functools.cache
    def wins(shown: frozenset[int]) -> tuple[bool, ...]:
        if len(shown) == len(game.movers):
            hidden = np.maximum(game.start + game.rows[sorted(shown)].sum(axis=0), 0)
            leads = game.heads @ hidden + game.offsets > 0
            return (*leads.tolist(), bool(leads.all()))
        outcomes = [wins(shown | {m}) for m in range(len(game.rows)) if m not in shown]
        choose = any if game.movers[len(shown)] > 0 else all
        return tuple(choose(column) for column in zip(*outcomes, strict=True))

    return np.array(wins(frozenset()))


def close_games(seed: int, moves: int, movers: Sequence[int], heads: int) -> list[RevealGame]:
    """Two games on either side of the offset at which the winner changes: the hard ones."""
    game = random_game(seed, moves, movers, heads)
    low, high = -30.0, 30.0
    for _ in range(12):
        middle = (low + high) / 2
        won = induct(game._replace(offsets=np.full(heads, middle, np.float32))).joint[0]
        low, high = (low, middle) if won else (middle, high)
    return [game._replace(offsets=np.full(heads, o, np.float32)) for o in (low, high)]


def test_ranks_follow_colexicographic_order():
    for size in range(5):
        sets = sorted(itertools.combinations(range(9), size), key=lambda s: s[::-1])
        assert [unrank(rank, size) for rank in range(len(sets))] == sets
        assert [rank_of(members) for members in sets] == list(range(len(sets)))


@pytest.mark.parametrize("seed", range(60))
def test_induction_is_recursion_in_both_orders(seed: int):
    rng = np.random.default_rng(seed)
    plies = int(rng.integers(1, 6))
    movers: list[int] = rng.choice([-1, 1], size=plies).tolist()
    moves, heads = int(rng.integers(plies, 8)), int(rng.integers(1, 4))
    game = random_game(seed, moves, movers, heads, whole=seed % 3 == 0)
    values = induct(game)
    for order, played in enumerate((game, game._replace(movers=-game.movers))):
        assert [*values.each[order], values.joint[order]] == recursion(played).tolist()


def test_certificates_are_induction_on_every_branch():
    branches: Counter[tuple[str, int]] = Counter()
    for seed in range(16):
        movers = (1, -1, 1, -1, 1, -1)[: 4 + 2 * (seed % 2)]
        for game in close_games(seed, 11 - len(movers) // 3, movers, heads=1 + seed % 3 // 2):
            verdicts = settle(game)
            assert [v.winner > 0 for v in verdicts] == induct(game).joint.tolist()
            branches.update((v.how, v.winner) for v in verdicts)
    assert all(
        branches[how, side] >= 3 for how in ("certificate", "alpha-beta") for side in (1, -1)
    )


@pytest.mark.parametrize("seed", range(40))
def test_certificates_are_induction_in_any_order_of_movers(seed: int):
    rng = np.random.default_rng(seed)
    movers: list[int] = rng.choice([-1, 1], size=int(rng.integers(1, 6))).tolist()
    game = random_game(seed, 7, movers, heads=1 + seed % 2, whole=seed % 3 == 0)
    verdicts = settle(game)
    assert [v.winner > 0 for v in verdicts] == induct(game).joint.tolist()
    assert all(v.winner for v in verdicts)


def test_a_certificate_wins_whatever_else_is_shown():
    for seed in range(20):
        game = random_game(seed, 9, (1, -1, 1, -1))
        for verdict in settle(game):
            if verdict.how != "certificate":
                continue
            rest = [m for m in range(9) if m not in verdict.certificate]
            sets = [(*verdict.certificate, *u) for u in itertools.combinations(rest, 2)]
            assert ((game.margins(np.array(sets)) > 0) == (verdict.winner > 0)).all()


def test_a_spent_budget_leaves_games_undecided_and_never_wrong():
    undecided = 0
    for seed, budget in itertools.product(range(12), (1, 30, 100, 300, 1000)):
        game = close_games(seed % 4, 9, (1, -1, 1, -1), heads=1)[seed % 2]
        for verdict, won in zip(settle(game, budget), induct(game).joint, strict=True):
            assert verdict.winner in (0, 1 if won else -1)
            assert (verdict.winner == 0) == (verdict.how == "budget")
            undecided += verdict.winner == 0
    assert 10 < undecided < 110


def test_a_tie_is_the_lowerers():
    game = reveal_game(np.zeros((4, 2)), np.zeros(2), np.ones((1, 2)), [0.0], (1, -1))
    assert not induct(game).joint.any()
    assert [v.winner for v in settle(game)] == [-1, -1]
    assert [v.winner for v in settle(game._replace(offsets=np.array([1e-3], np.float32)))] == [1, 1]


def test_one_side_alone_is_a_consultancy():
    game = random_game(3, 10, (1, 1, 1))
    margins = game.margins(np.array(list(itertools.combinations(range(10), 3))))
    assert induct(game).joint.tolist() == [margins.max() > 0, margins.min() > 0]
    assert [v.winner > 0 for v in settle(game)] == [margins.max() > 0, margins.min() > 0]


def test_solve_chooses_the_cheaper_way_and_both_agree():
    by_induction = solve(random_game(1, 9, (1, -1, 1, -1), heads=3))
    assert set(by_induction.how_each.ravel()) == {"induction"}
    for seed in range(3):
        large = random_game(seed, 26, (1, -1, 1, -1), heads=21 - seed)
        by_proof, values = (
            solve(large),
            induct(large._replace(heads=large.heads[:15], offsets=large.offsets[:15])),
        )
        assert set(by_proof.how_each.ravel()) <= {"certificate", "alpha-beta"}
        assert ((by_proof.each[:, :15] > 0) == values.each).all()
        assert (by_proof.joint <= by_proof.each.min(axis=1)).all()


def test_the_search_agrees_with_a_proof_it_has_never_seen():
    games = [random_game(seed, 30, (1, -1, 1, -1)) for seed in range(12)]
    winners = [settle(game)[0].winner for game in games]
    found = search(games, 10_000, np.arange(12, dtype=np.uint64))
    assert np.sign(found.values).tolist() == winners


def test_too_many_heads_for_one_pass_are_refused():
    with pytest.raises(ValueError, match="at most 15"):
        induct(random_game(0, 5, (1, -1), heads=16))
