from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from oversight import keys
from oversight.agents.searching import SearchingDebater
from oversight.casting import cast_for
from oversight.core import Message, OversightError, Question, View
from oversight.judges.skim import SkimJudge
from oversight.judges.skim_net import NAMES, SkimNet
from oversight.judges.skim_training import (
    Lessons,
    Recipe,
    Weights,
    cached_skim_net,
    lessons_of,
    logits_of,
    train_skim_net,
    training_story,
)
from oversight.metrics import mean_interval
from oversight.metrics.intervals import Interval
from oversight.registry import build, load
from oversight.reveal import Reveal
from oversight.rollout import rollout
from oversight.text.generator import (
    Dials,
    Story,
    bare,
    check_dials,
    derived,
    read_facts,
    write_story,
)
from oversight.text.passage import Passage, split_sentences
from oversight.text.quotes import publish
from oversight.text.slots import PAIRS, slots

EASY = Dials(hops=2, sentences=16, candidates=4)
QUICK = Recipe(passages=60, steps=12, batch=16)


def stories(count: int, dials: Dials = EASY, name: str = "held out") -> list[Story]:
    return [write_story(keys.root(name, index), dials) for index in range(count)]


def passage_of(story: Story) -> Passage:
    return Passage(story.text, story.sentences, story.prompt, story.answers)


# The generator


@pytest.mark.parametrize(
    "dials", [EASY, Dials(3, 12, 4), Dials(3, 30, 5), Dials(2, 4, 2), Dials(2, 96, 8)], ids=str
)
def test_the_answer_is_found_again_from_the_sentences_alone(dials: Dials):
    check_dials(dials)
    for story in stories(25, dials):
        assert derived(story) == story.answers[story.correct]
        assert len(story.sentences) == dials.sentences == len(set(story.sentences))
        assert len(set(story.answers)) == dials.candidates
        assert split_sentences(story.text) == story.sentences
        assert read_facts(story.sentences) == [fact for fact in story.facts if fact]


def test_without_a_link_of_the_chain_the_sentences_decide_nothing():
    for story in stories(20):
        at = story.chain.start
        links = []
        for relation in story.chain.relations:
            place, fact = next(
                (place, fact) for place, fact in enumerate(story.facts)
                if fact and fact.relation == relation and at in (fact.a, fact.b)
            )  # fmt: skip
            at = fact.b if at == fact.a else fact.a
            links.append(place)
        assert bare(at) == story.answers[story.correct]
        for link in links:
            left = tuple(line for place, line in enumerate(story.sentences) if place != link)
            with pytest.raises(OversightError, match="not one"):
                derived(story._replace(sentences=left))


def test_every_candidate_appears_as_often_and_first_answers_are_no_truer():
    """The facts of the chain name each candidate alike; the truth's place is uniform."""
    places = np.zeros(4)
    for story in stories(400):
        last = story.chain.relations[-1]
        held = [fact for fact in story.facts if fact and fact.relation == last]
        named = [bare(x) for fact in held for x in (fact.a, fact.b) if bare(x) in story.answers]
        assert sorted(named) == sorted(story.answers)
        places[story.correct] += 1
    assert np.all(np.abs(places - 100) < 4 * np.sqrt(400 * 0.25 * 0.75))


def test_stories_are_keyed():
    assert write_story(5, EASY) == write_story(5, EASY)
    assert write_story(5, EASY).sentences != write_story(6, EASY).sentences


@pytest.mark.parametrize(
    ("dials", "remedy"),
    [
        (Dials(hops=1), "hops must be 2 or 3"),
        (Dials(hops=4), "hops must be 2 or 3"),
        (Dials(candidates=9), "candidates must be 2 to 8"),
        (Dials(sentences=7), "has 8 to 48 sentences"),
    ],
)
def test_dials_at_which_nothing_can_be_written_are_refused(dials: Dials, remedy: str):
    with pytest.raises(OversightError, match=remedy):
        check_dials(dials)


# What a sentence looks like


