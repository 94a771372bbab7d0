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
    Completion,
    Model,
    Options,
    Prompt,
    Request,
    Scores,
    Unanswered,
    Usage,
    too_long,
)
from oversight.models.prefixes import Prefixes, Read, Segment, Text
from oversight.models.reading import Reader, batches
from oversight.models.tokens import Continued, Words
from oversight.threads import one_thread

KEPT = 512
"""MiB of keys and values kept of what was read."""
BATCH = 16384
"""Tokens of a batch: prompts, and the most that replies may have."""
SMALL = 10**7
"""Parameters of a network whose layers are over before a second thread has begun."""


class _Asked(NamedTuple):
    place: int
    request: Request
    tokens: tuple[int, ...]


class _Scored(NamedTuple):
    place: int
    found: Continued


class LocalModel(Model):
    """A causal model and its tokenizer, as transformers gives them.

    `kept` is in MiB (0 shares no beginnings); `batch` in tokens. Errors: OversightError for a model
    whose state is no cache of keys and values (Mamba and its like).
    """

    def __init__(
        self, net: Any, tokenizer: Any, name: str, revision: str, *, kept: int, batch: int
    ) -> None:
        if getattr(net, "_is_stateful", False):
            raise OversightError(
                f"{name} keeps a running state, not keys and values; choose an attention model"
            )
        self.name, self.revision, self.batch = name, revision, batch
        self.context = getattr(net.config, "max_position_embeddings", None)
        self.words = Words(tokenizer, name)
        self.reader = Reader(net.eval(), Prefixes(kept * 2**20), batch)
        self.ends = frozenset(_ends(net, tokenizer))
        """Tokens that end a reply."""

    def generate(self, requests: Sequence[Request]) -> list[Completion | Unanswered]:
        """Replies; a prompt that does not fit is Unanswered."""
        found: list[Completion | Unanswered | None] = [None] * len(requests)
        asked: list[_Asked] = []
        for place, request in enumerate(requests):
            tokens = self.words.prompt(request.prompt)
            found[place] = too_long(self, len(tokens), request.sampling.tokens)
            if found[place] is None:
                asked.append(_Asked(place, request, tokens))
        with _threads(self.reader.net):
            for batch in batches(asked, _most_tokens, self.batch):
                for each, completion in zip(batch, self._replies(batch), strict=True):
                    found[each.place] = completion
        return [each for each in found if each is not None]

    def score(self, requests: Sequence[Options]) -> list[Scores | Unanswered]:
        """Log-probabilities of each text's tokens after the prompt's (`Words.continued`)."""
        found: list[Scores | Unanswered | None] = [None] * len(requests)
        asked: list[_Scored] = []
        for place, request in enumerate(requests):
            continued = self.words.continued(request.prompt, request.texts)
            longest = max(map(len, continued.tails), default=0)
            found[place] = too_long(self, len(continued.prompt), longest)
            if found[place] is None:
                asked.append(_Scored(place, continued))
        with _threads(self.reader.net):
            for batch in batches(asked, _scored_tokens, self.batch):
                for each, scores in zip(batch, self._scores(batch), strict=True):
                    found[each.place] = scores
        return [each for each in found if each is not None]

    def count(self, prompt: Prompt) -> int:
        """Exact."""
        return len(self.words.prompt(prompt))

    def close(self) -> None:
        """Forget what was read."""
        self.reader.prefixes.clear()

    def _replies(self, asked: Sequence[_Asked]) -> list[Completion]:
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


def _most_tokens(asked: _Asked) -> int:
    return len(asked.tokens) + asked.request.sampling.tokens


def _scored_tokens(asked: _Scored) -> int:
    """As if nothing were shared: an upper bound of what a batch holds."""
    prompt, tails = asked.found
    return sum(len(prompt) + len(tail) for tail in tails)


def _threads(net: Any) -> AbstractContextManager[None]:
    """All of PyTorch's; one in a worker, whose siblings use the other cores, and for small nets."""
    shared = multiprocessing.parent_process() is not None
    return one_thread() if shared or net.num_parameters() < SMALL else nullcontext()
