"""Being here, in a package, it puts the repository's root on the path: tests import each other.

Of tests that are shared out to several processes, those of an experiment go to one: its file runs
the experiment once.
"""

from __future__ import annotations

from typing import Any

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """How tests are shared out where nothing else was asked for (pytest-xdist's own hook)."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class OneProcessAnExperiment(LoadScopeScheduling):
        """Largest groups first, so that no long experiment is left for the end."""

        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if file.startswith("tests/claims/") else nodeid

    return OneProcessAnExperiment(config, log)
