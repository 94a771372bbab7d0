"""What a lab's preferences become for TRL, and that its trainer goes where ours does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import State
from oversight.alignment.methods.pairwise import DPO, Pairs
from oversight.alignment.policies.language_model import LanguageModelPolicy
from oversight.alignment.policies.spelling import spelling
from oversight.alignment.signals import Preferences, take
from oversight.alignment.vocabulary import END
from oversight.exchange.pairs import pairs
from oversight.models.tiny import byte_tokenizer, random_llama
from oversight.threads import one_thread
from oversight.training.descent import Pace, descend
from tests.alignment.bench import Handful, Onlooker

STEPS, RATE = 20, 1e-3


def test_pairs_are_written_as_a_model_is_asked() -> None:
    asked = torch.tensor([1, 0])
    chosen, rejected = torch.tensor([[2, 0, -1], [1, 1, 2]]), torch.tensor([[0, -1, -1]] * 2)
    assert list(pairs(Preferences(asked, chosen, rejected), Handful())) == [
        {"prompt": "Request: deny?\nReply:", "chosen": " no", "rejected": ""},
        {"prompt": "Request: agree?\nReply:", "chosen": " yes yes no", "rejected": ""},
    ]


class Unrestricted(LanguageModelPolicy):
    """Probabilities among all of the model's tokens, as TRL counts them."""

    def _ours(self, out: Any) -> Tensor:
        return super()._ours(out) - out.logits.logsumexp(dim=-1, keepdim=True)

    def shares(self, logits: Tensor, nodes: Tensor) -> Tensor:
        return logits


class Ours:
    """DPO on given pairs, in their order."""

    def __init__(self, lab: Lab, policy: LanguageModelPolicy, data: Preferences) -> None:
        self.lab, self.method, self.identity = lab, DPO(), dict[str, Any]()
        chosen = lab.fixed_log_probs(lab.reference, data.prompts, data.chosen)
        rejected = lab.fixed_log_probs(lab.reference, data.prompts, data.rejected)
        self.memory = State(policy, Pairs(*data, chosen, rejected))

    @property
    def learner(self) -> torch.nn.Module:
        return self.memory.learner

    def loss(self, step: int) -> Tensor:
        rows = slice(step * self.lab.batch, (step + 1) * self.lab.batch)
        here = Pairs(*(column[rows] for column in self.memory.data))
        return self.method.loss(self.lab, State(self.memory.policy, here), 0)


def llama() -> Any:
    from transformers import LlamaConfig

    tokenizer = byte_tokenizer()
    shape = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=256,
        pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    return random_llama(0, shape)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of TRL's and transformers' own making
def test_trls_dpo_reaches_the_same_place(tmp_path: Path) -> None:
    """The same model, pairs, order, rate and steps: the same margins to 1e-4 nats.

    Both descend the same loss in single precision. They pad and share passes in other ways, so
    gradients differ in their last bits, and Adam, which divides by their size, carries that on
    where they are small. Training moves the margins by nats; a ten-thousandth is left for that.
    """
    policy, lab, data = _lesson()
    theirs = _by_trl(data, lab, tmp_path)
    ours = policy(llama()).requires_grad_(True)
    training = Ours(lab, ours, data)
    before = _margins(lab, ours, data)
    with one_thread():
        descend(training, Pace(STEPS, RATE, every=STEPS), lambda _: {})
    moved = _margins(lab, ours, data)
    assert (moved - before).abs().mean() > 1
    assert (moved - _margins(lab, policy(theirs), data)).abs().max() < 1e-4


def _lesson() -> tuple[Any, Lab, Preferences]:
    """What makes a policy of a network; a lab, and pairs that both end."""
    task, tokenizer = Handful(), byte_tokenizer()
    spelled = spelling(task.vocabulary, tokenizer)

    def policy(net: Any) -> Unrestricted:
        return Unrestricted(task.vocabulary, task.longest, net, spelled, "tiny")

    start = policy(llama()).requires_grad_(False)
    lab = Lab(task, Onlooker(task), start, STEPS, batch=4, labels=1600)
    drawn = lab.preferences(LanguageModelPolicy(task.vocabulary, 3, llama(), spelled, "tiny"))
    both = (drawn.chosen == END).any(dim=1) & (drawn.rejected == END).any(dim=1)
    rows = both.nonzero()[: STEPS * lab.batch, 0]
    assert len(rows) == STEPS * lab.batch
    return policy, lab, take(drawn, rows)


def _margins(lab: Lab, policy: LanguageModelPolicy, data: Preferences) -> Tensor:
    chosen = lab.fixed_log_probs(policy, data.prompts, data.chosen)
    return chosen - lab.fixed_log_probs(policy, data.prompts, data.rejected)


def _by_trl(data: Preferences, lab: Lab, out: Path) -> Any:
    """TRL's trained network; its vectors of tokens are not trained, as ours are not."""
    trl, datasets = pytest.importorskip("trl"), pytest.importorskip("datasets")
    net = llama()
    for vectors in (net.get_input_embeddings(), net.get_output_embeddings()):
        vectors.requires_grad_(False)
    args = trl.DPOConfig(
        output_dir=str(out), max_steps=STEPS, per_device_train_batch_size=lab.batch, beta=0.1,
        learning_rate=RATE, lr_scheduler_type="constant", weight_decay=0.0, max_grad_norm=1.0,
        train_sampling_strategy="sequential", report_to=[], use_cpu=True, bf16=False,
        gradient_checkpointing=False, save_strategy="no", disable_tqdm=True, max_length=None,
    )  # fmt: skip
    trainer = trl.DPOTrainer(
        model=net, ref_model=llama(), args=args, processing_class=byte_tokenizer(),
        train_dataset=datasets.Dataset.from_list(list(pairs(data, lab.task))),
    )  # fmt: skip
    with one_thread():
        trainer.train()
    return trainer.model.eval()
