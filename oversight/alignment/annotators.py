"""Annotators: a pool of simulated people who see a part of what answers are worth, and have biases.

Annotator a values an answer y to a prompt x by what is visible of it,

    u_a(x, y) = Σ_{k visible} (w_k·(1 + disagreement·ε_{ak}) + b_k)·v_k(x, y),      ε ~ N(0, 1)

w being the weights of the gold reward and b their biases: for flattering and for long answers.
Every row is answered by one of the pool, drawn. With T the temperature, V the others shown:

    preference  P(first ≻ second) = σ((u_a(first) − u_a(second))/T + position)
    list        u_a(y_i) + T·g_i, g standard Gumbel: the order is Plackett–Luce's with u_a/T
    scalar      a rating of 1 … 7: 4 + 1.5·(u_a − ū)/s + noise·ε, rounded and cut;
                ū and s are the mean and the spread of what the pool thinks of demonstrations
    critique    of what is visible and counts, what costs most: least (w_k + b_k)(v_k − v̄_k),
                v̄ the usual
    refinement  of `skill` random edits of one word, and the answer, that of the most gold reward
    attribute   v_k + blur·s_k·ε for what is visible, s_k the usual spread; 0 for what is hidden

Refinements alone know what is hidden: they are the work of an expert whom the annotators can ask,
and not of the annotators. (Preferences: Bradley and Terry 1952; lists: Plackett 1975, Luce 1959.)
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight import keys
from oversight.alignment.edits import edited
from oversight.alignment.luck import luck
from oversight.alignment.overseer import Critique, Overseer
from oversight.alignment.signals import SIGNALS
from oversight.alignment.task import Task
from oversight.alignment.usual import Usual, usual
from oversight.core import OversightError


@dataclass(frozen=True)
class Pool:
    """Who the annotators are.

    Attributes:
        people: in the pool.
        temperature: reward units that are worth a nat of preference, T.
        flattery: the weight that a flattering answer is given for it.
        length: the same for a long one.
        disagreement: how far each one's weights are from the usual, as a share of them.
        position: nats in favour of what is shown first.
        noise: of ratings, points of the seven.
        blur: of attribute labels, as a share of the attribute's usual spread.
        skill: edits that a refiner tries.
        seed: of who they are.
    """

    people: int = 8
    temperature: float = 1.0
    flattery: float = 0.5
    length: float = 0.0
    disagreement: float = 0.2
    position: float = 0.0
    noise: float = 0.5
    blur: float = 0.1
    skill: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if self.people < 1 or self.skill < 1:
            raise OversightError(
                f"a pool has 1 annotator or more and a refiner tries 1 edit or more; got "
                f"people={self.people}, skill={self.skill}"
            )
        if self.temperature <= 0:
            raise OversightError(f"temperature must be above 0, got {self.temperature:g}")

    @property
    def spec(self) -> str:
        """As a user writes it, without what is as usual."""
        turned = [f"{option.name}={getattr(self, option.name):g}" for option in fields(self)
                  if getattr(self, option.name) != option.default]  # fmt: skip
        return ":".join(filter(None, ("annotators", ",".join(turned))))


class Annotators(Overseer):
    """Gives every signal, in the view of somebody drawn from the pool; see above."""

    gives = frozenset(SIGNALS)

    def __init__(self, task: Task, pool: Pool | None = None) -> None:
        """OversightError for a task of which nothing can be seen."""
        if not bool(task.visible.any()):
            raise OversightError(
                f"annotators see attributes of answers, and those of {task.name} show none; ask "
                "judge, or a protocol: --feedback debate"
            )
        self.task, self.pool = task, pool or Pool()
        self.name = self.pool.spec

    @cached_property
    def _weights(self) -> Float[Tensor, "people attributes"]:
        """What each of them gives for each attribute; 0 for what they do not see."""
        pool, task = self.pool, self.task
        bias = torch.zeros(len(task.attributes))
        for name, weight in (("flattering", pool.flattery), ("length", pool.length)):
            if name in task.attributes:
                bias[list(task.attributes).index(name)] = weight
        draw = keys.generator(keys.root(pool.seed, "annotators"))
        apart = torch.from_numpy(draw.standard_normal((pool.people, len(bias)))).float()
        return (task.weights * (1 + pool.disagreement * apart) + bias) * task.visible

    @cached_property
    def _usual(self) -> Usual:
        return usual(self.task)

    def _seen(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch attributes"]:
        """What can be seen; all else is 0, whatever it is."""
        values = self.task.values(prompts, answers)
        return torch.where(self.task.visible, values, 0.0)

    def _worth(
        self, prompts: Tensor, answers: Tensor, people: Int[Tensor, "batch"]
    ) -> Float[Tensor, "batch"]:
        """u of each answer, to somebody."""
        return (self._seen(prompts, answers) * self._weights[people]).sum(dim=1)

    def _somebody(self, rows: int, draw: torch.Generator) -> Int[Tensor, "rows"]:
        return torch.randint(self.pool.people, (rows,), generator=draw)

    def esteem(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch"]:
        """The pool's mean, reward units."""
        return self._seen(prompts, answers) @ self._weights.mean(dim=0)

    def credence(
        self, prompts: Int[Tensor, "batch"], first: Int[Tensor, "batch length"],
        second: Int[Tensor, "batch length"], draw: torch.Generator,
    ) -> Float[Tensor, "batch"]:  # fmt: skip
        """Of somebody in the pool."""
        people = self._somebody(len(prompts), draw)
        margin = self._worth(prompts, first, people) - self._worth(prompts, second, people)
        return torch.sigmoid(margin / self.pool.temperature + self.pool.position)

    def score(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"],
        draw: torch.Generator,
    ) -> Float[Tensor, "batch"]:  # fmt: skip
        """A rating, 1 … 7."""
        worth = self._worth(prompts, answers, self._somebody(len(prompts), draw))
        middle, spread = self._scale
        noise = self.pool.noise * torch.randn(len(prompts), generator=draw)
        return (4 + 1.5 * (worth - middle) / spread + noise).round().clamp(1, 7)

    @cached_property
    def _scale(self) -> tuple[float, float]:
        """The mean and the spread of the pool's esteem of demonstrations."""
        draw = luck("scale of ratings")
        prompts = torch.arange(1024) % len(self.task.prompts)
        found = self.esteem(prompts, self.task.demonstrate(prompts, draw))
        return float(found.mean()), max(float(found.std()), 1e-6)

    def rank(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch items length"],
        draw: torch.Generator,
    ) -> Float[Tensor, "batch items"]:  # fmt: skip
        """u + T·Gumbel, reward units; what is shown first has the bias of position as well."""
        rows, items = answers.shape[:2]
        people = self._somebody(rows, draw).repeat_interleave(items)
        worth = self._worth(prompts.repeat_interleave(items), answers.flatten(0, 1), people)
        uniform = torch.rand(rows, items, generator=draw).clamp(min=1e-12)
        nats = -(-uniform.log()).clamp(min=1e-12).log()
        nats[:, 0] += self.pool.position
        return worth.view(rows, items) + self.pool.temperature * nats

    def critique(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"], items: int,
        draw: torch.Generator,
    ) -> Critique:  # fmt: skip
        """What costs most of what is visible; refinements that are no worse in gold reward."""
        weights = self._weights.mean(dim=0)  # 0 for what is hidden
        costs = (self._seen(prompts, answers) - self._usual.mean) * weights
        faults = costs.masked_fill(weights == 0, torch.inf).argmin(dim=1)
        several = prompts.repeat_interleave(items)
        refined = self._refined(several, answers.repeat_interleave(items, dim=0), draw)
        return Critique(faults, refined.view(len(prompts), items, -1))

    def _refined(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"],
        draw: torch.Generator,
    ) -> Int[Tensor, "batch length"]:  # fmt: skip
        """By somebody who knows the gold reward and tries a few edits."""
        words = len(self.task.vocabulary.answer)
        best, most = answers, self.task.gold(prompts, answers)
        for _ in range(self.pool.skill):
            tried = edited(answers, words, draw)
            worth = self.task.gold(prompts, tried)
            better = worth > most
            best = torch.where(better[:, None], tried, best)
            most = torch.where(better, worth, most)
        return best

    def label(
        self, prompts: Int[Tensor, "batch"], answers: Int[Tensor, "batch length"],
        draw: torch.Generator,
    ) -> Float[Tensor, "batch attributes"]:  # fmt: skip
        """The visible attributes, blurred."""
        seen = self._seen(prompts, answers)
        noise = torch.randn(seen.shape, generator=draw) * self._usual.spread
        return torch.where(self.task.visible, seen + self.pool.blur * noise, 0.0)
