"""The command line: `oversight run | compare | reproduce | list | rejudge | show`."""

from oversight.cli.app import main

__all__ = ["main"]
