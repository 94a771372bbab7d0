"""Constitutional AI: a policy that revises itself by principles, and then prefers by them.

Bai et al. 2022, arXiv:2212.08073. Supervised stage: the policy drafts; a principle is drawn, it
criticises its draft by it and revises, several times over; it is fine-tuned on the last revisions,
with some helpful answers among them. Reinforcement stage: pairs of the tuned policy's answers are
judged by the policy's own sense of a principle drawn for each, a preference model is fitted to how
sure it was, with people's preferences among them, and the policy climbs that model.

Deviations: the policy's preference is the difference of its log-odds that either answer breaks the
principle, where the paper's model compares the two in one prompt. A revision is made only where the
critique finds a fault (`critiques`), as the critique is a word here and not a text. People prefer
by all that they see, where the paper's are asked for helpfulness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.aligning import align
from oversight.alignment.lab import PART, Lab
from oversight.alignment.method import State
from oversight.alignment.methods.climber import Climbing
from oversight.alignment.methods.rlaif import RLAIF, Believed
from oversight.alignment.policy import Policy
from oversight.alignment.reward_model import RewardModel
from oversight.alignment.signals import Demonstrations, Signal
from oversight.judges.array_cache import content_key
from oversight.principles.able import CRITIQUE, NO, REVISE, YES, Able
from oversight.principles.given import Given
from oversight.threads import one_thread
from oversight.training.descent import Pace


@dataclass(frozen=True)
class Recipe:
    """How Constitutional AI is carried out.

    Attributes:
        revisions: of each draft, a principle drawn for each.
        critiques: whether a revision follows a critique that finds a fault; without, always.
        helpful: the share of the fine-tuning's rows that are helpful answers.
        labels: pairs that the policy judges; as many answers again are drafted.
        preferred: the share of the preference model's pairs that are people's.
        kl: what a nat of divergence costs in the second stage.
    """

    revisions: int = 4
    critiques: bool = True
    helpful: float = 0.25
    labels: int = 2048
    preferred: float = 0.5
    kl: float = 0.05


class Revised(NamedTuple):
    """Drafts, and what became of them."""

    prompts: Int[Tensor, "rows"]
    trail: Sequence[Int[Tensor, "rows length"]]
    """The drafts, and all of them again after each revision."""


class Stages(NamedTuple):
    """What comes of it, stage by stage."""

    revised: Revised
    supervised: Policy
    reinforced: Policy


@one_thread()
def constitutional(lab: Lab, recipe: Recipe, *, rate: float, kept: Path | None = None) -> Stages:
    """Both stages, from the lab's reference (`able_policy`); the lab's overseer is people.

    Errors: those of `align`.
    """
    task = lab.task
    assert isinstance(task, Able)
    revised = revisions(lab, recipe)
    data = with_helpful(lab, Demonstrations(revised.prompts, revised.trail[-1]), recipe.helpful)
    pace = Pace(lab.steps, rate, every=lab.steps)
    supervised = align(
        Given(data, "revisions"), lab, pace=pace, kept=kept and kept / "supervised"
    ).policy
    judging = JudgedByPrinciples(
        kl=recipe.kl, orders=1, judge=lab.reference, share=recipe.preferred, pairs=recipe.labels
    )
    second = replace(lab, reference=supervised.frozen())
    reinforced = align(judging, second, pace=pace, kept=kept and kept / "reinforced").policy
    return Stages(revised, supervised, reinforced)


@one_thread()
def revisions(lab: Lab, recipe: Recipe) -> Revised:
    """The reference's drafts, and what it makes of them: by a principle drawn for each, in turn."""
    task, policy = lab.task, lab.reference
    assert isinstance(task, Able)
    draw = lab.draw("constitution", "drafts")
    prompts = lab.prompts(recipe.labels, draw)
    trail = [task.plain(lab.answers(policy, prompts, draw)[:, 0])]
    for number in range(recipe.revisions):
        luck = lab.draw("constitution", "revision", number)
        principles = torch.randint(len(task.constitution), (len(prompts),), generator=luck)
        wanted = torch.ones(len(prompts), dtype=torch.bool)
        if recipe.critiques:
            doubt = fault_odds(policy, task, prompts, trail[-1], principles).sigmoid()
            wanted = torch.rand(len(prompts), generator=luck) < doubt
        rows = wanted.nonzero()[:, 0]
        if not len(rows):
            trail.append(trail[-1])
            continue
        contexts = task.about(prompts[rows], trail[-1][rows], principles[rows], REVISE)
        mended = [task.plain(policy.sample(part, luck)) for part in contexts.split(PART)]
        trail.append(trail[-1].index_copy(0, rows, torch.cat(mended)))
    return Revised(prompts, trail)


