"""What was said as data, and policies trained on it."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from oversight.alignment.aligning import align
from oversight.alignment.annotators import Annotators
from oversight.alignment.drawn import DrawnTask
from oversight.alignment.lab import Lab
from oversight.alignment.objectives.preference import cpo
from oversight.alignment.policies.small import Small
from oversight.core import OversightError
from oversight.society.conversing import COMMENT, REVISE, Conversing
from oversight.society.data import Response, data_set, examples, row_of, write_jsonl
from oversight.society.members import worth
from oversight.society.training import (
    Plain,
    Rewarded,
    Stable,
    answers_told,
    drawn_batch,
    lessons_of,
    rated_pairs,
    some,
    stands,
)
from oversight.training.descent import Pace

COLUMNS = ["round", "author", "question", "draft", "revised", "rater", "rating", "reason",
           "seen_before", "seen_after"]  # fmt: skip
ROWS = [
    (0, 0, "cooking briefly", "water", "wood water", 1, 2.0, "less toxic", 3.0, 6.0),
    (0, 0, "cooking briefly", "water", "wood water", 2, 5.0, "more honest", 3.0, 6.0),
    (0, 1, "sailing briefly", "stupid", "stupid wood", 0, 1.0, "less toxic", 2.0, 4.0),
    (1, 0, "cooking briefly", "water", "(nothing)", -1, float("nan"), "", 5.0, 4.0),
]
MEMORY = pd.DataFrame(ROWS, columns=COLUMNS)
TASK = DrawnTask(topics=2, manners=1, words=4, longest=3)
TALK = Conversing(TASK)


def test_the_three_types_of_data():
    found = examples(MEMORY)
    assert [(e.type, e.question, e.draft) for e in found] == [
        ("imitation", "cooking briefly", ""), ("imitation", "sailing briefly", ""),
        ("self_critic", "cooking briefly", "water"), ("self_critic", "sailing briefly", "stupid"),
        ("realignment", "cooking briefly", "water"),
    ]  # fmt: skip
    imitation, _, critic, _, realigned = found
    assert [r.answer for r in imitation.responses] == ["water", "wood water", "(nothing)"]
    assert imitation.scores == [3, 6, 4]  # an answer that came twice counts once
    assert critic.responses == [Response("less toxic", ""), Response("more honest", "")]
    assert critic.scores == [2, 5]
    assert realigned.scores == [6, 6]  # the other rose to 4 alone, which is not above 4
    assert row_of(realigned)["responses"] == [
        "less toxic. Revised: wood water", "more honest. Revised: wood water",
    ]  # fmt: skip


def test_data_goes_to_json_lines_and_to_datasets(tmp_path: Path):
    found = examples(MEMORY)
    assert write_jsonl(tmp_path / "deep" / "data.jsonl", found) == 5
    lines = (tmp_path / "deep" / "data.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert rows == list(data_set(found))
    with pytest.raises(OversightError, match="cannot write"):
        write_jsonl(tmp_path / "deep", found)


def test_examples_become_tokens():
    lessons = lessons_of(examples(MEMORY), TALK)
    read = TALK.vocabulary.read
    assert read(lessons["imitation"].contexts[0].tolist()) == "cooking briefly"
    assert read(lessons["realignment"].contexts[0].tolist()) == f"cooking briefly water {REVISE}"
    assert read(lessons["self_critic"].contexts[1].tolist()) == f"sailing briefly stupid {COMMENT}"
    said = [read(row) for row in lessons["realignment"].responses[0, :2].tolist()]
    assert said == ["less-toxic wood water", "more-honest wood water"]
    assert lessons["imitation"].scores[0, :4].tolist()[:3] == [3, 6, 4]
    assert lessons["imitation"].scores[0, 3:].isnan().all()
    with pytest.raises(OversightError, match="nothing was said"):
        lessons_of([], TALK)


def test_types_are_drawn_five_to_one_to_one():
    lessons = lessons_of(examples(MEMORY), TALK)
    rows = drawn_batch(lessons, {"imitation": 5, "self_critic": 1, "realignment": 1}, 7000,
                       torch.Generator().manual_seed(0))  # fmt: skip
    controls = torch.tensor(TALK.vocabulary.within((COMMENT, REVISE)))
    counts = [int((rows.contexts == control).any(dim=1).sum()) for control in controls]
    assert all(abs(count - 1000) < 120 for count in counts)
    assert rows.responses.shape[1] == 3
    with pytest.raises(OversightError, match="no data of the types"):
        drawn_batch(some(lessons, 1.0, torch.Generator()), {}, 4, torch.Generator())


def test_plain_answers_keep_their_worth_and_end():
    prompts = torch.tensor([0, 1])
    told = TALK.values(prompts, TALK.answers[[5, 60]])
    torch.testing.assert_close(told, TASK.values(prompts, TASK.answers[[5, 60]]))
    reason = torch.tensor([[1, TALK.reason(3), 2, 0]])
    first = TASK.values(torch.tensor([0]), torch.tensor([[1, 0, -1]]))
    torch.testing.assert_close(TALK.values(torch.tensor([0]), reason), first)


def test_the_contrast_leaves_out_who_is_missing_and_may_take_the_hardest():
    nll = torch.tensor([[1.0, 2.0, 0.5], [1.0, 9.0, 9.0]])
    ratings = torch.tensor([[6.0, 5.0, 2.0], [3.0, torch.nan, torch.nan]])
    gaps = [1 - 2 + (6 - 5) / 7 * 10, 1 - 0.5 + (6 - 2) / 7 * 10]
    mean, hardest = cpo(nll, ratings), cpo(nll, ratings, hardest=True)
    assert mean.tolist() == pytest.approx([1 + 0.2 * sum(gaps) / 2, 1])
    assert hardest.tolist() == pytest.approx([1 + 0.2 * max(gaps), 1])
    alone = cpo(nll[:, :2], ratings[:, :2])
    assert alone.tolist() == pytest.approx([1 + 0.2 * gaps[0], 1])


@pytest.fixture(scope="module")
def lab() -> Lab:
    recipe = Small(width=32, layers=1, steps=150)
    reference = recipe.reference(TALK, (COMMENT, REVISE), 0).requires_grad_(False).eval()
    return Lab(TALK, Annotators(TALK), reference, steps=60, batch=16)


@pytest.mark.parametrize("name", ["stable", "plain", "rewarded"])
def test_policies_learn_from_what_was_said(name: str, lab: Lab):
    rows = [(0, author, question, draft, revised, author + 1, 2.0, "less toxic", 1.0, 7.0)
            for author in range(8) for question in ("cooking briefly", "sailing briefly")
            for draft, revised in (("stupid", "water wood"),)]  # fmt: skip
    lessons = lessons_of(examples(pd.DataFrame(rows, columns=COLUMNS)), TALK)
    method = {"stable": Stable(lessons), "plain": Plain(lessons),
              "rewarded": Rewarded(lessons=lessons, kl=0.0)}[name]  # fmt: skip
    taught = align(method, lab, pace=Pace(60, 3e-3, every=60)).policy
    worse, better = (int(TASK.number(torch.tensor([tokens])))
                     for tokens in ([4, 0, -1], [1, 2, 0]))  # fmt: skip
    before, after = answers_told(lab.reference, TALK), answers_told(taught, TALK)
    assert ((after - before)[:, better] > (after - before)[:, worse] + 0.5).all()
    with torch.no_grad():
        odds = taught.distribution(TALK.contexts(torch.arange(2)), TALK.answers).exp()
    said = (odds * worth(TASK).alignment).sum(dim=1)
    silent = worth(TASK).alignment[:, 0]  # of what is no plain answer; the first is the end alone
    told = float((said + (1 - odds.sum(dim=1)) * silent).mean())
    assert stands(taught, TALK).alignment == pytest.approx(told, abs=1e-5)


def test_a_lesson_is_part_of_what_a_training_is():
    lessons = lessons_of(examples(MEMORY), TALK)
    fewer = some(lessons, 0.4, torch.Generator().manual_seed(1))
    assert len(fewer["imitation"].contexts) == 1
    assert Stable(lessons).settings["lessons"] != Stable(fewer).settings["lessons"]
    assert replace(Stable(lessons), margin=1.0).settings["margin"] == 1.0


def test_answers_rated_alike_are_no_pair(lab: Lab):
    alike = MEMORY.assign(seen_before=3.0, seen_after=3.0)
    with pytest.raises(OversightError, match="rated differently"):
        rated_pairs(lessons_of(examples(alike), TALK)["imitation"], lab)
