"""Progress bars on standard error, one an arm."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from oversight.runs import Progress as Told


@contextmanager
def progress_bars(title: str, *, quiet: bool = False) -> Generator[Told | None]:
    """Draw what the run tells, while it lasts; nothing where a person plays at the terminal."""
    if quiet:
        yield None
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=False) as bars:
        tasks = {title: bars.add_task(title, total=None)}

        def tell(name: str, done: int, total: int) -> None:
            if title in tasks:  # something is under way: the title has said what
                bars.remove_task(tasks.pop(title))
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield tell