def test_slots_see_subject_candidates_and_what_joins():
    prompt, answers = "Who lives in the town that hosts the Ax Fair?", ("Bo Low", "Di Fry")
    assert slots("By all accounts, Orlby hosts the Ax Fair.", prompt, answers)[:3] == (
        True, (), ("Orlby",),
    )  # fmt: skip
    assert slots("The home of Di Fry is in Orlby.", prompt, answers)[:3] == (
        False, (1,), ("Orlby",),
    )  # fmt: skip
    assert slots("There was nothing to see.", prompt, answers)[:3] == (False, (), ())


# The judge


@pytest.fixture(scope="module")
def net() -> SkimNet:
    drawn = np.random.default_rng(3)
    arrays = [
        drawn.standard_normal(shape).astype(np.float32)
        for shape in ((PAIRS, 2, 4), (2, 4), (4,), (4,))
    ]
    return SkimNet(*arrays, joins=3)


class Untrained(SkimJudge):
    """The judge with weights that are given."""

    def __init__(self, net: SkimNet, answers: int = 4) -> None:
        super().__init__(EASY, 6, answers)
        vars(self)["net"] = net


def test_rows_add_up_to_the_equations_that_training_uses(net: SkimNet):
    """Up to names that share a slot, of which these passages have none."""
    import torch

    judge = Untrained(net)
    words = np.zeros((PAIRS + 2, 8), np.float32)
    words[:PAIRS], words[PAIRS] = net.pairs.reshape(PAIRS, 8), net.base.reshape(8)
    weights = Weights(*map(torch.from_numpy, (words, net.bias, net.head)))
    for story in (story for story in stories(12) if not _share_slots(story)):
        lessons = lessons_of([story])
        wanted = logits_of(weights, lessons, joins=3).numpy()[0]
        hidden = judge.bias + judge.rows(passage_of(story)).sum(axis=0)
        # names of the passage that no slot of the lesson has: units of the bias alone
        idle = NAMES - lessons.others.shape[2]
        resting = idle * float(np.maximum(net.bias[:3], 0) @ net.head[:3])
        found = judge.head @ np.maximum(hidden, 0) + judge.head_bias - resting
        np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=2e-3)


def _share_slots(story: Story) -> bool:
    from zlib import crc32

    named = {n for line in story.sentences for n in slots(line, story.prompt, story.answers).others}
    return len({crc32(name.encode()) % NAMES for name in named}) < len(named)


def view(story: Story, *messages: Message) -> View:
    return View(Question(story.prompt, story.answers), messages, None, None, ())


def test_the_order_and_the_form_in_which_sentences_are_shown_change_nothing(net: SkimNet):
    judge, [story] = Untrained(net), stories(1)
    lines = story.sentences[:5]
    revealed = [Message("a", "argue", line, Reveal(i, 1.0)) for i, line in enumerate(lines)]
    quoted = []
    for line in reversed(lines):
        said = publish(f"Look: <quote>{line.upper()}</quote>", story.text)
        quoted.append(Message("b", "argue", said.text, said.quotes))
    turns = [_turn(view(story, *shown)) for shown in (revealed, revealed[::-1], quoted)]
    first, *others = judge.act(turns)
    assert others == [first, first]
    assert judge.act(turns[2:]) == [first]


def test_what_is_said_around_quotes_and_false_quotes_are_not_read(net: SkimNet):
    judge, [story, other] = Untrained(net), stories(2)
    said = publish(
        f"<v_quote>{story.sentences[0]}</v_quote> <quote>{other.sentences[0]}</quote> "
        f"{story.sentences[1]}",
        story.text,
    )
    liar = Message("a", "argue", said.text, said.quotes)
    assert judge.act([_turn(view(story, liar))]) == judge.act([_turn(view(story))])


def _turn(seen: View):
    from oversight.core import Turn
    from oversight.spaces import Credences

    return Turn("judge", "decide", "", seen, Credences(len(seen.question.answers)), 0, 0)


def test_questions_with_fewer_answers_than_the_judge_knows_are_judged(net: SkimNet):
    [story] = stories(1, Dials(2, 8, 2))
    [credences] = Untrained(net, answers=5).act([_turn(view(story))])
    assert isinstance(credences, tuple)
    assert len(credences) == 2
    assert Untrained(net, answers=5).belief([passage_of(story)])[0, 2:].tolist() == [0, 0, 0]


