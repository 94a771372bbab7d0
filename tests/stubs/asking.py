"""One request, one server, one answer: what the tests of models behind an API begin with."""

from __future__ import annotations

from typing import Any

from oversight.models.model import Answer, Completion, Prompt, Request, Said, Sampling, Unanswered
from oversight.models.openai_api import OpenAI
from tests.stubs.openai_server import Behaviour, Reply, Server

PROMPT = (Said("system", "Be brief."), Said("user", "Who hosted the fair?"))
OPENED = (*PROMPT, Said("assistant", "It was"))
"""The same, with a reply begun."""


def request(key: int = 1, prompt: Prompt = PROMPT, **sampling: Any) -> Request:
    return Request(prompt, Sampling(**sampling), key, "debater_0")


def one(server: Server, asked: Request | None = None, **options: Any) -> Completion | Unanswered:
    model = OpenAI(f"m@{server.base}", **options)
    [found] = model.generate([asked or request()])
    model.close()
    return found


def in_turn(*replies: Reply) -> Behaviour:
    """The n-th call's reply; the last one for all that follow."""
    return lambda call: replies[min(call.number, len(replies) - 1)]


def why(found: Answer) -> str:
    assert isinstance(found, Unanswered)
    return found.reason
