"""`inspect:PROVIDER/MODEL`: every provider that Inspect speaks to, through its own model layer.

Inspect reads the provider's key from the environment variable that it documents, keeps the number
of connections and tries again what may be tried again. Needs the extra `inspect`.
"""

from __future__ import annotations

import os
from typing import Any

from oversight.core import OversightError

try:
    from inspect_ai.model import (
        ChatMessage,
        ChatMessageAssistant,
        ChatMessageSystem,
        ChatMessageUser,
        GenerateConfig,
        ModelOutput,
        get_model,
    )
    from inspect_ai.model import Model as InspectModel
    from tenacity import RetryError
except ImportError as missing:
    raise OversightError(
        f"{missing.name} is not installed, and models by way of Inspect need it: "
        "pip install 'oversight-lab[inspect]'"
    ) from None
from oversight.models.chat_interface import MOST, SEEDS, begun, label_scores, replied, told
from oversight.models.model import (
    Answer,
    Asked,
    Completion,
    Prompt,
    Request,
    Scores,
    Unanswered,
    Usage,
)
from oversight.models.remote import Patience, Remote

_MESSAGES: dict[str, type[ChatMessage]] = {
    "system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant
}  # fmt: skip
_SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD")
"""What the names of environment variables contain whose values are blotted out."""


class Inspect(Remote):
    """A model of Inspect's: `inspect:PROVIDER/MODEL`.

    Scores come from the alternatives to a reply's first token, where the provider gives them; the
    beginning of a reply is put in words (`chat_interface`).

    Args:
        model: PROVIDER/MODEL, as Inspect names it.
        base_url: another address of the provider, where it has one.
        concurrency, context, revision: as in `Remote`.
        timeout: seconds that one try may take.
        tries: how often a call is tried in all; Inspect decides what is worth another try.
        patience: seconds after which no further try begins.

    Errors: OversightError for a provider that Inspect does not have, or that lacks its package or
        its key, refuses it, or does not have the model.
    """

    def __init__(
        self,
        model: str,
        base_url: str = "",
        concurrency: int = 32,
        timeout: int = 120,
        tries: int = 6,
        patience: int = 600,
        context: int | None = None,
        revision: str = "",
    ) -> None:
        name = f"inspect:{model}" + (f"@{base_url}" if base_url else "")
        super().__init__(name, concurrency, Patience(timeout, tries, patience), context, revision)
        self.model, self.base_url = model, base_url
        self._config = GenerateConfig(
            max_connections=concurrency, max_retries=tries - 1, attempt_timeout=timeout,
            timeout=patience,
        )  # fmt: skip
        self._made: dict[int, InspectModel] = {}  # by process: a fork shares no connections
        self._inner()

    async def ask(self, one: Asked) -> Answer:
        """One answer; which errors end the run is read off the provider's status."""
        asks = isinstance(one, Request)
        config = _as_asked(one) if asks else _for_scores()
        try:
            output = await self._inner().generate(_messages(one.prompt), config=config)
        except RetryError as error:
            last = error.last_attempt
            return Unanswered(f"{self._told(last.exception())} (tried {last.attempt_number} times)")
        except Exception as error:
            if _status(error) in (401, 403, 404):
                raise OversightError(f"{self.name}: {self._told(error)}") from None
            return Unanswered(self._told(error))
        return _completion(output, one) if asks else _scores(output, one.texts)

    def without_secrets(self, text: str) -> str:
        """The text with the values of all variables blotted out that seem to hold keys."""
        for name, value in os.environ.items():
            if len(value) >= 8 and any(word in name.upper() for word in _SECRET):
                text = text.replace(value, f"[{name}]")
        return text

    def _inner(self) -> InspectModel:
        if os.getpid() not in self._made:
            try:
                self._made[os.getpid()] = get_model(
                    self.model, base_url=self.base_url or None, config=self._config, memoize=False
                )
            except Exception as error:  # no such provider, no package, no key: each its own kind
                raise OversightError(f"{self.name}: {self._told(error)}") from None
        return self._made[os.getpid()]

    def _told(self, error: BaseException | None) -> str:
        """An error in a line; one of Inspect's, which quotes the whole request, by its cause."""
        if error is not None and error.__cause__ and getattr(error, "provider_message", None):
            error = error.__cause__
        message = str(getattr(error, "message", "") or error)
        return self.without_secrets(f"{type(error).__name__}: {begun(message)}")

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_made": {}}


def _messages(prompt: Prompt) -> list[ChatMessage]:
    return [_MESSAGES[said.role](content=said.text) for said in told(prompt)]


def _as_asked(request: Request) -> GenerateConfig:
    sampling = request.sampling
    return GenerateConfig(
        max_tokens=sampling.tokens, temperature=sampling.temperature, top_p=sampling.top_p,
        stop_seqs=list(sampling.stop) or None, seed=request.key % SEEDS,
    )  # fmt: skip


def _for_scores() -> GenerateConfig:
    return GenerateConfig(max_tokens=1, temperature=1.0, logprobs=True, top_logprobs=MOST)


def _completion(output: ModelOutput, request: Request) -> Completion | Unanswered:
    usage = _usage(output)
    if output.empty:
        return Unanswered(output.error or "a reply without choices", usage)
    if output.stop_reason == "content_filter":
        return Completion(output.completion, "refusal", usage)
    cut = output.stop_reason in ("max_tokens", "model_length")
    return replied(output.completion, request, usage, cut=cut, why=output.stop_reason)


def _scores(output: ModelOutput, texts: tuple[str, ...]) -> Scores | Unanswered:
    logprobs = None if output.empty else output.choices[0].logprobs
    first = logprobs.content[0] if logprobs is not None and logprobs.content else None
    entries = () if first is None else (first, *(first.top_logprobs or ()))
    return label_scores({each.token: each.logprob for each in entries}, texts, _usage(output))


def _usage(output: ModelOutput) -> Usage:
    """Inspect counts the prompt's tokens without those read from, or written to, a cache."""
    used = output.usage
    if used is None:
        return Usage()
    cached, written = used.input_tokens_cache_read or 0, used.input_tokens_cache_write or 0
    return Usage(used.input_tokens + cached + written, used.output_tokens, cached)


def _status(error: BaseException) -> int | None:
    found = getattr(error, "status_code", None) or getattr(error.__cause__, "status_code", None)
    return found if isinstance(found, int) else None
