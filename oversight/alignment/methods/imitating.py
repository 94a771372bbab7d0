"""What methods share that imitate: whichever answers they keep, their likelihood is raised."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.signals import Demonstrations


class Imitating(Method):
    """Fine-tuning on answers that `begin` keeps."""

    def loss(self, lab: Lab, state: State[Demonstrations], step: int) -> Float[Tensor, "batch"]:
        """−log π of a step's answers."""
        rows = lab.batch_of(state.data, step)
        return -lab.log_probs(state.policy, rows.prompts, rows.answers)
