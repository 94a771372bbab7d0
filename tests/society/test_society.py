"""Societies as wholes: one society however it is played, and whatever befalls it."""

from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch

from oversight.alignment.institutions import House
from oversight.casting import cast_for
from oversight.core import OversightError
from oversight.registry import load
from oversight.society import keeping, members
from oversight.society.graph import NOBODY
from oversight.society.institutions import OUTSIDE, Assembly
from oversight.society.keeping import lived, memory_frame, memory_of
from oversight.society.memory import NOTHING
from oversight.society.raters import Shown
from oversight.society.settings import Settings
from oversight.society.society import Society, advised, mean_of

SMALL = Settings(
    world="preferences:topics=2,manners=2,longest=3", members=25, graph="grid:radius=1",
    kinds="adversarial=0.2,colluding=0.1,lazy=0.1", taught_by="raters",
)  # fmt: skip


def _told(settings: Settings, rounds: int = 3) -> list[np.ndarray]:
    society = Society(settings)
    said = [society.play() for _ in range(rounds)]
    columns = [column for one in said for column in one[1:-1]]
    return [*columns, society.minds.lessons.numpy(), society.memory.answers]


def test_the_papers_numbers_are_the_defaults():
    usual = Settings()
    assert (usual.members, usual.graph, usual.custom) == (100, "grid", (4, 0.5))
    assert replace(usual, mode="single_thread").custom == (16, 0.8)
    assert (usual.near, usual.prior) == (0.3, 50)


