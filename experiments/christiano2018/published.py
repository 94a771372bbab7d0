"""What Christiano et al. 2018 report, as secondary sources quote it."""

from __future__ import annotations

SOURCE = "Christiano et al. 2018, as quoted by secondary sources"
LEAST_CALLS, MOST_CALLS = 6_000, 24_000
"""Overseer calls, over the five tasks, against tens of millions of labels."""
COMPUTE = "about twice the compute of supervised learning"
