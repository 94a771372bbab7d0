"""Reward models: the fit by hand, what a label buys, and that a rating is its own turn's."""

from __future__ import annotations

import math
from typing import Any

import pytest

from envs.worlds.steps import KINDS, SHARED, Steps
from oversight.casting import cast_for
from oversight.core import OversightError, Turn
from oversight.episode import Episode
from oversight.programs.solving import CELLS, table_of
from oversight.protocol import Protocol
from oversight.registry import Setting, load
from oversight.rollout import rollout
from oversight.runs import prepare
from oversight.training import reward_models
from oversight.training.reward_models import (
    Example,
    Logistic,
    OutcomeModel,
    ProcessModel,
    RewardModel,
    fit_logistic,
    reward_model,
)

SUPERVISION: Protocol = load("protocols", "process_supervision")
SEATS = {"process": "step_judge", "outcome": "outcome_judge"}


def trained(model: RewardModel, world: Steps, seed: int = 5) -> RewardModel:
    protocol = SUPERVISION.bind(candidates=1, by=model.kind)
    cast = cast_for(protocol, world, {SEATS[model.kind]: model}).cast
    prepare(protocol, world, cast, episodes=1, seed=seed)
    return model


# The fit


def test_without_a_penalty_the_fit_is_the_frequencies() -> None:
    examples = [Example((0,), k < 3) for k in range(4)] + [Example((), k < 1) for k in range(4)]
    fitted = fit_logistic(examples, 1, penalty=1e-9)
    assert fitted.probability((0,)) == pytest.approx(3 / 4, abs=1e-3)
    assert fitted.probability(()) == pytest.approx(1 / 4, abs=1e-3)


def test_the_penalised_fit_is_where_its_gradient_vanishes() -> None:
    examples = [Example((k % 3, k % 2 + 3), k % 5 < 2) for k in range(40)]
    fitted = fit_logistic(examples, 5, penalty=2.0)
    for sign, weight in enumerate(fitted.weights):
        off = sum((fitted.probability(e.signs) - e.right) * e.signs.count(sign) for e in examples)
        assert off + 2.0 * weight == pytest.approx(0, abs=1e-6)


def test_a_sign_that_is_borne_twice_counts_twice() -> None:
    model = Logistic(0.5, (-1.0, 2.0))
    assert model.probability((0, 0, 1)) == pytest.approx(1 / (1 + math.exp(-0.5)))
    assert Logistic(-800.0, ()).probability(()) == 0.0


def test_labels_that_are_all_alike_can_be_fitted() -> None:
    sure = fit_logistic([Example((0,), True)] * 50, 1)
    assert 0.9 < sure.probability((0,)) < 1


def test_no_labels_teach_nothing() -> None:
    with pytest.raises(OversightError, match="at least one label"):
        fit_logistic([], 3)
    with pytest.raises(OversightError, match="at least one label, got 0"):
        ProcessModel(Steps(), 0)


# Labels