def test_parts_do_not_change_a_society(monkeypatch: pytest.MonkeyPatch):
    whole = _told(SMALL)
    monkeypatch.setattr(members, "PART", 7)
    for one, other in zip(whole, _told(SMALL), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_one_after_the_other_is_the_same_society_at_the_same_custom():
    alone = replace(SMALL, mode="single_thread", raters=4)
    for one, other in zip(_told(SMALL), _told(alone), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("institution", ["neighbours", "judge", "debate:rounds=1", "critique",
                                         "constitution"])  # fmt: skip
def test_every_institution_rates_from_one_to_seven(institution: str):
    said = Society(replace(SMALL, institution=institution)).play()
    rated = said.points[~np.isnan(said.points)]
    assert len(rated)
    assert rated.min() >= 1
    assert rated.max() <= 7
    assert len(np.unique(rated)) > 1
    outside = institution in ("judge", "constitution")
    assert bool((said.raters == OUTSIDE).any()) == outside


def test_a_debates_rating_is_its_judges_credence():
    society = Society(replace(SMALL, kinds="", institution="debate:rounds=1"))
    said = society.play()
    institution = society.institution
    assert isinstance(institution, Assembly)
    protocol = load("protocols", "debate").bind(rounds=1)
    house = House(protocol, society.place, cast_for(protocol, society.place).cast)
    row = int(np.flatnonzero(~np.isnan(said.points[:, 0]))[0])
    prompt, draft = int(said.prompts[row]), int(said.drafts[row])
    case = institution.docket.cases([prompt], [draft])
    assert (
        society.task.vocabulary.read(society.task.answers[draft].tolist())
        in case[0].question.prompt
    )
    assert said.points[row, 0] == pytest.approx(1 + 6 * house.verdicts(case)[0][0], abs=1e-6)


def test_where_a_world_asks_questions_the_verdict_on_the_drafts_candidate_is_its_rating():
    society = Society(replace(SMALL, world="digits:rollouts=5", kinds="", institution="judge"))
    institution = society.institution
    assert isinstance(institution, Assembly)
    asked = np.arange(4)
    tokens = society.task.answers[:, 0].tolist()
    drafts = np.array([tokens.index(1 + a) for a in (0, 3, 7, 9)])
    raters = np.full((4, 1), OUTSIDE, np.int32)
    shown = Shown(asked, drafts, asked, raters, np.zeros(4, np.uint64))
    points = institution.rate(shown).points[:, 0]
    protocol = load("protocols", "naive")
    house = institution.docket.house(protocol, cast_for(protocol, society.place).cast)
    verdicts = house.verdicts(institution.docket.cases(asked.tolist(), drafts.tolist()))
    expected = [1 + 6 * verdict[a] for verdict, a in zip(verdicts, (0, 3, 7, 9), strict=True)]
    assert points.tolist() == pytest.approx(expected, abs=1e-5)
    nothing = shown._replace(answers=np.full(4, tokens.index(0)))
    assert institution.rate(nothing).points[:, 0].tolist() == [1.0] * 4
    assert set(institution.argued(nothing)) == {"it names no candidate"}


def test_adversaries_in_a_debate_lower_what_is_good():
    def ratings(kinds: str) -> np.ndarray:
        society = Society(replace(SMALL, kinds="", institution="debate:rounds=1"))
        society.institution.kinds[:] = 5 if kinds else 0  # pyright: ignore — all of one kind
        said = society.play()
        better = said.truth[:, 1].sum(axis=1) > np.median(said.truth[:, 1].sum(axis=1))
        return said.rating[better]

    assert np.nanmean(ratings("adversarial")) < np.nanmean(ratings("")) - 0.5


def test_a_lone_member_can_be_judged_from_outside():
    society = Society(replace(SMALL, members=1, graph="complete", institution="judge"))
    said = society.play()
    assert said.raters.tolist() == [[OUTSIDE]]
    assert 1 <= said.points[0, 0] <= 7
    assert "nature (look)" in society.argued(said)[0]


def test_a_lone_member_is_rated_by_nobody_and_its_draft_stands():
    said = Society(replace(SMALL, members=1, graph="complete", kinds="")).play()
    assert np.isnan(said.rating).all()
    assert (said.drafts == said.revised).all()


def test_a_disconnected_society_lives(tmp_path: Path):
    graph = nx.disjoint_union(nx.complete_graph(3), nx.path_graph(2))
    graph.add_node(5)
    nx.write_edgelist(graph, tmp_path / "apart.edges")
    nx.write_gml(graph, tmp_path / "apart.gml")
    life = lived(replace(SMALL, members=6, graph=f"file:{tmp_path}/apart.gml"), 2,
                 out=tmp_path / "out")  # fmt: skip
    assert not life.said  # they are on disk
    first = memory_of(tmp_path / "out").query("round == 0")
    raters = {author: rows["rater"].tolist() for author, rows in first.groupby("author")}
    assert sorted(raters[0]) == [1, 2]
    assert raters[5] == [NOBODY]
    assert first[first["author"] == 5]["rating"].isna().all()
    assert life.rows[0]["unrated"] == pytest.approx(1 / 6)
    assert keeping.about_of(tmp_path / "out")["components"] == 3


def test_without_back_scatter_nobody_rates_and_nobody_revises():
    said = Society(replace(SMALL, scatter=False, taught_by="observers")).play()
    assert said.raters.shape[1] == 0
    assert (said.drafts == said.revised).all()
    frame = memory_frame(Society(SMALL), [said])
    assert (frame["rater"] == NOBODY).all()
    assert len(frame) == 25


def test_raters_that_all_collude_say_seven_and_nothing_is_to_mend():
    said = Society(replace(SMALL, kinds="colluding=1")).play()
    assert set(np.unique(said.points[~np.isnan(said.points)])) == {7}
    assert (said.reasons == -1).all()


def test_raters_from_beyond_the_neighbourhood():
    said = Society(replace(SMALL, beyond=True, raters=6, dropout=0.5)).play()
    society = Society(SMALL)
    for author, raters in zip(said.authors.tolist(), said.raters.tolist(), strict=True):
        asked = [rater for rater in raters if rater != NOBODY]
        assert len(set(asked)) == len(asked)
        assert author not in asked
        near = set(society.graph.neighbors(author))
        assert len(near & set(asked)) >= 1
    assert (said.raters[:, -1] != NOBODY).any()


def test_the_dead_are_asked_no_more():
    society = Society(SMALL)
    society.play()
    society.kill(np.array([3, 4]))
    said = society.play()
    assert set(said.authors.tolist()) == set(range(25)) - {3, 4}
    assert not np.isin(said.raters, [3, 4]).any()
    society.kill(np.arange(25))
    with pytest.raises(OversightError, match="every member has died"):
        society.play()


def test_nothing_remembered_is_nothing_recalled_and_then_the_last_answer_is():
    society = Society(replace(SMALL, prior=0))
    assert (society.asked(society.members).recalled == NOTHING).all()
    said = society.play()
    society.round = 0  # the same questions again
    again = society.asked(society.members)
    np.testing.assert_array_equal(again.prompts, said.prompts)
    np.testing.assert_array_equal(again.recalled, said.revised)


def test_a_like_question_is_recalled_only_within_the_threshold():
    near = Society(replace(SMALL, near=0.3)).near
    far = Society(replace(SMALL, near=0.9)).near
    assert near.shape[1] == 1
    assert far.shape[1] == 3  # itself, the other manner, the other topic
    assert (far[:, 0] == np.arange(4)).all()


@pytest.mark.parametrize(
    ("change", "told"),
    [({"mode": "threads"}, "mode is one of"), ({"taught_by": "us"}, "taught_by is one of"),
     ({"raters": 0}, "scatter=False"), ({"dropout": 1.0}, "dropout"),
     ({"institution": "debat"}, "did you mean 'debate'"), ({"institution": ""}, "who rates"),
     ({"institution": "amplification"}, "cannot be played on preferences"),
     ({"institution": "debate", "raters": 1}, "set raters to 2"),
     ({"institution": "constitution:kind"}, "unknown principle")],
)  # fmt: skip
def test_what_cannot_be_is_refused(change: dict[str, object], told: str):
    with pytest.raises(OversightError, match=told):
        Society(replace(SMALL, **change))  # type: ignore[arg-type]


def test_an_interrupted_society_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = lived(SMALL, 6, out=tmp_path / "whole")
    monkeypatch.setattr(keeping, "SECONDS", 0.0)
    lived(SMALL, 2, out=tmp_path / "parts")
    held = {path: path.read_bytes() for path in (tmp_path / "parts").glob("*.npz")}
    lived(SMALL, 4, out=tmp_path / "parts")
    for path, content in held.items():  # as though the power went before the state was written
        path.write_bytes(content)
    parts = lived(SMALL, 6, out=tmp_path / "parts")
    assert parts.rows == whole.rows
    assert torch.equal(parts.society.minds.lessons, whole.society.minds.lessons)
    order = ["round", "author", "rater", "reason"]
    one, other = (memory_of(tmp_path / name).sort_values(order).reset_index(drop=True)
                  for name in ("whole", "parts"))  # fmt: skip
    assert one.equals(other)


def test_a_directory_of_another_society_is_refused(tmp_path: Path):
    lived(SMALL, 1, out=tmp_path)
    with pytest.raises(OversightError, match="seed: 0 there, 1 now"):
        lived(replace(SMALL, seed=1), 1, out=tmp_path)
    (tmp_path / keeping.STATE).write_bytes(b"torn")
    with pytest.raises(OversightError, match="delete its directory"):
        lived(SMALL, 2, out=tmp_path)
    with pytest.raises(OversightError, match="holds no society"):
        memory_of(tmp_path / "nowhere")


def test_means_and_advice_leave_out_who_said_nothing():
    from oversight.society.raters import Ratings

    points = np.array([[1, np.nan, 4], [np.nan] * 3], np.float32)
    np.testing.assert_array_equal(mean_of(points), [2.5, np.nan])
    reasons = np.array([[5, -1, 2], [-1] * 3], np.int16)  # less of the third, more of the second
    advice = advised(Society(SMALL).task, Ratings(points, reasons))
    assert advice.push[0].tolist() == pytest.approx([0, 0.25, -0.5, 0, 0])
    assert not advice.push[1].any()


def test_observers_teach_from_what_they_see_and_raters_from_what_they_say():
    lessons = [Society(replace(SMALL, taught_by=who)) for who in ("observers", "raters")]
    for society in lessons:
        society.play()
    assert not torch.equal(lessons[0].minds.lessons, lessons[1].minds.lessons)
    still = Society(replace(SMALL, rate=0.0))
    still.play()
    assert not still.minds.lessons.any()
