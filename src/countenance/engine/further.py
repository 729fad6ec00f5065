"""WebP, AVIF, GIF, BMP and TIFF by Pillow, HEIC by libheif: the header first, within bounds, and then the first frame.

pi-heif carries libheif and libde265, which decode; it has no encoder.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pi_heif
from PIL import Image, UnidentifiedImageError

from countenance.engine.exif import Orientation, read_orientation
from countenance.engine.limits import Limits, check_size
from countenance.errors import DamagedImage, ImageTooLarge, UnsupportedImage
from countenance.faces import Pixels

Further = Literal["WebP", "HEIC", "AVIF", "GIF", "BMP", "TIFF"]
"""The kinds read here."""

FURTHER: tuple[Further, ...] = ("WebP", "HEIC", "AVIF", "GIF", "BMP", "TIFF")

_BROKEN: tuple[type[Exception], ...] = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, struct.error)
_BROKEN += (OverflowError, LookupError, TypeError, AttributeError, MemoryError, Image.DecompressionBombError)
"""What Pillow and its plugins raise for files that are damaged."""

_NO_RANGE = ("I", "F")
"""Modes of Pillow in which no number is defined as white."""


@dataclass(frozen=True, slots=True)
class FurtherHeader:
    """width, height: stored pixels, before `orientation`. kind: of file."""

    width: int
    height: int
    orientation: Orientation
    kind: Further


def read_further_header(image: bytes, kind: Further, limits: Limits) -> FurtherHeader:
    """The header of `image`, checked against `limits`. Raises an `ImageError`."""
    turn: Orientation = 1
    try:
        if kind == "HEIC":
            # libheif turns the picture itself, and gives the turned size
            width, height = pi_heif.open_heif(io.BytesIO(image), convert_hdr_to_8bit=True).size
        else:
            opened = Image.open(io.BytesIO(image), formats=[kind])
            width, height = opened.size
            if kind != "TIFF":  # Pillow turns these when loading, and gives the turned size
                # not `getexif`, which takes it from XMP where Exif has none: JPEG and PNG are not turned by that
                exif = opened.info.get("exif") or b""
                turn = read_orientation(exif.removeprefix(b"Exif\0\0"))
            if opened.mode in _NO_RANGE:
                raise UnsupportedImage(f"a {kind} image of 32-bit numbers is not read; save it with 8 or 16 bits")
    except UnidentifiedImageError:  # its text names an object of this program
        raise DamagedImage(f"the {kind} image cannot be read: its header is cut short or damaged") from None
    except Image.DecompressionBombError:
        raise ImageTooLarge(f"the {kind} image names more pixels than are read of any") from None
    except _BROKEN as error:
        raise DamagedImage(f"the {kind} image cannot be read: {error}") from None
    check_size(width, height, limits)
    return FurtherHeader(width, height, turn, kind)


def _eight_bits(opened: Image.Image) -> Image.Image:
    """`opened` with 8 bits a shade: Pillow would clip 16 bits at 255, which makes nearly everything white."""
    if not opened.mode.startswith("I;16"):
        return opened
    return Image.fromarray((np.asarray(opened).astype(np.uint16) >> 8).astype(np.uint8))


def decode_further(image: bytes, header: FurtherHeader) -> Pixels:
    """The stored pixels of the first frame, (h, w, 3) B, G, R, on white. Raises `DamagedImage`."""
    try:
        if header.kind == "HEIC":
            opened = pi_heif.open_heif(io.BytesIO(image), convert_hdr_to_8bit=True).to_pillow()
        else:
            opened = Image.open(io.BytesIO(image), formats=[header.kind])
            opened.load()
            opened = _eight_bits(opened)
        if opened.has_transparency_data:
            layers = opened.convert("RGBA")
            flat = Image.new("RGB", layers.size, (255, 255, 255))
            flat.paste(layers, mask=layers.getchannel("A"))
        else:
            flat = opened.convert("RGB")
    except _BROKEN as error:
        raise DamagedImage(f"the {header.kind} image cannot be decoded: {error}") from None
    pixels = np.asarray(flat, dtype=np.uint8)
    if pixels.shape != (header.height, header.width, 3):
        raise DamagedImage(f"the {header.kind} image is not of the size that its header names")
    return np.ascontiguousarray(pixels[:, :, ::-1])
