"""Attributes that a base declares as plain values and a subclass works out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def derived(method: Callable[[Any], T]) -> T:
    """A read-only attribute that is worked out whenever it is asked for, typed as what it gives.

    A property does the same, but type checkers refuse one where the base declares `size: int`: by
    that word the attribute can be assigned too. Use this where nobody does.

    >>> class Row:
    ...     size: int = 0
    >>> class Pair(Row):
    ...     @derived
    ...     def size(self) -> int:
    ...         return 2
    >>> Pair().size
    2
    """
    read: Any = property(method)
    return read
