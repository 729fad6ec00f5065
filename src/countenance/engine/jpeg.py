"""JPEG: what the header says, and the pixels.

The header, ITU-T T.81's markers up to the first scan, is read here; libjpeg-turbo decodes what passes.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from countenance.engine.exif import Orientation, stated_orientation
from countenance.engine.limits import Limits, check_size
from countenance.errors import DamagedImage, ImageTooLarge, UnsupportedImage
from countenance.faces import Pixels

_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive
_OTHER_FRAMES = {
    **dict.fromkeys((0xC3, 0xC7, 0xCB, 0xCF), "lossless"),
    **dict.fromkeys((0xC5, 0xC6, 0xCD, 0xCE), "hierarchical"),
    **dict.fromkeys((0xC9, 0xCA), "arithmetic-coded"),
    0xF7: "near-lossless (JPEG-LS)",
}
_SEND = "send a baseline or progressive one of 8 bits a sample"

_HARMLESS = ("extraneous bytes before marker", "Inconsistent progression sequence", "Invalid SOS parameters")
"""Warnings of libjpeg that leave every pixel intact; any other means that pixels are missing or made up."""

_MARKER = re.compile(rb"\xff+([^\x00\xff\x01\xd0-\xd7])")
"""A marker among coded pixels, in which FF 00 is a pixel's byte and FF D0 to FF D7 divide a scan."""

_SEGMENT = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd8])")
"""A marker before the first scan whose content follows, or the end's."""

_UNREAD = ("Could not determine subsampling", "extraneous bytes before marker")
"""Errors of simplejpeg for valid JPEGs that it does not support: rare subsamplings, bytes before the first segment."""

_BAD_PROFILE = "bad ICC marker"
"""libjpeg's word on the parts of a colour profile that do not fit together."""

_CUT = "Premature end of JPEG file"
"""libjpeg's word on a file without its end marker, whether pixels are missing or not."""

_END = b"\xff\xd9"

_MOST_SEGMENTS = 10_000
"""Segments that are read before the first scan: cameras write some tens, and a profile of 16 MB 256 more."""

_STRIP = 256
"""Rows that are converted at a time, so that a conversion needs little memory beside the picture."""


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """width, height: stored pixels, before `orientation`. components: 1 grey, 3 colour, 4 CMYK.

    progressive: coded in passes, which are all kept in memory while it is decoded.
    adobe: whether there is an Adobe marker, with which the four inks are, by custom, stored inverted.
    """

    width: int
    height: int
    orientation: Orientation
    components: int
    adobe: bool
    progressive: bool = False


def read_jpeg_header(image: bytes, limits: Limits) -> JpegHeader:
    """The header of `image`, checked against `limits`. Raises an `ImageError`."""
    frame: bytes | None = None
    orientation: Orientation | None = None  # the first that is stated: programs add blocks of their own behind it
    adobe = progressive = False
    for marker, segment in _segments(image):
        if marker in _FRAMES:
            if frame is not None:
                raise DamagedImage("the JPEG has two frame headers")
            frame, progressive = segment, marker == 0xC2
        elif marker in _OTHER_FRAMES:
            raise UnsupportedImage(f"{_OTHER_FRAMES[marker]} JPEG images are not read here; {_SEND}")
        elif marker == 0xE1 and segment.startswith(b"Exif\0\0"):
            orientation = orientation or stated_orientation(segment)
        elif marker == 0xEE and segment.startswith(b"Adobe"):
            adobe = True
    if frame is None or len(frame) < 6:
        raise DamagedImage("the JPEG has no frame header before its first scan")
    depth, height, width, components = struct.unpack_from(">BHHB", frame)
    if height == 0:
        raise UnsupportedImage(f"JPEG images that name their height after the first scan are not read here; {_SEND}")
    check_size(width, height, limits)
    if depth != 8:
        raise UnsupportedImage(f"JPEG images of {depth} bits a sample are not read here, only 8")
    if components not in (1, 3, 4):
        raise UnsupportedImage(f"JPEG images of {components} components are not read here, only 1, 3 or 4")
    if len(frame) < 6 + 3 * components:
        raise DamagedImage("the JPEG's frame header is too short")
    if (scans := _scans(image)) > limits.max_scans:
        raise ImageTooLarge(f"the JPEG has {scans} scans, at most {limits.max_scans} are read")
    if progressive and scans * width * height > limits.max_scanned:
        raise ImageTooLarge(
            f"the JPEG has {scans} scans of {width} x {height} pixels, at most {limits.max_scanned} pixels are scanned"
        )
    return JpegHeader(width, height, orientation or 1, components, adobe, progressive)


