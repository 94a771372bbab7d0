"""`openai:MODEL@BASE_URL`: any server that speaks OpenAI's interface, hosted or one's own.

vLLM, llama.cpp's server, Ollama and many hosts do. The key comes from an environment variable and
goes into one header; it is blotted out of whatever a server says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from oversight.core import OversightError
from oversight.models import openai_wire as wire
from oversight.models.chat_interface import MOST, SEEDS
from oversight.models.model import (
    SHORTER,
    Answer,
    Asked,
    Completion,
    Options,
    Request,
    Scores,
    Unanswered,
    Usage,
    no_scores,
)
from oversight.models.openai_client import Client, Failed, TooLong
from oversight.models.remote import Patience, Remote

HOSTED = "https://api.openai.com/v1"
Scoring = Literal["labels", "echo", "none"]


class OpenAI(Remote):
    """A model of an OpenAI-compatible server: `openai:MODEL@BASE_URL,key=MY_VARIABLE`.

    Replies are chat completions; `seed` is the request's key, in 31 bits. Whether a server keeps to
    it is its own affair: what is promised is replay from the cache of replies.

    Scores, by `scoring`:
        labels: from the alternatives to a reply's first token, for options of one token (an
            answer's label); one that is not among the 20 likeliest leaves the question unanswered.
        echo: from the echo of a completion (no chat), for any option; a call an option, and a
            plain format in place of the chat template. For base models, where the server has it.
        none: not at all.

    Args:
        model: MODEL, or MODEL@BASE_URL with the URL up to `/v1`; without one, OPENAI_BASE_URL, else
            the hosted service.
        key: the environment variable that holds the key; OPENAI_API_KEY by default, and that one
            may be unset, for a server that wants no key.
        concurrency, context: as in `Remote`.
        timeout: seconds that one try may take.
        tries: how often a call is tried in all: after 408, 409, 425, 429, 5xx, a time-out, a
            connection that broke, a reply that cannot be read.
        patience: seconds after which no further try begins.
        prefill: how the beginning of a reply is said (`openai_wire.chat`).
        scoring: see above.
        bound: what the server calls the token budget; by default max_completion_tokens at the
            hosted service and max_tokens elsewhere.
        omit: fields that this server will not have, with + between: `seed+top_p`.
        revision: as in `Remote`; whatever of the above changes an answer is added to it.

    Errors: OversightError for a URL that is none or holds a secret, a variable that is not set, and
        once called, for a server that is not there, refuses the key or does not have the model.
    """

    def __init__(
        self,
        model: str,
        key: str = "",
        concurrency: int = 64,
        timeout: float = 120.0,
        tries: int = 6,
        patience: float = 600.0,
        context: int | None = None,
        prefill: wire.Prefill = "told",
        scoring: Scoring = "labels",
        bound: str = "",
        omit: str = "",
        revision: str = "",
    ) -> None:
        self.model, base = _split(model)
        name = f"openai:{self.model}" + (f"@{base}" if base != HOSTED else "")
        unusual = (prefill, "told"), (scoring, "labels"), (omit, "")
        changes = [str(chosen) for chosen, usual in unusual if chosen != usual]
        version = ",".join(filter(None, (revision, *changes)))
        super().__init__(name, concurrency, Patience(timeout, tries, patience), context, version)
        if key and not os.environ.get(key):
            raise OversightError(
                f"{name}: the environment variable {key} is not set; set it, or leave key= out for "
                "a server that wants no key"
            )
        self.prefill: wire.Prefill = prefill
        self.scoring: Scoring = scoring
        self.bound = bound or ("max_completion_tokens" if base == HOSTED else "max_tokens")
        self.omitted = frozenset(filter(None, omit.split("+")))
        self._client = Client(name, base, key or "OPENAI_API_KEY", self.patience)

    async def ask(self, one: Asked) -> Answer:
        """One answer, tried as often as it takes and is allowed."""
        try:
            if isinstance(one, Request):
                return await self._complete(one)
            return await self._echoed(one) if self.scoring == "echo" else await self._labels(one)
        except TooLong as error:
            return Unanswered(
                f"{error}; {one.seat or 'the prompt'} has about {self.count(one.prompt)} tokens: "
                f"{SHORTER}"
            )
        except Failed as error:
            return Unanswered(str(error))

    def without_secrets(self, text: str) -> str:
        """The text with the key blotted out."""
        return self._client.without_secrets(text)

    def close(self) -> None:
        """Close this process's connections."""
        self._client.close()

    async def _complete(self, request: Request) -> Completion | Unanswered:
        sampling = request.sampling
        settings: dict[str, Any] = {
            self.bound: sampling.tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": request.key % SEEDS,
        }
        if sampling.stop:
            settings["stop"] = list(sampling.stop[:4])  # no more may be sent; the rest is cut here
        body = wire.chat(self.model, request.prompt, self.prefill) | settings
        return await self._client.post(
            "/chat/completions", self._sent(body), partial(wire.completion, request=request)
        )

    async def _labels(self, options: Options) -> Scores | Unanswered:
        if self.scoring == "none":
            return no_scores(self)
        body = wire.chat(self.model, options.prompt, self.prefill) | {
            self.bound: 1,
            "temperature": 1.0,  # some servers report the log-probabilities after scaling
            "logprobs": True,
            "top_logprobs": MOST,
        }
        return await self._client.post(
            "/chat/completions", self._sent(body), partial(wire.first_token, texts=options.texts)
        )

    async def _echoed(self, options: Options) -> Scores | Unanswered:
        """A completion an option, one after the other: the server may know the prompt by then."""
        prompt = wire.plain(options.prompt)
        scores: list[float] = []
        used = Usage()
        for text in options.texts:
            body = {"model": self.model, "prompt": prompt + text, "max_tokens": 1, "echo": True,
                    "logprobs": 1, "temperature": 1.0}  # fmt: skip
            ends = {"start": len(prompt), "end": len(prompt + text)}
            score, cost = await self._client.post(
                "/completions", self._sent(body), partial(wire.echoed_score, **ends)
            )
            scores.append(score)
            used = used.plus(cost)
        return Scores(tuple(scores), used)

    def _sent(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in body.items() if name not in self.omitted}


def _split(model: str) -> tuple[str, str]:
    """MODEL@BASE_URL in two.

    >>> _split("qwen@http://localhost:8000/v1/")
    ('qwen', 'http://localhost:8000/v1')
    """
    name, at, base = model.partition("@http")
    base = f"http{base}" if at else os.environ.get("OPENAI_BASE_URL") or HOSTED
    if not name or not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#@\s]*)?", base):
        raise OversightError(
            "openai: write MODEL@BASE_URL, such as openai:qwen@http://localhost:8000/v1, with no "
            "password, query or key in the URL: keys come from the environment"
        )
    return name, base.rstrip("/")
