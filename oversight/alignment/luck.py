"""PyTorch's luck by name: the same name, the same draws, whatever else was drawn."""

from __future__ import annotations

import torch

from oversight import keys


def luck(*name: object) -> torch.Generator:
    """A generator seeded by a name (`oversight.keys.root`)."""
    return torch.Generator().manual_seed(keys.root(*name) % 2**63)
