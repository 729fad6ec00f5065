"""Image bytes to upright pixels, once the header has been found to be within bounds."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from countenance.engine.header import PNG_MAGIC, JpegHeader, Orientation, PngHeader
from countenance.errors import DamagedImage
from countenance.faces import Pixels

_HARMLESS = ("extraneous bytes before marker", "Inconsistent progression sequence", "Invalid SOS parameters")
"""What libjpeg warns of although every pixel is there; any other warning means that pixels are missing or made up."""

_STRIP = 256
"""Rows that are converted at a time, so that what a conversion needs beside the picture stays small."""


def decode(image: bytes, header: JpegHeader | PngHeader, reduction: int = 1) -> Pixels:
    """The upright pixels of `image`, uint8 (h, w, 3), B, G, R, C-contiguous.

    reduction: a JPEG may be decoded at 1/1 to 1/8 of its size; the largest reduction up to this whole number that the
    decoder has is taken, so the result's sides are at least the original's divided by it. Transparent parts of a PNG
    show white, 16 bits are cut to 8, CMYK is converted by the plain formula (no ICC profile is applied).
    Raises `DamagedImage`.
    """
    pixels = _jpeg(image, header, reduction) if isinstance(header, JpegHeader) else _png(image, header)
    return upright(pixels, header.orientation)


def upright(pixels: Pixels, orientation: Orientation) -> Pixels:
    """`pixels` turned and mirrored as the Exif orientation says (Exif 2.3, tag 0x0112)."""
    view = pixels.swapaxes(0, 1) if orientation >= 5 else pixels
    if orientation in (3, 4, 7, 8):
        view = view[::-1]
    if orientation in (2, 3, 6, 7):
        view = view[:, ::-1]
    return np.ascontiguousarray(view)


def _jpeg(image: bytes, header: JpegHeader, reduction: int) -> Pixels:
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


def _from_cmyk(inks: NDArray[np.uint8], inverted: bool) -> Pixels:
    """B, G, R from C, M, Y, K in (h, w, 4), by light = (1 - ink) (1 - black)."""
    pixels = np.empty((*inks.shape[:2], 3), dtype=np.uint8)
    for top in range(0, len(inks), _STRIP):
        light = inks[top : top + _STRIP] if inverted else ~inks[top : top + _STRIP]
        shade = light[..., 2::-1].astype(np.uint16) * light[..., 3:]
        pixels[top : top + _STRIP] = (shade + 127) // 255
    return pixels


def _png(image: bytes, header: PngHeader) -> Pixels:
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


def _on_white(pixels: NDArray[Any]) -> Pixels:
    """B, G, R of (h, w, 4) B, G, R, A as seen on white paper: alpha-blended, 16 bits cut to 8."""
    flat = np.empty((*pixels.shape[:2], 3), dtype=np.uint8)
    shift = 8 if pixels.dtype == np.uint16 else 0
    for top in range(0, len(pixels), _STRIP):
        strip = (pixels[top : top + _STRIP] >> shift).astype(np.uint32)
        colour, alpha = strip[..., :3], strip[..., 3:]
        flat[top : top + _STRIP] = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    return flat


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
            while packed and got < expected:
                piece = unpacker.decompress(packed, 1 << 20)
                packed = unpacker.unconsumed_tail
                while 0 <= nexts < got + len(piece):
                    if piece[nexts - got] > 4:
                        raise DamagedImage("a row of the PNG names a filter that PNG does not have")
                    nexts = next(filters, -1)
                got += len(piece)
                if unpacker.eof:
                    break
    except zlib.error as error:
        raise DamagedImage(f"the PNG's pixels cannot be unpacked: {error}") from None
    if got < expected:
        raise DamagedImage(f"the PNG's pixels unpack to {got} bytes, expected {expected}")


def _filter_positions(header: PngHeader) -> Iterator[int]:
    """Where in the unpacked stream each row's filter byte stands."""
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
