"""The judge that reads little, in the judge's seat: sentences in, credences out.

It believes what the framework shows as true and nothing else: revealed sentences, and quotes that
were verified against the passage. What a debater says around its quotes it does not read at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oversight.core import OversightError, Turn, View
from oversight.judges.precommitment import among_claims, softmax
from oversight.judges.skim_net import SkimNet
from oversight.judges.skim_training import Recipe, cached_skim_net
from oversight.registry import Setting
from oversight.reveal import AdditiveJudge, Reveal
from oversight.spaces import Reply
from oversight.text.generator import Dials
from oversight.text.passage import Passage, split_sentences
from oversight.text.quotes import Quote
from oversight.text.slots import slots


class SkimJudge(AdditiveJudge):
    """Judges from the sentences that it was shown; given the passage, from all of them."""

    def __init__(
        self,
        dials: Dials,
        k: int,
        answers: int,
        *,
        seed: int = 0,
        recipe: Recipe | None = None,
    ) -> None:
        """Trained to read `k` sentences of such passages; it may then judge any passage.

        Args:
            dials: of the passages that it is trained on.
            k: sentences that it is trained to read.
            answers: the most candidate answers that a question has.
            seed: of the training.
            recipe: how it is trained.
        """
        self.dials, self.k, self.answers = dials, k, answers
        self.seed = seed
        self.recipe = recipe or Recipe()

    @cached_property
    def net(self) -> SkimNet:
        """The trained net, read from the cache or trained now."""
        return cached_skim_net(self.dials, self.k, self.seed, recipe=self.recipe)

    @property
    def label(self) -> str:
        """The spec that makes this judge again."""
        return f"skim:k={self.k},seed={self.seed},steps={self.recipe.steps}"

    @property
    def bias(self) -> NDArray[np.float32]:
        """(H,), see `AdditiveJudge`."""
        return self._layers[0]

    @property
    def head(self) -> NDArray[np.float32]:
        """(C, H), see `AdditiveJudge`."""
        return self._layers[1]

    @cached_property
    def _layers(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self.net.hidden_bias(self.answers), self.net.heads(self.answers)

    @property
    def head_bias(self) -> NDArray[np.float32]:
        """(C,): no candidate is favoured."""
        return np.zeros(self.answers, np.float32)

    def rows(self, private: Passage) -> NDArray[np.float32]:
        """(S, H): what each sentence of a passage adds to the hidden sum."""
        return np.stack(
            [self._row(line, private.prompt, private.answers) for line in private.sentences]
        )

    def belief(self, private: Sequence[Passage]) -> NDArray[np.float64]:
        """(B, C) what the same net believes of whole passages; 0 for answers that are not asked."""
        return np.stack([self._believed(p.sentences, p.prompt, p.answers) for p in private])

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Credences for each turn, from what its view shows as true."""
        return [self._decide(turn.view) for turn in turns]

    def _decide(self, view: View) -> tuple[float, ...]:
        question = view.question
        read = view.private.sentences if isinstance(view.private, Passage) else shown(view)
        credences = self._believed(read, question.prompt, question.answers)
        return among_claims(credences[: len(question.answers)], view)

    def _believed(
        self, read: Iterable[str], prompt: str, answers: tuple[str, ...]
    ) -> NDArray[np.float64]:
        """One passage at a time, its sentences in one order: so no batch changes a last bit."""
        hidden = self.bias.copy()
        for line in sorted({*read}):
            hidden += self._row(line, prompt, answers)
        logits = self.head[: len(answers)] @ np.maximum(hidden, 0)
        credences = np.zeros(self.answers)
        credences[: len(answers)] = softmax(logits)
        return credences

    def _row(self, line: str, prompt: str, answers: tuple[str, ...]) -> NDArray[np.float32]:
        return self.net.row(slots(line, prompt, answers), self.answers)


def shown(view: View) -> list[str]:
    """The sentences that the framework has shown as true, in order."""
    read: list[str] = []
    for message in view.transcript:
        if isinstance(message.data, Reveal):
            read.append(message.text)
        elif isinstance(message.data, tuple):
            quotes = [each for each in message.data if isinstance(each, Quote)]
            for quote in quotes:
                if quote.verified:
                    read += split_sentences(quote.text)
    return read


def skim(
    setting: Setting, k: int | None = None, seed: int = 0, steps: int | None = None
) -> SkimJudge:
    """`skim[:k]`: the judge of passages, trained to read k sentences."""
    own: Any = setting.world.judge()
    if not isinstance(own, SkimJudge):
        raise OversightError(
            f"the skimming judge reads sentences and {setting.world.name} has none; "
            "use it on passages or sentences"
        )
    recipe = Recipe(steps=steps or own.recipe.steps)
    return SkimJudge(own.dials, own.k if k is None else k, own.answers, seed=seed, recipe=recipe)
