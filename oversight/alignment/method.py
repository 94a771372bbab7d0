"""A method: from an overseer's signal to a policy.

A method is a value: its parameters, and three functions. `begin` gathers what it learns from and
says what is trained; `loss` is what a step descends; `deployed` is what comes out. All it knows
between steps is its `State`, which is kept whole in checkpoints, and all of a step's luck is drawn
by the step's number: so an interrupted training goes on to the same bits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Generic, TypeVar

from jaxtyping import Float
from torch import Tensor, nn

from oversight.alignment.lab import Lab
from oversight.alignment.policy import Policy
from oversight.alignment.signals import Signal

D = TypeVar("D")


@dataclass
class State(Generic[D]):
    """A training under way."""

    policy: Policy
    """What comes of it."""
    data: D
    """Whatever else the method keeps: signals, reward models, anchors."""
    trained: nn.Module | None = None
    """What the optimiser moves; None is the policy."""

    @property
    def learner(self) -> nn.Module:
        """What the optimiser moves."""
        return self.policy if self.trained is None else self.trained


@dataclass(frozen=True)
class Method(ABC):
    """An alignment method; a frozen dataclass of its parameters."""

    paper: ClassVar[str]
    needs: ClassVar[tuple[Signal, ...]]
    controls: ClassVar[tuple[str, ...]] = ()
    """Words that it puts after prompts, to ask for one thing or another."""

    @abstractmethod
    def begin(self, lab: Lab) -> State[Any]:
        """Gather what is learned from."""

    @abstractmethod
    def loss(self, lab: Lab, state: State[Any], step: int) -> Float[Tensor, "batch"]:
        """What step `step` descends, of each row; may change `state.data`."""

    def deployed(self, lab: Lab, state: State[Any]) -> Policy:
        """The policy that people would meet."""
        return state.policy

    @property
    def settings(self) -> dict[str, Any]:
        """Its parameters as plain values."""
        return asdict(self)
