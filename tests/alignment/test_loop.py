"""What a step costs: how often policies are asked."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.aligning import align
from oversight.alignment.lab import Lab
from oversight.alignment.methods.pairwise import DPO
from oversight.alignment.policies.small import SmallPolicy
from oversight.core import OversightError
from oversight.training import descent
from oversight.training.descent import CHECKPOINT, Pace, descend
from tests.alignment.bench import Handful, Onlooker, lab


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


def test_a_checkpoint_that_cannot_be_read_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).write_bytes(b"cut short")
    with pytest.raises(OversightError, match="delete it to begin again"):
        align(DPO(), lab(4), pace=Pace(4, every=2), kept=tmp_path)


def test_a_full_disk_keeps_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = align(DPO(), lab(4), pace=Pace(4, every=2)).descent.rows
    kept = 0

    def full(target: Path, write: Any) -> None:
        nonlocal kept
        kept += 1
        if kept == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(target, write)

    real = descent.write_whole
    monkeypatch.setattr(descent, "write_whole", full)
    with pytest.raises(OversightError, match=r"No space left .* run the same command again"):
        align(DPO(), lab(4), pace=Pace(4, every=2), kept=tmp_path)
    again = align(DPO(), lab(4), pace=Pace(4, every=2), kept=tmp_path).descent.rows
    assert again == whole
