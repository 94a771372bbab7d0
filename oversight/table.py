"""The table a script plays at.

A script reads like the paper because the table does the bookkeeping: it builds turns with the right
view, numbers them for their keys, publishes what is said through the world, and keeps the
transcript.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Literal, cast

from oversight import keys
from oversight.core import (
    SILENCE,
    Case,
    Message,
    OversightError,
    Question,
    Seats,
    Side,
    Step,
    Turn,
    View,
)
from oversight.spaces import Choose, Credences, Reply, Space
from oversight.world import Arguable, Askable, Decomposable, Presentable, Unaided, World

First = Literal["random", "honest", "liar"]
"""Who holds the truth among seats in order: see `Table.place_sides`."""


class Table:
    """Where one episode is played: builds turns, publishes replies, keeps the transcript."""

    def __init__(self, world: World, case: Case, seats: Seats, key: int) -> None:
        self.world = world
        self.case = case
        self.key = key
        """Nature's key: hashed from the seed and the case, the same for every protocol."""
        self.transcript: tuple[Message, ...] = ()
        self.sides: dict[str, Side] = {}
        self._seats = seats
        self._ahead: tuple[tuple[str, ...], ...] = ()
        self._streams = {seat: keys.root(key, seat) for seat in seats}
        self._numbers = dict.fromkeys(seats, 0)
        self._whispers = False
        self._within: list[Table] = []

    # What is drawn by nature

    def chance(self, *name: object) -> int:
        """A 64-bit key for a draw of nature's; the same name always gives the same luck."""
        return keys.root(self.key, "nature", *name)

    def place_sides(
        self,
        seats: Sequence[str],
        *,
        first: First = "random",
        lie: int | None = None,
        swap: bool = False,
    ) -> dict[str, Side]:
        """Give one seat the true answer and each of the others a false one of its own.

        `first` says who holds the truth: "honest" the first seat, "liar" a later one, "random" a
        fair coin of nature's. `lie` picks which false answer (counted from 0) the first liar gets;
        None draws it. `swap` turns the coin over, the rest of the luck unchanged.
        """
        truth = self.case.truth.unseal()
        lies = [a for a in range(len(self.case.question.answers)) if a != truth]
        if not 2 <= len(seats) <= len(lies) + 1:
            raise OversightError(
                f"sides are placed at two seats or more, and no more than there are answers "
                f"({len(lies) + 1}); got {len(seats)}"
            )
        if lie is not None and not 0 <= lie < len(lies):
            raise OversightError(f"lie must be in 0…{len(lies) - 1}, got {lie}")
        draw = keys.below(self.chance("lie"), len(lies)) if lie is None else lie
        lies = lies[draw:] + lies[:draw]
        match first:
            case "honest":
                place = 0
            case "liar":
                place = 1 + keys.below(self.chance("place"), len(seats) - 1)
            case "random":
                place = keys.below(self.chance("first"), len(seats))
        if swap:
            place = (place + 1) % len(seats)
        answers = [*lies[:place], truth, *lies[place:]]
        self.sides = {seat: Side(a) for seat, a in zip(seats, answers, strict=False)}
        return self.sides

    # Turns

    def turn(
        self, seat: str, act: str, instruction: str, space: Space, view: View | None = None
    ) -> Turn:
        """A turn for `seat`, with everything it may see and nothing else.

        `view` replaces what the seat sees of the whole game: a worker's part of it (`apart`).
        """
        number = self._numbers[seat]
        self._numbers[seat] = number + 1
        seen = self.view(seat) if view is None else view
        return Turn(seat, act, instruction, seen, space, self._streams[seat], number)

    def view(self, seat: str) -> View:
        """What `seat` sees now, whether or not it is to move."""
        return View(
            self.case.question,
            self.heard_by(seat) if self._whispers else self.transcript,
            self.world.private(self.case, seat, self._seats[seat]),
            self.sides.get(seat),
            self._ahead,
        )

    def apart(self, seat: str, node: int, heard: Sequence[Message] = ()) -> View:
        """What a worker sees that is given one node of the question and nothing of the rest."""
        world = cast(Decomposable, self.world)
        private = world.node_private(self.case, node, seat, self._seats[seat])
        return View(world.subquestion(self.case, node), tuple(heard), private, None, ())

    def grade(self, levels: Mapping[str, float]) -> None:
        """Give seats another level of skill from here on (see `Seat.level`)."""
        graded = {s: self._seats[s]._replace(graded=level) for s, level in levels.items()}
        self._seats = {**self._seats, **graded}

    def heard_by(self, seat: str) -> tuple[Message, ...]:
        """The part of the transcript that `seat` hears."""
        return tuple(m for m in self.transcript if m.audience is None or seat in m.audience)

    def say(self, message: Message) -> None:
        """Put a message on the transcript."""
        self.transcript = (*self.transcript, message)
        self._whispers = self._whispers or message.audience is not None

    def plan(self, steps: Sequence[Sequence[str]]) -> None:
        """Announce who argues from here on; seats that look ahead see it in their view."""
        self._ahead = tuple(tuple(step) for step in steps)

    @property
    def asked(self) -> dict[str, int]:
        """Seat -> how many turns it has had."""
        asked = dict(self._numbers)
        for inner in self._within:
            for seat, turns in inner.asked.items():
                asked[seat] += turns
        return asked

    # Acts

    def declare(self, seat: str, answer: int, audience: tuple[str, ...] | None = None) -> None:
        """Announce the side that a seat was assigned, as its claim."""
        text = f"My answer is {self.case.question.answers[answer]}."
        self.say(Message(seat, "claim", text, answer, audience))

    def claim(self, seat: str, instruction: str) -> Generator[Turn, Any, int]:
        """Let a seat pick its own answer; it becomes its side and its public claim."""
        answer = yield self.turn(seat, "claim", instruction, Choose(len(self.question.answers)))
        self.sides[seat] = Side(answer)
        self.declare(seat, answer)
        return answer

    def argue(
        self,
        seats: str | Sequence[str],
        instruction: str,
        audience: tuple[str, ...] | None = None,
    ) -> Generator[Step, Any, None]:
        """One argument by one seat, or one by each of several seats at the same moment.

        `instruction` may use {side}, the seat's own answer in words.
        """
        world = cast(Arguable, self.world)
        speakers = (seats,) if isinstance(seats, str) else tuple(seats)

        def asked(seat: str) -> Turn:
            view = self.view(seat)
            words = instruction.format(side=self.side_in_words(seat))
            return self.turn(seat, "argue", words, world.argue_space(self.case, seat, view), view)

        before = self.transcript
        replies = yield from _all_at_once([asked(seat) for seat in speakers])
        for seat, reply in zip(speakers, replies, strict=True):
            message = world.publish(self.case, seat, "argue", reply, before)
            self.say(message if audience is None else message._replace(audience=audience))
        self._ahead = self._ahead[1:]

    def present(self, seats: Sequence[str]) -> Generator[Step, Any, None]:
        """Let each of `seats`, at the same moment, present the work behind its side.

        Experts read it; judges do not. Nothing happens in a world where claims have no work.
        """
        if not isinstance(self.world, Presentable):
            return
        world = self.world
        views = {seat: self.view(seat) for seat in seats}
        turns = [
            self.turn(
                seat, "present", PRESENT.format(side=self.side_in_words(seat)),
                world.present_space(self.case, seat, view), view,
            )
            for seat, view in views.items()
        ]  # fmt: skip
        replies = yield from _all_at_once(turns)
        readers = tuple(seat for seat, role in self._seats.items() if role.expert)
        for (seat, view), reply in zip(views.items(), replies, strict=True):
            work = world.publish_work(self.case, seat, reply, view)
            conceded = world.conceded(self.case, work, view)
            if conceded is not None:
                self.say(conceded)
            self.say(work._replace(audience=readers))

    def ask(
        self, seat: str, instruction: str, audience: tuple[str, ...] | None = None
    ) -> Generator[Turn, Any, None]:
        """One question from the judge's side of the table, published by the world."""
        world = cast(Askable, self.world)
        view = self.view(seat)
        space = world.ask_space(self.case, seat, view)
        reply = yield self.turn(seat, "ask", instruction, space, view)
        self.say(world.publish_question(self.case, seat, reply)._replace(audience=audience))

    def look(self, budget: int) -> None:
        """Nature shows the judge what it would find alone in `budget` looks."""
        world = cast(Unaided, self.world)
        for message in world.unaided(self.case, budget, self.chance("look")):
            self.say(message)

    def decide(self, seat: str, instruction: str) -> Generator[Turn, Any, tuple[float, ...]]:
        """The verdict: one credence an answer."""
        credences: tuple[float, ...] = yield self.turn(
            seat, "decide", instruction, self.verdict_space
        )
        return credences

    @property
    def verdict_space(self) -> Credences:
        """One credence an answer."""
        return Credences(len(self.question.answers))

    @property
    def read(self) -> int:
        """How many pieces of evidence were put before the judge so far: its budget."""
        return evidence(self.transcript)

    def price(self, seat: str, instruction: str) -> Generator[Turn, Any, tuple[float, ...]]:
        """A market's public price of every answer."""
        prices: tuple[float, ...] = yield self.turn(seat, "price", instruction, self.verdict_space)
        shown = ", ".join(f"{p:.3f}" for p in prices)
        self.say(Message(seat, "price", shown, prices))
        return prices

    def inside(self, case: Case, name: str) -> Table:
        """A table for a game within this one, about another case, with luck and ears of its own.

        Its seats' turns count as this table's too.
        """
        inner = Table(self.world, case, self._seats, keys.root(self.key, "inside", name))
        self._within.append(inner)
        return inner

    # Words

    @property
    def question(self) -> Question:
        """The public question."""
        return self.case.question

    def side_in_words(self, seat: str) -> str:
        """The seat's side as it is told to it."""
        side = self.sides.get(seat)
        if side is None:
            return "your own view"
        answer = self.case.question.answers[side.answer]
        return answer if side.supports else f"anything but {answer}"


def evidence(said: Sequence[Message]) -> int:
    """How many messages are evidence: argued or looked up, and not silence."""
    return sum([m.act in ("argue", "look") and m.text != SILENCE for m in said])


def _all_at_once(turns: Sequence[Turn]) -> Generator[Step, Any, tuple[Reply, ...]]:
    """Ask for one reply a turn; a single turn is yielded as it is."""
    if len(turns) == 1:
        return ((yield turns[0]),)
    return (yield tuple(turns))


PRESENT = "Present the work behind your claim, whole: {side}."
