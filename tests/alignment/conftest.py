"""One thread of PyTorch's: many small sums, on machines that do other things as well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from oversight.threads import one_thread


@pytest.fixture(autouse=True, scope="session")
def single() -> Iterator[None]:
    with one_thread():
        yield
