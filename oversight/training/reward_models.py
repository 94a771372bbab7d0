"""Process and outcome reward models, learned from the same number of labels.

Uesato et al. 2022; Lightman et al. 2023. A process model learns from labels of single steps how
likely a step with given signs is right; an outcome model learns from labels of final answers how
likely a whole work is. Each is an agent for its rating seat, and learns by playing it: in a
rehearsal of the run's own game on other cases, and nowhere else.

Cost: a label costs 1. A process label is a careful look at one step, wrong as often as such looks
are; an outcome label compares one final answer with the key, and is always right. A work of T steps
therefore costs T process labels, and the same budget buys an outcome model T times as many works.

Both are logistic in the signs that a world shows of a step (`Stepwise.signs_of`), a process model's
in those of the step, an outcome model's in their counts over the work: were steps right
independently, log P(work right) would be the sum over steps of log P(step right).

    P(right | signs) = σ(w₀ + Σ_s count_s·w_s),    w fitted by penalised maximum likelihood

Active labelling (Lightman et al. 2023, section 2.4, in outline): one half of the labels is uniform;
the other goes to the works of a larger pool that have a wrong answer and the best scores so far.

Deviations: the papers fine-tune language models, and label a work up to its first wrong step; here
every step of a labelled work is, and a later step is right if it follows from those before it.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oversight.agents.rating import Selector, looks
from oversight.core import OversightError, Turn, View
from oversight.players import Agent, Rehearsal
from oversight.registry import Setting
from oversight.spaces import Reply
from oversight.stepwise import Stepwise

Labelling = Literal["uniform", "active"]
Signs = tuple[int, ...]
PENALTY = 1.0
"""Of the weights, a normal prior of standard deviation 1 each; the intercept has none."""
POOL = 8
"""How many times more works an active learner chooses from than it could label."""


class Example(NamedTuple):
    """A labelled thing: its signs, each as often as it bears it, and whether it is right."""

    signs: Signs
    right: bool


class Logistic(NamedTuple):
    """P(right) of a thing that bears given signs."""

    intercept: float
    weights: tuple[float, ...]

    def probability(self, signs: Signs) -> float:
        """σ of the sum, in the signs' own order: the same bits whatever else is asked."""
        total = self.intercept
        for sign in signs:
            total += self.weights[sign]
        return 1 / (1 + math.exp(-total)) if total > -700 else 0.0


def fit_logistic(examples: Sequence[Example], signs: int, penalty: float = PENALTY) -> Logistic:
    """Penalised maximum likelihood by Newton's method; OversightError without examples.

    Minimises −Σ log P(label) + penalty/2·Σ_s w_s², nats, which is convex: one solution, no seed.
    """
    if not examples:
        raise OversightError("a reward model needs at least one label")
    X = np.zeros((len(examples), signs + 1))
    X[:, 0] = 1
    for row, example in enumerate(examples):
        for sign in example.signs:
            X[row, 1 + sign] += 1
    y = np.array([example.right for example in examples], np.float64)
    ridge = np.full(signs + 1, penalty)
    ridge[0] = 1e-3  # all labels alike leave the intercept without a maximum
    w = np.zeros(signs + 1)
    for _ in range(100):
        step = _newton(X, y, ridge, w)
        w += step
        if np.abs(step).max() < 1e-10:
            break
    return Logistic(float(w[0]), tuple(w[1:].tolist()))


