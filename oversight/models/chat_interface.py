"""What an interface does not have, made of what it has: shared by the back ends.

A reply that is begun for the model, budgets that hold, log-probabilities of options, a prompt where
there is no chat template; and what becomes of a text that goes into an error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from oversight.models.model import (
    INSTEAD,
    Completion,
    Prompt,
    Request,
    Said,
    Sampling,
    Scores,
    Unanswered,
    Usage,
)

MOST = 20
"""The most alternatives to a token that these interfaces let one ask for."""
SEEDS = 2**31
"""How many seeds they take; a request's key is taken modulo this."""


def opening(prompt: Prompt) -> str:
    """The beginning of the reply that is asked for; empty if there is none."""
    return prompt[-1].text if prompt and prompt[-1].role == "assistant" else ""


def told(prompt: Prompt) -> Prompt:
    """The prompt with the reply's beginning put in words, at the end of the message before it.

    >>> told((Said("user", "Who?"), Said("assistant", "It was")))[-1].text.endswith(": It was")
    True
    """
    begun = opening(prompt)
    if not begun:
        return prompt
    *before, _ = prompt
    last = before.pop().text if before and before[-1].role == "user" else ""
    return (*before, Said("user", f"{last}\n\n{GO_ON}{begun}".strip()))


def replied(
    text: str, request: Request, usage: Usage, *, cut: bool, why: object
) -> Completion | Unanswered:
    """A reply within its bounds, without the beginning that it was given and may repeat.

    `cut` says that the server ended it at the budget; `why` is the server's word for how it ended.
    """
    text = text.removeprefix(opening(request.prompt))
    text, too_much = within_bounds(text, request.sampling, usage.completion)
    if not text.strip():
        return Unanswered(f"an empty reply (it ended by {why!r})", usage)
    return Completion(text, "length" if cut or too_much else "stop", usage)


def within_bounds(text: str, sampling: Sampling, tokens: int) -> tuple[str, bool]:
    """The text as the sampling allows it, and whether it was cut at the token budget.

    A server may ignore both bounds. The text ends before a stop string; of a reply that has more
    `tokens` than it may, as the server counts them, the same share of its characters is kept.

    >>> within_bounds("one two. three", Sampling(tokens=100, stop=(".",)), 4)
    ('one two', False)
    >>> within_bounds("abcdefgh", Sampling(tokens=2), 4)
    ('abcd', True)
    """
    cut = tokens > sampling.tokens
    if cut:
        text = text[: len(text) * sampling.tokens // tokens]
    for stop in filter(None, sampling.stop):
        before, found, _ = text.partition(stop)
        if found:
            text, cut = before, False
    return text, cut


def label_scores(
    shown: Mapping[str, float], texts: Sequence[str], usage: Usage
) -> Scores | Unanswered:
    """Log-probabilities of options of one token, from the alternatives to a reply's first token.

    An option is found with blanks around it or without, and its forms are summed: which of them
    comes first is the chat template's choice. One that is not among the alternatives is never
    guessed at: the question is unanswered, as it is where the server shows none at all.

    >>> shown = {"A": math.log(0.5), " A": math.log(0.25), "B": math.log(0.125)}
    >>> [round(math.exp(each), 6) for each in label_scores(shown, (" A", " B"), Usage()).logprobs]
    [0.75, 0.125]
    """
    if not shown:
        return Unanswered(f"the server gave no log-probabilities; {INSTEAD}", usage)
    forms: dict[str, list[float]] = {text.strip(): [] for text in texts}
    for token, logprob in shown.items():
        if token.strip() in forms:
            forms[token.strip()].append(logprob)
    missing = [text for text, found in forms.items() if not found]
    if missing:
        likeliest = " ".join(map(repr, sorted(shown, key=shown.__getitem__, reverse=True)[:5]))
        return Unanswered(
            f"no log-probability of {', '.join(map(repr, missing))}: not among the {len(shown)} "
            f"first tokens that the server shows, such as {likeliest}; {INSTEAD}",
            usage,
        )
    return Scores(tuple(_log_sum(forms[text.strip()]) for text in texts), usage)


def plain_pieces(prompt: Prompt) -> list[tuple[str, bool]]:
    r"""A prompt for a model without a chat template: its pieces, and which are somebody's words.

    >>> pieces = plain_pieces((Said("user", "Who?"), Said("assistant", "It was")))
    >>> "".join(text for text, _ in pieces)
    'User: Who?\n\nAssistant: It was'
    >>> plain_pieces((Said("user", "Who?"),))
    [('User: ', False), ('Who?', True), ('\n\nAssistant:', False)]
    """
    pieces: list[tuple[str, bool]] = []
    for number, said in enumerate(prompt):
        gap = "\n\n" if number else ""
        pieces += [(f"{gap}{said.role.capitalize()}: ", False), (said.text, True)]
    return pieces if prompt[-1].role == "assistant" else [*pieces, ("\n\nAssistant:", False)]


def begun(text: str, most: int = 200) -> str:
    """A text's beginning, on one line: what others say, as an error may quote it."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _log_sum(logprobs: Sequence[float]) -> float:
    most = max(logprobs)
    if most == -math.inf:
        return most
    return most + math.log(math.fsum(math.exp(each - most) for each in logprobs))


GO_ON = (
    "Your reply has been begun for you. Reply with only what comes right after this beginning, and "
    "do not repeat it: "
)