@torch.no_grad()
def fault_odds(
    policy: Policy, task: Able, prompts: Int[Tensor, "rows"], answers: Int[Tensor, "rows length"],
    principles: Int[Tensor, "rows"],
) -> Float[Tensor, "rows"]:  # fmt: skip
    """log P(yes) − log P(no): how sure the policy is that an answer breaks a principle, nats."""
    if not len(prompts):
        return torch.zeros(0)
    contexts = task.about(prompts, answers, principles, CRITIQUE)
    words = torch.tensor([task.vocabulary.id(YES), task.vocabulary.id(NO)])
    said = [policy.next(part, torch.zeros(len(part), 1, dtype=torch.long))[:, 0, words]
            for part in contexts.split(PART)]  # fmt: skip
    told = torch.cat(said)
    return told[:, 0] - told[:, 1]


def with_helpful(lab: Lab, data: Demonstrations, share: float) -> Demonstrations:
    """Some of the rows in the place of helpful answers: the better of two by people's choice."""
    assert isinstance(lab.task, Able)
    rows = int(share * len(data.prompts))
    if not rows:
        return data
    asked = replace(lab, labels=2 * rows)
    pairs = asked.preferences(named="helpful")
    kept = len(data.prompts) - rows
    return Demonstrations(
        torch.cat([data.prompts[:kept], pairs.prompts]),
        torch.cat([data.answers[:kept], lab.task.plain(pairs.chosen)]),
    )


@dataclass(frozen=True)
class JudgedByPrinciples(RLAIF):
    """RLAIF in which the judge is a policy's own sense of a principle drawn for each pair.

    Attributes:
        kl, reuse, clip, width: see `RLAIF`.
        judge: the policy that judges.
        pairs: that are judged in all.
        share: of them that people judge.
    """

    paper: ClassVar[str] = "Bai et al. 2022, arXiv:2212.08073"
    needs: ClassVar[tuple[Signal, ...]] = ()
    judge: Policy | None = None
    pairs: int = 2048
    share: float = 0.5

    @property
    def settings(self) -> dict[str, Any]:
        """Its parameters, and a hash of the judge."""
        plain = {name: value for name, value in vars(self).items() if name != "judge"}
        assert self.judge is not None
        weights = [value.numpy() for value in self.judge.state_dict().values()]
        return {**plain, "judge": content_key({}, weights)}

    def begin(self, lab: Lab) -> State[Climbing[RewardModel]]:
        """The preference model."""
        return State(lab.policy(), Climbing(self.modelled(lab, self.believed(lab))))

    def believed(self, lab: Lab) -> Believed:
        """The reference's pairs: people's, and the judge's by a principle each."""
        task = lab.task
        assert isinstance(task, Able)
        assert self.judge is not None
        draw = lab.draw("principles")
        prompts = lab.prompts(self.pairs, draw)
        first, second = lab.answers(lab.reference, prompts, draw, 2).unbind(dim=1)
        people = int(self.share * self.pairs)
        helped = lab.overseer.credence(prompts[:people], first[:people], second[:people], draw)
        rest = prompts[people:]
        principles = torch.randint(len(task.constitution), (len(rest),), generator=draw)
        faults = [fault_odds(self.judge, task, rest, task.plain(one[people:]), principles)
                  for one in (first, second)]  # fmt: skip
        sure = torch.sigmoid(faults[1] - faults[0])
        return Believed(prompts, task.plain(first), task.plain(second), torch.cat([helped, sure]))

    def reward(
        self, lab: Lab, data: RewardModel, prompts: Tensor, answers: Tensor, step: int
    ) -> Float[Tensor, "rows"]:
        """The model's, of what is plain: it has seen nothing else."""
        assert isinstance(lab.task, Able)
        return data(prompts, lab.task.plain(answers))
