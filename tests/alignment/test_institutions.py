"""Feedback from protocols and judges: verdicts as signals, played once, the same in any batch."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from oversight.alignment.aligning import align
from oversight.alignment.annotators import Annotators
from oversight.alignment.feedback import overseer_of, task_of
from oversight.alignment.institutions import ANCHORS, Answering, Comparing
from oversight.alignment.lab import Lab
from oversight.alignment.methods.pairwise import DPO
from oversight.alignment.policies.exact import ExactPolicy
from oversight.alignment.questions import QuestionsTask
from oversight.casting import cast_for
from oversight.core import Case, OversightError
from oversight.episode import Episode
from oversight.registry import build, load
from oversight.training.descent import Pace
from tests.contract.plugin import Colours

WORLD = build("worlds", "preferences:topics=2,manners=1")
TASK = task_of(WORLD)


def luck(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(rows: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    prompts = torch.randint(2, (rows,), generator=luck(seed))
    return (
        prompts,
        TASK.demonstrate(prompts, luck(seed + 1)),
        TASK.demonstrate(prompts, luck(seed + 2)),
    )


def counted(judged: Comparing, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many games each call plays."""
    played: list[int] = []
    plain = judged.house.verdicts

    def verdicts(cases: Sequence[Case]) -> list[tuple[float, ...]]:
        played.append(len(cases))
        return plain(cases)

    monkeypatch.setattr(judged.house, "verdicts", verdicts)
    return played


@pytest.mark.parametrize("spec", ["debate:rounds=2", "judge", "consultancy:rounds=1"])
def test_a_preference_is_the_verdict_of_a_game_on_the_pair(spec: str):
    judged = overseer_of(TASK, WORLD, spec)
    prompts, first, second = drawn(12)
    found = judged.credence(prompts, first, second, luck())
    name, _, rest = spec.partition(":")
    protocol = load("protocols", "naive" if name == "judge" else name)
    protocol = protocol.bind(**dict([rest.split("=")])) if rest else protocol
    cast = cast_for(protocol, WORLD).cast
    for row in range(12):
        case = WORLD.case_of(int(prompts[row]), first[row].tolist(), second[row].tolist())
        episode = Episode(protocol, WORLD, 0, 0, case)
        while episode.pending:
            episode.send([cast[turn.seat].act([turn])[0] for turn in episode.pending])
        assert episode.outcome is not None
        assert float(found[row]) == pytest.approx(episode.outcome.credences[0])


def test_verdicts_hang_on_no_batch_and_games_are_played_once(monkeypatch: pytest.MonkeyPatch):
    prompts, first, second = drawn(40)
    whole = overseer_of(TASK, WORLD, "judge").credence(prompts, first, second, luck())
    judged = overseer_of(TASK, WORLD, "judge")
    assert isinstance(judged, Comparing)
    played = counted(judged, monkeypatch)
    pieces = [judged.credence(p, f, s, luck(9)) for p, f, s in
              zip(prompts.split(7), first.split(7), second.split(7), strict=True)]  # fmt: skip
    assert torch.equal(torch.cat(pieces), whole)
    rows = zip(prompts.tolist(), first.tolist(), second.tolist(), strict=True)
    different = len({str(row) for row in rows})
    assert sum(played) == different < 40
    judged.credence(prompts, first, second, luck())
    assert sum(played) == different


def test_lists_are_scored_by_how_each_fares_against_the_others(monkeypatch: pytest.MonkeyPatch):
    judged = overseer_of(TASK, WORLD, "debate:rounds=1")
    assert isinstance(judged, Comparing)
    prompts, first, second = drawn(5)
    third = TASK.demonstrate(prompts, luck(7))
    played = counted(judged, monkeypatch)
    found = judged.rank(prompts, torch.stack([first, second, third], dim=1), luck())
    assert sum(played) <= 5 * 3
    one, two, three = (judged.credence(prompts, a, b, luck())
                       for a, b in ((first, second), (first, third), (second, third)))  # fmt: skip
    wanted = torch.stack([one + two, 1 - one + three, 2 - two - three], dim=1) / 2
    assert torch.allclose(found, wanted, atol=1e-6)


def test_an_answer_by_itself_is_worth_its_share_against_the_anchors(
    monkeypatch: pytest.MonkeyPatch,
):
    judged = overseer_of(TASK, WORLD, "debate:rounds=2")
    assert isinstance(judged, Comparing)
    prompts = torch.zeros(len(TASK.answers), dtype=torch.long)
    played = counted(judged, monkeypatch)
    found = judged.esteem(prompts, TASK.answers)
    assert sum(played) <= len(TASK.answers) * ANCHORS
    assert torch.equal(judged.score(prompts[:30], TASK.answers[:30], luck()), found[:30])
    gold = TASK.gold_table[0]
    assert ((found >= 0) & (found <= 1)).all()
    assert torch.corrcoef(torch.stack([found, gold]))[0, 1] > 0.8


