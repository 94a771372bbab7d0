"""A two-layer Llama over bytes, made on the spot from a seed: for tests and demonstrations.

It has learned nothing, and says nothing that means anything; everything else about it is real: the
architecture, the chat template, the control tokens, the batches and the kept beginnings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from oversight.models.loading import assembled
from oversight.models.local import BATCH, KEPT, LocalModel

if TYPE_CHECKING:
    from transformers import LlamaConfig, LlamaForCausalLM

CONTEXT = 32768
"""Bytes, so about five thousand words."""
SPREAD = 0.1
"""Standard deviation of a weight: large enough that a model of one seed has likings of its own."""
START, END, PAD = "<|start|>", "<|end|>", "<|pad|>"
TEMPLATE = (
    "{% for message in messages %}"
    f"{START}{{{{ message['role'] }}}}\n{{{{ message['content'] }}}}{END}\n"
    "{% endfor %}"
    f"{{% if add_generation_prompt %}}{START}assistant\n{{% endif %}}"
)


def tiny(seed: int = 0, kept: int = KEPT, batch: int = BATCH) -> LocalModel:
    """`tiny:SEED`: a random two-layer Llama over bytes, on the CPU in float32."""
    from transformers import LlamaConfig

    tokenizer = byte_tokenizer()
    net = random_llama(
        seed,
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=CONTEXT,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            tie_word_embeddings=False,
        ),
    )
    return assembled(net, tokenizer, f"tiny:{seed}", torch.device("cpu"), kept, batch)


def random_llama(seed: int, config: LlamaConfig) -> LlamaForCausalLM:
    """A Llama whose weights hang on the seed alone, and that leaves PyTorch's own luck alone."""
    from transformers import LlamaForCausalLM

    luck = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        net = LlamaForCausalLM(config)
    with torch.no_grad():
        for weight in net.parameters():
            if weight.dim() > 1:  # the others scale a norm, and stay at 1
                weight.normal_(0, SPREAD, generator=luck)
    return net


def byte_tokenizer() -> Any:
    """256 bytes and three control tokens, with a chat template of the usual shape."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    letters = pre_tokenizers.ByteLevel.alphabet()
    core = Tokenizer(BPE({letter: place for place, letter in enumerate(sorted(letters))}, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=START,
        eos_token=END,
        pad_token=PAD,
        chat_template=TEMPLATE,
        model_max_length=CONTEXT,
    )
