"""The orientation tag of Exif, and pixels turned by it."""

from __future__ import annotations

import struct
from typing import Literal

import numpy as np

from countenance.faces import Pixels

Orientation = Literal[1, 2, 3, 4, 5, 6, 7, 8]
"""Exif 2.3, tag 0x0112: 1 is upright; 5 to 8 swap width and height."""


def read_orientation(tiff: bytes) -> Orientation:
    """The orientation in `tiff`, the TIFF structure of an Exif block; 1 where there is none that can be read."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return 1
    (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
    if directory + 2 > len(tiff):
        return 1
    (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
    for entry in range(entries):
        at = directory + 2 + 12 * entry
        if at + 12 > len(tiff):
            return 1
        tag, form, count = struct.unpack_from(f"{order}HHI", tiff, at)
        if tag == 0x0112 and form in (3, 4) and count == 1:  # SHORT as the standard says, LONG as some write it
            (value,) = struct.unpack_from(f"{order}{'H' if form == 3 else 'I'}", tiff, at + 8)
            return value if 1 <= value <= 8 else 1
    return 1


def upright(pixels: Pixels, orientation: Orientation) -> Pixels:
    """`pixels` turned and mirrored as the Exif orientation says."""
    view = pixels.swapaxes(0, 1) if orientation >= 5 else pixels
    if orientation in (3, 4, 7, 8):
        view = view[::-1]
    if orientation in (2, 3, 6, 7):
        view = view[:, ::-1]
    return np.ascontiguousarray(view)
