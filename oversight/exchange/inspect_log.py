"""A run as a log of Inspect's, so that `inspect view` opens it: a sample a game.

The question is the sample's input, what the judge heard are its messages, its verdict the last of
them; accuracy, log score and Brier score are its scores. Needs inspect-ai.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalSample,
    EvalScore,
    EvalSpec,
    EvalStats,
    write_eval_log,
)
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser, ModelOutput
from inspect_ai.scorer import Score

from oversight.agents.words import labels, quoted
from oversight.exchange.games import Game
from oversight.metrics.intervals import mean_interval
from oversight.recorded import Recorded
from oversight.store import parts_of

SCORES = ("correct", "log_score", "brier")


def write_log(path: Path, run: Recorded, games: Iterable[Game]) -> int:
    """Write games as a log at `path` (`.eval` or `.json`); returns how many there are."""
    held = run.store.manifest["configuration"]
    judge = next(game for game, role in run.protocol.seats.items() if "decide" in role.acts)
    samples = [_sample(game, run.cast.get(judge, "judge")) for game in games]
    spec = EvalSpec(
        created=run.store.manifest["created"],
        task=f"{held['protocol']} on {held['world']}",
        dataset=EvalDataset(name=held["world"], samples=len(samples)),
        model=run.cast.get(judge, "judge"),
        config=EvalConfig(),
        task_args={**held["parameters"], "seed": held["seed"]},
        metadata={"cast": dict(run.cast), "settings": held["settings"]},
    )
    results = EvalResults(
        total_samples=len(samples),
        completed_samples=len(samples),
        scores=[_score(name, samples) for name in SCORES],
    )
    stats = EvalStats(started_at=spec.created, completed_at=_finished(run.store.path))
    log = EvalLog(eval=spec, status="success", results=results, samples=samples, stats=stats)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_eval_log(log, str(path))
    return len(samples)


def _finished(run: Path) -> str:
    """When the last shard of a run was written."""
    last = max(part.stat().st_mtime for part in parts_of(run))
    return datetime.datetime.fromtimestamp(last, datetime.UTC).isoformat(timespec="seconds")


def _sample(game: Game, judge: str) -> EvalSample:
    question, truth = game.episode.case.question, game.record.truth
    names = labels(len(question.answers))
    believed = ", ".join(f"{n}={p:.3f}" for n, p in zip(names, game.verdict, strict=True))
    messages: list[ChatMessage] = [
        ChatMessageUser(content=f"{m.seat}, {m.act}:\n{quoted(m.text)}") for m in game.heard
    ]
    verdict = ChatMessageAssistant(content=believed, model=judge, source="generate")
    first = max(range(len(names)), key=game.verdict.__getitem__)
    values = _values(game)
    return EvalSample(
        id=game.record.episode,
        epoch=1,
        input=question.prompt,
        choices=list(question.answers),
        target=names[truth],
        messages=[ChatMessageUser(content=question.prompt), *messages, verdict],
        output=ModelOutput.from_content(model=judge, content=believed),
        scores={name: Score(value=values[name], answer=names[first]) for name in SCORES},
        metadata={
            "case": game.record.case, "rewards": dict(game.record.rewards),
            "metrics": dict(game.record.metrics), "sides": dict(game.record.sides),
        },
    )  # fmt: skip


def _values(game: Game) -> dict[str, float]:
    truth, verdict = game.record.truth, game.verdict
    brier = sum((p - (a == truth)) ** 2 for a, p in enumerate(verdict))
    return {
        "correct": float(game.record.correct or 0.0),
        "log_score": math.log(max(verdict[truth], 1e-12)),
        "brier": brier,
    }


def _score(name: str, samples: list[EvalSample]) -> EvalScore:
    values = [_number((sample.scores or {})[name].value) for sample in samples]
    found = mean_interval(values, [str(sample.metadata["case"]) for sample in samples])
    shown: dict[str, Any] = {"mean": found.value, "low": found.low, "high": found.high}
    metrics = {key: EvalMetric(name=key, value=value) for key, value in shown.items()}
    return EvalScore(name=name, scorer=name, metrics=metrics)


def _number(value: Any) -> float:
    return float(value)
