"""WebP, AVIF, GIF, BMP and TIFF by Pillow, HEIC by libheif: the header first, within bounds, and then the first frame.

pi-heif carries libheif and libde265, which decode; it has no encoder.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pi_heif
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from countenance.engine.exif import Orientation, read_orientation
from countenance.engine.item_tables import check_tables
from countenance.engine.limits import Limits, check_size
from countenance.errors import DamagedImage, ImageTooLarge, UnsupportedImage
from countenance.faces import Pixels

Further = Literal["WebP", "HEIC", "AVIF", "GIF", "BMP", "TIFF"]
"""The kinds read here."""

FURTHER: tuple[Further, ...] = ("WebP", "HEIC", "AVIF", "GIF", "BMP", "TIFF")

BYTES_A_PIXEL: Mapping[Further, int] = {"WebP": 24, "HEIC": 23, "AVIF": 20, "GIF": 8, "BMP": 10, "TIFF": 19}
"""What decoding takes at its peak for a pixel decoded at once.

A tenth and more above what the costliest file of 12 megapixels took of each kind: WebP 21.4 (animated, lossless, with
alpha), HEIC 20.3 and AVIF 17.9 (12 bits, 4:4:4, with alpha), GIF 6.5 (transparent, with disposal), BMP 8.4, TIFF 16.6
(16 bits with alpha in one packed strip, turned).
"""

_BROKEN: tuple[type[Exception], ...] = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, struct.error)
_BROKEN += (OverflowError, LookupError, TypeError, AttributeError, MemoryError, Image.DecompressionBombError)
"""What Pillow and its plugins raise for files that are damaged."""

_TILE_WIDTH, _TILE_LENGTH = 322, 323
"""Tags of TIFF 6.0, section 15."""
_PIECES = frozenset({273, 279, 324, 325})
"""Tags with a number for each strip or tile: offsets and byte counts."""
_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of one value, by its type."""

# Pillow warns of odd files in words of the file; Python would print each to the log, and keep it in memory, for good.
warnings.filterwarnings("ignore", module=r"PIL\.")

_NO_RANGE = ("I", "F")
"""Modes of Pillow in which no number is defined as white."""


@dataclass(frozen=True, slots=True)
class FurtherHeader:
    """width, height: stored pixels, before `orientation`. kind: of file.

    at_once: the pixels decoded at once. These are the picture's, or those of a tile of a TIFF, which may be larger.
    parsed: bytes that reading the file takes beside that.
    """

    width: int
    height: int
    orientation: Orientation
    kind: Further
    at_once: int
    parsed: int = 0


def read_further_header(image: bytes, kind: Further, limits: Limits) -> FurtherHeader:
    """The header of `image`, checked against `limits`. Raises an `ImageError`."""
    turn: Orientation = 1
    tile = 0
    try:
        if kind in ("HEIC", "AVIF"):
            check_tables(image, limits)
        if kind == "HEIC":
            # libheif turns the picture itself, and gives the turned size
            width, height = pi_heif.open_heif(io.BytesIO(image), convert_hdr_to_8bit=True).size
        else:
            if kind == "TIFF":
                _check_directory(image, limits)
            opened = Image.open(io.BytesIO(image), formats=[kind])
            width, height = opened.size
            if kind != "TIFF":  # Pillow turns these when loading, and gives the turned size
                # not `getexif`, which takes it from XMP where Exif has none: JPEG and PNG are not turned by that
                exif = opened.info.get("exif") or b""
                turn = read_orientation(exif)
            if isinstance(opened, TiffImageFile):
                tile = int(opened.tag_v2.get(_TILE_WIDTH, 0)) * int(opened.tag_v2.get(_TILE_LENGTH, 0))
            if opened.mode in _NO_RANGE:
                raise UnsupportedImage(f"a {kind} image of 32-bit numbers is not read; save it with 8 or 16 bits")
    except UnidentifiedImageError:  # its text names an object of this program
        raise DamagedImage(f"the {kind} image cannot be read: its header is cut short or damaged") from None
    except Image.DecompressionBombError:
        raise ImageTooLarge(f"the {kind} image names more pixels than are read of any") from None
    except _BROKEN as error:
        raise DamagedImage(f"the {kind} image cannot be read: {error}") from None
    check_size(width, height, limits)
    if tile > limits.max_pixels:
        raise ImageTooLarge(f"a tile of the TIFF image has {tile} pixels, at most {limits.max_pixels} are read")
    return FurtherHeader(width, height, turn, kind, max(width * height, tile), parsing(image, kind))


