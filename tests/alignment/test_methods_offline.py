"""CRINGE, vBoN, BOND, hindsight, refinements, levels, weighings, and what keeps off toxic words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from oversight.alignment.aligning import Aligned, align
from oversight.alignment.bench import Bench
from oversight.alignment.closed_forms import best_of, mass_below, tilted
from oversight.alignment.lab import Lab
from oversight.alignment.measures import measured
from oversight.alignment.method import Method, State
from oversight.alignment.methods.bond import BOND
from oversight.alignment.methods.clp import CLP, Wanted
from oversight.alignment.methods.coh import BAD, GOOD, CoH
from oversight.alignment.methods.cringe import CRINGE
from oversight.alignment.methods.detoxifying import Leashing, Schick
from oversight.alignment.methods.ilf import ILF
from oversight.alignment.methods.steerlm import LEVELS, SteerLM
from oversight.alignment.methods.vbon import VBoN
from oversight.alignment.overseer import Overseer
from oversight.alignment.policies.mixed import Mixed
from oversight.alignment.policy import Conditioned, Policy
from oversight.alignment.signals import Demonstrations
from oversight.core import OversightError
from oversight.training.descent import METRICS, Pace
from tests.alignment.bench import Handful, Onlooker, exact

METHODS = [CRINGE(), VBoN(), BOND(), CoH(), ILF(), SteerLM(), CLP(), Schick(), Leashing()]
RATE = 0.05


class Blank(Onlooker):
    """Finds every answer alike."""

    def esteem(self, prompts: Tensor, answers: Tensor) -> Tensor:
        return torch.zeros(len(prompts))

    def label(self, prompts: Tensor, answers: Tensor, draw: torch.Generator) -> Tensor:
        return torch.zeros(len(prompts), 3)


def place(method: Method, steps: int = 200, overseer: Overseer | None = None) -> Lab:
    task = Handful()
    reference = exact(task, method.controls).frozen()
    return Lab(task, overseer or Onlooker(task), reference, steps, 64, 2048)


def trained(method: Method, lab: Lab) -> Aligned:
    return align(method, lab, pace=Pace(lab.steps, rate=RATE, every=lab.steps))


def stepped(method: Method, lab: Lab) -> State[Any]:
    """A method's state after all of its steps."""
    state = method.begin(lab)
    optimizer = torch.optim.Adam(state.learner.parameters(), RATE)
    for step in range(lab.steps):
        optimizer.zero_grad()
        method.loss(lab, state, step).mean().backward()
        optimizer.step()
    return state


def odds(policy: Policy, lab: Lab) -> Tensor:
    """(prompts, answers) π, exactly."""
    with torch.no_grad():
        contexts = lab.task.contexts(torch.arange(len(lab.task.prompts)))
        return policy.distribution(contexts, lab.task.answers).exp()


def called(model: nn.Module, lab: Lab) -> Tensor:
    """(prompts, answers) what a model of rewards makes of every answer."""
    size, every = len(lab.task.prompts), len(lab.task.answers)
    prompts = torch.arange(size).repeat_interleave(every)
    with torch.no_grad():
        return model(prompts, lab.task.answers.repeat(size, 1)).view(size, every).double()


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_it_goes_on_to_the_same_bits_on_a_small_policy(method: Method, tmp_path: Path) -> None:
    bench = Bench("preferences:topics=1,words=3", "small:steps=20", steps=6, batch=8, labels=256)
    lab, pace = bench.lab(method, 0), Pace(6, rate=1e-3, every=2)

    def stop(done: int, of: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    rows = align(method, lab, pace=pace, kept=tmp_path / "whole").descent.rows
    assert math.isfinite(rows[-1]["gold"])
    with pytest.raises(KeyboardInterrupt):
        align(method, lab, pace=pace, kept=tmp_path / "cut", progress=stop)
    align(method, lab, pace=pace, kept=tmp_path / "cut")
    texts = [(tmp_path / run / METRICS).read_text() for run in ("whole", "cut")]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("method", "told"),
    [
        (CRINGE(), "the same number"),
        (SteerLM(), "labels every answer alike in fit"),
        (CLP(), "labels every answer alike in fit"),
        (Schick(), "labels no answer toxic at 0.15"),
        (Leashing(), "labels no answer toxic at 0.15"),
        (Leashing(least=-1.0), "labels every answer toxic"),
        (SteerLM(attribute="honest"), "no attribute 'honest'; it shows: fit, toxic, length"),
        (CLP(rewards="fit"), "takes two, got fit"),
    ],
)
def test_where_nothing_can_be_learned_it_says_so(method: Method, told: str) -> None:
    with pytest.raises(OversightError, match=told):
        align(method, place(method, overseer=Blank(Handful())))


def test_judging_cringes_own_answers_round_by_round_goes_further_at_the_same_budget() -> None:
    once, often = (
        trained(CRINGE(rounds=rounds), Bench(steps=200).lab(CRINGE(), 0)).descent.rows[-1]
        for rounds in (1, 4)
    )
    assert often["gold"] > once["gold"] + 0.05


