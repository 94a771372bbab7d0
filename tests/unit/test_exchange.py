"""Games taken elsewhere and brought in: nothing is lost on the way, and other libraries read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oversight.core import OversightError, View
from oversight.exchange import preferences as data_sets
from oversight.exchange.games import Game, games_of
from oversight.exchange.transcripts import lines, read_transcripts, transcript_of
from oversight.players import judge
from oversight.registry import build
from oversight.runs import simulate
from oversight.text.data import DataError

WORLD = "circuits:depth=3,width=4"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "debate"
    simulate("debate", WORLD, episodes=12, out=out, controls=False, rounds=2)
    return out


@pytest.fixture(scope="module")
def games(run: Path) -> list[Game]:
    return list(games_of(run).games)


# Transcripts


def test_a_transcript_goes_out_and_comes_in_again(games: list[Game], tmp_path: Path) -> None:
    file = tmp_path / "games.jsonl"
    file.write_text("".join(lines(map(transcript_of, games))))
    heard: list[tuple[str, ...]] = []

    @judge
    def listening(view: View) -> list[float]:
        heard.append(tuple(message.text for message in view.transcript))
        return [0.5, 0.5]

    simulate("reading", f"transcripts:{file}", judge=listening, episodes=12, controls=False)
    assert sorted(heard) == sorted(tuple(m.text for m in game.heard) for game in games)


def test_claims_are_known_again_as_claims(games: list[Game], tmp_path: Path) -> None:
    file = tmp_path / "games.jsonl"
    file.write_text("".join(lines(map(transcript_of, games))))
    world = build("worlds", f"transcripts:{file}")
    case = world.case(0, 0)
    claimed = [m.data for m in world.said(case) if m.act == "claim"]
    assert sorted(claimed) == [0, 1]


GOOD = {"id": "a", "question": "Q?", "answers": ["x", "y"], "correct": 0, "messages": []}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"answers": ["x"]}, "answers: List should have at least 2"),
        ({"answers": ["x", "x"]}, "answers must all be different"),
        ({"correct": 2}, "correct is 2, but answers are numbered 0 to 1"),
        ({"sides": {"debater_0": 5}}, "debater_0 is 5"),
        ({"verdict": [1.0]}, "verdict has 1 of 2"),
        ({"messages": [{"seat": "", "text": "hm"}]}, "messages.0.seat"),
        ({"transcript": []}, "transcript: Extra inputs"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    file = tmp_path / "games.jsonl"
    file.write_text(json.dumps(GOOD) + "\n\n" + json.dumps({**GOOD, "id": "b", **change}) + "\n")
    with pytest.raises(DataError) as caught:
        read_transcripts(file)
    assert "line 3" in str(caught.value)
    assert reason in str(caught.value)
    found = read_transcripts(file, keep_going=True)
    assert [each.id for each in found.transcripts] == ["a"]
    assert len(found.faults) == 1


def test_the_same_id_twice_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "games.jsonl"
    file.write_text(f"{json.dumps(GOOD)}\n{json.dumps(GOOD)}\n")
    with pytest.raises(DataError, match=r"line 2: id: 'a' is taken"):
        read_transcripts(file)


def test_transcripts_need_a_file() -> None:
    with pytest.raises(OversightError, match=r"transcripts:FILE\.jsonl"):
        build("worlds", "transcripts").case(0, 0)


# Data sets for training


def test_the_side_that_was_believed_is_chosen(games: list[Game]) -> None:
    world = build("worlds", WORLD)
    rows = list(data_sets.preferences(games, world))
    assert len(rows) == sum(len(set(game.verdict)) > 1 for game in games)
    for row, game in zip(rows, games, strict=True):
        believed = max((0, 1), key=game.verdict.__getitem__)
        answers = game.episode.case.question.answers
        assert row["chosen"].startswith(f"My answer is {answers[believed]}.")
        assert row["rejected"].startswith(f"My answer is {answers[1 - believed]}.")
        assert "Transcript" not in row["prompt"]


def test_unpaired_labels_follow_the_judge_and_not_the_truth(games: list[Game]) -> None:
    rows = list(data_sets.unpaired(games, build("worlds", WORLD)))
    assert len(rows) == 2 * len(games)
    flipped = [
        game._replace(record=game.record._replace(truth=1 - game.record.truth)) for game in games
    ]
    assert rows == list(data_sets.unpaired(flipped, build("worlds", WORLD)))
    assert {row["label"] for row in rows} == {True, False}


def test_judgements_choose_the_right_answer(games: list[Game]) -> None:
    for row, game in zip(data_sets.judgements(games, build("worlds", WORLD)), games, strict=True):
        assert row["chosen"] == f" {'AB'[game.record.truth]}"
        assert row["rejected"] != row["chosen"]


# Other people's libraries


@pytest.mark.slow
def test_inspect_reads_the_log(run: Path, tmp_path: Path) -> None:
    log_module = pytest.importorskip("inspect_ai.log")
    from oversight.exchange.inspect_log import write_log

    path = tmp_path / "logs" / "debate.eval"
    recorded, games = games_of(run)
    assert write_log(path, recorded, games) == 12
    [listed] = log_module.list_eval_logs(str(path.parent))
    log = log_module.read_eval_log(listed)
    assert log.status == "success"
    assert log.eval.task == "debate on circuits"
    assert len(log.samples) == 12
    first, game = log.samples[0], next(games_of(run).games)
    assert first.target == "AB"[game.record.truth]
    assert len(first.messages) == len(game.heard) + 2
    assert first.scores["correct"].value == game.record.correct
    mean = next(s for s in log.results.scores if s.name == "correct").metrics["mean"].value
    assert mean == pytest.approx(sum(g.record.correct or 0 for g in games_of(run).games) / 12)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of TRL's and transformers' own making
@pytest.mark.parametrize(
    ("made", "method"),
    [("preferences", "DPO"), ("judgements", "DPO"), ("preferences", "Reward"), ("unpaired", "KTO")],
)
def test_trl_trains_on_what_is_exported(
    games: list[Game], tmp_path: Path, made: str, method: str
) -> None:
    trl, datasets = pytest.importorskip("trl"), pytest.importorskip("datasets")
    transformers = pytest.importorskip("transformers")
    from oversight.models.tiny import byte_tokenizer, random_llama

    file = tmp_path / "rows.jsonl"
    rows = getattr(data_sets, made)(games, build("worlds", WORLD))
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    held = datasets.load_dataset(
        "json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache")
    )
    tokenizer = byte_tokenizer()
    shape = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=4096,
        pad_token_id=tokenizer.pad_token_id, num_labels=1,
    )  # fmt: skip
    usual = {"args": getattr(trl, f"{method}Config")(
        output_dir=str(tmp_path / "out"), max_steps=1, per_device_train_batch_size=2,
        report_to=[], use_cpu=True, bf16=False, save_strategy="no", disable_tqdm=True,
        max_length=4096,
    )}  # fmt: skip
    if method == "Reward":
        models = {"model": transformers.LlamaForSequenceClassification(shape)}
    else:
        models = {"model": random_llama(0, shape), "ref_model": random_llama(0, shape)}
    trainer = getattr(trl, f"{method}Trainer")(
        **models, **usual, train_dataset=held, processing_class=tokenizer
    )
    assert len(trainer.train_dataset) == len(held)  # nothing was dropped as unfit
    assert trainer.train().training_loss > 0
