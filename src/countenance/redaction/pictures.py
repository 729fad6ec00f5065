"""Covered pixels as a file: encoded from pixels alone, so that it contains nothing else of the original."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from countenance.engine.kinds import kind_of
from countenance.errors import ImageTooLarge
from countenance.faces import Pixels

WRITTEN_AS = {"JPEG": "JPEG", "PNG": "PNG", "WebP": "WebP", "HEIC": "JPEG", "AVIF": "JPEG"}
"""The kind as which each kind is written; PNG for the others."""

SUFFIXES = {"JPEG": (".jpg", ".jpeg", ".jfif"), "PNG": (".png",), "WebP": (".webp",)}
"""File name endings of each kind that is written, the usual one first."""

QUALITY = 95
"""The quality of JPEG and WebP, 0..100."""


def written_as(kind: str | None) -> str:
    """The kind as which a picture of `kind` is written."""
    return WRITTEN_AS.get(kind or "", "PNG")


@dataclass(frozen=True, slots=True)
class WrittenPicture:
    """A picture without metadata. kind: JPEG, PNG or WebP."""

    content: bytes
    kind: str


def written(pixels: Pixels, original: bytes) -> WrittenPicture:
    """`pixels` as a file of the kind of `original`, if that is JPEG, PNG or WebP; HEIC and AVIF as JPEG, others as PNG.

    No Exif, XMP, IPTC, ICC profile, comment, thumbnail or trailer is in it. `ImageTooLarge` beyond what WebP can hold.
    """
    kind = written_as(kind_of(original))
    options = {
        "JPEG": [cv2.IMWRITE_JPEG_QUALITY, QUALITY],
        "PNG": [cv2.IMWRITE_PNG_COMPRESSION, 6],
        "WebP": [cv2.IMWRITE_WEBP_QUALITY, QUALITY],
    }[kind]
    if kind == "WebP" and max(pixels.shape[:2]) > 16_383:
        raise ImageTooLarge("a WebP picture has at most 16383 pixels a side")
    good, content = cv2.imencode(SUFFIXES[kind][0], pixels, options)
    assert good, f"OpenCV writes {kind}"
    return WrittenPicture(content.tobytes(), kind)
