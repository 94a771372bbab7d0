"""What is said to an OpenAI-compatible server and what it says: requests, replies, errors.

Pure functions of JSON, for `oversight.models.openai_api`. Servers differ in what they leave out;
what is missing and not needed is taken as absent, what is needed and malformed raises Malformed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from oversight.models.chat_interface import (
    begun,
    label_scores,
    opening,
    plain_pieces,
    replied,
    told,
)
from oversight.models.model import Completion, Prompt, Request, Scores, Unanswered, Usage

Prefill = Literal["told", "sent", "vllm"]


class Malformed(ValueError):
    """A reply that is not what the interface says."""


def chat(model: str, prompt: Prompt, prefill: Prefill) -> dict[str, Any]:
    """The part of a chat request that says what is asked.

    The beginning of a reply (a last message by the assistant) has no place in the interface. It is
    "told" in words, which works everywhere; or "sent" as it is, where the server goes on from it by
    itself (llama.cpp, Ollama); or sent with the flags that vLLM wants ("vllm").
    """
    shown = told(prompt) if prefill == "told" else prompt
    body = {
        "model": model,
        "messages": [{"role": said.role, "content": said.text} for said in shown],
    }
    if prefill == "vllm" and opening(prompt):
        return body | {"continue_final_message": True, "add_generation_prompt": False}
    return body


def completion(said: Any, request: Request) -> Completion | Unanswered:
    """A chat reply."""
    used = usage(said)
    choice = _first(said)
    message = _mapping(choice.get("message"), "message")
    text, ended = _text(message.get("content")), choice.get("finish_reason")
    if message.get("refusal") or ended == "content_filter":
        return Completion(str(message.get("refusal") or text), "refusal", used)
    return replied(text, request, used, cut=ended == "length", why=ended)


def first_token(said: Any, texts: Sequence[str]) -> Scores | Unanswered:
    """Log-probabilities of options of one token (`chat_interface.label_scores`)."""
    used = usage(said)
    logprobs = _first(said).get("logprobs")
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    if not content:
        return label_scores({}, texts, used)
    first = _mapping(content[0], "first token")
    entries = [first, *(first.get("top_logprobs") or ())]  # the token is among them, mostly
    try:
        shown = {str(entry["token"]): float(entry["logprob"]) for entry in entries}
    except (KeyError, TypeError, ValueError):
        raise Malformed("a token without its log-probability") from None
    return label_scores(shown, texts, used)


def plain(prompt: Prompt) -> str:
    """A prompt as the text that a model without a chat template goes on from."""
    return "".join(text for text, _ in plain_pieces(prompt)).rstrip()


def echoed_score(said: Any, start: int, end: int) -> tuple[float, Usage]:
    """The log-probability of the characters from `start` to `end` of an echoed prompt, nats.

    A token that crosses the start counts among them; what was generated after the end does not.
    """
    echoed = _mapping(_first(said).get("logprobs"), "logprobs")
    columns = [echoed.get(name) for name in ("tokens", "text_offset", "token_logprobs")]
    if not all(isinstance(column, list) for column in columns):
        raise Malformed("an echo without log-probabilities")
    rows = zip(*columns, strict=True)
    after = [p for token, at, p in rows if at + len(token) > start and at < end]
    if not after or None in after:
        raise Malformed("an echo without the continuation's tokens")
    return math.fsum(after), usage(said)


def usage(said: Any) -> Usage:
    """What the server says that the call took; 0 where it does not say."""
    used = said.get("usage") if isinstance(said, Mapping) else None
    if not isinstance(used, Mapping):
        return Usage()
    details = used.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else 0
    return Usage(
        _count(used.get("prompt_tokens")), _count(used.get("completion_tokens")), _count(cached)
    )


def complaint(text: str) -> tuple[str, str]:
    """What an error's body says: its message and its code; the body's beginning if no JSON."""
    try:
        error = json.loads(text)
        error = error.get("error", error)
        if isinstance(error, str):
            return error, ""
        return str(error["message"]), str(error.get("code") or error.get("type") or "")
    except (ValueError, AttributeError, KeyError, TypeError):
        return begun(text) or "no reason given", ""


def is_about_length(message: str, code: str) -> bool:
    """Whether a complaint is that prompt and reply do not fit the context."""
    words = message.lower()
    return code in ("context_length_exceeded", "exceed_context_size_error") or (
        any(word in words for word in ("context length", "context size", "context window"))
    )


def _first(said: Any) -> Mapping[str, Any]:
    choices = said.get("choices") if isinstance(said, Mapping) else None
    if not isinstance(choices, list) or not choices:
        raise Malformed(f"a reply without choices: {begun(json.dumps(said))}")
    return _mapping(choices[0], "choice")


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Malformed(f"a reply without a {what}")
    return value


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _text(content: Any) -> str:
    """A message's text; some servers send it in parts."""
    if isinstance(content, list):
        parts = [part.get("text", "") for part in content if isinstance(part, Mapping)]
        return "".join(map(str, parts))
    if not isinstance(content, str | None):
        raise Malformed(f"a message whose content is {type(content).__name__}")
    return content or ""