def test_training_is_the_same_to_the_last_bit_and_is_cached(tmp_path: Path):
    told: list[tuple[int, int]] = []

    def progress(done: int, steps: int) -> None:
        told.append((done, steps))

    def trained() -> SkimNet:
        return cached_skim_net(EASY, 4, 0, recipe=QUICK, cache_dir=tmp_path, progress=progress)

    first = trained()
    assert told[-1] == (12, 12)
    told.clear()
    again = trained()
    assert told == []
    lessons = [training_story(0, index, EASY) for index in range(QUICK.passages)]
    anew = train_skim_net(lessons, 4, 0, QUICK)
    for name, array in first.arrays.items():
        assert again.arrays[name].tobytes() == array.tobytes() == anew.arrays[name].tobytes()
    cached_skim_net(EASY, 5, 0, recipe=QUICK, cache_dir=tmp_path)
    assert len(list(tmp_path.glob("skim-net-*.npz"))) == 2
    with pytest.raises(ValueError, match="take k >= 1"):
        train_skim_net(lessons, 0, 0, QUICK)


def test_the_judge_of_other_worlds_cannot_skim():
    from oversight.registry import Setting

    with pytest.raises(OversightError, match="use it on passages or sentences"):
        build("judges", "skim", Setting(build("worlds", "digits"), "judge"))
    world = build("worlds", "sentences:reads=4")
    assert build("judges", "skim:k=2,seed=1", Setting(world, "judge")).label.startswith("skim:k=2")


# What it comes to: trained in full (once; the cache remembers)


@cache
def held_out() -> Lessons:
    return lessons_of(stories(1000))


def accuracy(net: SkimNet, k: int, seed: int = 0) -> Interval:
    """How often the judge is right on k random sentences of passages that it never saw."""
    import torch

    words = np.zeros((PAIRS + 2, 2 * len(net.bias)), np.float32)
    words[:PAIRS], words[PAIRS] = net.pairs.reshape(PAIRS, -1), net.base.ravel()
    weights = Weights(*map(torch.from_numpy, (words, net.bias, net.head)))
    lessons, drawn = held_out(), np.random.default_rng(seed)
    order = drawn.random(lessons.subject.shape).argsort(axis=1)[:, :k]
    shown = lessons.only(np.arange(len(order)), order)
    right = logits_of(weights, shown, net.joins).argmax(dim=1).numpy() == lessons.correct
    return mean_interval(right.astype(float))


@pytest.mark.slow
def test_a_reader_of_single_sentences_stays_at_chance_and_all_together_decide():
    single = cached_skim_net(EASY, 1, 0, recipe=Recipe(steps=300))
    alone = accuracy(single, 1)
    assert alone.low <= 0.25 <= alone.high
    several = cached_skim_net(EASY, 6, 0)
    assert accuracy(several, 16).low > 0.95
    assert accuracy(several, 6).low > 0.28
    assert accuracy(several, 1).low <= 0.25


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["sentences:rollouts=25", "passages:rollouts=25"])
def test_debate_helps_the_judge_that_reads_little(spec: str):
    world = build("worlds", spec)

    def played(protocol: str, **parameters: int) -> Interval:
        bound = load("protocols", protocol).bind(**parameters)
        records = list(rollout(bound, world, cast_for(bound, world).cast, 100))
        assert not any(record.failure for record in records)
        return mean_interval([r.correct for r in records if r.correct is not None])

    debated, alone = played("debate", rounds=3), played("naive", evidence=6)
    declared = played("naive", evidence=6, sides=2)
    assert debated.low > declared.high > alone.value
    assert played("debate", rounds=1).low < 0.55  # one sentence a side cannot make a chain


def test_searching_debaters_play_sentences(net: SkimNet):
    world = build("worlds", "sentences:rollouts=4")
    vars(world)["_judge"] = Untrained(net)
    debate = load("protocols", "debate").bind(rounds=2)
    cast = {**cast_for(debate, world).cast, "debater_0": SearchingDebater(world.judge(), 0)}
    records = list(rollout(debate, world, cast, 5))
    assert [record.failure for record in records] == [None] * 5
    assert all(record.arguments == 4 for record in records)
