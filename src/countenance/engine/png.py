"""PNG: what the header says, and the pixels.

The chunks of the W3C recommendation that pixels need, their checksums and the pixel stream are checked here; libpng
decodes what passes, so that it finds no faults.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.engine.exif import Orientation, read_orientation
from countenance.engine.limits import Limits, check_size
from countenance.errors import DamagedImage, ImageTooLarge, UnsupportedImage
from countenance.faces import Pixels

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
"""The eight bytes that every PNG starts with."""

_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_SAMPLES = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
_DEPTHS = {_GREY: (1, 2, 4, 8, 16), _RGB: (8, 16), _PALETTE: (1, 2, 4, 8), _GREY_ALPHA: (8, 16), _RGBA: (8, 16)}

_FRAMES = (b"fcTL", b"fdAT")
"""Chunks of an animation's further pictures, which are passed over: the first one is read, as of a GIF."""

_STRIP = 256
"""Rows that are converted at a time, so that a conversion needs little memory beside the picture."""


@dataclass(frozen=True, slots=True)
class PngHeader:
    """width, height: stored pixels, before `orientation`. alpha: an alpha channel or transparent colours.

    bits: of one pixel. interlaced: stored in the seven passes of Adam7. chunks: the chunks that pixels need (IHDR,
    PLTE, tRNS, IDAT, IEND), each with a correct checksum, as (name, start, end).
    """

    width: int
    height: int
    orientation: Orientation
    alpha: bool
    bits: int
    interlaced: bool
    chunks: tuple[tuple[bytes, int, int], ...]


def read_png_header(image: bytes, limits: Limits) -> PngHeader:
    """The header of `image`, checked against `limits`. Raises an `ImageError`."""
    if image[8:16] != b"\0\0\0\x0dIHDR" or len(image) < 33:
        raise DamagedImage("the PNG does not start with its header")
    width, height, depth, colour, compression, filtering, interlace = struct.unpack_from(">IIBBBBB", image, 16)
    check_size(width, height, limits)
    if depth not in _DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise DamagedImage("the PNG's header names a kind of pixels that PNG does not have")
    orientation: Orientation = 1
    kept: list[tuple[bytes, int, int]] = []
    seen: dict[bytes, int] = {}
    further = 0
    for name, start, end in _chunks(image):
        if _needed(name, end - start - 12, colour, depth, seen):
            _check_sum(image, start, end)
            kept.append((name, start, end))
            seen[name] = end - start - 12
        else:
            further += name not in _FRAMES
        if name == b"eXIf":
            orientation = read_orientation(image[start + 8 : end - 4])
        if further > limits.max_further_chunks:
            raise ImageTooLarge(f"the PNG has more than {limits.max_further_chunks} chunks that hold no pixels")
        if len(kept) > limits.max_chunks:
            raise ImageTooLarge(f"the PNG's pixels lie in more than {limits.max_chunks} chunks")
    if b"IDAT" not in seen or (colour == _PALETTE and b"PLTE" not in seen):
        raise DamagedImage(f"the PNG has no {'palette' if b'IDAT' in seen else 'pixels'}")
    alpha = colour in (_GREY_ALPHA, _RGBA) or b"tRNS" in seen
    return PngHeader(width, height, orientation, alpha, depth * _SAMPLES[colour], interlace == 1, tuple(kept))


def decode_png(image: bytes, header: PngHeader) -> Pixels:
    """The stored pixels of `image`, (h, w, 3) B, G, R. Raises `DamagedImage`."""
    _check_stream(image, header)
    # Only what pixels need goes to the decoder: no profiles, no texts that unpack to gigabytes, no warnings about them.
    essential = b"".join([PNG_MAGIC, *(image[start:end] for _, start, end in header.chunks)])
    how = cv2.IMREAD_UNCHANGED if header.alpha else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(essential, dtype=np.uint8), how)
    except cv2.error as error:
        raise DamagedImage(f"the PNG cannot be decoded: {error.err}") from None
    if pixels is None or pixels.shape[:2] != (header.height, header.width):
        raise DamagedImage("the PNG cannot be decoded")
    return _on_white(np.asarray(pixels)) if pixels.shape[2:] == (4,) else np.asarray(pixels, dtype=np.uint8)