@pytest.mark.parametrize("kind", [ProcessModel, OutcomeModel])
def test_as_many_labels_are_used_as_are_paid_for(
    kind: type[RewardModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []

    def counting(examples: Any, signs: int, penalty: float = 1.0) -> Logistic:
        used.append(len(examples))
        return fit_logistic(examples, signs, penalty)

    monkeypatch.setattr(reward_models, "fit_logistic", counting)
    trained(kind(Steps(), 45), Steps())
    assert used == [45]


def test_a_budget_buys_one_work_by_process_where_it_buys_t_by_outcome() -> None:
    world = Steps(steps=6)
    assert ProcessModel(world).works_for(60) == 10
    assert OutcomeModel(world).works_for(60) == 60


def test_outcome_labels_are_the_key_and_process_labels_a_careful_look() -> None:
    world = Steps(careful=1.0)  # careful looks are always wrong
    process = trained(ProcessModel(world, 600), world)
    assert process.learned is not None
    common = (0, 4, 6, SHARED, KINDS + 1)
    assert process.learned.probability(common) < 0.1
    outcome = trained(OutcomeModel(world, 200), world)
    sharp = trained(OutcomeModel(Steps(careful=0.0), 200), Steps(careful=0.0))
    assert outcome.learned == sharp.learned


def test_a_process_model_learns_which_kinds_of_steps_tend_to_be_wrong() -> None:
    world = Steps(trouble=0.0, contrast=2.0, slip=-1.0, careful=0.0, reading="kinds")
    model = trained(ProcessModel(world, 6_000), world)
    assert model.learned is not None
    table, off = table_of(world.dials), list[float]()
    for cell in range(CELLS):
        operation, carries, manner = cell // 8, cell // 4 % 2, cell % 4
        signs = (operation, 4 + carries, 6 + manner, SHARED + cell)
        off.append(abs(model.learned.probability(signs) - 1 / (1 + math.exp(table[cell]))))
    assert sum(off) / CELLS < 0.08


def test_active_labels_go_to_convincing_wrong_answers() -> None:
    world = Steps()
    model = ProcessModel(world, 60, "active")
    right = {f"case-{k}": k % 2 == 0 for k in range(40)}
    works = [
        reward_models.Work(f"case-{k}", "solver_0", ((k % 4,),) * 6, (k % 4 != 1,) * 6)
        for k in range(40)
    ]
    used: list[set[str]] = []

    class Watched(ProcessModel):
        def _fitted(self, works: Any, right: Any) -> Logistic:
            used.append({work.case for work in works})
            return super()._fitted(works, right)

    watched = Watched(world, 60, "active")
    watched._learn(works, right, wanted=10)  # pyright: ignore[reportPrivateUsage] — which works
    first, both = used
    assert first == {f"case-{k}" for k in range(5)}
    added = both - first
    assert len(added) == 5
    assert not any(right[case] for case in added)
    # of the wrong answers, those of sign 3 were labelled right so far, those of sign 1 wrong
    assert {int(case.removeprefix("case-")) % 4 for case in added} == {3}
    assert "active" in model.label


def test_an_outcome_model_has_no_use_for_active_labels() -> None:
    with pytest.raises(OversightError, match="label uniformly"):
        OutcomeModel(Steps(), 60, "active")


# Play


def rating_turns(world: Steps, by: str) -> list[Turn]:
    found: list[Turn] = []
    protocol = SUPERVISION.bind(by=by)
    cast = cast_for(protocol, world).cast
    for index in range(3):
        episode = Episode(protocol, world, index, 0)
        while episode.pending:
            found += [turn for turn in episode.pending if turn.act == "rate"]
            episode.send([cast[turn.seat].act([turn])[0] for turn in episode.pending])
    return found


@pytest.mark.parametrize("kind", [ProcessModel, OutcomeModel])
def test_a_rating_does_not_depend_on_its_batch(kind: type[RewardModel]) -> None:
    world = Steps()
    model = trained(kind(world, 60), world)
    turns = rating_turns(world, model.kind)
    together = list(model.act(turns))
    assert [model.act([turn])[0] for turn in turns] == together
    assert list(model.act(turns[::-1])) == together[::-1]
    assert len(set(together)) > 5


def test_a_model_that_learned_nothing_says_so() -> None:
    world = Steps()
    with pytest.raises(OversightError, match="call prepare"):
        ProcessModel(world).act(rating_turns(world, "process")[:1])


def test_training_again_gives_the_same_model() -> None:
    world = Steps()
    one, other = (trained(ProcessModel(world, 60), world).learned for _ in range(2))
    assert one == other
    assert trained(ProcessModel(world, 60), world, seed=6).learned != one


def test_by_its_name_a_model_sits_where_ratings_are_given() -> None:
    world = Steps()
    made = reward_model(Setting(world, "outcome_judge"), labels=12)
    assert isinstance(made, OutcomeModel)
    assert made.labels == 12
    with pytest.raises(OversightError, match="seat it as step_judge or outcome_judge"):
        reward_model(Setting(world, "selector"))


def test_a_learned_process_model_selects_better_than_the_first_attempt() -> None:
    world, n = Steps(), 120
    model = trained(ProcessModel(world, 300), world)
    protocol = SUPERVISION.bind(candidates=12)
    cast = cast_for(protocol, world, {"step_judge": model}).cast
    records = list(rollout(protocol, world, cast, n))
    first = sum(record.sides["solver_0"] == record.truth for record in records)
    assert sum(record.correct or 0 for record in records) > first + 20
