"""What has become of a policy: gold and proxy reward, KL, win rate, entropy, every attribute.

A policy of few answers is measured over all of them, without error; one of many, on samples.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.policy import Policy

SAMPLES = 2048
"""Answers that a policy is measured on where there are too many to go through."""


@torch.no_grad()
def measured(policy: Policy, lab: Lab, *, step: int = 0) -> dict[str, float]:
    """The metrics, in expectation over prompts and answers.

    "gold" and "proxy" (the reward as the overseer sees it) are in the task's units, "kl" and
    "entropy" in nats: KL(π ‖ π_ref) and the policy's own; "wins" is how often its answer has more
    gold reward than the reference's, ties half, and "seen_wins" how often the overseer finds so.
    """
    if policy.enumerable:
        prompts = torch.arange(len(lab.task.prompts))
        contexts = lab.task.contexts(prompts)
        log = policy.distribution(contexts, lab.task.answers)
        start = lab.reference.distribution(contexts, lab.task.answers)
        return _weighed(lab, log.double(), start.double())
    return _sampled(policy, lab, step)


def _weighed(
    lab: Lab, log: Float[Tensor, "prompts answers"], start: Float[Tensor, "prompts answers"]
) -> dict[str, float]:
    """From the whole distributions."""
    odds, gold = log.exp(), lab.task.gold_table.double()
    values = (odds[..., None] * lab.task.table).sum(dim=1).mean(dim=0)
    found = {
        "gold": float((odds * gold).sum(dim=1).mean()),
        "proxy": float((odds * lab.proxy_table).sum(dim=1).mean()),
        "kl": float(divergence(log, start).mean()),
        "wins": float(win_rate(odds, start.exp(), gold).mean()),
        "seen_wins": float(win_rate(odds, start.exp(), lab.proxy_table.double()).mean()),
        "entropy": float(-(odds * log).sum(dim=1).mean()),
    }
    return found | dict(zip(lab.task.attributes, values.tolist(), strict=True))


def divergence(
    log: Float[Tensor, "*batch answers"], start: Float[Tensor, "*batch answers"]
) -> Float[Tensor, "*batch"]:
    """KL(π ‖ π_ref), nats, from both logarithms; what π never says counts nothing."""
    odds = log.exp()
    return torch.where(odds > 0, odds * (log - start), 0.0).sum(dim=-1)


def win_rate(
    odds: Float[Tensor, "prompts answers"], others: Float[Tensor, "prompts answers"],
    gold: Float[Tensor, "prompts answers"],
) -> Float[Tensor, "prompts"]:  # fmt: skip
    """P(an answer of `odds` beats one of `others`), ties counting half."""
    ordered, order = gold.sort(dim=1)
    below = others.gather(1, order).cumsum(dim=1)
    below = torch.cat([torch.zeros_like(below[:, :1]), below], dim=1)
    first = torch.searchsorted(ordered, gold.contiguous(), side="left")
    last = torch.searchsorted(ordered, gold.contiguous(), side="right")
    beaten = (below.gather(1, first) + below.gather(1, last)) / 2
    return (odds * beaten).sum(dim=1)


def _sampled(policy: Policy, lab: Lab, step: int) -> dict[str, float]:
    """From samples of both, on the same prompts."""
    draw = lab.draw("measured", step)
    prompts = lab.prompts(SAMPLES, draw)
    own = lab.answers(policy, prompts, draw)[:, 0]
    others = lab.answers(lab.reference, prompts, draw)[:, 0]
    values, gold = lab.task.values(prompts, own), lab.task.gold(prompts, own)
    proxy = lab.overseer.esteem(prompts, own)
    log = lab.fixed_log_probs(policy, prompts, own)
    start = lab.fixed_log_probs(lab.reference, prompts, own)
    found = {
        "gold": float(gold.mean()),
        "proxy": float(proxy.mean()),
        "kl": float((log - start).mean()),
        "wins": _won(gold, lab.task.gold(prompts, others)),
        "seen_wins": _won(proxy, lab.overseer.esteem(prompts, others)),
        "entropy": float(-log.mean()),
    }
    return found | dict(zip(lab.task.attributes, values.mean(dim=0).tolist(), strict=True))


def _won(own: Float[Tensor, "rows"], others: Float[Tensor, "rows"]) -> float:
    """How often one is more than the other, ties half."""
    return float(((own > others).double() + (own == others).double() / 2).mean())