def _newton(
    X: NDArray[np.float64], y: NDArray[np.float64], ridge: NDArray[np.float64],
    w: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """One step, halved until the loss falls."""

    def loss(at: NDArray[np.float64]) -> float:
        z = X @ at
        return float((np.logaddexp(0, z) - y * z).sum() + (ridge * at * at).sum() / 2)

    p = 1 / (1 + np.exp(-(X @ w)))
    gradient = X.T @ (p - y) + ridge * w
    hessian = (X.T * (p * (1 - p))) @ X + np.diag(ridge)
    step = np.asarray(-np.linalg.solve(hessian, gradient), np.float64)
    before = loss(w)
    while loss(w + step) > before and np.abs(step).max() > 1e-12:
        step = step / 2
    return step


class Work(NamedTuple):
    """A work that was seen in the rehearsal."""

    case: str
    solver: str
    steps: tuple[Signs, ...]
    passes: tuple[bool | None, ...]
    """What the careful look at each step gave, were it paid for."""


class RewardModel(Agent):
    """Rates by what it learned; learns when it prepares."""

    kind: ClassVar[str]
    """What is rated: "process" or "outcome"."""

    def __init__(self, world: Stepwise, labels: int = 300, labelling: Labelling = "uniform"):
        if labels < 1:
            raise OversightError(f"a reward model needs at least one label, got {labels}")
        self.world, self.labels = world, labels
        self.labelling: Labelling = labelling
        self.learned: Logistic | None = None
        self._seen: dict[tuple[str, str], Work] | None = None

    @property
    def label(self) -> str:
        """Such as "process model(300 labels)"."""
        how = ", active" if self.labelling == "active" else ""
        return f"{self.kind} model({self.labels} labels{how})"

    @abstractmethod
    def works_for(self, labels: int) -> int:
        """How many works so many labels pay for."""

    @abstractmethod
    def examples(self, work: Work, right: bool) -> list[Example]:
        """What a labelled work teaches; `right` says whether its answer is."""

    @abstractmethod
    def score(self, model: Logistic, steps: Sequence[Signs]) -> float:
        """How good a whole work is."""

    def prepare(self, rehearse: Rehearsal) -> None:
        """Watch works, one a case, and learn from labels of some of them."""
        wanted = self.works_for(self.labels)
        games = wanted * (POOL if self.labelling == "active" else 1)
        self._seen = {}
        records = sorted(rehearse(Selector(), games), key=lambda record: record.episode)
        seen, self._seen = self._seen, None
        works, right = list[Work](), dict[str, bool]()
        for record in records:
            first = next((seen[k] for k in seen if k[0] == record.case), None)
            if first is not None:
                works.append(first)
                right[first.case] = record.sides.get(first.solver) == record.truth
        self.learned = self._learn(works, right, wanted)

    def _learn(self, works: list[Work], right: Mapping[str, bool], wanted: int) -> Logistic:
        if not works:
            raise OversightError(f"no work was rated while the {self.kind} model watched")
        if self.labelling == "uniform":
            return self._fitted(works[:wanted], right)
        half = max(1, wanted // 2)
        model = self._fitted(works[:half], right)
        convincing = sorted(
            (work for work in works[half:] if not right[work.case]),
            key=lambda work: -self.score(model, work.steps),
        )
        return self._fitted(works[:half] + convincing[: wanted - half], right)

    def _fitted(self, works: Sequence[Work], right: Mapping[str, bool]) -> Logistic:
        examples = [e for work in works for e in self.examples(work, right[work.case])]
        return fit_logistic(examples[: self.labels], self.world.signs)

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Ratings by what was learned; while it watches, it notes what it sees instead."""
        return [self._watch(turn) if self._seen is not None else self._rate(turn) for turn in turns]

    def _watch(self, turn: Turn) -> Reply:
        """Keep the longest part of each work; replies do not matter."""
        assert self._seen is not None
        view, held = turn.view, looks(turn)
        key = (view.question.data.case, view.transcript[-1].seat)
        known = self._seen.get(key)
        if known is None or len(known.steps) < len(held):
            passes = tuple(look.passes for look in held)
            self._seen[key] = Work(*key, self._signs(view, range(len(held))), passes)
        return 0.5

    def _rate(self, turn: Turn) -> Reply:
        if self.learned is None:
            raise OversightError(f"train the {self.kind} model first: call prepare")
        return self.learned.probability(self.read(turn.view, len(looks(turn))))

    @abstractmethod
    def read(self, view: View, steps: int) -> Signs:
        """What the model takes from a view of so many steps."""

    def _signs(self, view: View, places: Sequence[int]) -> tuple[Signs, ...]:
        return tuple(tuple(self.world.signs_of(view, place)) for place in places)


class ProcessModel(RewardModel):
    """How likely the last step before it is right; a label a step."""

    kind: ClassVar[str] = "process"

    def works_for(self, labels: int) -> int:
        """One of T steps costs T labels."""
        return -(-labels // self.world.steps)

    def examples(self, work: Work, right: bool) -> list[Example]:
        """Every step, as a careful look found it; looks that told nothing teach nothing."""
        return [
            Example(signs, passed)
            for signs, passed in zip(work.steps, work.passes, strict=True)
            if passed is not None
        ]

    def score(self, model: Logistic, steps: Sequence[Signs]) -> float:
        """The product of its steps' probabilities."""
        return math.prod(model.probability(signs) for signs in steps)

    def read(self, view: View, steps: int) -> Signs:
        """The last step's signs."""
        return tuple(self.world.signs_of(view, steps - 1))


class OutcomeModel(RewardModel):
    """How likely a work's final answer is right; a label a work."""

    kind: ClassVar[str] = "outcome"

    def __init__(self, world: Stepwise, labels: int = 300, labelling: Labelling = "uniform"):
        if labelling == "active":
            raise OversightError(
                "active labelling looks for wrong answers, whose labels would teach an outcome "
                "model nothing else; label uniformly"
            )
        super().__init__(world, labels, labelling)

    def works_for(self, labels: int) -> int:
        """A label each."""
        return labels

    def examples(self, work: Work, right: bool) -> list[Example]:
        """The whole work, by its answer."""
        return [Example(_joined(work.steps), right)]

    def score(self, model: Logistic, steps: Sequence[Signs]) -> float:
        """Its probability."""
        return model.probability(_joined(steps))

    def read(self, view: View, steps: int) -> Signs:
        """Every step's signs."""
        return _joined(self._signs(view, range(steps)))


def _joined(steps: Sequence[Signs]) -> Signs:
    return tuple(sign for signs in steps for sign in signs)


def reward_model(
    setting: Setting, labels: int = 300, labelling: Labelling = "uniform"
) -> RewardModel:
    """`reward_model[:labels]`: a learned rater, of steps or of answers by the seat it is given."""
    kinds = {"step_judge": ProcessModel, "outcome_judge": OutcomeModel}
    if setting.seat not in kinds or not isinstance(setting.world, Stepwise):
        raise OversightError(
            f"a reward model rates steps or answers, and {setting.seat} on {setting.world.name} "
            "rates neither; seat it as step_judge or outcome_judge in process_supervision"
        )
    return kinds[setting.seat](setting.world, labels, labelling)
