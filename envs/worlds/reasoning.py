"""Puzzles of any reasoning-gym generator, argued in words (Stojanovski et al. 2025,
arXiv:2505.24760).

`reasoning:NAME` takes a generator by name; candidates and truth are those of
`oversight.text.puzzles`. There is no passage: whoever can work the puzzle out needs nothing else.

What the library knows of an item (its metadata) holds the answer under many names, so no seat is
shown any of it. Instead a seat privately has its own working: the answer that somebody of its skill
came to, drawn when the case is made (`oversight.text.working`). With skill 0 it has none, which is
the setting for language models that reason by themselves.

Deviations: the library's items are open questions; here they are multiple choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from oversight import keys
from oversight.agents.advocate import Advocate
from oversight.core import SILENCE, Case, Message, OversightError, Question, Sealed, Seat, View
from oversight.judges.dials import DialsJudge
from oversight.judges.listening import Listener
from oversight.players import Agent
from oversight.spaces import Reply, Write
from oversight.text.puzzles import Generator
from oversight.text.quotes import spoken
from oversight.text.working import Working, worked
from oversight.world import Arguable, Unaided, World


class Workings(NamedTuple):
    """What each party came to; None where it has no working."""

    expert: Working | None
    judge: Working | None


class Reasoning(World, Arguable, Unaided):
    """Puzzles of a reasoning-gym generator; arguments are text that nobody can check."""

    name: ClassVar[str] = "reasoning"
    answers = 4
    foreseeable = True

    def __init__(
        self,
        generator: str = "leg_counting",
        candidates: int = 4,
        skill: float = 0.8,
        judge: float = 0.3,
        trust: float = 1.0,
        lapses: float = 0.0,
        limit: int = 1000,
    ) -> None:
        """`generator` is a name; the rest are dials.

        Args:
            generator: of reasoning-gym.
            candidates: the most answers of a puzzle; a question of yes or no has two.
            skill: how often an expert sees the answer rather than guesses; 0 gives it no working.
            judge: the same for the judge.
            trust: log-odds that a seat's word is worth to the default judge (nats).
            lapses: how often that judge does not follow what it believes.
            limit: characters of an argument.
        """
        if candidates < 2 or limit < 1:
            raise OversightError(
                f"a puzzle has 2 candidates or more and an argument 1 character or more; got "
                f"candidates={candidates}, limit={limit}"
            )
        if not 0 <= skill < 1 or not 0 <= judge < 1:
            raise OversightError(
                f"skill and judge are in [0, 1), got {skill:g} and {judge:g}: whoever is never "
                "wrong would be shown the sealed answer"
            )
        self.generator, self.answers, self.limit = generator, candidates, limit
        self.skill, self.judge_skill, self.trust, self.lapses = skill, judge, trust, lapses
        self._settings = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        self._made: dict[int, Generator] = {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that rebuild this world."""
        return self._settings

    def case(self, index: int, seed: int) -> Case:
        """Puzzle number `index` of the generator under `seed`."""
        if seed not in self._made:
            self._made[seed] = Generator(self.generator, seed)
        puzzle = self._made[seed].puzzle(index, self.answers)
        key = keys.root(seed, "workings", self.generator, index)

        def working(skill: float, place: int) -> Working | None:
            drawn = keys.fold(key, place)
            return worked(puzzle.correct, puzzle.answers, skill, drawn) if skill else None

        return Case(
            f"{self.name}-{self.generator}-{seed}-{index}",
            Question(puzzle.prompt, puzzle.answers),
            Workings(working(self.skill, 0), working(self.judge_skill, 1)),
            Sealed(puzzle.correct),
        )

    def private(self, case: Case, seat: str, role: Seat) -> Working | None:
        """The seat's own working: the experts share one, as they share a skill."""
        return case.private.expert if role.expert else case.private.judge

    def dial(self, name: str) -> Mapping[float, World]:
        """The judge's skill, from the expert's down to none."""
        if name != "gap":
            return {}
        skills = sorted({self.skill * share for share in (0.0, 0.25, 0.5, 0.75, 1.0)})
        return {self.skill - own: self._with(judge=own) for own in skills}

    def _with(self, **changed: Any) -> Reasoning:
        return Reasoning(**self._settings | changed)

    # Who plays

    @cached_property
    def _judge(self) -> DialsJudge:
        return DialsJudge(Listener(self.trust), skill=1 - self.lapses)

    def judge(self) -> Agent:
        """Weighs its own working against who speaks for what."""
        return self._judge

    def debater(self) -> Agent:
        """Claims what it worked out, argues for its side."""
        return Advocate()

    # What may be said

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
        """The text as it was written, without anything that passes for the framework's own."""
        return Message(seat, act, spoken(str(reply or "")) or SILENCE)

    def unaided(self, case: Case, budget: int, key: int) -> Sequence[Message]:
        """Nothing: the judge's own working is before it already."""
        return []

    def material(self, view: View) -> str:
        """The seat's own working, where it has any."""
        return str(view.private) if isinstance(view.private, Working) else ""

    def draw(self, view: View) -> str:
        """The puzzle, its candidates, the seat's own working, and what was said."""
        lines = [view.question.prompt, ""]
        lines += [f"  {place}. {answer}" for place, answer in enumerate(view.question.answers)]
        lines += [str(view.private)] if isinstance(view.private, Working) else []
        return "\n".join([*lines, *(f"  {m.seat}: {m.text}" for m in view.transcript)])
