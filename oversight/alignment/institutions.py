"""Feedback from any protocol and any judge: a game is played, and its verdict is the feedback.

Where the world's own question is which of two answers is better, a pair is a case and the verdict
on it the credence. Where a world asks questions, a game is played on each and an answer is worth
what the verdict gives to the candidate that it names.

A game is played once: its luck hangs on the case and the institution's seed, so that the same
answers, in the same order, meet the same verdict whenever they are judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.alignable import Alignable
from oversight.alignment.luck import luck
from oversight.alignment.overseer import Overseer
from oversight.alignment.questions import QuestionsTask
from oversight.alignment.signals import Signal
from oversight.alignment.task import Task
from oversight.core import Case, OversightError
from oversight.episode import Episode, EpisodeFailed
from oversight.players import Cast
from oversight.protocol import Protocol
from oversight.rollout import WIDTH, ask, check_cast, check_fit
from oversight.runs import prepare
from oversight.world import World

GIVES: frozenset[Signal] = frozenset(("demonstration", "preference", "list", "scalar"))
ANCHORS = 4
"""Demonstrations that an answer by itself is compared with."""
Pair = tuple[int, tuple[int, ...], tuple[int, ...]]


class House:
    """A protocol on a world with a cast, ready to play any of the world's cases."""

    def __init__(
        self, protocol: Protocol, world: World, cast: Cast, *, kept: int = 0, seed: int = 0
    ) -> None:
        """`kept`: the world's first cases, on which nobody may prepare; `seed`: of all luck.

        Errors: OversightError for a misfit of protocol and world, or an empty seat.
        """
        check_fit(protocol, world)
        check_cast(protocol, cast)
        self.protocol, self.world, self.cast = protocol, world, cast
        self.kept, self.seed = kept, seed

    @property
    def name(self) -> str:
        """The protocol and whoever decides."""
        deciding = [s for s, role in self.protocol.seats.items() if "decide" in role.acts]
        judges = dict.fromkeys(self.cast[seat].label for seat in deciding)
        return ", decided by ".join(filter(None, (self.protocol.spec, " and ".join(judges))))

    @cached_property
    def _ready(self) -> Cast:
        """The cast, once everybody has prepared."""
        prepare(self.protocol, self.world, self.cast, episodes=self.kept or 1, seed=self.seed)
        return self.cast

    def verdicts(self, cases: Sequence[Case]) -> list[tuple[float, ...]]:
        """The credences in which games on cases end; OversightError for one that fails."""
        ended = (episode.outcome for episode in self.games(cases))
        return [outcome.credences for outcome in ended if outcome is not None]

    def games(self, cases: Sequence[Case]) -> list[Episode]:
        """Games on cases, played to their end; OversightError for one that fails."""
        found: list[Episode] = []
        for case, ended in zip(cases, self.tried(cases), strict=True):
            if isinstance(ended, EpisodeFailed):
                raise OversightError(
                    f"{self.name} gave no verdict on {case.id}: {ended}"
                ) from ended
            found.append(ended)
        return found

    def tried(self, cases: Sequence[Case]) -> list[Episode | EpisodeFailed]:
        """Games on cases, each played to its end or to why it has none."""
        found: list[Episode | EpisodeFailed] = []
        for start in range(0, len(cases), WIDTH):
            found += self._played(cases[start : start + WIDTH])
        return found

    def _played(self, cases: Sequence[Case]) -> list[Episode | EpisodeFailed]:
        episodes = [Episode(self.protocol, self.world, 0, self.seed, case) for case in cases]
        failures: dict[int, EpisodeFailed] = {}
        while live := [place for place, episode in enumerate(episodes)
                       if episode.outcome is None and place not in failures]:  # fmt: skip
            asked = ask(self._ready, [episodes[place] for place in live])
            for place, replies in zip(live, asked, strict=True):
                try:
                    if isinstance(replies, EpisodeFailed):
                        raise replies
                    episodes[place].send(replies)
                except EpisodeFailed as failed:
                    failures[place] = failed
        return [failures.get(place, episode) for place, episode in enumerate(episodes)]


class Institution(Overseer):
    """A house's verdicts as feedback: a single answer's number is its esteem, without luck."""

    gives = GIVES

    def __init__(self, house: House) -> None:
        self.house, self.name = house, house.name

    def score(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"],
        draw: torch.Generator,
    ) -> Float[Tensor, "batch"]:  # fmt: skip
        """As its esteem."""
        return self.esteem(prompts, answers)


