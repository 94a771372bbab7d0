"""How fast the alignment loop is: DPO beside TRL's trainer, and seeds side by side.

**DPO.** The same Llama, pairs, batch, precision and optimiser; the reference's log-probabilities
are there beforehand on both sides, and neither trains the vectors of tokens. Ours is `descend` on
`DPO.loss`; theirs is `DPOTrainer.train`, without saving, logging or padding to more than a batch
needs. What is timed is `STEPS` steps more than one step, so that no side's start counts. Ours reads
each of a batch's prompts once; a second row has a batch where no prompt comes twice.

**Seeds.** Three trainings of the usual length in three processes against one after the other. On
two cores the most is a factor of 2; a machine that is busy with other work shows less.
"""

from __future__ import annotations

import importlib
import tempfile
import warnings
from collections.abc import Iterable
from typing import Any

import torch

from oversight.alignment.aligning import align
from oversight.alignment.lab import Lab
from oversight.alignment.method import State
from oversight.alignment.methods.pairwise import DPO, Pairs
from oversight.alignment.policies.language_model import LanguageModelPolicy
from oversight.alignment.policies.small import SmallPolicy
from oversight.alignment.policies.spelling import spelling
from oversight.alignment.signals import Preferences
from oversight.alignment.vocabulary import Vocabulary
from oversight.exchange.pairs import pairs
from oversight.models.tiny import byte_tokenizer, random_llama
from oversight.pool import fork_map
from oversight.threads import one_thread
from oversight.training.descent import Pace, descend
from tests.alignment.bench import Handful, Onlooker
from tests.benchmarks.measure import row, take_turns

STEPS, BATCH, RATE = 20, 16, 1e-4
REPEATS = 3
SHAPE: dict[str, Any] = {
    "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 4,
    "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 256,
}  # fmt: skip
SEEDS = 3
WIDTH, SEED_STEPS = 128, 300
LETTERS = "abcdefghijklmnop"


class Alphabet(Handful):
    """As many prompts as there are letters; which word is wanted goes by turns."""

    vocabulary = Vocabulary((".", "yes", "no"), tuple(LETTERS))
    prompts = tuple((3 + place,) for place in range(len(LETTERS)))

    def values(self, prompts: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
        return super().values(prompts % 2, answers)


def rows() -> list[dict[str, Any]]:
    """One entry a comparison; `holds` says whether `ratio` reaches `bar`."""
    with one_thread():
        return [*(_dpo(task) for task in (Handful(), Alphabet())), _seeds()]


class _Training:
    """DPO on given pairs."""

    def __init__(self, lab: Lab, policy: LanguageModelPolicy, data: Pairs) -> None:
        self.lab, self.method, self.identity = lab, DPO(), dict[str, Any]()
        self.memory, self.learner = State(policy, data), policy

    def loss(self, step: int) -> torch.Tensor:
        return self.method.loss(self.lab, self.memory, step)


def _dpo(task: Handful) -> dict[str, Any]:
    """Steps a second, ours and TRL's."""
    lab, data = _lesson(task)

    def ours(steps: int) -> None:
        policy = lab.policy()
        assert isinstance(policy, LanguageModelPolicy)
        descend(_Training(lab, policy, data), Pace(steps, RATE, every=steps), lambda _: {})

    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as out:
        warnings.simplefilter("ignore")
        trainers = _trainers(lab, data, out)
        taken = take_turns(
            lambda: ours(1), lambda: ours(1 + STEPS),
            lambda: next(trainers[1]).train(), lambda: next(trainers[1 + STEPS]).train(),
            repeats=REPEATS,
        )  # fmt: skip
    name = f"steps/s of DPO, ours and TRL's, {BATCH} pairs of {len(task.prompts)} prompts"
    return row(name, STEPS / (taken[1] - taken[0]), STEPS / (taken[3] - taken[2]), 1.0)


def _lesson(task: Handful) -> tuple[Lab, Pairs]:
    """A lab, and pairs with the reference's log-probabilities."""
    from transformers import LlamaConfig

    tokenizer = byte_tokenizer()
    net = random_llama(0, LlamaConfig(vocab_size=len(tokenizer), **SHAPE))
    spelled = spelling(task.vocabulary, tokenizer)
    policy = LanguageModelPolicy(task.vocabulary, task.longest, net, spelled, "random")
    lab = Lab(task, Onlooker(task), policy.requires_grad_(False), STEPS, BATCH, 2 * 16 * BATCH)
    return lab, DPO().begin(lab).data


def _trainers(lab: Lab, data: Pairs, out: str) -> dict[int, Any]:
    """TRL's trainers of so many steps, a fresh one for each repetition; made beforehand."""
    trl: Any = importlib.import_module("trl")
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    written = Dataset.from_list(list(pairs(Preferences(*data[:3]), lab.task)))

    def trainer(steps: int) -> Any:
        policy = lab.policy()
        args = trl.DPOConfig(
            output_dir=out, max_steps=steps, per_device_train_batch_size=BATCH, report_to=[],
            learning_rate=RATE, lr_scheduler_type="constant", max_grad_norm=1.0, use_cpu=True,
            bf16=False, gradient_checkpointing=False, precompute_ref_log_probs=True,
            save_strategy="no", logging_strategy="no", disable_tqdm=True,
            dataloader_pin_memory=False,
        )  # fmt: skip
        return trl.DPOTrainer(
            model=policy.net, args=args, train_dataset=written, processing_class=byte_tokenizer()
        )

    return {steps: iter([trainer(steps) for _ in range(REPEATS + 1)]) for steps in (1, 1 + STEPS)}


def _seeds() -> dict[str, Any]:
    """Three trainings of DPO, in as many processes and in one."""
    task = Handful()
    reference = SmallPolicy(task.vocabulary, task.longest, width=WIDTH).requires_grad_(False)

    def train(seed: int) -> float:
        lab = Lab(task, Onlooker(task), reference, SEED_STEPS, 64, 512, seed)
        return align(DPO(), lab, pace=Pace(SEED_STEPS, every=SEED_STEPS)).descent.seconds

    ours, theirs = take_turns(
        lambda: _all(fork_map(train, range(SEEDS), SEEDS)),
        lambda: _all(fork_map(train, range(SEEDS), 1)),
        repeats=REPEATS,
    )
    return row(
        f"{SEEDS} seeds a second, side by side and in turn", SEEDS / ours, SEEDS / theirs, 1.8
    )


def _all(found: Iterable[float]) -> float:
    return sum(found)


if __name__ == "__main__":
    for found in rows():
        print(found)
