"""What an image says about itself, read from its bytes before anything is decoded.

JPEG: ITU-T T.81 markers up to the first scan. PNG: the W3C recommendation's chunks, each with its CRC.
Orientation: the Exif tag 0x0112 of either; an Exif block that cannot be read counts as upright.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from countenance.engine.limits import Limits
from countenance.errors import DamagedImage, ImageTooLarge, ImageTooSmall, UnsupportedImage

Orientation = Literal[1, 2, 3, 4, 5, 6, 7, 8]
"""Exif orientation: 1 is upright; 5 to 8 swap width and height."""

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
"""The eight bytes that every PNG starts with."""
_OTHERS = (
    (0, b"GIF8", "GIF"),
    (8, b"WEBP", "WebP"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    (4, b"ftyp", "HEIC or video"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"%PDF", "PDF"),
    (0, b"\0\0\x01\0", "ICO"),
    (0, b"8BPS", "PSD"),
    (0, b"<svg", "SVG"),
    (0, b"<?xml", "XML or SVG"),
)
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_OTHER_FRAMES = {
    **dict.fromkeys((0xC3, 0xC7, 0xCB, 0xCF), "lossless"),
    **dict.fromkeys((0xC5, 0xC6, 0xCD, 0xCE), "hierarchical"),
    **dict.fromkeys((0xC9, 0xCA), "arithmetic-coded"),
}
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_SAMPLES = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
_DEPTHS = {_GREY: (1, 2, 4, 8, 16), _RGB: (8, 16), _PALETTE: (1, 2, 4, 8), _GREY_ALPHA: (8, 16), _RGBA: (8, 16)}


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


@dataclass(frozen=True, slots=True)
class PngHeader:
    """width, height: stored pixels, before `orientation`. alpha: an alpha channel or transparent colours.

    bits: of one pixel. interlaced: stored in the seven passes of Adam7. chunks: where the chunks lie that pixels need
    (IHDR, PLTE, tRNS, IDAT, IEND), each with a right checksum, as (name, start, end).
    """

    width: int
    height: int
    orientation: Orientation
    alpha: bool
    bits: int
    interlaced: bool
    chunks: tuple[tuple[bytes, int, int], ...]


def read_header(image: bytes, limits: Limits) -> JpegHeader | PngHeader:
    """The header of `image`, checked against `limits`. Raises an `ImageError`."""
    if len(image) > limits.max_bytes:
        raise ImageTooLarge(f"the image has {len(image)} bytes, at most {limits.max_bytes} are read")
    if not image:
        raise UnsupportedImage("the image is empty; send a JPEG or PNG")
    header: JpegHeader | PngHeader
    if image.startswith(b"\xff\xd8\xff"):
        header = _jpeg(image, limits)
    elif image.startswith(PNG_MAGIC):
        header = _png(image, limits)
    else:
        raise UnsupportedImage(f"{_kind(image)} not read here; send a JPEG or PNG")
    return header


def _check_size(width: int, height: int, limits: Limits) -> None:
    if not (width and height):
        raise DamagedImage(f"the header names a size of {width} x {height} pixels")
    if max(width, height) > limits.max_side:
        raise ImageTooLarge(f"the image is {width} x {height} pixels, its longest side may be {limits.max_side}")
    if width * height > limits.max_pixels:
        raise ImageTooLarge(f"the image has {width} x {height} pixels, at most {limits.max_pixels} are read")
    if min(width, height) < limits.min_side:
        raise ImageTooSmall(f"the image is {width} x {height} pixels, each side must have {limits.min_side}")


def _kind(image: bytes) -> str:
    for offset, magic, name in _OTHERS:
        if image.startswith(magic, offset):
            return f"{name} images are"
    return "this kind of file is"


def _jpeg(image: bytes, limits: Limits) -> JpegHeader:
    frame: bytes | None = None
    frame_marker = 0
    orientation: Orientation = 1
    adobe = False
    for marker, segment in _segments(image):
        if marker in (_BASELINE, _EXTENDED, _PROGRESSIVE):
            if frame is not None:
                raise DamagedImage("the JPEG has two frame headers")
            frame, frame_marker = segment, marker
        elif marker in _OTHER_FRAMES:
            raise UnsupportedImage(f"{_OTHER_FRAMES[marker]} JPEG images are not read here")
        elif marker == 0xE1 and segment.startswith(b"Exif\0\0"):
            orientation = _exif_orientation(segment[6:])
        elif marker == 0xEE and segment.startswith(b"Adobe"):
            adobe = True
    if frame is None or len(frame) < 6:
        raise DamagedImage("the JPEG has no frame header before its first scan")
    depth, height, width, components = struct.unpack_from(">BHHB", frame)
    if height == 0:
        raise UnsupportedImage("JPEG images that name their height after the first scan are not read here")
    _check_size(width, height, limits)
    if depth != 8:
        raise UnsupportedImage(f"JPEG images of {depth} bits a sample are not read here, only 8")
    if components not in (1, 3, 4):
        raise UnsupportedImage(f"JPEG images of {components} components are not read here, only 1, 3 or 4")
    if len(frame) < 6 + 3 * components:
        raise DamagedImage("the JPEG's frame header is too short")
    if frame_marker == _PROGRESSIVE and (scans := image.count(b"\xff\xda")) > limits.max_scans:
        raise ImageTooLarge(f"the progressive JPEG has {scans} scans, at most {limits.max_scans} are read")
    return JpegHeader(width, height, orientation, components, adobe)


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


def _png(image: bytes, limits: Limits) -> PngHeader:
    if image[12:16] != b"IHDR" or len(image) < 33:
        raise DamagedImage("the PNG does not start with its header")
    width, height, depth, colour, compression, filtering, interlace = struct.unpack_from(">IIBBBBB", image, 16)
    _check_size(width, height, limits)
    if depth not in _DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise DamagedImage("the PNG's header names a kind of pixels that PNG does not have")
    orientation: Orientation = 1
    alpha = colour in (_GREY_ALPHA, _RGBA)
    kept: list[tuple[bytes, int, int]] = []
    has_palette = has_pixels = False
    for name, start, end in _chunks(image):
        if name == b"acTL" and not has_pixels:
            raise UnsupportedImage("animated PNG images are not read here")
        if name == b"eXIf":
            orientation = _exif_orientation(image[start + 8 : end - 4])
        elif name == b"tRNS" and colour in (_RGB, _PALETTE) and not has_pixels:
            alpha = True
            kept.append((name, start, end))
        elif name in (b"IHDR", b"PLTE", b"IDAT", b"IEND"):
            has_palette |= name == b"PLTE"
            has_pixels |= name == b"IDAT"
            kept.append((name, start, end))
        elif not name[0] & 0x20:
            raise UnsupportedImage("the PNG needs a chunk that is not part of the PNG recommendation")
    if not has_pixels or (colour == _PALETTE and not has_palette):
        raise DamagedImage(f"the PNG has no {'pixels' if has_palette or colour != _PALETTE else 'palette'}")
    return PngHeader(width, height, orientation, alpha, depth * _SAMPLES[colour], interlace == 1, tuple(kept))


def _chunks(image: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, start, end) of each chunk up to IEND, its CRC checked."""
    at = len(PNG_MAGIC)
    view = memoryview(image)
    while True:
        if at + 12 > len(image):
            raise DamagedImage("the PNG ends before its last chunk")
        end = at + 12 + int.from_bytes(image[at : at + 4])
        if end > len(image):
            raise DamagedImage("a chunk of the PNG is longer than the file")
        name = image[at + 4 : at + 8]
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(image[end - 4 : end]):
            raise DamagedImage("a chunk of the PNG does not match its checksum")
        yield name, at, end
        if name == b"IEND":
            return
        at = end


def _exif_orientation(tiff: bytes) -> Orientation:
    """The orientation in the TIFF structure of an Exif block, 1 where there is none that can be read."""
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
        if tag == 0x0112 and form == 3 and count == 1:
            (value,) = struct.unpack_from(f"{order}H", tiff, at + 8)
            return value if 1 <= value <= 8 else 1
    return 1
