"""Models of what an overseer sees of answers: fitted to labels, asked about any answer for free."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.reward_model import RewardModel, fit_by
from oversight.alignment.signals import Attributed
from oversight.alignment.task import Task
from oversight.core import OversightError


def attribute_of(task: Task, name: str) -> int:
    """An attribute's number; of "" the first that overseers see.

    Errors: OversightError for one that there is not, or that nobody sees.
    """
    seen = [k for k, visible in enumerate(task.visible.tolist()) if visible]
    known = [task.attributes[k] for k in seen]
    if not known or (name and name not in known):
        raise OversightError(
            f"{task.name} shows overseers no attribute {name!r}; it shows: "
            f"{', '.join(known) or 'none'}"
        )
    return seen[known.index(name)] if name else seen[0]


def attribute_model(
    lab: Lab, prompts: Int[Tensor, "rows"], answers: Int[Tensor, "rows length"],
    labels: Float[Tensor, "rows"], *, width: int, named: object,
) -> RewardModel:  # fmt: skip
    """A model of labels by least squares, in their standard deviations from their mean.

    Errors: OversightError where every label is the same.
    """
    spread = labels.std() if len(labels) > 1 else labels.new_zeros(())
    if not bool(spread > 0):
        raise OversightError(
            f"{lab.overseer.name} labels every answer alike in {named}, so there is nothing to "
            "learn from; name another attribute, or raise --labels"
        )
    wanted = ((labels - labels.mean()) / spread).float()
    model = RewardModel(lab.task, width, lab.draw("attribute model", named, "weights"))

    def error(rows: Tensor) -> Tensor:
        return (model(prompts[rows], answers[rows]) - wanted[rows]).square()

    fit_by(model, error, len(prompts), lab, named=("attribute model", named))
    return model.requires_grad_(False)


def of_labels(lab: Lab, data: Attributed, attribute: int, *, width: int) -> RewardModel:
    """A model of one attribute, from answers that the overseer labelled."""
    name = lab.task.attributes[attribute]
    return attribute_model(
        lab, data.prompts, data.answers, data.values[:, attribute], width=width, named=name
    )
