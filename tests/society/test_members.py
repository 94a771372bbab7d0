"""Minds by their formulas."""

import numpy as np
import pytest
import torch

from oversight.alignment.chains import distance
from oversight.alignment.drawn import DrawnTask
from oversight.alignment.objectives.preference import cpo
from oversight.core import OversightError
from oversight.society.members import (
    Advice,
    Minds,
    Traits,
    distances,
    drawn,
    engages,
    worth,
)
from oversight.society.raters import kinds_of, leanings

TASK = DrawnTask(topics=2, manners=2, words=4, longest=3)


def _minds(traits: Traits | None = None) -> Minds:
    traits = traits or Traits()
    return Minds(TASK, leanings(kinds_of("adversarial=0.5", 4, 0), TASK), traits)


def test_a_draft_is_tilted_by_what_its_author_wants():
    minds = _minds(Traits(skill=0.7, recall=1.5))
    minds.lessons.normal_(generator=torch.Generator().manual_seed(0))
    members, prompts = torch.tensor([0, 3]), torch.tensor([1, 2])
    told = minds.told(members, prompts, torch.tensor([5, -1]))
    for row in range(2):
        member, prompt = int(members[row]), int(prompts[row])
        words = torch.tensor(TASK.prompts[prompt]) - len(TASK.vocabulary.answer)
        wanted = TASK.reference()[prompt].float()
        wanted = wanted + 0.7 * TASK.table[prompt] @ minds.values[member]
        wanted = wanted + minds.features @ minds.lessons[member, words].sum(dim=0)
        if row == 0:
            wanted[5] += 1.5
        torch.testing.assert_close(told[row], wanted.log_softmax(dim=0))


def test_the_two_parts_of_worth_are_the_gold_reward():
    torch.testing.assert_close(worth(TASK).gold, TASK.gold_table)
    assert engages(TASK).tolist() == [True, False, False, False, False]


def test_distances_are_those_of_cheapest_edits():
    table, answers = distances(TASK), TASK.answers.tolist()
    words = [[token for token in row if token > 0] for row in answers]
    for one in range(0, len(words), 7):
        for other in range(len(words)):
            assert table[one, other] == distance(words[one], words[other])


def test_revisions_heed_advice_and_stay_near_what_was_rated_well():
    minds = _minds()
    member, prompt, draft = torch.tensor([0]), torch.tensor([0]), torch.tensor([30])
    told = minds.told(member, prompt, torch.tensor([-1]))
    toxic = list(TASK.attributes).index("toxic")

    def expected(push: float, rating: float, of: torch.Tensor) -> float:
        advice = Advice(torch.zeros(1, 5), torch.tensor([rating]))
        advice.push[0, toxic] = push
        return float((minds.mended(told, prompt, draft, advice).exp() @ of)[0])

    harm = TASK.table[0, :, toxic]
    assert expected(-1, 4, harm) < expected(0, 4, harm) < expected(1, 4, harm)
    far = distances(TASK)[30]
    assert expected(0, 7, far) < expected(0, 4, far) < expected(0, 1, far)


def test_a_draft_that_nobody_rated_stands():
    minds = _minds()
    told = minds.told(torch.tensor([1]), torch.tensor([2]), torch.tensor([-1]))
    advice = Advice(torch.ones(1, 5), torch.tensor([torch.nan]))
    mended = minds.mended(told, torch.tensor([2]), torch.tensor([9]), advice)
    assert mended.exp()[0, 9] == 1


def test_learning_is_a_step_of_gradient_on_each_members_own_loss():
    minds = _minds(Traits(rate=0.4))
    members, prompts = torch.tensor([2, 0]), torch.tensor([3, 1])
    answers, ratings = torch.tensor([[4, 9, 20], [7, 7, 1]]), torch.tensor([[2.0, 6, 4], [3, 3, 5]])
    weights = torch.zeros_like(minds.lessons, requires_grad=True)
    words = torch.tensor(TASK.prompts)[prompts] - len(TASK.vocabulary.answer)
    learned = weights[members[:, None], words].sum(dim=1) @ minds.features.T
    told = (minds.told(members, prompts, torch.full((2,), -1)) + learned).log_softmax(dim=1)
    nll = -told.gather(1, answers) / minds.lengths[answers]
    cpo(nll, ratings).sum().backward()
    assert weights.grad is not None
    minds.learn(members, prompts, answers, ratings)
    torch.testing.assert_close(minds.lessons, -0.4 * weights.grad)


def test_draws_follow_the_odds():
    odds = torch.tensor([[0.1, 0.6, 0.3]]).log().expand(30_000, 3)
    uniforms = np.random.default_rng(0).random(30_000)
    shares = drawn(odds, uniforms).bincount(minlength=3) / 30_000
    torch.testing.assert_close(shares, torch.tensor([0.1, 0.6, 0.3]), atol=0.01, rtol=0)


def test_a_shared_mind_of_another_task_is_refused():
    with pytest.raises(OversightError, match="prompts and"):
        Minds(TASK, torch.zeros(1, 5), Traits(), torch.zeros(3, 3))
