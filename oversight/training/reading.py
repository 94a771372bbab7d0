"""X at work: what it answers to questions about contexts, each different one computed once."""

from __future__ import annotations

import numpy as np
import torch

from oversight.algorithms import Task
from oversight.algorithms.task import STOP, Ints
from oversight.training.transformer import Answerer, Held


class Reader:
    """X at work on some contexts: reads them once, and computes each different answer once.

    A net whose weights change meanwhile needs a new one.
    """

    def __init__(self, net: Answerer, task: Task, contexts: Ints) -> None:
        """(B, facts, F) contexts."""
        self.net, self.task, self.contexts = net, task, contexts
        self._known = np.full((len(contexts), task.nodes), STOP)
        self._held: list[Held] | None = None

    def __call__(self, contexts: Ints, nodes: Ints) -> Ints:
        """(B, Q) the most likely answer to each node; to STOP, whatever."""
        assert contexts is self.contexts  # one reader, one set of contexts
        rows, places = np.nonzero(nodes != STOP)
        new = np.zeros(self._known.shape, np.bool_)
        new[rows, nodes[rows, places]] = True
        context, node = np.nonzero(new & (self._known == STOP))
        if len(node):
            self._known[context, node] = self._compute(context, node)
        return np.take_along_axis(self._known, np.maximum(nodes, 0), axis=1)

    def _compute(self, context: Ints, node: Ints) -> Ints:
        """(N,) answers: of each context's nodes, which ascend by context, side by side."""
        place = np.arange(len(node)) - np.searchsorted(context, context)
        grid = np.full((len(self.contexts), place.max() + 1), self.task.simple)
        grid[context, place] = node
        with torch.inference_mode():
            if self._held is None:
                self._held = self.net.read(torch.from_numpy(self.contexts))
            logits = self.net.answer(self._held, torch.from_numpy(self.task.table[grid]))
            return logits.argmax(dim=-1).numpy()[context, place]
