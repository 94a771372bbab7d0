"""SENSEI: a critic says what each step of an answer earned, and the actor follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import one_hot

from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives.policy_gradient import ppo
from oversight.alignment.policy import Policy
from oversight.alignment.reward_model import drawn_weights, regress
from oversight.alignment.signals import Scored, Signal
from oversight.alignment.task import Task
from oversight.alignment.vocabulary import PAD


class Critic(nn.Module):
    """c(x, y_{t−1}, y_t): one hidden layer over one-hots; what an answer earns is their sum."""

    def __init__(self, task: Task, width: int, draw: torch.Generator) -> None:
        """`width`: of the hidden layer; the weights are drawn from `draw`."""
        super().__init__()
        self.prompts, self.words = len(task.prompts), 1 + len(task.vocabulary.answer)
        self.hidden = nn.Linear(self.prompts + 2 * self.words, width)
        self.head = nn.Linear(width, 1)
        drawn_weights(self, draw)

    def forward(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length"]:
        """The reward of each token; 0 after the end."""
        before = torch.cat([torch.full_like(answers[:, :1], PAD), answers[:, :-1]], dim=1)
        asked = one_hot(prompts, self.prompts)[:, None].expand(-1, answers.shape[1], -1)
        tokens = [one_hot(token - PAD, self.words) for token in (before, answers)]
        seen = torch.cat([asked, *tokens], dim=2).float()
        return torch.where(answers == PAD, 0.0, self.head(self.hidden(seen).relu())[..., 0])


class Played(NamedTuple):
    """The tokens of answers under way, one after the other."""

    prompts: Int[Tensor, "rows"]
    answers: Int[Tensor, "rows length"]
    before: Float[Tensor, "tokens"]
    advantages: Float[Tensor, "tokens"]


class Taught(NamedTuple):
    """What SENSEI keeps."""

    scored: Scored
    critic: Critic
    played: Played | None = None


@dataclass(frozen=True)
class SENSEI(Method):
    """Step-wise reward: a critic shares out the overseer's number among an answer's tokens.

    It is fitted so that an answer's tokens sum to the number, in standard deviations. The actor
    takes for a token's advantage what is earned from it on, against the mean at its place.

    Attributes:
        kl: λ, what a nat of divergence from the reference costs, token by token; derived here.
        reuse: steps on the same answers; derived here.
        clip: ε of each token's ratio; derived here.
        refreshes: how often the policy's answers are judged; derived here.
        width: of the critic's hidden layer.

    Deviations: only the abstract's account is followed: a critic that spreads rewards over steps
    and an actor that it directs. How both are fitted is derived here.
    """

    paper: ClassVar[str] = "Liu et al. 2022, Findings of NAACL"
    needs: ClassVar[tuple[Signal, ...]] = ("scalar",)
    kl: float = 0.01
    reuse: int = 4
    clip: float = 0.2
    refreshes: int = 4
    width: int = 64

    def begin(self, lab: Lab) -> State[Taught]:
        """Numbers of the reference's answers, and a critic of them."""
        scored = lab.scored(share=1 / self.refreshes, named=("sensei", 0))
        critic = Critic(lab.task, self.width, lab.draw("sensei", "weights"))
        return State(lab.policy(), Taught(scored, taught(critic, scored, lab, 0)))

    def loss(self, lab: Lab, state: State[Taught], step: int) -> Float[Tensor, "tokens"]:
        """−min(ρA, clip(ρ)A) of each token of the answers under way."""
        number = lab.phase(step, self.refreshes)
        if number:
            share, named = 1 / self.refreshes, ("sensei", number)
            new = lab.scored(state.policy, share=share, named=named)
            scored = Scored(*map(torch.cat, zip(state.data.scored, new, strict=True)))
            state.data = Taught(scored, taught(state.data.critic, scored, lab, number))
        rows = state.data.played
        if rows is None or step % self.reuse == 0:
            rows = self._play(lab, state.policy, state.data.critic, step)
            state.data = state.data._replace(played=rows)
        contexts = lab.task.contexts(rows.prompts)
        now = state.policy.token_log_probs(contexts, rows.answers)
        return ppo(now[rows.answers != PAD], rows.before, rows.advantages, clip=self.clip)

    def _play(self, lab: Lab, policy: Policy, critic: Critic, step: int) -> Played:
        draw = lab.draw("sensei", "play", step)
        prompts = lab.prompts(lab.batch, draw)
        answers = lab.answers(policy, prompts, draw)[:, 0]
        contexts, real = lab.task.contexts(prompts), answers != PAD
        with torch.no_grad():
            before = policy.token_log_probs(contexts, answers)
            start = lab.reference.token_log_probs(contexts, answers)
            paid = critic(prompts, answers) - self.kl * (before - start)
        onward = paid.flip(1).cumsum(dim=1).flip(1)
        usual = (onward * real).sum(dim=0) / real.sum(dim=0).clamp(min=1)
        gained = (onward - usual)[real]
        spread = gained.std(correction=0).clamp(min=1e-6)
        return Played(prompts, answers, before[real], gained / spread)


def taught(critic: Critic, scored: Scored, lab: Lab, number: int) -> Critic:
    """Fit a critic to sums; OversightError where the overseer gives all the same number."""

    def told(rows: Tensor) -> Tensor:
        return critic(scored.prompts[rows], scored.answers[rows]).sum(dim=1)

    regress(critic, told, scored.rewards, lab, named=("sensei", number))
    return critic
