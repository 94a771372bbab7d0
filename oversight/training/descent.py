"""One loop for whatever descends a loss: checkpoints, clipping, early stop, metrics.

    outcome = descend(training, steps=300, evaluate=measure, every=25, kept=out)

A training says what is trained and what the loss of a step is. All of a step's luck must follow
from its number, and all that it remembers must lie in `memory`: then a training that was stopped
goes on from its checkpoint to the same bits.
"""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from oversight.core import OversightError
from oversight.store import write_text, write_whole

CHECKPOINT, METRICS = "checkpoint.pt", "metrics.jsonl"
FORMAT = 2
"""Of checkpoints; another is refused."""

Metrics = Mapping[str, Any]
"""Plain values, of which those that are watched or drawn are numbers."""
Evaluate = Callable[[int], Metrics]
"""Step -> what is measured there."""


class Training(Protocol):
    """What can be descended."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What this training is, as plain values; a checkpoint of another is refused."""
        ...

    @property
    def learner(self) -> nn.Module:
        """What the optimiser moves."""
        ...

    memory: Any
    """All that lasts from step to step, the learner in it; anything that pickles."""

    def loss(self, step: int) -> Tensor:
        """(B,) the loss of a step's rows, unreduced."""
        ...


class Pace(NamedTuple):
    """How to descend.

    Attributes:
        steps: at most.
        rate: Adam's learning rate.
        clip: the gradient's norm at most.
        every: steps between two evaluations.
        patience: evaluations without a better `watched` after which to stop; None never stops.
        watched: the metric that should rise.
    """

    steps: int
    rate: float = 1e-3
    clip: float = 1.0
    every: int = 25
    patience: int | None = None
    watched: str = "proxy"


class Descent(NamedTuple):
    """A training that has ended."""

    rows: Sequence[Metrics]
    """What was measured, in order of "step"."""
    steps: int
    """How many were made."""
    stopped: str
    """Why: "steps" (all were made) or "patience"."""
    seconds: float
    """Until the last evaluation, over all the times that it was interrupted and gone on with."""


def descend(
    training: Training,
    pace: Pace,
    evaluate: Evaluate,
    *,
    kept: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Descent:
    """Descend the loss from where the checkpoint in `kept` left off, or from the beginning.

    Args:
        training: what is trained.
        pace: how.
        evaluate: what to measure, before the first step and then every so many.
        kept: a directory for the checkpoint and the metrics, written at every evaluation.
        progress: told (steps done, steps).

    Errors: OversightError for a loss or a gradient that is no number, with the step and the rows;
    the last checkpoint stays. The same for a checkpoint of another training.
    """
    optimizer = torch.optim.Adam(training.learner.parameters(), pace.rate)
    identity = {**training.identity, **pace._asdict(), "format": FORMAT}
    began = time.monotonic()
    rows, seconds = _resumed(training, optimizer, identity, kept)
    began -= seconds
    step = int(rows[-1]["step"]) if rows else 0
    if not rows:
        rows.append({"step": 0, **evaluate(0)})
        seconds = time.monotonic() - began
        _keep(training, optimizer, identity, rows, seconds, kept)
    while step < pace.steps and not _done(rows, pace):
        loss = _step(training, optimizer, pace, step, kept)
        step += 1
        if step % pace.every == 0 or step == pace.steps:
            rows.append({"step": step, "loss": loss, **evaluate(step)})
            seconds = time.monotonic() - began
            _keep(training, optimizer, identity, rows, seconds, kept)
        if progress is not None:
            progress(step, pace.steps)
    return Descent(rows, step, "steps" if step >= pace.steps else "patience", seconds)


def _step(
    training: Training, optimizer: torch.optim.Optimizer, pace: Pace, step: int, kept: Path | None
) -> float:
    """One step down; gives the mean loss before it."""
    losses = training.loss(step)
    loss = losses.mean()
    if not bool(torch.isfinite(loss)):
        wrong = (~torch.isfinite(losses)).nonzero().flatten().tolist()
        raise _lost(f"the loss is {loss.item()}", step, f"rows {wrong[:8]} of its batch", kept)
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(training.learner.parameters(), pace.clip)
    if not bool(torch.isfinite(norm)):
        raise _lost(f"the gradient's norm is {norm.item()}", step, "its batch", kept)
    optimizer.step()
    return loss.item()


def _lost(what: str, step: int, where: str, kept: Path | None) -> OversightError:
    good = "nothing was kept: name a directory" if kept is None else (
        f"the last good checkpoint is {kept / CHECKPOINT}"
    )  # fmt: skip
    return OversightError(
        f"{what} at step {step}, from {where}; {good}; lower the learning rate, or look at those "
        "rows' rewards and log-probabilities"
    )


def _done(rows: Sequence[Metrics], pace: Pace) -> bool:
    """Whether the watched metric has not risen for too long."""
    if pace.patience is None or len(rows) <= pace.patience:
        return False
    watched = [row[pace.watched] for row in rows]
    return max(watched[-pace.patience :]) <= max(watched[: -pace.patience])


def _keep(
    training: Training, optimizer: torch.optim.Optimizer, identity: Mapping[str, Any],
    rows: Sequence[Metrics], seconds: float, kept: Path | None,
) -> None:  # fmt: skip
    """Write the checkpoint, whole or not at all, and the metrics so far."""
    if kept is None:
        return
    kept.mkdir(parents=True, exist_ok=True)
    held = {
        "identity": dict(identity), "rows": [dict(row) for row in rows],
        "memory": training.memory, "optimizer": optimizer.state_dict(), "seconds": seconds,
    }  # fmt: skip
    try:
        write_whole(kept / CHECKPOINT, lambda file: torch.save(held, file))
    except (OSError, RuntimeError) as error:  # torch's own writer has its own word for a full disk
        raise OversightError(
            f"cannot write {kept / CHECKPOINT}: {getattr(error, 'strerror', None) or error}; the "
            "one before is whole; make room and run the same command again"
        ) from error
    write_text(kept / METRICS, "".join(json.dumps(row) + "\n" for row in rows))


def _resumed(
    training: Training, optimizer: torch.optim.Optimizer, identity: Mapping[str, Any],
    kept: Path | None,
) -> tuple[list[Metrics], float]:  # fmt: skip
    """Take a checkpoint up, if there is one; what was measured until then, and in what time."""
    path = None if kept is None else kept / CHECKPOINT
    if path is None or not path.exists():
        return [], 0.0
    try:
        held: dict[str, Any] = torch.load(path, weights_only=False)  # our own: it holds data too
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise OversightError(
            f"{path} cannot be read ({error}); delete it to begin again, or name another directory"
        ) from error
    other = held["identity"]
    differ = sorted(name for name in {*other, *identity} if other.get(name) != identity.get(name))
    if differ:
        told = "; ".join(f"{n}: {other.get(n)!r} there, {identity.get(n)!r} now" for n in differ)
        raise OversightError(f"{path} is of another training ({told}); name another directory")
    training.memory = held["memory"]
    before = optimizer.state_dict()["param_groups"]
    optimizer.param_groups.clear()
    optimizer.add_param_group({"params": list(training.learner.parameters()), **_options(before)})
    optimizer.load_state_dict(held["optimizer"])
    return list(held["rows"]), held["seconds"]


def _options(groups: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in groups[0].items() if name != "params"}
