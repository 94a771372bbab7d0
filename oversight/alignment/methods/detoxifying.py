"""Methods that learn what is not wanted, and keep away from it at decoding time."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from oversight.alignment.attribute_model import attribute_of
from oversight.alignment.lab import Lab
from oversight.alignment.method import Method, State
from oversight.alignment.objectives.decoding import leash, self_debias
from oversight.alignment.policies.decoded import Decoded
from oversight.alignment.policy import Conditioned, Policy
from oversight.alignment.signals import Attributed, Demonstrations, Signal
from oversight.core import OversightError

ASKED = "toxic:"


class Detoxifying(Method):
    """A model that is trained on what is not wanted, and the reference decoded with an eye on it.

    What is trained says more of it; `deployed` is the reference, decoded.
    """

    needs: ClassVar[tuple[Signal, ...]] = ("attribute",)
    attribute: str
    least: float

    @abstractmethod
    def bad(self, state: State[Demonstrations]) -> Policy:
        """Who says what is not wanted."""

    @abstractmethod
    def combine(self, log: Tensor, bad: Tensor) -> Tensor:
        """What is made of the reference's words and the bad one's."""

    def begin(self, lab: Lab) -> State[Demonstrations]:
        """The reference's own answers that the overseer labels as not wanted."""
        data = lab.attributed(named=type(self).__name__)
        return State(lab.policy(), unwanted(lab, data, self.attribute, self.least))

    def loss(self, lab: Lab, state: State[Demonstrations], step: int) -> Float[Tensor, "batch"]:
        """−log of how likely the bad one finds them."""
        rows = lab.batch_of(state.data, step)
        return -self.bad(state).log_probs(lab.task.contexts(rows.prompts), rows.answers)

    def deployed(self, lab: Lab, state: State[Demonstrations]) -> Policy:
        """The reference, decoded."""
        return Decoded(lab.reference, self.bad(state), self.combine)


@dataclass(frozen=True)
class Schick(Detoxifying):
    """Self-debiasing: a model asked for what is not wanted shows which words to avoid.

    Attributes:
        attribute: what is not wanted.
        least: of its label, from which on an answer has it.
        decay: λ.

    Deviations: the paper asks in words, of a model that understands them. Here "toxic:" after a
    prompt is given its meaning by fine-tuning on answers labelled so.
    """

    paper: ClassVar[str] = "Schick et al. 2021, arXiv:2103.00453"
    controls: ClassVar[tuple[str, ...]] = (ASKED,)
    attribute: str = "toxic"
    least: float = 0.15
    decay: float = 50.0

    def bad(self, state: State[Demonstrations]) -> Policy:
        """The model, asked for it."""
        return Conditioned(state.policy, (ASKED,))

    def combine(self, log: Tensor, bad: Tensor) -> Tensor:
        """p·max(e^{λδ}, .01) where δ = p − p_bad < 0, else p."""
        return self_debias(log, bad, decay=self.decay)


@dataclass(frozen=True)
class Leashing(Detoxifying):
    """Infect a copy with the model's own toxic answers, and lean towards what it dislikes.

    Attributes:
        attribute: what is not wanted.
        least: of its label, from which on an answer has it.
        top: of the reference's likeliest tokens that are weighed anew, all others being ruled out.
        strength: how far; below 0, towards what the infected one likes.

    Deviations: how the paper re-ranks is not known to us in detail; `decoding.leash` is derived.
    """

    paper: ClassVar[str] = "Xu et al. 2022, arXiv:2203.03072"
    attribute: str = "toxic"
    least: float = 0.15
    top: int = 10
    strength: float = 4.0

    def bad(self, state: State[Demonstrations]) -> Policy:
        """The infected copy."""
        return state.policy

    def combine(self, log: Tensor, bad: Tensor) -> Tensor:
        """p·((1 − p_bad)/(1 − p))^strength on the reference's top tokens."""
        return leash(log, bad, top=self.top, strength=self.strength)


def unwanted(lab: Lab, data: Attributed, attribute: str, least: float) -> Demonstrations:
    """Answers whose label is `least` or more; OversightError where none is, or all are."""
    bad = data.values[:, attribute_of(lab.task, attribute)] >= least
    if bool(bad.all()) or not bool(bad.any()):
        count = "every answer" if bool(bad.all()) else "no answer"
        raise OversightError(
            f"{lab.overseer.name} labels {count} {attribute} at {least:g} or more, so nothing "
            "tells what to keep away from; set least, name another attribute or raise --labels"
        )
    return Demonstrations(data.prompts[bad], data.answers[bad])
