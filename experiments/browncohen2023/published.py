"""What Brown-Cohen, Irving and Piliouras proved: bounds, not measurements."""

from __future__ import annotations

PROOF = "Brown-Cohen, Irving, Piliouras 2023, arXiv:2311.14125, the authors' formal proof"
BOUND = 3 / 5
"""Completeness and soundness are at least this against any opponent."""
