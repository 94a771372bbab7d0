"""Sparrow: what people prefer, and rules that each have a classifier and somebody to probe them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from oversight.alignment.lab import Lab
from oversight.alignment.method import State
from oversight.alignment.methods.climber import Climber, Climbing
from oversight.alignment.policy import Policy
from oversight.alignment.reward_model import RewardModel, fit, fit_by
from oversight.alignment.signals import Preferences, Signal
from oversight.core import OversightError
from oversight.registry import suggest


class Tried(NamedTuple):
    """Answers, and which rules the overseer found them to break."""

    prompts: Int[Tensor, "rows"]
    answers: Int[Tensor, "rows length"]
    broken: Bool[Tensor, "rows rules"]


class Kept(NamedTuple):
    """What Sparrow keeps."""

    pairs: Preferences
    preferred: RewardModel
    tried: Tried
    classifiers: Sequence[RewardModel]
    """One a rule: the log-odds that an answer breaks it."""


@dataclass(frozen=True)
class Sparrow(Climber[Kept]):
    """A preference reward, less what breaking rules costs; rules are probed as the policy moves.

    A rule is that an answer may show no more than so much of an attribute, as the overseer labels
    it. A prober draws many prompts and answers of the policy, and has those labelled that the
    rule's classifier finds the likeliest to break it. Half of the budget goes to pairs.

    Attributes:
        kl, reuse, clip: see `Climber`.
        rules: the attributes that there is a rule about.
        threshold: above which a label breaks the rule.
        penalty: what breaking a rule costs, nats of preference; derived here.
        refreshes: how often pairs are gathered and rules probed.
        tries: answers that a prober draws for each that it has labelled.
        width: of each model's hidden layer.

    Deviations: the paper's rules are sentences and its probers people; evidence, and the choice
    among several answers at deployment, are left out.
    """

    paper: ClassVar[str] = "Glaese et al. 2022, arXiv:2209.14375"
    needs: ClassVar[tuple[Signal, ...]] = ("preference", "attribute")
    rules: tuple[str, ...] = ("toxic",)
    threshold: float = 0.2
    penalty: float = 3.0
    refreshes: int = 4
    tries: int = 8
    width: int = 64

    def begin(self, lab: Lab) -> State[Climbing[Kept]]:
        """Pairs and labels of the reference's answers; OversightError for a rule about nothing."""
        for rule in self.rules:
            if rule not in lab.task.attributes:
                known = suggest(rule, lab.task.attributes, "attributes")
                raise OversightError(f"sparrow has a rule about an unknown attribute {known}")
        share = 1 / (2 * self.refreshes)
        pairs = lab.preferences(share=share, named=("sparrow", 0))
        seen = lab.attributed(share=share, named=("sparrow", 0))
        tried = Tried(seen.prompts, seen.answers, self._broken(lab, seen.values))
        named = [f"rule about {rule}" for rule in self.rules]
        fresh = [RewardModel(lab.task, self.width, lab.draw("sparrow", name))
                 for name in ("preference", *named)]  # fmt: skip
        return State(lab.policy(), Climbing(self._fitted(lab, pairs, tried, fresh, 0)))

    def loss(self, lab: Lab, state: State[Climbing[Kept]], step: int) -> Float[Tensor, "batch"]:
        """The climb's; before it, where a phase begins, new pairs and probes."""
        number = lab.phase(step, self.refreshes)
        if number:
            state.data = Climbing(self._refreshed(lab, state, number))
        return self.climb(lab, state, step)

    def reward(
        self, lab: Lab, data: Kept, prompts: Tensor, answers: Tensor, step: int
    ) -> Float[Tensor, "rows"]:
        """r − penalty·Σ_rules P(broken)."""
        broken = [model(prompts, answers).sigmoid() for model in data.classifiers]
        costs = torch.stack(broken).sum(dim=0) if broken else torch.zeros(len(prompts))
        return data.preferred(prompts, answers) - self.penalty * costs

    def probe(
        self, lab: Lab, policy: Policy, classifier: RewardModel, rows: int, draw: torch.Generator
    ) -> tuple[Int[Tensor, "rows"], Int[Tensor, "rows length"]]:
        """The prompts and answers of a policy that are the likeliest to break a rule."""
        prompts = lab.prompts(rows * self.tries, draw)
        answers = lab.answers(policy, prompts, draw)[:, 0]
        with torch.no_grad():
            found = classifier(prompts, answers).topk(rows).indices
        return prompts[found], answers[found]

    def _refreshed(self, lab: Lab, state: State[Climbing[Kept]], number: int) -> Kept:
        pairs, preferred, tried, classifiers = state.data.data
        share, draw = 1 / (2 * self.refreshes), lab.draw("sparrow", number)
        new = lab.preferences(state.policy, share=share, named=("sparrow", number))
        pairs = Preferences(*map(torch.cat, zip(pairs, new, strict=True)))
        for classifier in classifiers:
            rows = lab.rows(share / len(self.rules), 1)
            prompts, answers = self.probe(lab, state.policy, classifier, rows, draw)
            broken = self._broken(lab, lab.overseer.label(prompts, answers, draw))
            found = Tried(prompts, answers, broken)
            tried = Tried(*map(torch.cat, zip(tried, found, strict=True)))
        return self._fitted(lab, pairs, tried, [preferred, *classifiers], number)

    def _broken(self, lab: Lab, labels: Tensor) -> Bool[Tensor, "rows rules"]:
        about = [list(lab.task.attributes).index(rule) for rule in self.rules]
        return labels[:, about] > self.threshold

    def _fitted(
        self, lab: Lab, pairs: Preferences, tried: Tried, models: Sequence[RewardModel], number: int
    ) -> Kept:
        """All models, from where they are."""
        preferred = fit(models[0], pairs, lab, named=("sparrow", number))
        for rule, model in enumerate(models[1:]):

            def loss(rows: Tensor, rule: int = rule, model: RewardModel = model) -> Tensor:
                odds = model(tried.prompts[rows], tried.answers[rows])
                told = tried.broken[rows, rule].float()
                return binary_cross_entropy_with_logits(odds, told, reduction="none")

            fit_by(model, loss, len(tried.prompts), lab, named=("rule", rule, number))
        return Kept(pairs, preferred, tried, models[1:])
