"""The values that the engine returns, and the protocol of the engine and its fakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from countenance.engine.limits import DEFAULT, Limits
from countenance.faces import BoundingBox, DetectedFace, ModelId, Pixels, Point, Template


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One decoded image and the faces in it.

    width, height: pixels of the upright original. faces: largest box first, at most `Limits.max_faces`.
    pixels: the upright picture, uint8 (h, w, 3) in B, G, R. If the original is large and its faces allow it, these are
    its pixels reduced by the whole number `reduction`: use `position` to get from ratios to pixels.
    source: the bytes that it was decoded from.
    """

    width: int
    height: int
    faces: tuple[DetectedFace, ...]
    pixels: Pixels
    source: bytes = b""
    reduction: int = 1

    def position(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Where `points` lie in `pixels`: (n, 2) x, y, whole numbers at the middle of a pixel."""
        ratios = np.array([(point.x, point.y) for point in points], dtype=np.float64).reshape(-1, 2)
        return (ratios * (self.width, self.height) + 0.5) / self.reduction - 0.5


@dataclass(frozen=True, slots=True)
class Spotted:
    """A place that may show a face. score: the detector's own, 0..1."""

    box: BoundingBox
    score: float


class FaceDetector(Protocol):
    """Pixels to places of faces. Everything here may be called from several threads at once."""

    @property
    def model(self) -> ModelId:
        """sha256 of the model in use: of the embedder where there is one, else of the detector."""

    @property
    def version(self) -> str:
        """Name of that model for people and wire formats."""

    @property
    def detector_version(self) -> str:
        """Name of the detector, such as "yunet-2023mar-8f2383e4"."""

    def look(self, image: bytes, limits: Limits = DEFAULT) -> Picture:
        """Decode `image` within `limits` and find the faces. Raises an `ImageError` and nothing else."""

    def look_at(self, pixels: Pixels, limits: Limits = DEFAULT) -> Picture:
        """Find the faces in `pixels`, a decoded picture such as a frame of a video, uint8 (h, w, 3) in B, G, R."""

    def decoded(self, image: bytes, limits: Limits = DEFAULT) -> Pixels:
        """The whole upright picture in `image`, at its full size. Raises an `ImageError` and nothing else."""

    def spot(self, pixels: Pixels, least: float, *, thorough: bool = True) -> tuple[Spotted, ...]:
        """Every place of `pixels` that may show a face, with a score (0..1) of `least` or more. thorough: False if
        small faces that lie on their side or head may be missed, to save time.
        """


class FaceEngine(FaceDetector, Protocol):
    """Pixels to templates. Everything here may be called from several threads at once."""

    @property
    def model(self) -> ModelId:
        """sha256 of the embedder: the space that the templates live in."""

    @property
    def version(self) -> str:
        """Name of that space for people and wire formats, such as "sface-2021dec-5958cd1f"."""

    @property
    def dimension(self) -> int:
        """Length of a template."""

    def embed(self, picture: Picture, faces: Sequence[DetectedFace]) -> list[Template]:
        """One template for each of `faces`, in their order."""
