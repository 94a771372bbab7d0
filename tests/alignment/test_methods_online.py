"""What the papers of online methods say of them, and of those that reckon with advantage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from oversight.alignment.aligning import align
from oversight.alignment.annotators import Annotators, Pool
from oversight.alignment.chains import edits_between, replayed
from oversight.alignment.drawn import DrawnTask
from oversight.alignment.lab import Lab
from oversight.alignment.linear_reward import counts
from oversight.alignment.measures import measured
from oversight.alignment.method import Method, State
from oversight.alignment.methods.a_lol import ALoL, ALoLFree, ALoLKL, ALoLSequence
from oversight.alignment.methods.apo import APO
from oversight.alignment.methods.f_dpg import FDPG
from oversight.alignment.methods.rlaif import RLAIF, DirectRLAIF
from oversight.alignment.methods.rlhf import RLHF
from oversight.alignment.methods.rlsf import RLSF
from oversight.alignment.methods.second_thoughts import SecondThoughts
from oversight.alignment.methods.sensei import SENSEI, Critic, taught
from oversight.alignment.methods.sparrow import Sparrow
from oversight.alignment.methods.zhu import Zhu, sizes
from oversight.alignment.objectives.divergences import DIVERGENCES
from oversight.alignment.policies.naming import reference_for
from oversight.alignment.policies.small import SmallPolicy
from oversight.alignment.reward_model import RewardModel, both
from oversight.alignment.signals import Scored, Signal
from oversight.alignment.vocabulary import END, PAD
from oversight.core import OversightError
from oversight.training.descent import METRICS, Metrics, Pace, descend
from tests.alignment.bench import Handful, Onlooker, exact, lab

METHODS: Mapping[str, Method] = {
    "a_lol": ALoL(), "a_lol_free": ALoLFree(), "a_lol_sequence": ALoLSequence(),
    "a_lol_kl": ALoLKL(), "apo": APO(rounds=2), "f_dpg": FDPG(), "rlaif": RLAIF(),
    "rlaif_direct": DirectRLAIF(), "rlhf": RLHF(refreshes=2), "rlsf": RLSF(),
    "second_thoughts": SecondThoughts(), "sensei": SENSEI(refreshes=2),
    "sparrow": Sparrow(refreshes=2), "zhu": Zhu(),
}  # fmt: skip


def trained(method: Method, place: Lab, *, rate: float = 0.05) -> Metrics:
    return align(method, place, pace=Pace(place.steps, rate, every=place.steps)).descent.rows[-1]


def carried_on(method: Method, place: Lab) -> State[Any]:
    """A method's state after all steps."""
    state = method.begin(place)

    class Training:
        memory, learner, identity = state, state.learner, dict[str, Any]()

        def loss(self, step: int) -> Tensor:
            return method.loss(place, state, step)

    descend(Training(), Pace(place.steps, 0.05, every=place.steps), lambda _: {})
    return state


@cache
def drawn() -> DrawnTask:
    return DrawnTask()


