"""Image bytes to upright pixels: the header is checked first, and only then are pixels decoded."""

from __future__ import annotations

import cv2
import numpy as np

from countenance.engine.exif import upright
from countenance.engine.further import (
    BYTES_A_PIXEL,
    FURTHER,
    FurtherHeader,
    decode_further,
    parsing,
    read_further_header,
)
from countenance.engine.jpeg import JpegHeader, decode_jpeg, read_jpeg_header
from countenance.engine.kinds import KINDS, kind_of
from countenance.engine.limits import Limits
from countenance.engine.png import PngHeader, decode_png, read_png_header
from countenance.engine.room import Room
from countenance.errors import ImageTooLarge, UnsupportedImage
from countenance.faces import Pixels

Header = JpegHeader | PngHeader | FurtherHeader
"""What an image says about itself."""

ROOM = Room(2**30)
"""The most bytes that decoding takes in this process, over all threads. A picture that needs more is decoded alone."""


def decoding_room() -> tuple[int, int]:
    """Bytes of that room that are free, and all of it."""
    return ROOM.free, ROOM.size


_KINDS = ", ".join(KINDS[:-1]) + f" or {KINDS[-1]}"


def read_header(image: bytes, limits: Limits) -> Header:
    """The header of `image`, checked against `limits`. Raises an `ImageError`."""
    if len(image) > limits.max_bytes:
        raise ImageTooLarge(f"the image has {len(image)} bytes, at most {limits.max_bytes} are read")
    if not image:
        raise UnsupportedImage(f"the image is empty; send a {_KINDS}")
    header: Header
    kind = kind_of(image)
    further = next((name for name in FURTHER if name == kind), None)
    if kind == "JPEG":
        header = read_jpeg_header(image, limits)
    elif kind == "PNG":
        header = read_png_header(image, limits)
    elif further is not None:
        with ROOM.taken(parsing(image, further)):
            header = read_further_header(image, further, limits)
    else:
        what = "this kind of file is" if kind is None else f"{kind} files are"
        raise UnsupportedImage(f"{what} not read here; send a {_KINDS}")
    return header


def decode(image: bytes, header: Header, reduction: int = 1) -> Pixels:
    """The upright pixels of `image`, uint8 (h, w, 3), B, G, R, C-contiguous.

    reduction: 1, 2, 4 or 8. Each pixel is then the mean of that many pixels each way (libjpeg-turbo scales while it
    decodes a JPEG, which saves most of the work), so pixel i lies at reduction x (i + 0.5) - 0.5 of the original.
    Transparent parts of a PNG show white, 16 bits are cut to 8, CMYK is converted by the plain formula (no ICC profile
    is applied). Raises `DamagedImage`.
    """
    with ROOM.taken(cost(header, reduction)):
        if isinstance(header, JpegHeader):
            return upright(decode_jpeg(image, header, reduction), header.orientation)
        pixels = decode_png(image, header) if isinstance(header, PngHeader) else decode_further(image, header)
        return shrunk(upright(pixels, header.orientation), reduction)


def cost(header: Header, reduction: int = 1) -> int:
    """Bytes at the peak of decoding, from the header alone: see `Limits` for what each kind takes for a pixel."""
    pixels = header.width * header.height
    if isinstance(header, JpegHeader):
        each = 10 if header.components == 4 else 6
        return pixels * each // reduction**2 + pixels * 2 * header.components * header.progressive
    if isinstance(header, PngHeader):
        return pixels * ((16 if header.bits > 32 else 10) if header.alpha else 6)
    return header.at_once * BYTES_A_PIXEL[header.kind] + header.parsed


def upright_size(header: Header) -> tuple[int, int]:
    """(width, height) of the picture as displayed."""
    return (header.height, header.width) if header.orientation >= 5 else (header.width, header.height)


def largest_reduction(header: Header, longer_side: int) -> int:
    """The largest of 1, 2, 4, 8 that leaves the longer side at least `longer_side`.

    A picture to be turned or mirrored is reduced only by a divisor of both its sides, so that its first pixel stays
    whole.
    """
    width, height = header.width, header.height
    reduction = 8
    while reduction > 1 and (
        max(width, height) < longer_side * reduction
        or (header.orientation > 1 and (width % reduction or height % reduction))
    ):
        reduction //= 2
    return reduction


def shrunk(pixels: Pixels, reduction: int) -> Pixels:
    """`pixels` with each square of `reduction` x `reduction` averaged; the remainder at the far edges is cut off."""
    if reduction == 1:
        return pixels
    height, width = pixels.shape[0] // reduction, pixels.shape[1] // reduction
    whole = pixels[: height * reduction, : width * reduction]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