def test_a_debate_sees_what_the_judge_alone_does_not():
    """Of pairs that differ in what is hidden and hardly in the rest."""
    prompts, first, second = drawn(3000)
    one, two = TASK.values(prompts, first), TASK.values(prompts, second)
    apart = (one - two)[:, TASK.visible] @ TASK.weights[TASK.visible]
    kept = (apart.abs() < 0.2) & ((one - two)[:, ~TASK.visible][:, 0].abs() > 0.5)
    prompts, first, second = (column[kept][:100] for column in (prompts, first, second))
    better = TASK.gold(prompts, first) > TASK.gold(prompts, second)
    assert len(better) > 60
    right = {}
    for spec in ("judge", "debate"):
        credence = overseer_of(TASK, WORLD, spec).credence(prompts, first, second, luck())
        right[spec] = float(torch.where(better, credence, 1 - credence).mean())
    assert right["debate"] > right["judge"] + 0.15


QUESTIONS = QuestionsTask(Colours(), 16)


def test_a_question_is_a_prompt_and_its_candidates_are_letters():
    assert QUESTIONS.vocabulary.answer == (".", "A", "B")
    assert QUESTIONS.vocabulary.read(QUESTIONS.prompts[2]) == (
        "3. Which colour does the passage name more often?\nA) red\nB) blue"
    )
    assert QUESTIONS.answers.tolist() == [[0], [1], [2]]
    truths = torch.tensor([Colours().case(i, 0).truth.unseal() for i in range(16)])
    assert torch.equal(QUESTIONS.gold_table.argmax(dim=1), 1 + truths)
    assert QUESTIONS.gold_table.sum(dim=1).tolist() == [1] * 16
    odds = QUESTIONS.reference().exp()
    e = torch.e
    assert odds[torch.arange(16), 1 + truths].tolist() == pytest.approx([e / (e + 2)] * 16)
    prompts = torch.arange(16).repeat(300)
    shares = [float(QUESTIONS.gold(prompts, QUESTIONS.demonstrate(prompts, luck(), q)).mean())
              for q in (0.0, None, 4.0)]  # fmt: skip
    assert shares == pytest.approx([1 / 3, e / (e + 2), e**4 / (e**4 + 2)], abs=0.03)


def test_an_answer_to_a_question_is_worth_what_the_verdict_gives_its_candidate():
    judged = overseer_of(QUESTIONS, QUESTIONS.place, "debate:rounds=2")
    assert isinstance(judged, Answering)
    protocol = load("protocols", "debate").bind(rounds=2)
    cast = cast_for(protocol, QUESTIONS.place).cast
    prompts = torch.arange(16)
    found = torch.stack([judged.score(prompts, torch.full((16, 1), t), luck()) for t in range(3)])
    for row, case in enumerate(QUESTIONS.cases):
        episode = Episode(protocol, QUESTIONS.place, 0, 0, case)
        while episode.pending:
            episode.send([cast[turn.seat].act([turn])[0] for turn in episode.pending])
        assert episode.outcome is not None
        assert found[1:, row].tolist() == pytest.approx(episode.outcome.credences)
    assert torch.equal(found[0], torch.zeros(16))  # the end names nobody
    assert torch.allclose(found[1] + found[2], torch.ones(16))
    lists = torch.tensor([[[1], [2], [0]]]).expand(16, -1, -1)
    assert torch.equal(judged.rank(prompts, lists, luck()).T, found[[1, 2, 0]])
    red, blue = torch.full((16, 1), 1), torch.full((16, 1), 2)
    assert torch.allclose(judged.credence(prompts, red, blue, luck()), found[1])
    end = torch.zeros(16, 1, dtype=torch.long)
    assert torch.equal(judged.credence(prompts, end, end, luck()), torch.full((16,), 0.5))


def test_a_policy_is_aligned_by_debates_on_questions():
    overseer = overseer_of(QUESTIONS, QUESTIONS.place, "debate:rounds=3")
    reference = ExactPolicy(
        QUESTIONS.vocabulary, 1, QUESTIONS.prompts, QUESTIONS.reference()
    ).frozen()
    lab = Lab(QUESTIONS, overseer, reference, 150, 64, 2048, 0)
    first, *_, last = align(DPO(), lab, pace=Pace(150, rate=0.05, every=75)).descent.rows
    assert last["proxy"] > first["proxy"] + 0.1
    assert last["gold"] > first["gold"] + 0.05


@pytest.mark.parametrize(
    ("spec", "kind"),
    [("annotators:flattery=2,people=3", Annotators), ("judge:dials:skill=0.5", Comparing)],
)
def test_feedback_is_named_by_a_spec(spec: str, kind: type):
    judged = overseer_of(TASK, WORLD, spec)
    assert isinstance(judged, kind)
    told = {
        "annotators:people=3,flattery=2",
        "naive, decided by dials(weighing(temperature=0.5), skill=0.5)",
    }
    assert judged.name in told


def test_feedback_that_is_not_to_be_had_is_refused():
    with pytest.raises(OversightError, match="unknown protocol 'debat'"):
        overseer_of(TASK, WORLD, "debat")
    with pytest.raises(OversightError, match="annotators has no option 'mood'"):
        overseer_of(TASK, WORLD, "annotators:mood=3")
    with pytest.raises(OversightError, match="gives no critique signal"):
        overseer_of(TASK, WORLD, "judge").critique(*drawn(2)[:2], 1, luck())
    with pytest.raises(OversightError, match="cannot be played on preferences"):
        overseer_of(TASK, WORLD, "doubly_efficient")
