"""Which faces are good enough: levels NONE, LOW, MEDIUM, HIGH as data in quality.toml; AUTO is a level named there."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from countenance.faces import DetectedFace


class QualityFilter(StrEnum):
    """The least quality that a face must have."""

    NONE = "NONE"
    AUTO = "AUTO"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


@dataclass(frozen=True, slots=True)
class QualityBar:
    """The bounds of one level: confidence, sharpness, brightness 0..100, angles in degrees, size in pixels."""

    confidence: float
    size_px: float
    sharpness: float
    brightness: float
    max_yaw: float
    max_pitch: float

    def reasons(self, face: DetectedFace) -> tuple[str, ...]:
        """Why `face` is outside the bounds, the most serious reason first; empty if it is within."""
        below = {
            "LOW_CONFIDENCE": face.confidence < self.confidence,
            "SMALL_BOUNDING_BOX": face.quality.size_px < self.size_px,
            "LOW_SHARPNESS": face.quality.sharpness < self.sharpness,
            "LOW_BRIGHTNESS": face.quality.brightness < self.brightness,
            "EXTREME_POSE": abs(face.pose.yaw) > self.max_yaw or abs(face.pose.pitch) > self.max_pitch,
        }
        return tuple(reason for reason, is_so in below.items() if is_so)


@cache
def bars() -> dict[QualityFilter, QualityBar | None]:
    """The bounds of each level; None accepts every face."""
    data = tomllib.loads(files("countenance.operations").joinpath("quality.toml").read_text())
    levels = {QualityFilter(name): QualityBar(**bar) for name, bar in data["levels"].items()}
    return {QualityFilter.NONE: None, **levels, QualityFilter.AUTO: levels[QualityFilter(data["auto"])]}


def reasons_against(face: DetectedFace, level: QualityFilter) -> tuple[str, ...]:
    """Why `face` is not good enough for `level`; empty if it is."""
    bar = bars()[level]
    return () if bar is None else bar.reasons(face)
