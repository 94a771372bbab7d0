"""The house itself: where the packages are, what importing them costs, whether links lead on."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import oversight

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("package", ["oversight", "protocols", "envs", "experiments"])
def test_our_packages_are_this_repository_s(package: str) -> None:
    file = importlib.import_module(package).__file__
    assert file is not None
    assert Path(file).is_relative_to(ROOT)


def loaded_by(statement: str, modules: list[str]) -> str:
    """Which of the modules a fresh interpreter holds after a statement."""
    source = f"import sys; {statement}; print([m for m in {modules} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def test_importing_oversight_is_light() -> None:
    heavy = ["torch", "transformers", "ray", "sklearn", "scipy", "pandas", "numba", "matplotlib"]
    assert loaded_by("import oversight", heavy) == "[]"


def test_playing_on_digits_needs_torch_only_to_train() -> None:
    assert loaded_by("import envs.worlds.digits, oversight.runs", ["torch", "ray"]) == "[]"


def test_everything_exported_is_there() -> None:
    assert all(hasattr(oversight, name) for name in oversight.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = oversight.nothing


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_between_our_pages_lead_somewhere(page: str) -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text())
    assert [target for target in linked if not (ROOT / target).exists()] == []
