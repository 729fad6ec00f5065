"""How much of an image is accepted, checked on the header before a pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """What an image may cost. Sides and pixels are those that the header names.

    Memory of one decode is bounded by `max_pixels`: 3 bytes a pixel for the picture, up to 8 more while a 16-bit PNG
    with alpha is flattened, up to 6 more for the coefficients of a progressive JPEG.
    """

    max_bytes: int = 5 * MEBIBYTE
    """Longest byte string; images that come from a bucket are given 15 MiB."""
    max_pixels: int = 40_000_000
    """Most pixels, width times height."""
    max_side: int = 16_384
    """Longest side in pixels."""
    min_side: int = 80
    """Shortest side in pixels."""
    max_scans: int = 100
    """Most passes of a progressive JPEG; real encoders write about ten."""
    max_faces: int = 100
    """Most faces reported in one picture; the largest are kept."""


DEFAULT = Limits()
"""For image bytes inside a request."""

STORED = Limits(max_bytes=15 * MEBIBYTE)
"""For images that a request names in a bucket."""
