"""A language model in the judge's seat, in three forms that are never mixed.

- **logprob**: the log-probabilities of the answers' labels as the very next token, turned into
  shares, averaged over both orders of the answers (which cancels a liking for one place).
- **stated**: the percentages that it writes, read strictly (`oversight.agents.chat`).
- **vote**: n sampled choices, half of them in either order; each answer's share of the votes.

Whatever else a judge is asked (to ask, to price), it says as a chat agent does.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal, TypeAlias

from oversight import keys
from oversight.agents.chat import USUAL, ChatAgent, Manner, Material
from oversight.agents.replies import one_answer
from oversight.agents.words import answers_shown, labels, on_one_line, scene
from oversight.core import Turn
from oversight.models.model import Model, Options, Prompt, Request, Said, Scores, Unanswered
from oversight.players import divided
from oversight.spaces import Credences, IllegalReply, NoReply, Reply

Form = Literal["logprob", "stated", "vote"]


class LanguageJudge(ChatAgent):
    """Decides by `_verdicts`; everything else as any chat agent."""

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Verdicts in the judge's own form, other acts in words."""
        return divided(turns, _is_verdict, self._verdicts, super().act)

    @abstractmethod
    def _verdicts(self, turns: Sequence[Turn]) -> list[Reply]:
        """A verdict a turn, or why there is none."""

    def _told(self, turn: Turn, order: Sequence[int], how: str) -> Prompt:
        """What a judge reads; its beginning is the same in both orders."""
        told = (
            scene(turn.view, self.material(turn.view)),
            answers_shown(turn.view, order),
            f"You are {turn.seat}. {on_one_line(turn.instruction)}",
            how,
        )
        return (self.system, Said("user", "\n\n".join(told)))


Shown: TypeAlias = tuple[Turn, Sequence[int]]
"""A turn, and the order in which its answers were shown."""


class LogProbJudge(LanguageJudge):
    """By the log-probabilities of the labels."""

    @property
    def label(self) -> str:
        """Such as "logprob of tiny:1"."""
        return f"logprob of {super().label}"

    def calls(self, turn: Turn) -> list[Request | Options]:
        """Both orders, where it is to decide."""
        if not _is_verdict(turn):
            return super().calls(turn)
        return [self._options(turn, order) for order in both_orders(turn)]

    def _verdicts(self, turns: Sequence[Turn]) -> list[Reply]:
        asked = [(turn, order) for turn in turns for order in both_orders(turn)]
        found = self.model.score([self._options(turn, order) for turn, order in asked])
        heard = iter(zip(asked, found, strict=True))
        return [self._averaged(turn, [next(heard) for _ in both_orders(turn)]) for turn in turns]

    def _options(self, turn: Turn, order: Sequence[int]) -> Options:
        prompt = (*self._told(turn, order, ONE_LABEL), Said("assistant", OPENING))
        return Options(prompt, tuple(f" {name}" for name in labels(len(order))), turn.seat)

    def _averaged(self, turn: Turn, heard: Sequence[tuple[Shown, Scores | Unanswered]]) -> Reply:
        credences = [0.0] * len(turn.view.question.answers)
        for (_, order), found in heard:
            if isinstance(found, Unanswered):
                return self._none(found)
            for answer, share in zip(order, shares(found.logprobs), strict=True):
                credences[answer] += share / len(heard)
        return tuple(credences)


class VoteJudge(LanguageJudge):
    """By n sampled choices."""

    def __init__(
        self, model: Model, material: Material, manner: Manner = USUAL, n: int = 8
    ) -> None:
        super().__init__(model, material, manner)
        self.n = n

    @property
    def label(self) -> str:
        """Such as "vote of 8 by tiny:1"."""
        return f"vote of {self.n} by {super().label}"

    def calls(self, turn: Turn) -> list[Request | Options]:
        """Every vote, where it is to decide."""
        if not _is_verdict(turn):
            return super().calls(turn)
        return [self._ballot(turn, number, attempt=0) for number in range(self.n)]

    def _ballot(self, turn: Turn, number: int, attempt: int) -> Request:
        prompt = self._told(turn, self._order(turn, number), ONE_REPLY)
        key = keys.root(turn.key, "vote", number, attempt)
        return Request(prompt, self.manner.sampling, key, turn.seat)

    def _verdicts(self, turns: Sequence[Turn]) -> list[Reply]:
        ballots = [(turn, number) for turn in turns for number in range(self.n)]
        cast = self._cast(ballots, attempt=0)
        unread = [place for place, vote in enumerate(cast) if isinstance(vote, IllegalReply)]
        again = self._cast([ballots[place] for place in unread], attempt=1)
        for place, vote in zip(unread, again, strict=True):
            cast[place] = vote
        return [
            self._counted(turn, cast[at * self.n : (at + 1) * self.n])
            for at, turn in enumerate(turns)
        ]

    def _cast(
        self, ballots: Sequence[tuple[Turn, int]], attempt: int
    ) -> list[int | NoReply | IllegalReply]:
        requests = [self._ballot(turn, number, attempt) for turn, number in ballots]
        found = self.model.generate(requests) if requests else []
        votes: list[int | NoReply | IllegalReply] = []
        for (turn, number), one in zip(ballots, found, strict=True):
            if isinstance(one, Unanswered) or one.finish == "refusal":
                votes.append(self._none(one))
                continue
            try:
                votes.append(one_answer(one.text, self._order(turn, number)))
            except IllegalReply as error:
                votes.append(error)
        return votes

    def _order(self, turn: Turn, number: int) -> Sequence[int]:
        return both_orders(turn)[number % 2]

    def _counted(self, turn: Turn, votes: Sequence[int | NoReply | IllegalReply]) -> Reply:
        counts = [0] * len(turn.view.question.answers)
        for vote in votes:
            if isinstance(vote, NoReply):
                return vote
            if isinstance(vote, IllegalReply):
                return NoReply(f"a vote that is no legal reply, in two tries: {vote}")
            counts[vote] += 1
        return tuple(count / len(votes) for count in counts)


class StatedJudge(ChatAgent):
    """By the percentages that it writes: what any chat agent does when asked for credences."""

    @property
    def label(self) -> str:
        """Such as "stated by tiny:1"."""
        return f"stated by {super().label}"


def both_orders(turn: Turn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The answers as they are, and turned round."""
    answers = tuple(range(len(turn.view.question.answers)))
    return answers, answers[::-1]


def shares(logprobs: Sequence[float]) -> tuple[float, ...]:
    """Probabilities that sum to 1 among the options: softmax.

    >>> shares((math.log(0.3), math.log(0.1)))
    (0.75, 0.25)
    """
    most = max(logprobs)
    odds = [math.exp(each - most) for each in logprobs]
    return tuple(round(odd / sum(odds), 12) for odd in odds)


def _is_verdict(turn: Turn) -> bool:
    return turn.act == "decide" and isinstance(turn.space, Credences)


OPENING = "The right answer is"
ONE_LABEL = "Name the label of the right answer."
ONE_REPLY = (
    "You may think first. End with a line of its own: REPLY: and the label of the right answer."
)