def parsing(image: bytes, kind: Further) -> int:
    """Bytes that reading the file takes at its peak, beside its pixels, whatever size it names."""
    return (
        48 * len(image) if kind == "GIF" else 0
    )  # Pillow keeps comments in pieces: 43 bytes for one in the worst file


def _check_directory(image: bytes, limits: Limits) -> None:
    """Refuse a TIFF whose first directory names the same bytes again and again, or a picture of too many pieces.

    Pillow reads all that a directory names into memory, and makes an object of each piece, before its size is known.
    """
    order = "<" if image.startswith(b"II") else ">"
    (at,) = struct.unpack_from(order + "I", image, 4)
    (entries,) = struct.unpack_from(order + "H", image, at)
    named = 0
    for entry in range(at + 2, min(at + 2 + 12 * entries, len(image) - 11), 12):
        tag, kind, count = struct.unpack_from(order + "HHI", image, entry)
        if tag in _PIECES and count > limits.max_pieces:
            raise ImageTooLarge(f"the TIFF image has {count} strips or tiles, at most {limits.max_pieces} are read")
        named += _TIFF_SIZES.get(kind, 1) * count
    if named > len(image):
        raise DamagedImage("the TIFF image cannot be read: its directory names more bytes than the file has")


def decode_further(image: bytes, header: FurtherHeader) -> Pixels:
    """The stored pixels of the first frame, (h, w, 3) B, G, R, on white. Raises `DamagedImage`.

    `decode.cost` rests on how little is held here at once, beside what the decoders hold themselves.
    """
    try:
        if header.kind == "HEIC":
            heic = pi_heif.open_heif(io.BytesIO(image), convert_hdr_to_8bit=True)
            size, strips = heic.size, _heic_strips(heic)
        else:
            opened = Image.open(io.BytesIO(image), formats=[header.kind])
            opened.load()
            # What the decoders of WebP and AVIF hold, two pictures and more, is of no use once the first is loaded.
            vars(opened).pop("_decoder", None)
            size, strips = opened.size, _strips(opened)
        if size != (header.width, header.height):
            raise DamagedImage(f"the {header.kind} image is not of the size that its header names")
        pixels = np.empty((header.height, header.width, 3), dtype=np.uint8)
        top = 0
        for strip in strips:
            part = np.asarray(_on_white(strip), dtype=np.uint8)
            pixels[top : top + len(part)] = part[:, :, ::-1]
            top += len(part)
    except _BROKEN as error:
        raise DamagedImage(f"the {header.kind} image cannot be decoded: {error}") from None
    return pixels


_STRIP = 256
"""Rows that are converted at a time, so that a conversion needs little memory beside the picture."""


def _strips(opened: Image.Image) -> Iterator[Image.Image]:
    width, height = opened.size
    for top in range(0, height, _STRIP):
        yield _eight_bits(opened.crop((0, top, width, min(top + _STRIP, height))))


def _heic_strips(opened: pi_heif.HeifFile) -> Iterator[Image.Image]:
    """Straight from what libheif decoded: `to_pillow` would copy it. `stored` is memory that `opened` owns."""
    stored, mode, stride = memoryview(opened.data), opened.mode, opened.stride
    width, height = opened.size
    for top in range(0, height, _STRIP):
        rows = min(_STRIP, height - top)
        part = stored[top * stride : (top + rows) * stride]
        yield Image.frombytes(mode, (width, rows), part, "raw", mode, stride)


def _eight_bits(strip: Image.Image) -> Image.Image:
    """`strip` with 8 bits a shade: Pillow would clip 16 bits at 255, which makes nearly everything white."""
    if not strip.mode.startswith("I;16"):
        return strip
    return Image.fromarray((np.asarray(strip).astype(np.uint16) >> 8).astype(np.uint8))


def _on_white(strip: Image.Image) -> Image.Image:
    if not strip.has_transparency_data:
        return strip.convert("RGB")
    layers = strip.convert("RGBA")
    flat = Image.new("RGB", layers.size, (255, 255, 255))
    flat.paste(layers, mask=layers.getchannel("A"))
    return flat
