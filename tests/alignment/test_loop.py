"""What a step costs: how often policies are asked."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.methods.pairwise import DPO
from oversight.alignment.policies.small import SmallPolicy
from oversight.training.descent import Pace, descend
from tests.alignment.bench import Handful, Onlooker


class Counting(SmallPolicy):
    """Counts passes, and the rows in each."""

    def __init__(self, *args: object, **named: object) -> None:
        super().__init__(Handful.vocabulary, Handful.longest, width=16)
        self.passes = list[int]()

    def next(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length words"]:
        self.passes.append(len(contexts))
        return super().next(contexts, answers)


def test_a_step_of_dpo_is_one_pass_of_the_policy_and_none_of_the_reference() -> None:
    task, reference = Handful(), Counting().requires_grad_(False)
    lab = Lab(task, Onlooker(task), reference, 5, 16, 64)
    method = DPO()
    state = method.begin(lab)
    policy = state.policy
    assert isinstance(policy, Counting)
    reference.passes.clear()
    policy.passes.clear()

    class Training:
        memory, learner, identity = state, policy, dict[str, object]()

        def loss(self, step: int) -> Tensor:
            return method.loss(lab, state, step)

    before = policy.head.weight.detach().clone()
    descend(Training(), Pace(5, every=5), lambda _: {})
    assert policy.passes == [2 * 16] * 5
    assert reference.passes == []
    assert not torch.equal(policy.head.weight, before)
