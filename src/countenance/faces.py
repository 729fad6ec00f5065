"""The shared vocabulary: what the engine finds, the gallery keeps and the front doors show.

Frozen values, checked once when they are made. Lengths and positions are ratios of the upright image's width and
height unless a name ends in `_px`; a box may reach outside 0..1 where a face is cut by the edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NewType

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
"""One template's numbers, shape (d,), float32, L2 norm 1."""

Pixels = NDArray[np.uint8]
"""An upright picture, shape (height, width, 3), uint8, channels B, G, R."""

ModelId = NewType("ModelId", str)
"""sha256 (64 hex digits) of an embedder's weights: the space its templates live in."""


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """Where a face is: ratios of the upright image's width and height."""

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.left, self.top, self.width, self.height))):
            raise ValueError("a bounding box holds finite numbers only")
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"a bounding box has a positive size, got {self.width} x {self.height}")

    @property
    def area(self) -> float:
        """Share of the image that the box covers."""
        return self.width * self.height

    def overlap(self, other: BoundingBox) -> float:
        """Intersection over union with `other`, 0..1."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        down = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        if across <= 0 or down <= 0:
            return 0.0
        shared = across * down
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, slots=True)
class Point:
    """A position in ratios of the upright image's width and height."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Landmarks:
    """The five points of the detector; left and right are the subject's picture sides as the viewer sees them."""

    left_eye: Point
    right_eye: Point
    nose: Point
    left_mouth: Point
    right_mouth: Point


@dataclass(frozen=True, slots=True)
class Pose:
    """Head pose in degrees, estimated from the five landmarks: coarse, good for telling frontal from turned."""

    roll: float
    yaw: float
    pitch: float


@dataclass(frozen=True, slots=True)
class Quality:
    """What can be measured about the picture of a face. Nothing here says anything about the person.

    sharpness, brightness: 0..100. size_px: the shorter side of the box in pixels of the original image.
    """

    sharpness: float
    brightness: float
    size_px: float


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """One face in a picture. confidence: the detector's score, 0..100."""

    box: BoundingBox
    landmarks: Landmarks
    pose: Pose
    quality: Quality
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """An embedding and the identity of the model that made it."""

    vector: Vector
    model: ModelId

    def __post_init__(self) -> None:
        if self.vector.ndim != 1 or self.vector.dtype != np.float32:
            raise ValueError(f"a template is one row of float32, got {self.vector.dtype} {self.vector.shape}")
        norm = float(np.linalg.norm(self.vector))
        if not abs(norm - 1.0) < 1e-3:
            raise ValueError(f"a template has L2 norm 1, got {norm:.4f}")


@dataclass(frozen=True, slots=True)
class EnrolledFace:
    """A face that a gallery holds. image_id names the picture it came from, which is not kept.

    user_id: the gallery's user whom the face is said to belong to, if any.
    """

    face_id: str
    image_id: str
    external_id: str | None
    box: BoundingBox
    confidence: float
    model: ModelId
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enrolled face that a probe is like.

    score: the comparison score as the calibration takes it (cosine, or the normalised score).
    similarity: 0..100, calibrated: 80 means FMR 1e-3, 90 1e-4, 99 1e-5, 99.9 1e-6, for the group served worst.
    fmr: the false match rate at that score, 0..1, for that group.
    """

    face: EnrolledFace
    score: float
    similarity: float
    fmr: float
