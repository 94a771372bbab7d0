"""A softmax over every answer there is: small enough that optima have closed forms."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from oversight.alignment.policy import Policy
from oversight.alignment.vocabulary import PAD, Vocabulary, code, every_answer
from oversight.core import OversightError

MOST = 10_000_000
"""Beginnings and answers that a table may be looked up by."""
TINY = 1e-300
"""The least mass that a beginning is given; its logarithm is finite."""


class ExactPolicy(Policy):
    """π(y | x, c) = softmax over y of θ[x, c, y]: a row for each prompt and control.

    A token's probability is the mass of the answers that go on so over that of those that began so;
    methods that read single tokens therefore read the same policy. Of a context it reads the prompt
    and the last control; answers that stand there too, it forgets. Double precision.
    """

    size = "exact"
    answers: Tensor
    owners: Tensor
    cells: Tensor
    node_of: Tensor
    row_of: Tensor

    def __init__(
        self, vocabulary: Vocabulary, longest: int, prompts: Sequence[Sequence[int]],
        start: Float[Tensor, "prompts answers"], controls: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """`start`: log-probabilities to begin from, whatever the control.

        Errors: OversightError where there are too many answers for a table.
        """
        super().__init__(vocabulary, longest)
        self.prompts = {tuple(prompt): row for row, prompt in enumerate(prompts)}
        self.width = len(prompts[0])
        self.controls = {id: 1 + row for row, id in enumerate(vocabulary.within(controls))}
        self.logits = nn.Parameter(start.double().repeat(1 + len(controls), 1))
        self._grow(len(vocabulary.answer))

    def _grow(self, words: int) -> None:
        """Number the beginnings, and find which of them each answer's mass flows through."""
        if (words + 1) ** self.longest > MOST:
            raise OversightError(
                f"{words - 1} words and {self.longest} tokens make too many answers for a table; "
                "use --policy small, or a smaller world"
            )
        answers = every_answer(words, self.longest)
        before = _beginnings(answers, words)
        known, nodes = before[answers != PAD].unique(return_inverse=True)
        node_of, row_of = torch.zeros(2, (words + 1) ** self.longest, dtype=torch.long)
        node_of[known] = torch.arange(len(known))
        row_of[code(answers, words)] = torch.arange(len(answers))
        self.nodes, self.words = len(known), words
        self.register_buffer("answers", answers, persistent=False)
        self.register_buffer("owners", (answers != PAD).nonzero()[:, 0], persistent=False)
        self.register_buffer("cells", nodes * words + answers[answers != PAD], persistent=False)
        self.register_buffer("node_of", node_of, persistent=False)
        self.register_buffer("row_of", row_of, persistent=False)

    def rows(self, contexts: Int[Tensor, "batch before"]) -> Int[Tensor, "batch"]:
        """The row of θ for each context; OversightError for a prompt that is not in the table."""
        found = list[int]()
        for context in contexts.tolist():
            tokens = [token for token in context if token != PAD]
            row = self.prompts.get(tuple(tokens[: self.width]))
            if row is None:
                raise OversightError(
                    f"the exact policy has no row for {self.vocabulary.read(tokens)!r}: it knows "
                    "the prompts it was made with; use --policy small"
                )
            asked = [self.controls[t] for t in tokens[self.width :] if t in self.controls]
            found.append(row + len(self.prompts) * (asked[-1] if asked else 0))
        return torch.tensor(found, dtype=torch.long)

    def next(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch length words"]:
        """From the mass of the answers below each beginning."""
        rows, back = self.rows(contexts).unique(return_inverse=True)
        flows = self.logits[rows].softmax(dim=-1)[:, self.owners]
        mass = flows.new_zeros(len(rows), self.nodes * self.words).index_add(1, self.cells, flows)
        tree = mass.clamp(min=TINY).log().view(len(rows), self.nodes, self.words)
        nodes = self.node_of[_beginnings(answers, self.words)]
        return tree.log_softmax(dim=-1)[back[:, None], nodes]

    def log_probs(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "batch length"]
    ) -> Float[Tensor, "batch"]:
        """The softmax itself."""
        self.check(answers)
        whole = self.logits.log_softmax(dim=-1)[self.rows(contexts)]
        return whole.gather(1, self.row_of[code(answers, self.words)][:, None])[:, 0]

    def distribution(
        self, contexts: Int[Tensor, "batch before"], answers: Int[Tensor, "answers length"]
    ) -> Float[Tensor, "batch answers"]:
        """The softmax itself."""
        whole = self.logits.log_softmax(dim=-1)[self.rows(contexts)]
        return whole[:, self.row_of[code(answers, self.words)]]

    @torch.no_grad()
    def sample(
        self, contexts: Int[Tensor, "batch before"], draw: torch.Generator
    ) -> Int[Tensor, "batch length"]:
        """Whole answers at once."""
        odds = self.logits.softmax(dim=-1)[self.rows(contexts)]
        return self.answers[odds.multinomial(1, generator=draw)[:, 0]]


def _beginnings(answers: Int[Tensor, "batch length"], words: int) -> Int[Tensor, "batch length"]:
    """The code of what stands before each token."""
    powers = (words + 1) ** torch.arange(answers.shape[1])
    whole = ((answers + 1) * powers).cumsum(dim=-1)
    return torch.cat([whole.new_zeros(len(answers), 1), whole[:, :-1]], dim=1)
