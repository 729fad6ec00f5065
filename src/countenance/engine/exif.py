"""The orientation tag of Exif, and pixels turned by it."""

from __future__ import annotations

import struct
from typing import Literal

import numpy as np

from countenance.faces import Pixels

Orientation = Literal[1, 2, 3, 4, 5, 6, 7, 8]
"""Exif 2.3, tag 0x0112: 1 is upright; 5 to 8 swap width and height."""


_FORMS = {1: "B", 3: "H", 4: "I"}
"""BYTE, SHORT and LONG: the standard says SHORT, and other readers take what some programs write in its place."""


def read_orientation(exif: bytes) -> Orientation:
    """The orientation in an Exif block; 1 where it says none that can be read."""
    return stated_orientation(exif) or 1


def stated_orientation(exif: bytes) -> Orientation | None:
    """The orientation in an Exif block, a TIFF structure with or without "Exif" before it; None where it says none."""
    tiff = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return None
    (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
    if directory + 2 > len(tiff):
        return None
    (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
    for entry in range(entries):
        at = directory + 2 + 12 * entry
        if at + 12 > len(tiff):
            return None
        tag, form, count = struct.unpack_from(f"{order}HHI", tiff, at)
        if tag == 0x0112 and form in _FORMS and count == 1:
            (value,) = struct.unpack_from(f"{order}{_FORMS[form]}", tiff, at + 8)
            return value if 1 <= value <= 8 else None
    return None


def upright(pixels: Pixels, orientation: Orientation) -> Pixels:
    """`pixels` turned and mirrored as the Exif orientation says."""
    view = pixels.swapaxes(0, 1) if orientation >= 5 else pixels
    if orientation in (3, 4, 7, 8):
        view = view[::-1]
    if orientation in (2, 3, 6, 7):
        view = view[:, ::-1]
    return np.ascontiguousarray(view)
