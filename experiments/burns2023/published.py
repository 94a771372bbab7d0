"""What Burns et al. 2023 report for vision: AlexNet teaches two larger students, on ImageNet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

SOURCE = "Burns et al. 2023, README of the vision code; ImageNet, not comparable as such"
SUPERVISOR = 56.6  # percent, AlexNet


class Student(NamedTuple):
    """One published student; accuracies in percent."""

    ceiling: float
    transfer: float
    pgr: float


STUDENTS: Mapping[str, Student] = {
    "ResNet-50": Student(64.5, 61.9, 0.67),
    "ViT-B/8": Student(74.0, 66.6, 0.57),
}
