"""The shared types: what the engine detects, the gallery stores and the APIs show.

All are frozen and validated once, when they are made. Lengths and positions are ratios of the upright image's width
and height, unless a name ends in `_px`. A box may reach outside 0..1 if the edge of the image cuts the face.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import NewType

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
"""One template's numbers, shape (d,), float32, L2 norm 1."""

Pixels = NDArray[np.uint8]
"""An upright picture, shape (height, width, 3), uint8, channels B, G, R."""

ModelId = NewType("ModelId", str)
"""sha256 (64 hex digits) of an embedder's weights. Only templates with the same id can be compared."""


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """The box round a face, in ratios of the upright image's width and height."""

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
        width = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        height = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        intersection = width * height
        return intersection / (self.area + other.area - intersection)


@dataclass(frozen=True, slots=True)
class Point:
    """A position in ratios of the upright image's width and height."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Landmarks:
    """The detector's five points. Left and right are those of the picture, as its viewer sees them."""

    left_eye: Point
    right_eye: Point
    nose: Point
    left_mouth: Point
    right_mouth: Point

    def around(self, beside: float, above: float, below: float) -> NDArray[np.float64]:
        """The corners of a part of the face in turn, (4, 2): so far beside the eyes, in distances between them, and
        above the eyes and below the mouth, in distances between eyes and mouth.

        The detector says where eyes and mouth would be outside the picture, too. Corners are affine in the landmarks,
        so ratios of the picture's sides serve as well as pixels, also for areas, and the head may lean.
        """
        points = (self.left_eye, self.right_eye, self.left_mouth, self.right_mouth)
        left, right, *mouth = (np.array([point.x, point.y]) for point in points)
        eyes, lips, across = (left + right) / 2, (mouth[0] + mouth[1]) / 2, right - left
        up, half = eyes - lips, (0.5 + beside) * across
        top, bottom = eyes + above * up, lips - below * up
        return np.stack([top - half, top + half, bottom + half, bottom - half])


@dataclass(frozen=True, slots=True)
class Pose:
    """Head pose in degrees, estimated from the five landmarks. Coarse: it tells a frontal face from a turned one."""

    roll: float
    yaw: float
    pitch: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Measurements of the picture of a face. None describes the person.

    sharpness, brightness: 0..100. size_px: the shorter side of the box in pixels of the original image.
    """

    sharpness: float
    brightness: float
    size_px: float


_BESIDE, _ABOVE, _BELOW = 0.4, 0.6, 0.3
"""The face from the forehead to the chin. Of strangers in pictures cut 8 % within the face's box 3 in 1,000 match,
though eyes, nose and mouth are there; 1 in 7 pictures of FairFace, and none of LFW, lacks some of it.
"""


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """One face in a picture. confidence: the share of 100 such finds that are faces (docs/models.md), 0..100."""

    box: BoundingBox
    landmarks: Landmarks
    pose: Pose
    quality: Quality
    confidence: float

    @property
    def cut_off(self) -> float:
        """The share of the face, from the forehead to the chin, that the picture cuts off, 0..1."""
        corners = self.landmarks.around(_BESIDE, _ABOVE, _BELOW)
        if not ((corners < 0) | (corners > 1)).any():
            return 0.0
        whole = _area(corners)
        return float(np.clip(1 - _area(_within_picture(corners)) / whole, 0.0, 1.0)) if whole > 0 else 1.0

    def written(self) -> str:
        """As a JSON list of its numbers, for a store."""
        box, pose, quality, marks = self.box, self.pose, self.quality, self.landmarks
        points = (marks.left_eye, marks.right_eye, marks.nose, marks.left_mouth, marks.right_mouth)
        numbers = [box.left, box.top, box.width, box.height, *(side for point in points for side in (point.x, point.y))]
        numbers += [pose.roll, pose.yaw, pose.pitch, quality.sharpness, quality.brightness, quality.size_px]
        return json.dumps([float(each) for each in [*numbers, self.confidence]])

    @classmethod
    def read(cls, text: str) -> DetectedFace:
        """From that."""
        numbers = json.loads(text)
        points = [Point(*numbers[n : n + 2]) for n in range(4, 14, 2)]
        return cls(
            BoundingBox(*numbers[:4]), Landmarks(*points), Pose(*numbers[14:17]), Quality(*numbers[17:20]), numbers[20]
        )


def _within_picture(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part of a convex polygon (n, 2) that lies in 0..1 both ways (Sutherland and Hodgman), (m, 2)."""
    for axis, sign, bound in ((0, 1.0, 0.0), (0, -1.0, -1.0), (1, 1.0, 0.0), (1, -1.0, -1.0)):
        inside = sign * corners[:, axis] - bound  # not negative on the picture's side of this edge
        kept: list[NDArray[np.float64]] = []
        for at in range(len(corners)):
            here, before = inside[at], inside[at - 1]
            if (here >= 0) != (before >= 0):
                share = before / (before - here)
                kept.append(corners[at - 1] + share * (corners[at] - corners[at - 1]))
            if here >= 0:
                kept.append(corners[at])
        corners = np.array(kept).reshape(-1, 2)
    return corners


def _area(corners: NDArray[np.float64]) -> float:
    """Of a polygon (n, 2), by the shoelace formula."""
    x, y = corners.T
    return abs(float(np.roll(x, 1) @ y - np.roll(y, 1) @ x)) / 2


NORM_TOLERANCE = 1e-3
"""How far the L2 norm of a template may be from 1. Rounding to float32 moves it by less than 1e-6."""


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """An embedding and the identity of the model that made it.

    unseen: the share of the face that is not to be seen, 0..1: cut off by the picture (`DetectedFace.cut_off`), covered
    or blurred away (`countenance.engine.covered`). Scores of two such faces are lowered.
    """

    vector: Vector
    model: ModelId
    unseen: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.unseen <= 1.0:
            raise ValueError(f"a share lies in 0..1, got {self.unseen}")
        if self.vector.ndim != 1 or self.vector.dtype != np.float32:
            raise ValueError(f"a template is one row of float32, got {self.vector.dtype} {self.vector.shape}")
        norm = float(np.linalg.norm(self.vector))
        if not abs(norm - 1.0) < NORM_TOLERANCE:
            raise ValueError(f"a template has L2 norm 1, got {norm:.4f}")


@dataclass(frozen=True, slots=True)
class EnrolledFace:
    """A face in a gallery. image_id: the picture it came from; the picture itself is not stored.

    user_id: the user of the gallery to whom the face was assigned, if any. added: whether the call that gives this
    added the face to the gallery, rather than finding it there.
    """

    face_id: str
    image_id: str
    external_id: str | None
    box: BoundingBox
    confidence: float
    model: ModelId
    user_id: str | None = None
    added: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enrolled face that a search returns.

    score: the comparison score that the calibration takes (cosine, or the normalised score).
    similarity: 0..100, calibrated: 80 means FMR 1e-3, 90 1e-4, 99 1e-5, 99.9 1e-6, for the group served worst.
    fmr: the false match rate at that score for the same group, 0..1.
    All three are those of 0, where the similarity is below 75 (`scoring.coarse`).
    """

    face: EnrolledFace
    score: float
    similarity: float
    fmr: float
