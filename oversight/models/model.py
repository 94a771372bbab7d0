"""The one contract of every language model: prompts in, texts or log-probabilities out, in batches.

A request carries its own key, so that a sample hangs on the request and not on the batch it came
in. A back end on real hardware cannot promise the same bits twice: what is promised for language
models is replay from recorded replies, and the cache (`oversight.models.cache`).

One request's failure is a value, `Unanswered`, in its place among the answers: the other requests
of the batch were paid for and are kept. What the user can mend (no such model, no key, a server
that is not there at all) is an OversightError.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias, cast

Role = Literal["system", "user", "assistant"]


class Said(NamedTuple):
    """One message of a prompt."""

    role: Role
    text: str


Prompt: TypeAlias = tuple[Said, ...]
"""A conversation; a last message by the assistant is the beginning of the reply, to go on from."""


class Sampling(NamedTuple):
    """How a reply is drawn."""

    tokens: int = 256
    """The most tokens of a reply: a bound that is enforced, not asked for."""
    temperature: float = 1.0
    """0 takes the likeliest token each time."""
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    """The reply ends before the first of these."""


class Request(NamedTuple):
    """A reply that is wanted."""

    prompt: Prompt
    sampling: Sampling
    key: int
    """64 bits that all of the reply's luck is drawn from."""
    seat: str = ""
    """Who asks: for the ledger, and for scripts; no model is told."""


class Options(NamedTuple):
    """Continuations of a prompt whose log-probabilities are wanted."""

    prompt: Prompt
    texts: tuple[str, ...]
    """Each is scored as the very next thing after the prompt."""
    seat: str = ""
    """Who asks, as in a Request."""


class Usage(NamedTuple):
    """What a call cost."""

    prompt: int = 0
    """Tokens of the prompt, those included that a cache spared."""
    completion: int = 0
    cached: int = 0
    """Prompt tokens that were not computed, or not charged in full, because they were known."""
    seconds: float = 0.0
    """Of waiting; a batch's are shared out over its requests, so that they sum to the batch's."""
    hits: int = 0
    """1 if the answer was read back from the cache of replies: the counts above are then 0."""
    spared: int = 0
    """Tokens, of prompt and completion, that such an answer cost when it was first had."""

    def plus(self, other: Usage) -> Usage:
        """The two together."""
        return Usage(
            self.prompt + other.prompt, self.completion + other.completion,
            self.cached + other.cached, self.seconds + other.seconds,
            self.hits + other.hits, self.spared + other.spared,
        )  # fmt: skip


Finish = Literal["stop", "length", "refusal"]


class Completion(NamedTuple):
    """A reply."""

    text: str
    finish: Finish
    """"length": it was cut at the token budget; "refusal": the provider would not answer."""
    usage: Usage


class Scores(NamedTuple):
    """Log-probabilities of the continuations asked about."""

    logprobs: tuple[float, ...]
    """Summed over each continuation's tokens, nats."""
    usage: Usage


class Unanswered(NamedTuple):
    """Why one request of a batch has no answer."""

    reason: str
    usage: Usage = Usage()


Asked: TypeAlias = Request | Options
Answer: TypeAlias = Completion | Scores | Unanswered

Heard: TypeAlias = Callable[[int, Answer], None]
"""Told an answer and the place of what was asked, once each; from any thread, one at a time."""


class Model(ABC):
    """A language model; back ends implement generate, and score where they can."""

    name: str
    """As a user names it, without keys: `openai:MODEL@BASE_URL`."""
    revision: str = ""
    """Whatever else tells one set of weights from another: a file's hash, a commit."""
    context: int | None = None
    """The most tokens of prompt and reply together; None where the back end does not say."""
    cacheable: bool = True
    """False where a reply hangs on more than what is asked, such as who asks."""
    charged: bool = False
    """Whether somebody may charge for a call: then `--max-cost` needs its prices."""

    @abstractmethod
    def generate(self, requests: Sequence[Request]) -> Sequence[Completion | Unanswered]:
        """One reply a request, in order."""

    def score(self, requests: Sequence[Options]) -> Sequence[Scores | Unanswered]:
        """Log-probabilities, in order; Unanswered where the back end offers none."""
        return [no_scores(self) for _ in requests]

    @abstractmethod
    def count(self, prompt: Prompt) -> int:
        """How many tokens a prompt has; an estimate where the tokenizer is not at hand."""

    def answer(self, asked: Sequence[Asked], heard: Heard) -> None:
        """Hand every answer over as soon as it is there: what was heard survives an interruption.

        A back end whose answers come one by one overrides this; here they come with their batch.
        """
        wanted = [(place, one) for place, one in enumerate(asked) if isinstance(one, Request)]
        if wanted:
            replies = self.generate([one for _, one in wanted])
            for (place, _), reply in zip(wanted, replies, strict=True):
                heard(place, reply)
        choices = [(place, one) for place, one in enumerate(asked) if isinstance(one, Options)]
        if choices:
            scores = self.score([one for _, one in choices])
            for (place, _), found in zip(choices, scores, strict=True):
                heard(place, found)

    def close(self) -> None:  # noqa: B027 — most hold nothing
        """Give back what is held: connections, memory."""


class Answering(Model):
    """A model whose answers come one by one: subclasses implement `answer`, the rest follows."""

    @abstractmethod
    def answer(self, asked: Sequence[Asked], heard: Heard) -> None:
        """Hand every answer over as soon as it is there."""

    def generate(self, requests: Sequence[Request]) -> list[Completion | Unanswered]:
        """One reply a request, in order."""
        return cast(list[Completion | Unanswered], self._in_order(requests))

    def score(self, requests: Sequence[Options]) -> list[Scores | Unanswered]:
        """Log-probabilities, in order."""
        return cast(list[Scores | Unanswered], self._in_order(requests))

    def _in_order(self, asked: Sequence[Asked]) -> list[Answer]:
        found: dict[int, Answer] = {}
        self.answer(asked, found.__setitem__)
        return [found[place] for place in range(len(asked))]


INSTEAD = "judge by form=stated or form=vote"
SHORTER = "use fewer rounds, a lower tokens=, or a model with a longer context"


def no_scores(model: Model) -> Unanswered:
    """What a back end without log-probabilities says."""
    return Unanswered(f"{model.name} gives no log-probabilities; {INSTEAD}")


def too_long(model: Model, prompt: int, reply: int) -> Unanswered | None:
    """Why a prompt of so many tokens, with room for so many more, does not fit; None if it does."""
    if model.context is None or prompt + reply <= model.context:
        return None
    return Unanswered(
        f"the prompt has {prompt} tokens and the reply may have {reply}, but {model.name} holds "
        f"{model.context}: {SHORTER}"
    )