def decode_jpeg(image: bytes, header: JpegHeader, reduction: int) -> Pixels:
    """The stored pixels of `image`, (h, w, 3) B, G, R, decoded at 1/`reduction`. Raises `DamagedImage`.

    An image that lacks its end marker, and no pixel, is whole; one that lacks a pixel, or a scan, is damaged.
    """
    colours = "CMYK" if header.components == 4 else "BGR"
    low = {"min_height": -(-header.height // reduction), "min_width": -(-header.width // reduction)}
    try:
        pixels = simplejpeg.decode_jpeg(image, colours, **low)
    except ValueError as error:
        if _BAD_PROFILE in str(error) and (rest := _without_profile(image)) != image:
            return decode_jpeg(rest, header, reduction)
        if _CUT in str(error):
            if (ended := _ended(image, header)) == image:
                raise DamagedImage("the JPEG cannot be decoded: it is cut short and lacks scans") from None
            return decode_jpeg(ended, header, reduction)
        if any(unread in str(error) for unread in _UNREAD):
            if (tidy := _tidy(image)) != image:
                return decode_jpeg(tidy, header, reduction)
            if header.components != 4:
                return _by_pillow(_ended(image, header), header, reduction)
        if not any(harmless in str(error) for harmless in _HARMLESS):
            raise DamagedImage(f"the JPEG cannot be decoded: {error}") from None
        try:
            pixels = simplejpeg.decode_jpeg(image, colours, strict=False, **low)
        except ValueError as worse:
            raise DamagedImage(f"the JPEG cannot be decoded: {worse}") from None
    return _from_cmyk(pixels, header.adobe) if header.components == 4 else np.asarray(pixels, dtype=np.uint8)


def _without_profile(image: bytes) -> bytes:
    """`image` without its ICC profile, which is not applied anyway."""
    parts, begun = [], 0
    for marker, segment, start in _places(image):
        if marker == 0xE2 and segment.startswith(b"ICC_PROFILE"):
            parts.append(image[begun : start - 4])
            begun = start + len(segment)
    return b"".join([*parts, image[begun:]])


def _tidy(image: bytes) -> bytes:
    """`image` without what lies between its segments, so that the first warning of libjpeg, which tells of no other, is
    about pixels.
    """
    parts = [image[start - 4 : start + len(segment)] for _, segment, start in _places(image)]
    return b"".join([image[:2], *parts, image[_first_scan(image) :]])


def _by_pillow(image: bytes, header: JpegHeader, reduction: int) -> Pixels:
    """As `decode_jpeg`, for files that simplejpeg does not support."""
    low = (-(-header.width // reduction), -(-header.height // reduction))
    try:
        opened = Image.open(io.BytesIO(image), formats=["JPEG"])
        if reduction > 1:
            opened.draft("RGB", low)
        pixels = np.asarray(opened.convert("RGB"), dtype=np.uint8)
    except (OSError, ValueError, SyntaxError) as error:
        raise DamagedImage(f"the JPEG cannot be decoded: {error}") from None
    if pixels.shape != (low[1], low[0], 3):
        raise DamagedImage("the JPEG is not of the size that its header names")
    return np.ascontiguousarray(pixels[:, :, ::-1])


def _ended(image: bytes, header: JpegHeader) -> bytes:
    """`image` with the end marker that it lacks, if its scans are all begun: libjpeg then tells whether it lacks pixels
    of the last one, but would not miss a scan.
    """
    sent: dict[int, int] = {}  # the coefficients of each component that are sent in full, as bits
    for marker, segment in _later_segments(image):
        if marker == 0xD9:
            return image
        if marker != 0xDA:
            continue
        components, spectrum = (segment[1:-3:2], segment[-3:]) if len(segment) >= 4 else (b"", bytes(3))
        first, last, exact = (spectrum[0], spectrum[1], not spectrum[2] & 15) if header.progressive else (0, 63, True)
        if last < 64 and exact:
            for component in components:
                sent[component] = sent.get(component, 0) | (2 << last) - (1 << first)
    complete = len(sent) == header.components and all(bits == (1 << 64) - 1 for bits in sent.values())
    return image + _END if complete else image


def _scans(image: bytes) -> int:
    """How many scans the image has up to its end; data after that (a phone's video) is not part of it."""
    return sum(marker == 0xDA for marker, _ in _later_segments(image))


def _later_segments(image: bytes) -> Iterator[tuple[int, bytes]]:
    """Each marker from the first scan's on with its segment's content, up to the end's."""
    at = _first_scan(image)
    while match := _MARKER.search(image, at):
        marker, at = match[1][0], match.end()
        length = 0 if marker in (0xD8, 0xD9) else max(2, int.from_bytes(image[at : at + 2]))
        yield marker, image[at + 2 : at + length]
        if marker == 0xD9:
            return
        at += length


def _first_scan(image: bytes) -> int:
    """The position of the first scan's marker."""
    *_, (_, segment, start) = [(0, b"", 2), *_places(image)]
    return image.index(b"\xff\xda", start + len(segment))


def _segments(image: bytes) -> Iterator[tuple[int, bytes]]:
    """Each marker before the first scan with its segment's content."""
    for marker, segment, _ in _places(image):
        yield marker, segment


def _places(image: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Each marker before the first scan, its segment's content, and where that starts.

    Bytes between segments are skipped, as in libjpeg.
    """
    at = 2
    for _ in range(_MOST_SEGMENTS):
        match = _SEGMENT.search(image, at)
        if match is None or match.start() + 4 > len(image) or match[1] == b"\xd9":
            raise DamagedImage("the JPEG ends before its first scan")
        at, marker = match.start(), match[1][0]
        length = int.from_bytes(image[at + 2 : at + 4])
        if length < 2 or at + 2 + length > len(image):
            raise DamagedImage("a segment of the JPEG is longer than the file")
        if marker == 0xDA:
            return
        yield marker, image[at + 4 : at + 2 + length], at + 4
        at += 2 + length
    raise ImageTooLarge(f"the JPEG has more than {_MOST_SEGMENTS} segments before its first scan")


def _from_cmyk(inks: NDArray[np.uint8], inverted: bool) -> Pixels:
    """B, G, R from C, M, Y, K in (h, w, 4), by light = (1 - ink) (1 - black)."""
    pixels = np.empty((*inks.shape[:2], 3), dtype=np.uint8)
    for top in range(0, len(inks), _STRIP):
        light = inks[top : top + _STRIP] if inverted else ~inks[top : top + _STRIP]
        shade = light[..., 2::-1].astype(np.uint16) * light[..., 3:]
        pixels[top : top + _STRIP] = (shade + 127) // 255
    return pixels
