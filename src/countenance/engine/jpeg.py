"""JPEG: what the header says, and the pixels.

The header is ITU-T T.81's markers up to the first scan, read here; libjpeg-turbo decodes what passes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from countenance.engine.exif import Orientation, read_orientation
from countenance.engine.limits import Limits, check_size
from countenance.errors import DamagedImage, ImageTooLarge, UnsupportedImage
from countenance.faces import Pixels

JPEG_MAGIC = b"\xff\xd8\xff"
"""The three bytes that every JPEG starts with."""

_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive
_OTHER_FRAMES = {
    **dict.fromkeys((0xC3, 0xC7, 0xCB, 0xCF), "lossless"),
    **dict.fromkeys((0xC5, 0xC6, 0xCD, 0xCE), "hierarchical"),
    **dict.fromkeys((0xC9, 0xCA), "arithmetic-coded"),
}

_HARMLESS = ("extraneous bytes before marker", "Inconsistent progression sequence", "Invalid SOS parameters")
"""What libjpeg warns of although every pixel is there; any other warning means that pixels are missing or made up."""

_STRIP = 256
"""Rows that are converted at a time, so that what a conversion needs beside the picture stays small."""


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """width, height: stored pixels, before `orientation`. components: 1 grey, 3 colour, 4 CMYK.

    adobe: an Adobe marker is there, by which custom the four inks are stored inverted.
    """

    width: int
    height: int
    orientation: Orientation
    components: int
    adobe: bool


def read_jpeg_header(image: bytes, limits: Limits) -> JpegHeader:
    """The header of `image`, checked against `limits`. Raises an `ImageError`."""
    frame: bytes | None = None
    orientation: Orientation = 1
    adobe = False
    for marker, segment in _segments(image):
        if marker in _FRAMES:
            if frame is not None:
                raise DamagedImage("the JPEG has two frame headers")
            frame = segment
        elif marker in _OTHER_FRAMES:
            raise UnsupportedImage(f"{_OTHER_FRAMES[marker]} JPEG images are not read here")
        elif marker == 0xE1 and segment.startswith(b"Exif\0\0"):
            orientation = read_orientation(segment[6:])
        elif marker == 0xEE and segment.startswith(b"Adobe"):
            adobe = True
    if frame is None or len(frame) < 6:
        raise DamagedImage("the JPEG has no frame header before its first scan")
    depth, height, width, components = struct.unpack_from(">BHHB", frame)
    if height == 0:
        raise UnsupportedImage("JPEG images that name their height after the first scan are not read here")
    check_size(width, height, limits)
    if depth != 8:
        raise UnsupportedImage(f"JPEG images of {depth} bits a sample are not read here, only 8")
    if components not in (1, 3, 4):
        raise UnsupportedImage(f"JPEG images of {components} components are not read here, only 1, 3 or 4")
    if len(frame) < 6 + 3 * components:
        raise DamagedImage("the JPEG's frame header is too short")
    if (scans := image.count(b"\xff\xda")) > limits.max_scans:
        raise ImageTooLarge(f"the JPEG has {scans} scans, at most {limits.max_scans} are read")
    return JpegHeader(width, height, orientation, components, adobe)


def decode_jpeg(image: bytes, header: JpegHeader, reduction: int) -> Pixels:
    """The stored pixels of `image`, (h, w, 3) B, G, R, decoded at 1/`reduction`. Raises `DamagedImage`."""
    colours = "CMYK" if header.components == 4 else "BGR"
    low = {"min_height": -(-header.height // reduction), "min_width": -(-header.width // reduction)}
    try:
        pixels = simplejpeg.decode_jpeg(image, colours, **low)
    except ValueError as error:
        if not any(harmless in str(error) for harmless in _HARMLESS):
            raise DamagedImage(f"the JPEG cannot be decoded: {error}") from None
        try:
            pixels = simplejpeg.decode_jpeg(image, colours, strict=False, **low)
        except ValueError as worse:
            raise DamagedImage(f"the JPEG cannot be decoded: {worse}") from None
    return _from_cmyk(pixels, header.adobe) if header.components == 4 else np.asarray(pixels, dtype=np.uint8)


def _segments(image: bytes) -> Iterator[tuple[int, bytes]]:
    """Each marker before the first scan with its segment's content."""
    at = 2
    while True:
        if at + 4 > len(image):
            raise DamagedImage("the JPEG ends before its first scan")
        if image[at] != 0xFF:
            raise DamagedImage("the JPEG has something other than a marker between its segments")
        marker = image[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers without content
            at += 2
            continue
        if marker == 0xD9:
            raise DamagedImage("the JPEG ends before its first scan")
        length = int.from_bytes(image[at + 2 : at + 4])
        if length < 2 or at + 2 + length > len(image):
            raise DamagedImage("a segment of the JPEG is longer than the file")
        if marker == 0xDA:
            return
        yield marker, image[at + 4 : at + 2 + length]
        at += 2 + length


def _from_cmyk(inks: NDArray[np.uint8], inverted: bool) -> Pixels:
    """B, G, R from C, M, Y, K in (h, w, 4), by light = (1 - ink) (1 - black)."""
    pixels = np.empty((*inks.shape[:2], 3), dtype=np.uint8)
    for top in range(0, len(inks), _STRIP):
        light = inks[top : top + _STRIP] if inverted else ~inks[top : top + _STRIP]
        shade = light[..., 2::-1].astype(np.uint16) * light[..., 3:]
        pixels[top : top + _STRIP] = (shade + 127) // 255
    return pixels
