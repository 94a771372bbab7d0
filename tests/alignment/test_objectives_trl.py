"""Our losses beside TRL's on the same batch; TRL's own code, on log-probabilities that we hand it.

Its trainers compute losses from a model's outputs. Here the model is a stand-in that returns the
log-probabilities that it was made with, and the trainer one that has no model at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from torch import Tensor

from oversight.alignment.objectives.preference import dpo, hinge, ipo, slic
from oversight.alignment.objectives.unpaired import kto

pytestmark = pytest.mark.slow  # TRL takes seconds to import

ROWS, LENGTH = 6, 5
BETA = 0.3


def unchanged(value: Any) -> Any:
    return value


def model(log_probs: Tensor) -> Callable[..., SimpleNamespace]:
    """What returns to TRL, whatever it is given, log-probabilities; the rest is for its metrics."""
    zeros = torch.zeros_like(log_probs)
    outputs = SimpleNamespace(
        log_probs=log_probs, entropy=zeros, mean_logits=zeros, is_top1=zeros.bool()
    )

    def forward(**inputs: object) -> SimpleNamespace:
        return outputs

    return forward


def trainer(**settings: Any) -> SimpleNamespace:
    """What TRL's trainers know of themselves when they compute a loss."""
    device = SimpleNamespace(
        device=torch.device("cpu"), gather=unchanged, gather_for_metrics=unchanged
    )
    metrics: dict[str, Any] = {"eval": defaultdict(list), "train": defaultdict(list)}
    return SimpleNamespace(
        model=SimpleNamespace(training=False), accelerator=device, aux_loss_enabled=False,
        precompute_ref_logps=True, beta=BETA, _metrics=metrics, _total_train_tokens=0, _tp_size=1,
        **settings,
    )  # fmt: skip


@pytest.fixture
def tokens() -> tuple[Tensor, Tensor, Tensor]:
    """Log-probabilities of tokens and of answers' references, and how long answers are.

    As in TRL a sequence has a prompt of one token, which has no log-probability.
    """
    draw = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, LENGTH + 1, (ROWS,), generator=draw)
    inside = torch.arange(LENGTH) < lengths[:, None]
    log_probs = -3 * torch.rand(ROWS, LENGTH, generator=draw) * inside
    return log_probs, -6 * torch.rand(ROWS, generator=draw), lengths


def batch(lengths: Tensor) -> dict[str, Tensor]:
    """The inputs' shapes, which are all that is read of them."""
    mask = torch.arange(LENGTH + 1) <= lengths[:, None]
    prompt = torch.arange(LENGTH + 1) == 0
    return {
        "input_ids": torch.ones(ROWS, LENGTH + 1, dtype=torch.long),
        "attention_mask": mask.long(), "completion_mask": (mask & ~prompt).long(),
    }  # fmt: skip


def theirs(kind: str, log_probs: Tensor, reference: Tensor, lengths: Tensor, beta: float) -> float:
    """TRL's loss of pairs, the first half of the rows being preferred to the second."""
    DPOTrainer: Any = pytest.importorskip("trl").DPOTrainer
    stub = trainer(
        loss_types=[kind], loss_weights=[1.0], ld_alpha=None, f_divergence_type="reverse_kl",
        use_weighting=False, label_smoothing=0.0,
    )  # fmt: skip
    stub.beta = beta
    chosen, rejected = reference.chunk(2)
    inputs = batch(lengths) | {"ref_chosen_logps": chosen, "ref_rejected_logps": rejected}
    loss = DPOTrainer._compute_loss(stub, model(log_probs), inputs, False)
    return loss.item()


def by_length(log: Tensor, reference: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    return log / lengths, reference / lengths


def by_sum(log: Tensor, reference: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    return log, reference


@pytest.mark.parametrize(
    ("kind", "loss", "weighed"),
    [
        ("sigmoid", partial(dpo, beta=BETA), by_sum),
        ("hinge", partial(hinge, beta=BETA), by_sum),
        ("ipo", partial(ipo, tau=BETA), by_length),
    ],
)
def test_pairs_cost_what_they_cost_in_trl(
    kind: str, loss: Callable[..., Tensor], weighed: Callable[..., tuple[Tensor, Tensor]],
    tokens: tuple[Tensor, Tensor, Tensor],
) -> None:  # fmt: skip
    log_probs, reference, lengths = tokens
    told, start = weighed(log_probs.sum(dim=1), reference, lengths)
    ours = loss(*told.chunk(2), *start.chunk(2)).mean().item()
    assert ours == pytest.approx(theirs(kind, *tokens, BETA), abs=1e-5)


def test_slics_calibration_is_trls_hinge_without_a_reference(
    tokens: tuple[Tensor, Tensor, Tensor],
) -> None:
    log_probs, reference, lengths = tokens
    chosen, rejected = log_probs.sum(dim=1).chunk(2)
    ours = slic(chosen, rejected, torch.zeros_like(chosen), delta=1.0).mean().item()
    trls = theirs("hinge", log_probs, torch.zeros_like(reference), lengths, 1.0)
    assert ours == pytest.approx(trls, abs=1e-5)


@pytest.mark.parametrize("shift", [-4.0, 4.0])
def test_single_answers_cost_what_they_cost_in_trl(
    shift: float, tokens: tuple[Tensor, Tensor, Tensor]
) -> None:
    """Once with a batch whose KL is below 0, and once above."""
    KTOTrainer: Any = pytest.importorskip("trl").KTOTrainer
    log_probs, reference, lengths = tokens
    desirable = torch.tensor([True, False, True, True, False, False])
    mismatched = log_probs.flip(0)
    stub = trainer(
        loss_type="kto", calculate_KL=True, desirable_weight=1.2, undesirable_weight=0.7,
        _compute_kl_logps=Mock(return_value=mismatched.sum(dim=1)),
    )  # fmt: skip
    inputs = batch(lengths) | {
        "label": desirable, "ref_logps": reference, "ref_KL_logps": reference - shift,
    }  # fmt: skip
    trls = KTOTrainer._compute_loss(stub, model(log_probs), inputs, False)
    kl = (mismatched.sum(dim=1) - reference + shift).mean()
    assert (kl.item() > 0) == (shift > 0)
    ratio = log_probs.sum(dim=1) - reference
    ours = kto(ratio, desirable, kl, beta=BETA, wanted=1.2, unwanted=0.7)
    assert ours.mean().item() == pytest.approx(trls.mean().item(), abs=1e-5)
