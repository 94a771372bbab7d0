r"""`scripted:FILE`: replies written down beforehand, for tests and demonstrations.

The file is a list of rules; the first that fits what is asked gives the reply. Nothing is counted
from call to call: a rule sees the seat, the prompt and how often the seat is heard in the prompt's
transcript, so that any batch and any order bring the same replies. (The cache of replies knows no
seats: a script is not to be put into it.)

As JSON lines, a rule a line:

    {"seat": "debater_0", "say": ["It was Ada.", "As I said, Ada."]}
    {"seat": "debater_*", "when": "Who hosted", "say": "<u_quote>Bo</u_quote> did."}
    {"seat": "judge", "when": "^(?P<ada>[A-Z]):\n\\| Ada$", "say": "REPLY: {ada}"}
    {"seat": "judge", "when": "...", "scores": {"{ada}": -0.1, "{bo}": -2.4}}
    {"fail": "the script ends here"}

- `seat`: whom it is for, `*` and `?` as in file names; everybody if left out.
- `when`: a regular expression somewhere in the prompt; `^` and `$` are the ends of lines and `.`
  goes over lines. What its named groups found stands for `{name}` in the reply.
- `say`: the reply; a list has one for each time that the seat speaks, and fits no more often. Its
  claims are not counted: most are announced by the protocol.
- `scores`: log-probabilities of options, found without the blanks around them.
- `refuse`: a refusal, in these words. `fail`: no answer, for this reason.

As plain text (any ending but .jsonl), headings with a seat and, after a colon, a `when`; a line of
dashes between a seat's first, second, … reply. Lines before the first heading are a comment.

    === debater_0
    It was Ada.
    ---
    As I said, Ada.
    === judge: Who hosted
    REPLY: A=70, B=30
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple, TypeVar

import pydantic

from oversight.core import OversightError
from oversight.models.chat_interface import replied
from oversight.models.model import (
    Completion,
    Model,
    Options,
    Prompt,
    Request,
    Scores,
    Unanswered,
    Usage,
)

A = TypeVar("A", Request, Options)
T = TypeVar("T")


class Rule(NamedTuple):
    """What is said to whom: one of the last four."""

    seat: str
    when: re.Pattern[str]
    say: str | tuple[str, ...] | None
    """The same each time, or one for each time."""
    scores: Mapping[str, float] | None
    refuse: str | None
    fail: str | None


class Scripted(Model):
    """Replies by the rules of a file; tokens are words.

    Errors: OversightError for a file that cannot be read, with the number of the line at fault.
    """

    cacheable = False  # a rule may ask for the seat

    def __init__(self, file: Path) -> None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OversightError(f"scripted: cannot read {file}: {error}") from None
        self.name = f"scripted:{file}"
        self.revision = hashlib.sha256(text.encode()).hexdigest()[:16]
        read = _json_rules if file.suffix == ".jsonl" else _text_rules
        self.rules = tuple(read(text, str(file)))

    def generate(self, requests: Sequence[Request]) -> list[Completion | Unanswered]:
        """The first fitting rule's reply, each."""
        return [self._first(one, _said) for one in requests]

    def score(self, requests: Sequence[Options]) -> list[Scores | Unanswered]:
        """The first fitting rule's scores, each."""
        return [self._first(one, _scored) for one in requests]

    def count(self, prompt: Prompt) -> int:
        """Words."""
        return len(_shown(prompt).split())

    def _first(self, one: A, read: Callable[[Rule, re.Match[str], A], T | None]) -> T | Unanswered:
        shown = _shown(one.prompt)
        for rule in self.rules:
            found = rule.when.search(shown) if fnmatchcase(one.seat, rule.seat) else None
            answer = None if found is None else read(rule, found, one)
            if answer is not None:
                return answer
        return Unanswered(f"no rule of {self.name} fits what {one.seat or 'nobody'} is asked")


def _said(rule: Rule, found: re.Match[str], request: Request) -> Completion | Unanswered | None:
    """The reply that a rule has for this request, if it has one."""
    prompt = len(_shown(request.prompt).split())
    if rule.fail is not None:
        return Unanswered(rule.fail)
    if rule.refuse is not None:
        return Completion(_filled(rule.refuse, found), "refusal", Usage(prompt))
    if rule.say is None:
        return None
    text = rule.say
    if not isinstance(text, str):
        before = _times_heard(request)
        if before >= len(text):
            return None
        text = text[before]
    text = _filled(text, found)
    return replied(text, request, Usage(prompt, len(text.split())), cut=False, why="the script")


def _scored(rule: Rule, found: re.Match[str], options: Options) -> Scores | Unanswered | None:
    if rule.fail is not None:
        return Unanswered(rule.fail)
    if rule.scores is None:
        return None
    scores = {_filled(text, found).strip(): score for text, score in rule.scores.items()}
    missing = [text for text in options.texts if text.strip() not in scores]
    if missing:
        return Unanswered(f"the script has no score for {', '.join(map(repr, missing))}")
    prompt = Usage(len(_shown(options.prompt).split()))
    return Scores(tuple(scores[text.strip()] for text in options.texts), prompt)


def _shown(prompt: Prompt) -> str:
    return "\n\n".join(said.text for said in prompt)


def _times_heard(request: Request) -> int:
    """How often the seat speaks in the transcript that it is shown (`oversight.agents.words`)."""
    heading = rf"^\[\d+\] {re.escape(request.seat)}, (?!claim:)"
    return len(re.findall(heading, _shown(request.prompt), re.MULTILINE))


def _filled(text: str, found: re.Match[str]) -> str:
    for name, value in found.groupdict().items():
        text = text.replace(f"{{{name}}}", value or "")
    return text


class _Line(pydantic.BaseModel):
    """A rule as JSON has it."""

    model_config = pydantic.ConfigDict(extra="forbid")
    seat: str = "*"
    when: str = ""
    say: str | list[str] | None = None
    scores: dict[str, float] | None = None
    refuse: str | None = None
    fail: str | None = None


def _json_rules(text: str, name: str) -> Iterator[Rule]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            read = _Line.model_validate_json(line)
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            at = ".".join(map(str, first["loc"]))
            raise _broken(name, number, f"{at}: {first['msg']}" if at else first["msg"]) from None
        yield _rule(read, name, number)


def _text_rules(text: str, name: str) -> Iterator[Rule]:
    sections: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("==="):
            sections.append((number, line[3:].strip(), []))
        elif sections:
            sections[-1][2].append(line)
    if not sections:
        raise _broken(name, 1, "no heading such as === debater_0")
    for number, heading, lines in sections:
        seat, _, when = heading.partition(":")
        said = [part.strip() for part in re.split(r"^-{3,}\s*$", "\n".join(lines), flags=re.M)]
        say = said[0] if len(said) == 1 else said
        yield _rule(_Line(seat=seat.strip() or "*", when=when.strip(), say=say), name, number)


def _rule(read: _Line, name: str, number: int) -> Rule:
    kinds = (read.say, read.scores, read.refuse, read.fail)
    if sum(kind is not None for kind in kinds) != 1:
        raise _broken(name, number, "a rule has one of say, scores, refuse and fail")
    try:
        when = re.compile(read.when, re.MULTILINE | re.DOTALL)
    except re.error as error:
        raise _broken(name, number, f"{read.when!r} is no regular expression: {error}") from None
    say = tuple(read.say) if isinstance(read.say, list) else read.say
    return Rule(read.seat, when, say, read.scores, read.refuse, read.fail)


def _broken(name: str, number: int, why: str) -> OversightError:
    return OversightError(f"scripted: line {number} of {name}: {why}")
