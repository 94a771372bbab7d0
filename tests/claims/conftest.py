"""Each of these files runs its experiment once, so all of a file's tests go to one worker."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "claims" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
