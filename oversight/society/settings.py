"""What a society is, as plain values: every number of Liu et al. 2023 is a default here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NamedTuple, get_args

from oversight.core import OversightError
from oversight.society.members import Traits

Mode = Literal["back_scatter", "single_thread"]
Teacher = Literal["observers", "raters"]


class Custom(NamedTuple):
    """What a mode of Liu et al. 2023 (their code, github.com/agi-templar/Stable-Alignment) sets."""

    raters: int
    """Of each draft, at most."""
    dropout: float
    """Of neighbours, where members far away rate too."""


CUSTOMS: Mapping[Mode, Custom] = {
    "back_scatter": Custom(raters=4, dropout=0.5),
    "single_thread": Custom(raters=16, dropout=0.8),
}
NEAR = 0.3
"""The cosine distance under which a question is like one that was met (the same code)."""
PRIOR = 50
"""Questions that members remember from before the first round (the same)."""


@dataclass(frozen=True)
class Settings:
    """What a society is.

    Attributes:
        world: whose prompts, answers and gold reward it lives by.
        members: N; 100 in Liu et al. 2023.
        graph: who knows whom (`graph`).
        kinds: the shares of raters that are not honest (`raters`).
        institution: who decides ratings (`institutions`).
        judge: who decides in a protocol, by a spec; the world's own judge by default.
        mode: "back_scatter": all drafts at once; "single_thread": one member after the other.
        raters: of each draft at most; the mode's own by default.
        beyond: whether members who are no neighbours rate too.
        dropout: the share of neighbours left out for them; the mode's own by default.
        scatter: whether drafts are sent to anybody; without it nobody rates and nobody revises.
        reasons: whether reasons are given with ratings.
        near: the cosine distance under which a question is like one that was met.
        prior: questions remembered from before, answered by the members' own minds.
        taught_by: whose ratings members learn from.
        skill, recall, heed, reach, rate: see `Traits`.
        seed: of everything.
    """

    world: str = "preferences"
    members: int = 100
    graph: str = "grid"
    kinds: str = ""
    institution: str = "neighbours"
    judge: str | None = None
    mode: Mode = "back_scatter"
    raters: int | None = None
    beyond: bool = False
    dropout: float | None = None
    scatter: bool = True
    reasons: bool = True
    near: float = NEAR
    prior: int = PRIOR
    taught_by: Teacher = "observers"
    skill: float = Traits().skill
    recall: float = Traits().recall
    heed: float = Traits().heed
    reach: float = Traits().reach
    rate: float = Traits().rate
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (("mode", get_args(Mode)), ("taught_by", get_args(Teacher))):
            if getattr(self, name) not in known:
                raise OversightError(
                    f"{name} is one of {', '.join(known)}; got {getattr(self, name)!r}"
                )
        if self.raters is not None and self.raters < 1:
            raise OversightError(
                f"raters is 1 or more, got {self.raters}; to have none say scatter=False"
            )
        if not 0 <= (self.dropout or 0) < 1:
            raise OversightError(f"dropout lies in 0 … 1, 1 not included; got {self.dropout:g}")

    @property
    def custom(self) -> Custom:
        """How many rate, and how many neighbours are left out."""
        usual = CUSTOMS[self.mode]
        return Custom(
            usual.raters if self.raters is None else self.raters,
            usual.dropout if self.dropout is None else self.dropout,
        )

    @property
    def traits(self) -> Traits:
        """How minds work."""
        return Traits(*(getattr(self, name) for name in Traits._fields))

    @property
    def plain(self) -> dict[str, Any]:
        """As plain values that rebuild it."""
        return asdict(self)

    @property
    def turned(self) -> str:
        """What is not as usual, in words."""
        told = [f"{f.name}={getattr(self, f.name)}" for f in fields(self)
                if getattr(self, f.name) != f.default]  # fmt: skip
        return ", ".join(told) or "as usual"
