"""What the engine hands out, and the protocol that it and every fake of it follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from countenance.engine.limits import DEFAULT, Limits
from countenance.faces import DetectedFace, ModelId, Pixels, Template


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One decoded image and the faces in it.

    width, height: pixels of the upright original. faces: largest box first, at most `Limits.max_faces`.
    pixels: the upright picture, uint8 (h, w, 3) in B, G, R. Where the original is large, h and w may be smaller than
    `height` and `width` (the same proportions up to rounding), so multiply ratios by `pixels.shape`, never by `height`.
    source: the bytes that `pixels` came from where it is smaller than the original, so that a small face can be cut
    from full resolution; empty otherwise.
    """

    width: int
    height: int
    faces: tuple[DetectedFace, ...]
    pixels: Pixels
    source: bytes = b""


class FaceEngine(Protocol):
    """Pixels to templates. Everything here may be called from several threads at once."""

    @property
    def model(self) -> ModelId:
        """sha256 of the embedder: the space that the templates live in."""

    @property
    def version(self) -> str:
        """Name of that space for people and wire formats, such as "sface-2021dec-0ba9fbfa"."""

    @property
    def dimension(self) -> int:
        """Length of a template."""

    def look(self, image: bytes, limits: Limits = DEFAULT) -> Picture:
        """Decode `image` within `limits` and find the faces. Raises an `ImageError` and nothing else."""

    def embed(self, picture: Picture, faces: Sequence[DetectedFace]) -> list[Template]:
        """One template for each of `faces`, in their order."""