def annotated(
    method: Method, *, steps: int, labels: int = 2048, seed: int = 0, size: str = "exact",
    **pool: Any,
) -> Lab:  # fmt: skip
    """A lab on the drawn task."""
    overseer = Annotators(drawn(), Pool(**pool))
    reference = reference_for(drawn(), size, method.controls)
    return Lab(drawn(), overseer, reference, steps, 64, labels, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_a_transformer_goes_on_to_the_same_bits(name: str, tmp_path: Path) -> None:
    task, method, pace = Handful(), METHODS[name], Pace(20, 1e-3, every=10)
    words = task.vocabulary.with_controls(method.controls)
    reference = SmallPolicy(words, task.longest, width=16, layers=1).frozen()
    place = Lab(task, Onlooker(task), reference, 20, 16, 128)

    def stop(done: int, of: int) -> None:
        if done == 13:
            raise KeyboardInterrupt

    whole = align(method, place, pace=pace, kept=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        align(method, place, pace=pace, kept=tmp_path / "cut", progress=stop)
    align(method, place, pace=pace, kept=tmp_path / "cut")
    texts = [(tmp_path / run / METRICS).read_text() for run in ("whole", "cut")]
    assert texts[0] == texts[1]
    assert whole.descent.rows[-1]["kl"] > 0


class Blank(Onlooker):
    """Finds every answer alike, and mends none."""

    def esteem(self, prompts: Tensor, answers: Tensor) -> Tensor:
        return torch.zeros(len(prompts))


@pytest.mark.parametrize("name", ["a_lol", "f_dpg", "sensei", "zhu", "rlaif", "rlaif_direct"])
def test_answers_all_alike_are_refused(name: str) -> None:
    task = Handful()
    place = Lab(task, Blank(task), exact(task).frozen(), 20, 16, 128)
    with pytest.raises(OversightError, match="take another overseer"):
        align(METHODS[name], place)


# RLAIF


def ordered(model: RewardModel, place: Lab) -> float:
    """How often a reward model puts two answers in the annotators' own order."""
    draw = place.draw("order")
    prompts = place.prompts(2000, draw)
    pair = place.answers(place.reference, prompts, draw, 2)
    esteem = [place.overseer.esteem(prompts, pair[:, k]) for k in (0, 1)]
    with torch.no_grad():
        told = [model(prompts, pair[:, k]) for k in (0, 1)]
    apart = (esteem[0] - esteem[1]).abs() > 1e-6
    return float(((esteem[0] > esteem[1]) == (told[0] > told[1]))[apart].float().mean())


def test_both_orders_beat_one_under_a_bias_of_position() -> None:
    """Though they leave half as many pairs; without a bias, that is what counts."""

    def right(orders: int, position: float) -> float:
        method = RLAIF(orders=orders)
        found = list[float]()
        for seed in range(2):
            place = annotated(method, steps=1, seed=seed, position=position)
            found.append(ordered(method.modelled(place, method.believed(place)), place))
        return float(np.mean(found))

    assert right(2, 2.0) > right(1, 2.0) + 0.08
    assert right(2, 0.0) < right(1, 0.0)


# RLSF


def test_the_reward_model_is_more_accurate_than_the_ranks_that_it_was_fitted_to() -> None:
    method, gained = RLSF(), list[float]()
    for seed in range(3):
        place = annotated(method, steps=1, labels=4096, seed=seed)
        pairs = method.assumed(place, place.reference)
        model = method.modelled(place, pairs)
        with torch.no_grad():
            told = torch.sub(*both(model, pairs))
        worth = [drawn().gold(pairs.prompts, side) for side in (pairs.chosen, pairs.rejected)]
        apart = (worth[0] - worth[1]).abs() > 1e-6
        better = (worth[0] > worth[1])[apart]
        ranks = better.float().mean()
        assert ranks > 0.53  # the assumption is worth something
        gained.append(float(((told[apart] > 0) == better).float().mean() - ranks))
    assert min(gained) > 0


# Sparrow


def test_probing_finds_more_violations_on_the_base_than_on_the_trained_policy() -> None:
    method = Sparrow(tries=2)
    place = annotated(method, steps=120)
    state = carried_on(method, place)
    toxic = list(drawn().attributes).index("toxic")

    def violations(policy: Any) -> float:
        draw, classifier = place.draw("probed"), state.data.data.classifiers[0]
        prompts, answers = method.probe(place, policy, classifier, 1000, draw)
        return float((drawn().values(prompts, answers)[:, toxic] > method.threshold).float().mean())

    base = violations(place.reference)
    assert base > 0.5
    assert violations(state.policy) < base - 0.15


def test_probing_finds_more_violations_than_looking_at_random() -> None:
    method = Sparrow()
    place = annotated(method, steps=1)
    kept = method.begin(place).data.data
    toxic = list(drawn().attributes).index("toxic")
    draw = place.draw("probed")
    probed = method.probe(place, place.reference, kept.classifiers[0], 200, draw)
    found = drawn().values(*probed)[:, toxic] > method.threshold
    assert found.float().mean() > kept.tried.broken.float().mean() + 0.3


def test_a_rule_about_nothing_is_refused() -> None:
    with pytest.raises(OversightError, match="unknown attribute 'toxicity'"):
        Sparrow(rules=("toxicity",)).begin(lab())


# SENSEI


def test_the_critic_recovers_what_each_token_earns() -> None:
    """The number is a sum over tokens, whose terms it was never told: 1/3 for the word asked for,
    and −1/6 for the second word."""
    place = lab()
    scored = place.scored()
    critic = taught(Critic(place.task, 64, place.draw("critic")), scored, place, 0)
    spread = float(scored.rewards.std(correction=0))
    answers = place.task.answers
    prompts = torch.arange(2).repeat_interleave(len(answers))
    with torch.no_grad():
        told = critic(prompts, answers.repeat(2, 1)).view(2, len(answers), -1) * spread
    earned = torch.tensor([[0, 1 / 3, -1 / 6], [0, 0, 1 / 3 - 1 / 6]])  # by prompt and token
    for prompt in range(2):
        for place_of in (1, 2):  # the first place also bears the mean
            token = answers[:, place_of]
            said = token > END
            error = told[prompt, said, place_of] - earned[prompt, token[said]]
            assert error.abs().max() < 0.06


# A-LoL


class Spoiled(Lab):
    """Half of the scored answers are bad ones, as bad as can be had."""

    def scored(self, policy: Any = None, *, share: float = 1, named: object = "") -> Scored:
        data = super().scored(policy, share=share, named=named)
        odds = (-4 * self.task.gold_table).softmax(dim=1)
        draw = self.draw("spoiled")
        bad = self.task.answers[odds[data.prompts].multinomial(1, generator=draw)[:, 0]]
        half = torch.rand(len(bad), generator=draw) < 0.5
        answers = torch.where(half[:, None], bad, data.answers)
        return Scored(data.prompts, answers, self.overseer.score(data.prompts, answers, draw))


@dataclass(frozen=True)
class Imitation(Method):
    """−log π of all that was given."""

    needs: ClassVar[tuple[Signal, ...]] = ("scalar",)

    def begin(self, lab: Lab) -> State[Scored]:
        return State(lab.policy(), lab.scored())

    def loss(self, lab: Lab, state: State[Scored], step: int) -> Tensor:
        rows = lab.batch_of(state.data, step)
        return -lab.log_probs(state.policy, rows.prompts, rows.answers)


@pytest.mark.parametrize("name", ["a_lol", "a_lol_free", "a_lol_sequence", "a_lol_kl"])
def test_advantages_hold_up_with_half_of_the_data_bad_and_imitation_does_not(name: str) -> None:
    task = Handful()
    reference = exact(task).frozen()
    clean, spoiled = (
        made(task, Onlooker(task), reference, 120, 64, 1024) for made in (Lab, Spoiled)
    )
    held = [trained(METHODS[name], place)["gold"] for place in (clean, spoiled)]
    imitated = [trained(Imitation(), place)["gold"] for place in (clean, spoiled)]
    before = measured(reference, clean)["gold"]
    assert held[1] - before > 0.6 * (held[0] - before)
    assert held[1] > imitated[0] + 0.1
    assert imitated[1] < before - 0.05


# Targets in closed form


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_f_dpg_comes_to_its_target_by_samples(divergence: str) -> None:
    method, place = FDPG(divergence=divergence), lab(250)
    state = carried_on(method, place)
    size, every = len(place.task.prompts), len(place.task.answers)
    prompts = torch.arange(size).repeat_interleave(every)
    answers = place.task.answers.repeat(size, 1)
    target = method.unnormalised(place, state.data, prompts, answers).view(size, every)
    wanted = target.softmax(dim=1)
    contexts = place.task.contexts(torch.arange(size))
    found = [policy.distribution(contexts, place.task.answers).exp()
             for policy in (place.reference, state.policy)]  # fmt: skip
    start, end = ((odds - wanted).abs().sum(dim=1).max() / 2 for odds in found)
    assert state.data.normaliser.tolist() == pytest.approx(
        target.logsumexp(dim=1).tolist(), abs=0.1
    )
    assert end < 0.15 < 0.3 < start


def test_without_pessimism_zhus_policy_is_the_reference_tilted_by_the_estimate() -> None:
    method, place = Zhu(pessimism=0, beta=2.0), lab(300, temperature=1.0)
    state = carried_on(method, place)
    size, every = len(place.task.prompts), len(place.task.answers)
    prompts = torch.arange(size).repeat_interleave(every)
    features = counts(prompts, place.task.answers.repeat(size, 1), sizes(place))
    contexts = place.task.contexts(torch.arange(size))
    start = place.reference.distribution(contexts, place.task.answers)
    worth = (features @ state.data.linear.theta).view(size, every)
    wanted = (start + worth / method.beta).softmax(dim=1)
    found = state.policy.distribution(contexts, place.task.answers).exp()
    assert (found - wanted).abs().sum(dim=1).max() / 2 < 0.1
    assert (start.exp() - wanted).abs().sum(dim=1).min() / 2 > 0.2


def test_the_more_pessimism_the_nearer_the_policy_stays() -> None:
    moved = [trained(Zhu(pessimism=b), lab(100, labels=128))["kl"] for b in (0, 2, 8)]
    assert moved[0] > moved[1] > moved[2]


# Second Thoughts


def test_chains_go_from_each_answer_to_its_refinement_a_word_at_a_time() -> None:
    method = SecondThoughts()
    task = Handful()
    reference = exact(task, method.controls).frozen()
    place = Lab(task, Onlooker(task), reference, 20, 16, 128)
    steps = method.begin(place).data.data.steps
    control = reference.vocabulary.id("revise:")
    asked = steps.before[:, 0] == control
    assert 0 < asked.sum() < len(asked)
    assert bool((steps.before[~asked] == PAD).all())
    rows = torch.cat([steps.before[asked], steps.answers[asked]], dim=1).tolist()
    for row in rows:
        halves = row[: 1 + task.longest], row[1 + task.longest :]
        one, two = ([t for t in half if t not in (END, PAD, control)] for half in halves)
        edits = edits_between(one, two)
        assert len(edits) == 1
        assert list(replayed(one, edits)[-1]) == two


def test_what_was_learned_from_edits_is_worth_more_than_what_was_edited() -> None:
    """The refiner knows what is hidden, so the gold reward rises with what is seen."""
    method = SecondThoughts()
    rows = align(method, annotated(method, steps=120), pace=Pace(120, 0.05, every=60)).descent.rows
    assert rows[0]["gold"] + 0.3 < rows[1]["gold"] < rows[2]["gold"]


# Games and refreshed rewards


@pytest.mark.slow
def test_rounds_of_the_adversarial_game_add_up() -> None:
    """From few, noisy pairs: the more often the reward moves, the better the policy."""
    task = Handful()
    reference = exact(task).frozen()

    def gold(rounds: int) -> float:
        return float(np.mean([
            trained(APO(rounds=rounds), Lab(task, Onlooker(task, 1.0), reference, 120, 64, 512, s))[
                "gold"
            ] for s in range(3)
        ]))  # fmt: skip

    assert gold(6) > gold(1) + 0.1


@pytest.mark.slow
def test_new_pairs_of_the_policys_own_answers_take_rlhf_further_than_the_first_ones() -> None:
    """Both begin with the same 64 pairs, then one is given as many again at each of three times.

    At as many labels in all, the one that has them from the start is as good: no claim is made.
    """
    task = Handful()
    reference = exact(task).frozen()
    gained = list[float]()
    for seed in range(4):
        frozen, refreshed = (
            trained(RLHF(refreshes=n), Lab(task, Onlooker(task, 0.5), reference, 120, 64, 128 * n,
                                           seed))
            for n in (1, 4)
        )  # fmt: skip
        gained.append(refreshed["gold"] - frozen["gold"])
    assert np.mean(gained) > 0.05


@pytest.mark.slow
def test_a_frozen_reward_model_is_overoptimised() -> None:
    """By a transformer, on 128 pairs: further up the reward, what people see is hardly better than
    before any alignment or better, and what it is worth is far worse."""
    found = list[list[float]]()
    for seed in range(2):
        place = annotated(RLHF(), steps=100, labels=256, seed=seed, size="small")
        rows = align(RLHF(refreshes=1), place, pace=Pace(100, 1e-3, every=100)).descent.rows
        found.append([row[metric] for row in rows for metric in ("gold", "proxy", "kl")])
    gold, proxy, _, gold_after, proxy_after, kl = np.mean(found, axis=0)
    assert gold_after < gold - 0.3
    assert proxy_after > proxy
    assert kl > 2