def _chunks(image: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, start, end) of each chunk up to IEND."""
    at = len(PNG_MAGIC)
    while True:
        if at + 12 > len(image):
            raise DamagedImage("the PNG ends before its last chunk")
        end = at + 12 + int.from_bytes(image[at : at + 4])
        if end > len(image):
            raise DamagedImage("a chunk of the PNG is longer than the file")
        name = image[at + 4 : at + 8]
        yield name, at, end
        if name == b"IEND":
            return
        at = end


def _needed(name: bytes, length: int, colour: int, depth: int, seen: dict[bytes, int]) -> bool:
    """Whether pixels need this chunk; one that is needed and out of place, or of a wrong length, is an `ImageError`.

    seen: the chunks kept so far and their lengths. tRNS is optional, so a misplaced one is ignored, as is that of a
    grey PNG, which makes one grey level transparent.
    """
    if name == b"IHDR":
        right = not seen
    elif name == b"PLTE":
        if colour in (_GREY, _GREY_ALPHA):
            return False
        most = 2 ** min(depth, 8) if colour == _PALETTE else 256
        right = length % 3 == 0 and 0 < length <= 3 * most and set(seen) == {b"IHDR"}
    elif name == b"tRNS":
        fits = 0 < length <= seen.get(b"PLTE", 0) // 3 if colour == _PALETTE else colour == _RGB and length == 6
        return fits and not seen.keys() & {b"tRNS", b"IDAT"}
    elif name in (b"IDAT", b"IEND"):
        right = name == b"IDAT" or length == 0
    elif name[0] & 0x20:  # a lower-case letter: not needed to read the pixels
        return False
    else:
        raise UnsupportedImage("the PNG needs a chunk that is not part of the PNG recommendation")
    if not right:
        raise DamagedImage(f"the PNG's {name.decode('ascii')} chunk is out of place or of a wrong length")
    return True


def _check_sum(image: bytes, start: int, end: int) -> None:
    if zlib.crc32(memoryview(image)[start + 4 : end - 4]) != int.from_bytes(image[end - 4 : end]):
        raise DamagedImage("a chunk of the PNG does not match its checksum")


def _check_stream(image: bytes, header: PngHeader) -> None:
    """Unpack the pixel stream once, a piece at a time, so that a damaged one never reaches the decoder."""
    expected = sum(rows * stride for rows, stride in _passes(header))
    unpacker = zlib.decompressobj()
    got = 0
    filters = _filter_positions(header)
    nexts = next(filters, -1)
    try:
        for name, start, end in header.chunks:
            if name != b"IDAT":
                continue
            packed = image[start + 8 : end - 4]
            while packed:
                piece = unpacker.decompress(packed, 1 << 20)
                packed = unpacker.unconsumed_tail
                while 0 <= nexts < got + len(piece):
                    if piece[nexts - got] > 4:
                        raise DamagedImage("a row of the PNG names a filter that PNG does not have")
                    nexts = next(filters, -1)
                got += len(piece)
                if got > expected or unpacker.unused_data:
                    raise DamagedImage(f"the PNG has more pixels than its header names, which need {expected} bytes")
    except zlib.error as error:
        raise DamagedImage(f"the PNG's pixels cannot be unpacked: {error}") from None
    if got < expected:
        raise DamagedImage(f"the PNG's pixels unpack to {got} bytes, expected {expected}")


def _filter_positions(header: PngHeader) -> Iterator[int]:
    """The position of each row's filter byte in the unpacked stream."""
    at = 0
    for rows, stride in _passes(header):
        yield from range(at, at + rows * stride, stride)
        at += rows * stride


def _passes(header: PngHeader) -> list[tuple[int, int]]:
    """(rows, bytes per row) of the whole picture, or of each pass of Adam7 that has pixels."""
    starts: tuple[tuple[int, int, int, int], ...] = ((0, 0, 1, 1),)
    if header.interlaced:  # first column, first row, column step, row step (PNG recommendation, 8.2)
        starts = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    sizes = [(-(-(header.width - x) // dx), -(-(header.height - y) // dy)) for x, y, dx, dy in starts]
    return [(rows, 1 + -(-columns * header.bits // 8)) for columns, rows in sizes if columns > 0 and rows > 0]


def _on_white(pixels: NDArray[Any]) -> Pixels:
    """B, G, R of (h, w, 4) B, G, R, A as seen on white paper: alpha-blended, 16 bits cut to 8."""
    flat = np.empty((*pixels.shape[:2], 3), dtype=np.uint8)
    shift = 8 if pixels.dtype == np.uint16 else 0
    for top in range(0, len(pixels), _STRIP):
        strip = (pixels[top : top + _STRIP] >> shift).astype(np.uint32)
        colour, alpha = strip[..., :3], strip[..., 3:]
        flat[top : top + _STRIP] = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    return flat
