"""Preferences of an alignment lab as the data set that TRL's trainers take.

A row has `prompt`, `chosen` and `rejected`, written as language-model policies are asked
(`oversight.alignment.policies.spelling`). TRL puts the model's end of text after every answer, so
answers that fill all of the room there is, and have no end, get one there.
"""

from __future__ import annotations

from collections.abc import Iterator

from oversight.alignment.policies.spelling import asked, said
from oversight.alignment.signals import Preferences
from oversight.alignment.task import Task
from oversight.exchange.preferences import Row


def pairs(preferences: Preferences, task: Task) -> Iterator[Row]:
    """One row a pair, in their order."""
    columns = (column.tolist() for column in preferences)
    for prompt, chosen, rejected in zip(*columns, strict=True):
        yield {
            "prompt": asked(task.vocabulary, task.prompts[prompt]),
            "chosen": said(task.vocabulary, chosen),
            "rejected": said(task.vocabulary, rejected),
        }