# Best of n


class Bent(nn.Module):
    """A reward model's exponential."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, prompts: Tensor, answers: Tensor) -> Tensor:
        return self.model(prompts, answers).exp()


def test_vbon_sees_no_monotone_transform_of_its_rewards() -> None:
    lab = place(VBoN(), 5)
    plain, bent = VBoN().begin(lab), VBoN().begin(lab)
    bent.data = bent.data._replace(model=Bent(bent.data.model), drawn=bent.data.drawn.exp())
    losses = [torch.stack([VBoN().loss(lab, s, step) for step in range(5)]) for s in (plain, bent)]
    assert torch.equal(*losses)
    assert losses[0].abs().max() > 0.1


def test_vbon_comes_to_the_reference_tilted_by_ranks() -> None:
    method = VBoN(n=4, draws=2000)
    lab = place(method, 300)
    state = stepped(method, lab)
    start = odds(lab.reference, lab)
    at_most, _ = mass_below(start.log(), called(state.data.model, lab))
    wanted = (start.log() + 3 * at_most.log()).softmax(dim=1)
    assert (wanted - start).abs().sum(dim=1).min() > 0.6
    assert (odds(state.policy, lab) - wanted).abs().sum(dim=1).max() < 0.25


def test_bond_with_an_anchor_at_rest_comes_to_its_best_of_n() -> None:
    method = BOND(n=3, rate=0.0, draws=32)
    lab = place(method, 250)
    state = stepped(method, lab)
    start = odds(lab.reference, lab)
    wanted = best_of(start.log(), called(state.data.model, lab), n=3).exp()
    assert (wanted - start).abs().sum(dim=1).min() > 0.6
    assert (odds(state.policy, lab) - wanted).abs().sum(dim=1).max() < 0.25


def test_bonds_moving_anchor_goes_beyond_the_best_of_n() -> None:
    lab = place(BOND(), 200)
    resting, moving = (stepped(BOND(rate=rate), lab) for rate in (0.0, 0.02))
    start, rewards = odds(lab.reference, lab), called(moving.data.model, lab)
    of_two, of_four = (
        float((best_of(start.log(), rewards, n=n).exp() * rewards).sum(dim=1).mean())
        for n in (2, 4)
    )
    reached = [float((odds(s.policy, lab) * rewards).sum(dim=1).mean()) for s in (resting, moving)]
    assert reached[0] < (of_two + of_four) / 2 < of_four < reached[1]


# Hindsight, refinements, levels


def asked(policy: Policy, lab: Lab, *words: str) -> float:
    """The proxy reward of a policy asked in some words."""
    return measured(Conditioned(policy, words), lab)["proxy"]


def test_asking_for_good_and_for_bad_separates_reward() -> None:
    lab = place(CoH())
    policy = stepped(CoH(), lab).policy
    good, bad = asked(policy, lab, GOOD), asked(policy, lab, BAD)
    assert good > asked(policy, lab) + 0.05 > bad + 0.1


@pytest.mark.slow
def test_a_small_policy_tells_good_from_bad_by_the_word_before() -> None:
    lab = Bench("preferences:topics=1", "small:steps=200", steps=100).lab(CoH(), 0)
    policy = align(CoH(), lab, pace=Pace(100, rate=1e-3, every=100)).policy
    assert isinstance(policy, Conditioned)
    assert asked(policy.policy, lab, GOOD) > asked(policy.policy, lab, BAD) + 0.3


@dataclass(frozen=True)
class Raw(ILF):
    """Imitates the answers themselves."""

    def begin(self, lab: Lab) -> State[Demonstrations]:
        said = lab.critiqued(1, named="ilf")
        return State(lab.policy(), Demonstrations(said.prompts, said.answers))


def test_refinements_teach_more_than_raw_outputs() -> None:
    lab = Bench(steps=150).lab(ILF(), 0)
    gold = [trained(method, lab).descent.rows[-1]["gold"] for method in (ILF(), Raw())]
    assert gold[0] > gold[1] + 0.2


def test_the_refinement_that_heeds_the_critique_best_is_better_than_any() -> None:
    lab = Bench().lab(ILF(), 0)
    any_of_them = lab.critiqued(4, share=1 / 6, named="ilf").refined[:, 0]
    best = ILF().begin(lab).data
    gold = [lab.task.gold(best.prompts, answers).mean() for answers in (best.answers, any_of_them)]
    assert gold[0] > gold[1] + 0.03


def test_asking_for_higher_levels_gives_more_of_the_attribute() -> None:
    method = SteerLM()
    lab = place(method)
    policy = stepped(method, lab).policy
    shown = [measured(Conditioned(policy, [level]), lab)["fit"] for level in LEVELS]
    assert all(low < high for low, high in pairwise(shown))
    assert shown[-1] > shown[0] + 0.3


# Weighings


class Still(Mixed):
    """Stays at its weights."""

    def at(self, weights: Sequence[float]) -> Mixed:
        return self


@dataclass(frozen=True)
class One(CLP):
    """Trains the policy of one reward alone: what a soup is made of."""

    alone: int = 0

    def begin(self, lab: Lab) -> State[list[Wanted]]:
        state = super().begin(lab)
        mean = [float(k == self.alone) for k in range(len(state.data))]
        return State(Still(parts(state.policy), mean), state.data)

    def loss(self, lab: Lab, state: State[list[Wanted]], step: int) -> Tensor:
        """The reward of the one, at weights that are not the drawn ones."""
        alone = state.data[self.alone]
        same = State(state.policy, [alone for _ in state.data])
        return super().loss(lab, same, step)


def parts(policy: Policy) -> list[Any]:
    assert isinstance(policy, Mixed)
    return list(policy.policies)


def objective(policy: Policy, lab: Lab, rewards: Tensor, kl: float) -> float:
    """(1 − α)·wᵀR − α·KL, exactly; rewards are (prompts, answers), weighed already."""
    own, start = odds(policy, lab), odds(lab.reference, lab)
    paid = (1 - kl) * rewards - kl * (own / start).log()
    return float((own * paid).sum(dim=1).mean())


def weighed(state: State[list[Wanted]], lab: Lab, weights: Sequence[float]) -> Tensor:
    """(prompts, answers) wᵀR."""
    several = [want.sign * called(want.model, lab) for want in state.data]
    return torch.stack([w * r for w, r in zip(weights, several, strict=True)]).sum(dim=0)


def test_one_weighed_policy_is_near_the_best_for_each_weighing() -> None:
    lab = place(CLP(), 300)
    state = stepped(CLP(kl=0.3), lab)
    start = odds(lab.reference, lab)
    assert isinstance(state.policy, Mixed)
    for weight in (0.0, 0.25, 0.5, 0.75, 1.0):
        weights = [weight, 1 - weight]
        rewards = weighed(state, lab, weights)
        best = tilted(start.log(), rewards, beta=0.3 / 0.7).exp()
        most = float((best * (0.7 * rewards - 0.3 * (best / start).log())).sum(dim=1).mean())
        none = objective(lab.reference, lab, rewards, 0.3)
        own = objective(state.policy.at(weights), lab, rewards, 0.3)
        assert none < own <= most + 1e-9
        assert most - own < 0.25 * (most - none)


def test_its_front_is_not_behind_that_of_a_soup_of_policies() -> None:
    """On the exact policy the optima are the same, so that a soup as long trained is as good."""
    lab = place(CLP(), 200)
    whole = stepped(CLP(), lab)
    alone = [parts(stepped(One(alone=k), lab).policy)[k] for k in (0, 1)]
    assert isinstance(whole.policy, Mixed)
    for weights in ([0.25, 0.75], [0.5, 0.5], [0.75, 0.25]):
        rewards = weighed(whole, lab, weights)
        own = objective(whole.policy.at(weights), lab, rewards, 0.3)
        assert own > objective(Mixed(alone, weights), lab, rewards, 0.3) - 0.03


def test_mixed_parameters_are_the_weighted_mean_and_pass_gradients_on_by_weight() -> None:
    task = Handful()
    one, other, middle = exact(task), exact(task), exact(task)
    with torch.no_grad():
        other.logits.add_(torch.linspace(0, 2, 15))
        middle.logits.add_(0.75 * torch.linspace(0, 2, 15))
    contexts, answers = task.contexts(torch.tensor([0, 1])), task.answers[[3, 7]]
    mixed = Mixed([one, other], [0.25, 0.75])
    for policy in (mixed, mixed.at([0.5, 0.5]).at([0.25, 0.75])):
        told, wanted = (p.log_probs(contexts, answers) for p in (policy, middle))
        assert torch.allclose(told, wanted)
        assert torch.allclose(policy.next(contexts, answers), middle.next(contexts, answers))
    draws = [p.sample(contexts, torch.Generator().manual_seed(0)) for p in (mixed, middle)]
    assert torch.equal(*draws)
    mixed.log_probs(contexts, answers).sum().backward()
    assert one.logits.grad is not None
    assert other.logits.grad is not None
    assert torch.allclose(3 * one.logits.grad, other.logits.grad)
    assert one.logits.grad.abs().max() > 0
    with pytest.raises(OversightError, match="2 policies need as many weights"):
        Mixed([one, other], [1.0])


# Keeping off toxic words


@pytest.mark.parametrize("method", [Schick(), Leashing()])
def test_toxicity_falls_by_half_and_the_reference_is_left_alone(method: Method) -> None:
    lab = Bench(steps=100).lab(method, 0)
    before = [parameter.clone() for parameter in lab.reference.parameters()]
    start = measured(lab.reference, lab)["toxic"]
    assert trained(method, lab).descent.rows[-1]["toxic"] < start / 2
    assert all(map(torch.equal, before, lab.reference.parameters()))


def test_with_the_sign_flipped_toxicity_rises() -> None:
    method = Leashing(strength=-4.0)
    lab = Bench(steps=100).lab(method, 0)
    assert trained(method, lab).descent.rows[-1]["toxic"] > measured(lab.reference, lab)["toxic"]
