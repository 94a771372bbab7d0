"""Market making, learned: quotes, the induction's fixed point, the learners, the best adversary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from envs.worlds.circuits import Circuits
from envs.worlds.digits import Digits
from envs.worlds.sums import Sum, Sums, added, asking, settled
from oversight.agents.simple import RandomAgent, SilentAgent
from oversight.best_response import PriceMover
from oversight.core import OversightError, Turn
from oversight.episode import EpisodeFailed
from oversight.market import Quote, alone, moved, predicted
from oversight.players import Agent, Cast, agent
from oversight.rollout import rollout
from oversight.spaces import Credences, Reply
from oversight.training.market import LearnedAdversary, LearnedMarket, net
from oversight.training.market_training import (
    Game,
    MarketTraining,
    Recipe,
    learn,
    market_loss,
    pays,
    play,
)
from protocols.market_making import market_making

ONCE = market_making.bind(rounds=1)
SMALL = Recipe(games=24, passes=2, width=16, seed=5)


class Oracle(Agent):
    """Prices every sum at the fixed point of the induction."""

    def __init__(self, error: float = 0.0) -> None:
        self.error = error

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        return [self._price(turn.view.question.data) for turn in turns]

    def _price(self, asked: Sum) -> tuple[float, ...]:
        sure = settled(len(asked.terms), asked.m, self.error)
        right = sum(asked.terms) % asked.m
        rest = (1 - sure) / (asked.m - 1)
        return tuple(sure if answer == right else rest for answer in range(asked.m))


def cast(world: Sums, market: Agent, adversary: Agent | None = None) -> Cast:
    return {
        "market": market,
        "adversary": adversary or PriceMover(world, market),
        "judge": world.judge(),
    }


def longest(world: Sums, games: Sequence[Game]) -> list[Game]:
    return [g for g in games if len(g.case.question.data.terms) == world.terms]


def test_two_beliefs_are_added_by_convolution() -> None:
    first, second = np.array([0.75, 0.25, 0.0]), np.array([0.5, 0.0, 0.5])
    # 0: .75·.5 + .25·.5 (1 + 2); 1: .25·.5 (1 + 0); 2: .75·.5 (0 + 2)
    assert added(first, second) == pytest.approx([0.5, 0.125, 0.375])
    # an error of .2 leaves .8 and gives .1 of what each other value had
    assert added(first, second, error=0.2) == pytest.approx([0.45, 0.1875, 0.3625])
    assert added(first, second, bias=0.5) == pytest.approx([0.625, 0.1875, 0.1875])


def test_the_fixed_point_is_that_of_one_addition_after_another() -> None:
    belief = np.eye(4)[1]
    for terms in range(2, 6):
        belief = added(belief, np.eye(4)[2], error=0.1)
        right = (1 + 2 * (terms - 1)) % 4
        assert belief[right] == pytest.approx(settled(terms, 4, 0.1))


def test_the_judge_is_quoted_the_markets_price_of_parts_it_cannot_read() -> None:
    world = Sums(terms=4)
    (game,) = longest(world, play(ONCE, world, cast(world, Oracle()), range(3), 1))[:1]
    final = game.moves[-1][0].view
    quotes = [m.data for m in final.transcript if isinstance(m.data, Quote)]
    asked = game.case.question.data
    assert quotes
    assert all(1 < len(q.question.data.terms) < len(asked.terms) for q in quotes)
    assert all(q.price == Oracle().act([_asked(q.question.data)])[0] for q in quotes)
    assert game.outcome.credences[game.case.truth.unseal()] == pytest.approx(1)


def _asked(asked: Sum) -> Turn:
    return Turn("market", "price", "", alone(asking(asked)), Credences(asked.m), 0, 0)


def test_without_an_argument_the_judge_can_add_two_terms_and_no_more() -> None:
    world = Sums(terms=3)
    for game in play(ONCE, world, cast(world, Oracle(), SilentAgent()), range(40), 0):
        sure = game.outcome.credences[game.case.truth.unseal()]
        assert sure == pytest.approx(0.25 if len(game.case.question.data.terms) == 3 else 1)


def test_the_fixed_point_is_unexploitable_whatever_the_split() -> None:
    world = Sums(terms=5, error=0.1)
    for adversary in (None, RandomAgent()):
        for game in play(ONCE, world, cast(world, Oracle(0.1), adversary), range(40), 0):
            assert pays(game) == pytest.approx([0.0])
            assert game.outcome.credences == pytest.approx(game.prices[0][1])


def test_a_biased_judge_is_moved_by_where_the_sum_is_split() -> None:
    world = Sums(terms=4, bias=0.4)
    verdicts: list[list[tuple[float, ...]]] = []
    for last in (True, False):
        splits = _Splits(last=last)
        games = longest(world, play(ONCE, world, cast(world, Oracle(), splits), range(60), 0))
        mean = np.mean([moved(g.outcome.credences, g.prices[0][1]) for g in games])
        assert mean > 0.2  # .4 of the belief stays elsewhere, unless the rest adds 0 (1 in 4)
        verdicts.append([g.outcome.credences for g in games])
    assert verdicts[0] != verdicts[1]


class _Splits(Agent):
    def __init__(self, *, last: bool) -> None:
        self.last = last

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        return [
            (max if self.last else min)(getattr(t.space, "options", ()), default=None)
            for t in turns
        ]


def test_the_markets_loss_and_the_adversarys_are_the_papers() -> None:
    logits = torch.tensor([[math.log(0.8), math.log(0.2)]])
    loss = float(market_loss(logits, torch.tensor([[0.6, 0.4]])))
    wanted = -0.6 * math.log(0.8) - 0.4 * math.log(0.2)
    assert loss == pytest.approx(wanted)
    assert predicted((0.8, 0.2), (0.6, 0.4)) == pytest.approx(-wanted)
    assert moved((0.8, 0.2), (0.3, 0.7)) == pytest.approx(0.5)


def test_a_market_that_gives_no_numbers_fails_its_game_with_the_reason() -> None:
    world = Sums()
    broken = net(world.features, world.answers, 8, 0)
    with torch.no_grad():
        next(broken.parameters()).fill_(float("nan"))
    played = list(rollout(ONCE, world, cast(world, LearnedMarket(world, broken), RandomAgent()), 3))
    assert all(r.failure is not None and "finite" in r.failure.reason for r in played)


@pytest.mark.parametrize("price", [(1.2, -0.2, 0.0, 0.0), (0.5, 0.5, 0.5, 0.5)])
def test_prices_outside_of_probability_fail_their_game(price: tuple[float, ...]) -> None:
    world = Sums()
    (record,) = rollout(ONCE, world, cast(world, agent(lambda _: price), RandomAgent()), 1)
    assert record.failure is not None
    assert record.failure.seat == "market"
    with pytest.raises(EpisodeFailed, match="market at its turn 0"):
        play(ONCE, world, cast(world, agent(lambda _: price), RandomAgent()), range(1), 0)


def test_the_mover_says_what_moves_the_price_most() -> None:
    world = Sums(terms=4, bias=0.4)
    market = world.judge()  # its price after an argument is the judge's belief after it
    best = play(ONCE, world, cast(world, market), range(40), 3)
    for last in (True, False):
        other = play(ONCE, world, cast(world, market, _Splits(last=last)), range(40), 3)
        for one, two in zip(best, other, strict=True):
            assert pays(one)[0] >= pays(two)[0] - 1e-12


def test_the_mover_plays_where_it_can_foresee_and_says_where_it_cannot() -> None:
    with pytest.raises(OversightError, match="cannot foresee"):
        PriceMover(Circuits(), RandomAgent())


@pytest.mark.slow
def test_on_digits_the_mover_moves_the_price_more_than_chance_does() -> None:
    world = Digits()
    seats = {"market": world.judge(), "judge": world.judge()}
    movers = {**seats, "adversary": PriceMover(world, world.judge())}
    protocol = market_making.bind(rounds=3)
    best = play(protocol, world, movers, range(12), 0)
    chance = play(protocol, world, {**seats, "adversary": RandomAgent()}, range(12), 0)
    for one, two in zip(best, chance, strict=True):
        assert pays(one)[0] >= pays(two)[0] - 1e-6


def test_learned_agents_reply_the_same_at_any_width() -> None:
    world = Sums()
    training = MarketTraining(ONCE, world, SMALL)
    training.step()
    wide, narrow = (
        sorted(rollout(ONCE, world, training.cast, 12, seed=2, width=w), key=lambda r: r.episode)
        for w in (12, 1)
    )
    assert wide == narrow


def test_a_training_gone_on_with_is_the_same_to_the_last_bit(tmp_path: Path) -> None:
    def measure(training: MarketTraining) -> dict[str, list[float]]:
        games = play(ONCE, training.world, training.cast, range(5), 9)
        return {"first": [price for g in games for price in g.prices[0][1]]}

    def fresh() -> MarketTraining:
        return MarketTraining(ONCE, Sums(terms=3, m=3), SMALL)

    whole = learn(fresh(), 4, measure, every=1)
    learn(fresh(), 2, measure, every=1, checkpoint=tmp_path / "kept.pt")
    assert learn(fresh(), 4, measure, every=1, checkpoint=tmp_path / "kept.pt") == whole
    assert whole[-1]["first"] != whole[0]["first"]


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    MarketTraining(ONCE, Sums(terms=3), SMALL).save(tmp_path / "kept.pt")
    with pytest.raises(OversightError, match="another training"):
        MarketTraining(ONCE, Sums(terms=3, bias=0.1), SMALL).load(tmp_path / "kept.pt")


def test_a_frozen_market_learns_no_more() -> None:
    training = MarketTraining(ONCE, Sums(terms=2, m=2), SMALL)
    frozen, turn = training.frozen(), _asked(Sum((1, 1), 2))
    before = frozen.act([turn])
    training.step()
    assert frozen.act([turn]) == before
    assert training.cast["market"].act([turn]) != before


def test_the_adversary_learns_to_say_what_moves_the_price() -> None:
    """The market knows two terms and no more: only splits that leave no part longer tell it."""
    world = Sums(terms=4, m=2)
    training = MarketTraining(ONCE, world, Recipe(games=64, passes=1, adversary_rate=0.01))
    training.cast = {**training.cast, "market": world.judge()}

    def gain() -> float:
        seated = {**training.cast, "adversary": training.cast["adversary"]}
        games = longest(world, play(ONCE, world, seated, range(300), 77))
        return float(np.mean([pays(game)[0] for game in games]))

    before = gain()
    for _ in range(30):
        training.step()
    assert isinstance(training.cast["adversary"], LearnedAdversary)
    assert gain() > before + 0.1  # at random half of its four moves tell; of three splits one


def test_a_world_without_numbers_cannot_teach_a_market() -> None:
    with pytest.raises(OversightError, match="gives no numbers"):
        MarketTraining(ONCE, Circuits(), SMALL)
