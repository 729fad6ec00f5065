"""Which faces are good enough: levels NONE, LOW, MEDIUM, HIGH as data in quality.toml, which also defines AUTO."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

import numpy as np

from countenance.faces import DetectedFace, Template
from countenance.scoring.normaliser import Crowding, Normaliser


class QualityFilter(StrEnum):
    """The least quality that a face must have."""

    NONE = "NONE"
    AUTO = "AUTO"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


LOW_FACE_QUALITY = "LOW_FACE_QUALITY"
"""The reason against a template that resembles nobody in particular, and against a face that the picture cuts off or
that has more edges than a photograph.
"""

_BESIDE, _ABOVE, _BELOW = 0.1, 0.35, 0.1
"""How much of a face must be in the picture: beside the eyes in distances between them, above the eyes and below the
mouth in distances between eyes and mouth. Of 110 people of LFW, faces cut through the middle or through the eyes are
found out nine times in ten; of close-ups in which the face is 1.3 times as high as the picture 4 are refused.
"""


def cut_off(face: DetectedFace) -> bool:
    """Whether the picture ends within the inner part of `face`: from above its brows to below its mouth.

    Strangers who all lack the same part of their face resemble each other to the model.
    """
    corners = face.landmarks.around(_BESIDE, _ABOVE, _BELOW)
    return bool(((corners < 0) | (corners > 1)).any())


@dataclass(frozen=True, slots=True)
class QualityBar:
    """The bounds of one level: confidence, sharpness, brightness 0..100, angles in degrees, size in pixels.

    recognisability: 0..100, of the template (`Crowding.recognisability`). whole: whether the picture has to show the
    face from above its brows to below its mouth (`cut_off`). max_sharpness: what is above is drawn or embossed.
    """

    confidence: float
    size_px: float
    sharpness: float
    max_sharpness: float
    brightness: float
    max_yaw: float
    max_pitch: float
    recognisability: float
    whole: bool

    def reasons(self, face: DetectedFace) -> tuple[str, ...]:
        """Why `face` is outside the bounds, the most serious reason first; empty if it is within."""
        below = {
            "LOW_CONFIDENCE": face.confidence < self.confidence,
            LOW_FACE_QUALITY: face.quality.sharpness > self.max_sharpness or (self.whole and cut_off(face)),
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


def reasons_against_templates(
    faces: Sequence[DetectedFace], templates: Sequence[Template], normaliser: Normaliser, level: QualityFilter
) -> list[tuple[str, ...]]:
    """Why each template is not good enough for `level`, the likeliest cause first; empty if it is. Besides
    LOW_FACE_QUALITY: LOW_SHARPNESS or LOW_BRIGHTNESS if the picture is below what MEDIUM demands.
    """
    bar = bars()[level]
    if bar is None or not templates or not isinstance(normaliser, Crowding):
        return [()] * len(templates)
    recognisability = normaliser.recognisability(np.stack([template.vector for template in templates]))
    if recognisability is None:
        return [()] * len(templates)
    medium = bars()[QualityFilter.MEDIUM]
    hints = ("LOW_SHARPNESS", "LOW_BRIGHTNESS")
    return [
        (LOW_FACE_QUALITY, *(hint for hint in (medium.reasons(face) if medium else ()) if hint in hints))
        if value < bar.recognisability
        else ()
        for face, value in zip(faces, recognisability.tolist(), strict=True)
    ]


def reasons_against(face: DetectedFace, level: QualityFilter) -> tuple[str, ...]:
    """Why `face` is not good enough for `level`; empty if it is."""
    bar = bars()[level]
    return () if bar is None else bar.reasons(face)
