"""Any causal language model of transformers, in this process.

Requests are sorted by length and answered in batches; what prompts begin with in common is computed
once, and kept for the next call (`oversight.models.prefixes`). PyTorch uses all cores where the
process is no worker of several and the network is not small; else one. Every draw hangs on its
request's key alone, but the last bits of a logit hang on the batch's shape, and so may, rarely, a
token: what is promised is replay from recorded replies.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import torch

from oversight.core import OversightError
from oversight.models.decoding import Wanted, decode
from oversight.models.model import (
    Answer,
    Answering,
    Asked,
    Completion,
    Heard,
    Prompt,
    Request,
    Scores,
    Usage,
    too_long,
)
from oversight.models.prefixes import Prefixes, Read, Segment, Text
from oversight.models.reading import Reader, batches, keeps_each_token
from oversight.models.tokens import Continued, Words
from oversight.threads import one_thread

KEPT = 512
"""MiB of keys and values kept of what was read."""
BATCH = 16384
"""Tokens of a batch: prompts, and the most that replies may have."""
SMALL = 10**7
"""Parameters of a network whose layers are over before a second thread has begun."""


class _Replied(NamedTuple):
    place: int
    request: Request
    tokens: tuple[int, ...]


class _Scored(NamedTuple):
    place: int
    found: Continued


class LocalModel(Answering):
    """A causal model and its tokenizer, as transformers gives them.

    `kept` is in MiB (0 shares no beginnings); `batch` in tokens. Errors: OversightError for a model
    whose state is no cache of keys and values (Mamba and its like).
    """

    def __init__(
        self, net: Any, tokenizer: Any, name: str, revision: str, *, kept: int, batch: int
    ) -> None:
        if not keeps_each_token(net):
            raise OversightError(
                f"{name} keeps a running state, not keys and values; choose an attention model"
            )
        self.name, self.revision, self.batch = name, revision, batch
        self.context = getattr(net.config.get_text_config(), "max_position_embeddings", None)
        self.words = Words(tokenizer, name)
        self.reader = Reader(net.eval(), Prefixes(kept * 2**20), batch)
        self.ends = frozenset(_ends(net, tokenizer))
        """Tokens that end a reply."""

    def answer(self, asked: Sequence[Asked], heard: Heard) -> None:
        """Hand each batch over when it is done; a prompt that does not fit is Unanswered."""
        replies: list[_Replied] = []
        scores: list[_Scored] = []
        for place, one in enumerate(asked):
            if isinstance(one, Request):
                tokens = self.words.prompt(one.prompt)
                if self._fits(place, len(tokens), one.sampling.tokens, heard):
                    replies.append(_Replied(place, one, tokens))
            else:
                found = self.words.continued(one.prompt, one.texts)
                longest = max(map(len, found.tails), default=0)
                if self._fits(place, len(found.prompt), longest, heard):
                    scores.append(_Scored(place, found))
        with _threads(self.reader.net):
            for batch in batches(replies, _most_tokens, self.batch):
                _hand_over(batch, self._replies(batch), heard)
            for batch in batches(scores, _scored_tokens, self.batch):
                _hand_over(batch, self._scores(batch), heard)

    def count(self, prompt: Prompt) -> int:
        """Exact."""
        return len(self.words.prompt(prompt))

    def close(self) -> None:
        """Forget what was read."""
        self.reader.prefixes.clear()

    def _fits(self, place: int, prompt: int, reply: int, heard: Heard) -> bool:
        """Whether there is room for so many tokens; where there is none, that is the answer."""
        unfit = too_long(self, prompt, reply)
        if unfit is not None:
            heard(place, unfit)
        return unfit is None

    def _replies(self, asked: Sequence[_Replied]) -> list[Completion]:
        began = time.perf_counter()
        with self._tidy():
            read = self.reader.read([Text(each.tokens, len(each.tokens) - 1) for each in asked])
            wanted = [
                Wanted(one.last, each.request.sampling, each.request.key)
                for one, each in zip(read, asked, strict=True)
            ]
            drawn = decode(self.reader, wanted, self.ends, self.words.text)
        seconds = (time.perf_counter() - began) / len(asked)
        return [
            Completion(
                one.text,
                one.finish,
                Usage(len(each.tokens), len(one.tokens), len(each.tokens) - its.computed, seconds),
            )
            for each, its, one in zip(asked, read, drawn, strict=True)
        ]

    def _scores(self, asked: Sequence[_Scored]) -> list[Scores]:
        began = time.perf_counter()
        texts = [
            Text((*found.prompt, *tail)[:-1], len(found.prompt) - 1)
            for _, found in asked
            for tail in found.tails
            if tail
        ]
        with self._tidy():
            read = iter(zip(texts, self.reader.read(texts), strict=True))
            scored = [self._scored(found, read) for _, found in asked]
        seconds = (time.perf_counter() - began) / len(asked)
        return [Scores(each.logprobs, each.usage._replace(seconds=seconds)) for each in scored]

    def _scored(self, found: Continued, read: Iterator[tuple[Text, Read]]) -> Scores:
        """Of the texts that were read in turn, those of one request."""
        logprobs: list[float] = []
        computed = 0
        for tail in found.tails:
            if not tail:  # nothing is certain to come next
                logprobs.append(0.0)
                continue
            text, its = next(read)
            computed += its.computed
            logits = torch.stack(_logits(its.last, text.first))  # (tail, V)
            logprobs.append(_gathered(logits, tail))
        cached = max(0, len(found.prompt) - computed)  # below 0 where each text is read alone
        size = sum(map(len, found.tails))
        return Scores(tuple(logprobs), Usage(len(found.prompt), size, cached))

    @contextmanager
    def _tidy(self) -> Generator[None]:
        """Afterwards let go of what is beyond the limit; of everything if it was cut short."""
        try:
            yield
        except BaseException as error:
            self.reader.prefixes.clear()  # segments without a state may be among them
            if isinstance(error, torch.OutOfMemoryError):
                raise OversightError(
                    f"{self.name}: no memory left on {self.reader.net.device}; lower batch= (it is "
                    f"{self.batch} tokens) or kept= (MiB), or choose device=cpu"
                ) from error
            raise
        self.reader.prefixes.trim()


def _hand_over(
    asked: Sequence[_Replied | _Scored], answers: Sequence[Answer], heard: Heard
) -> None:
    for each, answer in zip(asked, answers, strict=True):
        heard(each.place, answer)


def _logits(last: Segment, first: int) -> list[torch.Tensor]:
    """Logits at position `first` of a text and at every later one."""
    return [
        segment.logits[place]
        for segment in last.path
        for place in range(max(first - segment.start, 0), len(segment.tokens))
    ]


def _gathered(logits: torch.Tensor, tokens: Sequence[int]) -> float:
    shares = torch.log_softmax(logits, 1)
    return float(shares[torch.arange(len(tokens)), torch.tensor(tokens)].double().sum())


def _ends(net: Any, tokenizer: Any) -> Iterator[int]:
    """Tokens that end a reply: the model's own, and the tokenizer's."""
    given = net.generation_config.eos_token_id
    yield from given if isinstance(given, list) else [given] if given is not None else []
    if tokenizer.eos_token_id is not None:
        yield tokenizer.eos_token_id


def _most_tokens(asked: _Replied) -> int:
    return len(asked.tokens) + asked.request.sampling.tokens


def _scored_tokens(asked: _Scored) -> int:
    """As if nothing were shared: an upper bound of what a batch holds."""
    prompt, tails = asked.found
    return sum(len(prompt) + len(tail) for tail in tails)


def _threads(net: Any) -> AbstractContextManager[None]:
    """All of PyTorch's; one in a worker, whose siblings use the other cores, and for small nets."""
    shared = multiprocessing.parent_process() is not None
    return one_thread() if shared or net.num_parameters() < SMALL else nullcontext()