class Comparing(Institution):
    """An institution that says which of two answers is better.

    An answer by itself is worth how often it is found better than demonstrations, in expectation;
    several are put in order by how they fare against each other.
    """

    def __init__(self, house: House, task: Task) -> None:
        """`task`: of the house's world, which must be `Alignable`."""
        assert isinstance(house.world, Alignable)
        super().__init__(house)
        self.task, self.pairs = task, house.world
        self._known: dict[Pair, float] = {}

    def _found(
        self, prompts: Int[Tensor, "batch"], first: Int[Tensor, "batch length"],
        second: Int[Tensor, "batch length"],
    ) -> Float[Tensor, "batch"]:  # fmt: skip
        """The credence in each first answer; games that were played are not played again."""
        rows = zip(prompts.tolist(), first.tolist(), second.tolist(), strict=True)
        asked: list[Pair] = [(prompt, tuple(one), tuple(two)) for prompt, one, two in rows]
        new = [pair for pair in dict.fromkeys(asked) if pair not in self._known]
        if new:
            cases = self.pairs.cases_of(*zip(*new, strict=True))
            verdicts = self.house.verdicts(cases)
            self._known |= {pair: own[0] for pair, own in zip(new, verdicts, strict=True)}
        return torch.tensor([self._known[pair] for pair in asked])

    @cached_property
    def _anchors(self) -> Int[Tensor, "prompts anchors length"]:
        draw = luck(self.house.seed, "anchors")
        prompts = torch.arange(len(self.task.prompts)).repeat_interleave(ANCHORS)
        drawn = self.task.demonstrate(prompts, draw)
        return drawn.view(len(self.task.prompts), ANCHORS, -1)

    def credence(
        self, prompts: Int[Tensor, "batch"], first: Int[Tensor, "batch length"],
        second: Int[Tensor, "batch length"], draw: torch.Generator,
    ) -> Float[Tensor, "batch"]:  # fmt: skip
        """The verdict of a game on the pair."""
        return self._found(prompts, first, second)

    def esteem(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch"]:
        """The mean credence that it is better than each anchor; it is shown first to every other.

        In [0, 1].
        """
        several = prompts.repeat_interleave(ANCHORS)
        own = answers.repeat_interleave(ANCHORS, dim=0)
        other = self._anchors[prompts].flatten(0, 1)
        ahead = (torch.arange(len(several)) % 2 == 0)[:, None]
        found = self._found(several, torch.where(ahead, own, other), torch.where(ahead, other, own))
        return torch.where(ahead[:, 0], found, 1 - found).view(-1, ANCHORS).mean(dim=1)

    def rank(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch items length"],
        draw: torch.Generator,
    ) -> Float[Tensor, "batch items"]:  # fmt: skip
        """The mean credence that each is better than each of the others, every pair played once."""
        rows, items = answers.shape[:2]
        if items < 2:
            return torch.full((rows, items), 0.5)
        one, two = torch.triu_indices(items, items, offset=1)
        pairs = len(one)
        first, second = answers[:, one].flatten(0, 1), answers[:, two].flatten(0, 1)
        found = self._found(prompts.repeat_interleave(pairs), first, second).view(rows, pairs)
        won = torch.zeros(rows, items).index_add(1, one, found).index_add(1, two, 1 - found)
        return won / (items - 1)


class Answering(Institution):
    """An institution that answers questions itself, and values answers by its verdict."""

    def __init__(self, house: House, task: QuestionsTask) -> None:
        super().__init__(house)
        self.task = task

    @cached_property
    def _verdicts(self) -> Float[Tensor, "prompts tokens"]:
        """What each case's verdict gives to each token; 0 for what is no candidate."""
        found = torch.zeros(self.task.count, len(self.task.vocabulary.answer))
        for row, credences in enumerate(self.house.verdicts(self.task.cases)):
            found[row, 1 : 1 + len(credences)] = torch.tensor(credences)
        return found

    def esteem(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch"]:
        """The verdict's credence in the candidate, in [0, 1]."""
        return self._verdicts[prompts, answers[:, 0]]

    def credence(
        self, prompts: Int[Tensor, "batch"], first: Int[Tensor, "batch length"],
        second: Int[Tensor, "batch length"], draw: torch.Generator,
    ) -> Float[Tensor, "batch"]:  # fmt: skip
        """Its share of what the two are given; a half where neither is given anything."""
        one, two = self.esteem(prompts, first), self.esteem(prompts, second)
        return torch.where(one + two > 0, one / (one + two).clamp(min=1e-30), 0.5)

    def rank(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch items length"],
        draw: torch.Generator,
    ) -> Float[Tensor, "batch items"]:  # fmt: skip
        """As its esteem of each."""
        several = prompts.repeat_interleave(answers.shape[1])
        return self.esteem(several, answers.flatten(0, 1)).view(answers.shape[:2])
