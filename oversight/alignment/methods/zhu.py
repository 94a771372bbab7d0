"""RLHF as maximum-entropy inverse reinforcement learning: a linear reward, and pessimism."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from jaxtyping import Float
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.linear_reward import Linear, counts, most_likely
from oversight.alignment.method import Method, State
from oversight.alignment.objectives.lists import plackett_luce
from oversight.alignment.objectives.policy_gradient import penalised, reinforce
from oversight.alignment.objectives.reward import pessimistic
from oversight.alignment.signals import Lists, Signal
from oversight.core import OversightError


class Known(NamedTuple):
    """What is known of the reward."""

    linear: Linear
    usual: Float[Tensor, "features"]
    """The mean features of the reference's answers, ν: rewards count against theirs."""
    bound: float
    """b, the radius of the confidence ellipsoid."""


@dataclass(frozen=True)
class Zhu(Method):
    """Fit a linear reward to orders by maximum likelihood, and improve on its least favourable.

    max over π of min over ‖θ − θ̂‖_Σ ≤ b of θᵀ(E_π[φ] − ν) − β·KL(π ‖ π_ref). Features are how
    often each word stands in an answer, apart for each prompt; lists are Plackett–Luce's, pairs
    being lists of two. At each step θ is the least favourable for the answers just drawn.

    Attributes:
        beta: what a nat of divergence from the reference costs, nats of preference; derived here.
        pessimism: b in units of √(d/n), d features and n lists; 0 is the greedy estimate.
        candidates: answers to each prompt, K.
        ridge: λ, of the fit and of Σ; derived here.

    Deviations: the paper has a bandit and no KL; the maximum is climbed, not solved for.
    """

    paper: ClassVar[str] = "Zhu et al. 2023, arXiv:2301.11270"
    needs: ClassVar[tuple[Signal, ...]] = ("list",)
    beta: float = 0.3
    pessimism: float = 1.0
    candidates: int = 4
    ridge: float = 1e-3

    def __post_init__(self) -> None:
        if self.ridge <= 0:
            raise OversightError(f"zhu needs a ridge above 0, got {self.ridge:g}")

    def begin(self, lab: Lab) -> State[Known]:
        """Fit; OversightError where all answers are alike to the overseer."""
        data = lab.lists(self.candidates)
        if bool((data.scores[:, 0] == data.scores[:, -1]).all()):
            raise OversightError(
                f"{lab.overseer.name} gives all answers of every list the same number, so they "
                "have no order; take another overseer"
            )
        features = self._features(lab, data)
        linear = most_likely(features, plackett_luce, ridge=self.ridge)
        size = features.shape[-1]
        bound = self.pessimism * (size / len(features)) ** 0.5
        return State(lab.policy(), Known(linear, features.mean(dim=(0, 1)), bound))

    def loss(self, lab: Lab, state: State[Known], step: int) -> Float[Tensor, "batch"]:
        """−A·log π on fresh answers of the policy."""
        prompts, answers, told, start = lab.fresh(state.policy, lab.draw("zhu", step))
        features = counts(prompts, answers, sizes(lab))
        known = state.data
        theta = pessimistic(
            known.linear.theta, known.linear.covariance, features.mean(dim=0) - known.usual,
            bound=known.bound,
        )  # fmt: skip
        paid = penalised(features @ theta, told, start, kl=self.beta)
        return reinforce(told, paid - paid.mean())

    def _features(self, lab: Lab, data: Lists) -> Float[Tensor, "lists items features"]:
        prompts = data.prompts[:, None].expand(-1, self.candidates)
        return counts(prompts, data.answers, sizes(lab))


def sizes(lab: Lab) -> tuple[int, int]:
    """How many prompts there are, and words of answers."""
    return len(lab.task.prompts), len(lab.task.vocabulary.answer)
