"""A hidden passage and arguments in words, whose quotes are checked: Khan et al. 2024.

An agent quotes with `<quote>…</quote>`; every quote is published as verified against the passage or
not (arXiv:2402.06782; `oversight.text.quotes`). For language models and people; the debaters that
sit here by default quote what searching finds best. Where passages come from:
`oversight.hidden_passage`.

Deviations: the paper bounds quotes by words, this world the whole argument by characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from oversight.agents.quoting import Enquirer, QuotingDebater
from oversight.core import SILENCE, Case, Message, OversightError, Seat, View
from oversight.hidden_passage import HiddenPassage
from oversight.players import Agent
from oversight.spaces import Reply, Write
from oversight.text.passage import Passage
from oversight.text.quotes import CLOSE, OPEN, publish, spoken


@dataclass(eq=False)
class Passages(HiddenPassage):
    """Questions on a hidden passage; arguments are text, their quotes checked against it."""

    name: ClassVar[str] = "passages"

    limit: int = 1000
    """Characters of an argument."""

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise OversightError(f"an argument has at least one character, got limit={self.limit}")
        super().__post_init__()

    @cached_property
    def _debater(self) -> QuotingDebater:
        return QuotingDebater(self._searcher)

    def debater(self) -> Agent:
        """Writes a line that quotes the sentence that its search finds best."""
        return self._debater

    def agent(self, seat: str, role: Seat) -> Agent:
        """Who only asks does so in words."""
        return Enquirer() if role.acts == ("ask",) else super().agent(seat, role)

    def argue_space(self, case: Case, seat: str, view: View) -> Write:
        """A text of at most `limit` characters, or silence."""
        return self.argue_bound

    @property
    def argue_bound(self) -> Write:
        """A text of at most `limit` characters, or silence."""
        return Write(self.limit, silence=True)

    def publish(
        self, case: Case, seat: str, act: str, reply: Reply, transcript: Sequence[Message] = ()
    ) -> Message:
        """The text with its quotes marked by whether the passage says so; the data has them."""
        if reply is None:
            return Message(seat, act, SILENCE)
        said = publish(str(reply), case.private.text)
        return Message(seat, act, said.text or SILENCE, said.quotes)

    def _show(self, seat: str, act: str, place: int, passage: Passage) -> Message:
        said = publish(f"{OPEN}{passage.sentences[place]}{CLOSE}", passage.text)
        return Message(seat, act, said.text, said.quotes)

    def ask_space(self, case: Case, seat: str, view: View) -> Write:
        """A question in words."""
        return self.ask_bound

    @property
    def ask_bound(self) -> Write:
        """At most 300 characters."""
        return Write(300)

    def publish_question(self, case: Case, seat: str, reply: Reply) -> Message:
        """The question as it was put; it binds nobody."""
        return Message(seat, "ask", spoken(str(reply)) or SILENCE)
