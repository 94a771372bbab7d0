"""A run's limit on what it may cost: held before a call is paid, not noticed after."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

from oversight.core import OversightError
from oversight.models.ledger import Ledger
from oversight.models.model import (
    Answering,
    Asked,
    Heard,
    Model,
    Options,
    Prompt,
    Request,
    Usage,
)

PAUSE = 0.05
"""Seconds between looks at whether the calls of other processes are over."""


class CostReached(OversightError):
    """The next call might cost more than is left; whatever was answered is kept."""


class Limited(Answering):
    """A model that is asked only what surely stays within the limit.

    It goes inside the cache of replies, whose answers cost nothing, and inside what counts:
    `Counted(Cached(Limited(model)))`. Of a batch, as many calls are sent at once as the limit
    allows should each cost the most that it can; then as many as allows what those did cost. Where
    other processes' calls under way may take what is left, it waits for them. A model that never
    charges is not held back. A run makes its models before it forks workers.

    Args:
        model: whom to ask.
        ledger: where the calls are counted; its prices are the user's.
        limit: what the run may cost in all, its earlier parts included where it is resumed.

    Errors: OversightError at once for a model that may charge and has no prices; CostReached.
    """

    def __init__(self, model: Model, ledger: Ledger, limit: float) -> None:
        self.model, self.ledger, self.limit = model, ledger, limit
        self.name, self.revision = model.name, model.revision
        self.context, self.charged = model.context, model.charged
        if limit < 0:
            raise OversightError(f"a limit on costs cannot be negative, got {limit:g}")
        if model.charged and model.name not in ledger.prices:
            raise OversightError(
                f"a limit on costs needs the prices of {model.name}: give them for a million "
                f"tokens each, as {model.name}=PROMPT/COMPLETION (0/0 if it is your own server)"
            )
        ledger.forget_promises()

    def answer(self, asked: Sequence[Asked], heard: Heard) -> None:
        """In parts that the limit surely allows."""
        prices = self.ledger.prices.get(self.name)
        if prices is None:
            self.model.answer(asked, heard)
            return
        most = [prices.of(at_most(one)) for one in asked]
        caller, begin = uuid.uuid4().hex, 0
        while begin < len(asked):
            allowed = self.ledger.promise(caller, most[begin:], self.limit)
            if allowed is None:
                time.sleep(PAUSE)
                continue
            if not allowed:
                raise CostReached(
                    f"the next call to {self.name} may cost up to {most[begin]:.2g} and "
                    f"{self.ledger.spent:.4g} of {self.limit:g} is spent: stopped before it. What "
                    "was answered is kept; start it again with a higher limit to go on"
                )
            try:
                self._part(asked, begin, allowed, heard)
            finally:
                self.ledger.promise(caller, [], self.limit)
            begin += allowed

    def count(self, prompt: Prompt) -> int:
        """As the model counts."""
        return self.model.count(prompt)

    def close(self) -> None:
        """Close the model."""
        self.model.close()

    def _part(self, asked: Sequence[Asked], begin: int, number: int, heard: Heard) -> None:
        self.model.answer(
            asked[begin : begin + number], lambda place, answer: heard(begin + place, answer)
        )


def at_most(one: Asked) -> Usage:
    """The most tokens that a call can take: no tokenizer makes more of a text than its bytes.

    Each message has some more of the chat template's, and a reply's beginning is put in words.
    Tries that failed and were charged all the same are not foreseen.
    """
    prompt = sum(len(said.text.encode()) + 32 for said in one.prompt) + 256
    if isinstance(one, Request):
        return Usage(prompt, one.sampling.tokens)
    texts = sum(len(text.encode()) for text in one.texts)
    return Usage(prompt * len(one.texts) + texts, len(one.texts))


def expected(model: Model, asked: Sequence[Request | Options]) -> Usage:
    """What calls would take by the model's own count, replies of full length: for a dry run."""
    used = Usage()
    for one in asked:
        reply = one.sampling.tokens if isinstance(one, Request) else 1
        used = used.plus(Usage(model.count(one.prompt), reply))
    return used
