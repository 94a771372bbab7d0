"""Principles: rules by hand, a policy schooled to criticise and revise, and both pipelines."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from oversight.alignment.annotators import Annotators
from oversight.alignment.drawn import DrawnTask
from oversight.alignment.lab import Lab
from oversight.alignment.policies.small import SmallPolicy
from oversight.alignment.signals import Demonstrations
from oversight.alignment.vocabulary import END, PAD, cut
from oversight.core import OversightError
from oversight.principles import able, constitutional, schooling, self_align
from oversight.principles.able import Able, standing
from oversight.principles.constitution import PRINCIPLES, constitution_of
from oversight.principles.schooling import Schooling, able_policy
from tests.alignment.bench import Handful

WATER, WOOD, FLATTER, OFFEND = 1, 2, 3, 4
"""The words of the usual world, by their ids."""
BY_WORDS = [name for name in PRINCIPLES if name not in ("informative", "helpful")]
"""Principles that look at words alone, and not at help, which is drawn."""
SCHOOLED = Schooling(steps=160, batch=32, rate=5e-3, width=32, layers=1, tries=4)


def said(*words: int) -> Tensor:
    """One answer, of at most four words."""
    return torch.tensor([[*words, END, PAD, PAD, PAD][:4]])


def little(spec: str = "") -> Able:
    base = DrawnTask(topics=2, manners=2, longest=3)
    return Able(base, constitution_of(spec, base))


@pytest.fixture(scope="module")
def lab() -> Lab:
    """A policy that was schooled for a moment by three principles, in a world of four prompts."""
    task = little("ethical+sincere+brief")
    return Lab(task, Annotators(task), able_policy(task, "small", SCHOOLED), 6, 32, 128)


@pytest.mark.parametrize(
    ("words", "broken"),
    [
        ((), {"responsive", "substantial", "complete"}),
        ((WATER,), {"complete"}),
        ((WATER, WOOD), set[str]()),
        ((WATER, WATER), {"fluent"}),
        ((WATER, WOOD, WATER, WATER), {"fluent", "economical", "brief"}),
        ((WATER, WATER, WATER), {"fluent", "economical", "varied"}),
        ((WATER, FLATTER), {"sincere", "conclusive", "proportionate"}),
        ((OFFEND, WATER, WOOD), {"ethical", "direct"}),
        ((FLATTER, OFFEND), {"ethical", "sincere", "substantial", "direct", "conclusive",
                             "proportionate", "humble", "temperate"}),
    ],
)  # fmt: skip
def test_what_an_answer_breaks_is_what_its_words_say(words: tuple[int, ...], broken: set[str]):
    task = DrawnTask()
    found = constitution_of("+".join(BY_WORDS), task).broken(task, torch.tensor([0]), said(*words))
    assert {BY_WORDS[place] for place in found[0].nonzero()[:, 0].tolist()} == broken


def test_there_are_sixteen_and_no_two_are_broken_by_the_same_answers() -> None:
    task = DrawnTask()
    size, every = len(task.prompts), len(task.answers)
    prompts = torch.arange(size).repeat_interleave(every)
    found = constitution_of("", task).broken(task, prompts, task.answers.repeat(size, 1))
    assert found.shape == (size * every, 16)
    assert len(found.T.unique(dim=0)) == 16
    assert bool(found.any(dim=0).all())
    assert not bool(found.all(dim=0).any())


def test_no_principle_sees_what_is_hidden() -> None:
    task, other = (DrawnTask(topics=2, manners=2) for _ in range(2))
    honest = other.drawn.honesty.flip(0)
    vars(other).update(drawn=other.drawn._replace(honesty=honest), _scaled=task.weights)
    prompts = torch.arange(len(task.answers)) % 4
    hidden = [one.values(prompts, task.answers)[:, 1] for one in (task, other)]
    assert not torch.equal(*hidden)
    rules = constitution_of("+".join(BY_WORDS), task)  # usual help is that of people who know
    assert torch.equal(
        rules.broken(task, prompts, task.answers), rules.broken(other, prompts, task.answers)
    )


def test_an_answer_is_judged_by_itself_in_any_batch() -> None:
    task = DrawnTask()
    rules, prompts = constitution_of("", task), torch.arange(len(task.answers)) % 3
    together = rules.broken(task, prompts, task.answers)
    alone = [rules.broken(task, prompts[i : i + 1], task.answers[i : i + 1])
             for i in range(0, len(task.answers), 37)]  # fmt: skip
    assert torch.equal(together[::37], torch.cat(alone))
    assert torch.equal(rules.violations(task, prompts, task.answers), together.sum(dim=1).float())


def test_principles_are_refused_by_name_and_by_task() -> None:
    with pytest.raises(OversightError, match="unknown principle 'ethicle'"):
        constitution_of("ethicle", DrawnTask())
    with pytest.raises(OversightError, match="not of handful"):
        constitution_of("", Handful())


def test_an_answer_is_plain_up_to_the_first_word_that_is_not() -> None:
    answers = torch.tensor([[1, 5, 2, 0], [1, 2, 0, PAD], [6, 1, 5, 1], [1, 2, 3, 4]])
    plain = torch.tensor([[1, 0, PAD, PAD], [1, 2, 0, PAD], [0, PAD, PAD, PAD], [1, 2, 3, 4]])
    assert torch.equal(cut(answers, 5), plain)


def test_contexts_say_what_is_asked() -> None:
    task = little()
    prompts, draft = torch.tensor([1]), torch.tensor([[1, 2, END]])
    read = task.vocabulary.read
    topic_and_manner = read(task.prompts[1])
    criticised = task.about(prompts, draft, torch.tensor([6]), able.CRITIQUE)
    assert read(criticised[0].tolist()) == f"{topic_and_manner} water wood fluent critique"
    named = torch.zeros(1, 16, dtype=torch.bool)
    named[0, [0, 2]] = True
    shown = torch.tensor([[0]]), draft[:, None]
    guided = read(task.guided(prompts, named, shown)[0].tolist())
    assert guided == f"{read(task.prompts[0])} water wood ethical responsive {topic_and_manner}"
    assert read(task.asking(torch.tensor([1]))[0].tolist()) == "sailing ask"


def test_lessons_of_revision_keep_the_principle_more_often_than_their_drafts() -> None:
    task, draw = little(), torch.Generator().manual_seed(0)
    how = replace(SCHOOLED, batch=400, tries=8)
    lesson = schooling.lesson_revise(task, how, draw)
    prompts, drafts, principles = schooling.drafted(task, 400, torch.Generator().manual_seed(0))
    before, after = (
        task.broken(prompts, one).gather(1, principles[:, None])[:, 0]
        for one in (drafts, lesson.answers)
    )
    assert not bool((after & ~before).any())
    assert float(after.float().mean()) < 0.3 * float(before.float().mean())
    assert torch.equal(lesson.answers[~before], drafts[~before])


def test_lessons_of_length_and_of_asking_teach_what_they_say() -> None:
    task, draw = little(), torch.Generator().manual_seed(0)
    how = replace(SCHOOLED, batch=200)
    long, plain = (
        one(task, how, draw).answers for one in (schooling.lesson_long, schooling.lesson_plain)
    )
    assert int((long > END).sum()) > 1.3 * int((plain > END).sum())
    asked = schooling.lesson_ask(task, how, draw).answers[:, 0].tolist()
    assert {task.vocabulary.words[word] for word in asked} == {"briefly", "kindly"}
    prompts = torch.zeros(200, dtype=torch.long)
    guided = schooling.lesson_guided(task, how, draw)
    before = task.broken(prompts, task.demonstrate(prompts, draw))
    assert int(task.broken(prompts, guided.answers).sum()) < int(before.sum())


def test_standing_is_an_expectation_over_plain_answers(lab: Lab) -> None:
    task = lab.task
    assert isinstance(task, Able)
    found = standing(lab.reference, task, lab.reference)
    assert found.violations == pytest.approx(sum(found.by_principle))
    assert found.kl == pytest.approx(0, abs=1e-9)
    draw = torch.Generator().manual_seed(2)
    prompts = torch.arange(4).repeat(500)
    answers = task.plain(lab.reference.sample(task.contexts(prompts), draw))
    sampled = task.broken(prompts, answers).float().sum(dim=1)
    error = float(sampled.std()) / 2000**0.5
    assert found.violations == pytest.approx(float(sampled.mean()), abs=4 * error)


def test_a_schooled_policy_finds_faults_better_than_chance_and_mends_some(lab: Lab) -> None:
    task = lab.task
    assert isinstance(task, Able)
    draw = torch.Generator().manual_seed(1)
    prompts, drafts, principles = schooling.drafted(task, 400, draw)
    broken = task.broken(prompts, drafts).gather(1, principles[:, None])[:, 0]
    odds = constitutional.fault_odds(lab.reference, task, prompts, drafts, principles)
    assert float(odds[broken].mean()) > float(odds[~broken].mean()) + 0.5
    revised = constitutional.revisions(lab, constitutional.Recipe(labels=400))
    assert len(revised.trail) == 5
    counts = [float(task.broken(revised.prompts, one).float().sum()) for one in revised.trail]
    assert counts[-1] < counts[0]


def test_revisions_go_on_from_the_same_drafts_however_many_follow(lab: Lab) -> None:
    few, more = (
        constitutional.revisions(lab, constitutional.Recipe(labels=64, revisions=n)) for n in (1, 2)
    )
    assert all(torch.equal(*pair) for pair in zip(few.trail, more.trail, strict=False))
    assert not torch.equal(more.trail[0], more.trail[2])


def test_helpful_answers_take_the_place_of_their_share(lab: Lab) -> None:
    data = Demonstrations(torch.zeros(40, dtype=torch.long), torch.full((40, 3), 1))
    mixed = constitutional.with_helpful(lab, data, 0.25)
    assert len(mixed.prompts) == 40
    assert torch.equal(mixed.answers[:30], data.answers[:30])
    assert not torch.equal(mixed.answers[30:], data.answers[30:])
    assert constitutional.with_helpful(lab, data, 0.0) is data


def test_the_preference_model_is_never_asked_of_what_is_not_plain(lab: Lab) -> None:
    task = lab.task
    assert isinstance(task, Able)
    method = constitutional.JudgedByPrinciples(orders=1, judge=lab.reference, pairs=32)
    model = method.begin(lab).data.data
    yes = task.vocabulary.id(able.YES)
    prompts = torch.tensor([0, 0])
    answers = torch.tensor([[1, yes, 2], [1, END, PAD]])
    first, second = method.reward(lab, model, prompts, answers, 0).tolist()
    assert first == pytest.approx(second, abs=1e-6)
    raw = model(prompts, answers).tolist()
    assert raw[0] != pytest.approx(raw[1], abs=1e-3)  # it would have made something of it


def test_constitutional_ai_goes_through_its_stages_to_the_same_bits(lab: Lab) -> None:
    recipe = constitutional.Recipe(labels=32, revisions=1)
    one, again = (constitutional.constitutional(lab, recipe, rate=1e-3) for _ in range(2))
    task = lab.task
    assert isinstance(task, Able)
    stands = [standing(stages.reinforced, task, lab.reference) for stages in (one, again)]
    assert stands[0] == stands[1]
    assert standing(one.supervised, task, lab.reference).kl > 0
    assert standing(lab.reference, task, lab.reference).kl == 0


def test_self_instruct_writes_prompts_that_there_are_each_once(lab: Lab) -> None:
    recipe = self_align.Recipe(seeds=1, asked=8)
    found = self_align.instructed(lab, recipe).tolist()
    assert len(set(found)) == len(found) > 1
    assert set(found) <= set(range(len(lab.task.prompts)))


def test_dromedary_goes_through_its_stages(lab: Lab) -> None:
    stages = self_align.self_align(lab, self_align.Recipe(seeds=1, asked=4, labels=32), rate=1e-3)
    task = lab.task
    assert isinstance(task, Able)
    assert stages.guided.max() < len(task.base.vocabulary.answer)
    assert standing(stages.engraved, task, lab.reference).kl > 0
    assert standing(stages.cloned, task, stages.engraved).kl > 0


def test_a_small_policy_is_schooled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    task, how = little(), replace(SCHOOLED, steps=1, batch=2, error=0.5)
    first = able_policy(task, "small", how)
    monkeypatch.setattr(SmallPolicy, "log_probs", None)  # what a lesson would need
    again = able_policy(task, "small", how)
    assert all(map(torch.equal, first.state_dict().values(), again.state_dict().values()))


@pytest.mark.slow
def test_a_language_model_aligns_itself_by_the_same_code() -> None:
    base = DrawnTask(topics=1, manners=2, longest=2)
    task = Able(base, constitution_of("ethical+sincere", base))
    policy = able_policy(task, "tiny", Schooling(steps=16, batch=8))
    lab = Lab(task, Annotators(task), policy, 3, 8, 32)
    own = constitutional.constitutional(
        lab, constitutional.Recipe(labels=16, revisions=1), rate=1e-3
    )
    recipe = self_align.Recipe(seeds=1, asked=2, labels=16)
    engraved = self_align.self_align(lab, recipe, rate=1e-3).engraved
    for one in (own.reinforced, engraved):
        found = standing(one, task, policy)
        assert found.kl > 0
        assert 0 <= found.violations <= 2
