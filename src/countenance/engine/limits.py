"""How much of an image is accepted, checked on the header before a pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass, replace

from countenance.errors import DamagedImage, ImageTooLarge, ImageTooSmall

MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """What an image may cost. Sides and pixels are those in the header.

    Memory of one decode is bounded by `max_pixels`. Bytes a pixel at the peak: JPEG 3, with up to 6 more while a
    progressive one is decoded and 4 more for CMYK; PNG 6 (libpng's rows and the picture), 10 with alpha, 16 with 16
    bits and alpha; WebP 24, HEIC 23, AVIF 20, TIFF 19, BMP 10, GIF 8 (`further.BYTES_A_PIXEL`). Tests check this for
    the costliest file of each kind but JPEG. All decoding of a process together is limited to `decode.ROOM`; a picture
    that needs more by itself, as 52 megapixels of WebP do with 1,190 MiB, is decoded alone.
    """

    max_bytes: int = 5 * MEBIBYTE
    """Longest byte string; images that come from a bucket are given 15 MiB."""
    max_pixels: int = 52_000_000
    """Most pixels, width times height, of a picture and of a tile of a TIFF."""
    max_side: int = 16_384
    """Longest side in pixels."""
    min_side: int = 80
    """Shortest side in pixels."""
    max_scans: int = 100
    """Most passes over a JPEG's pixels; real encoders write about ten."""
    max_scanned: int = 520_000_000
    """Most pixels of a progressive JPEG times its passes, which is what its decoding takes in time."""
    max_chunks: int = 10_000
    """Most chunks of a PNG that hold pixels; encoders that write small ones make them 8 KiB long."""
    max_further_chunks: int = 1000
    """Most other chunks of a PNG (texts, times, profiles), as many as libpng takes. They are passed over, never
    unpacked, so that their bytes need no limit but that of the file."""
    max_pieces: int = 65_536
    """Most strips or tiles of a TIFF: four planes of the longest side, one row in each. Each costs about 10 µs."""
    max_items: int = 8000
    """Most boxes and entries of tables (items, places, properties, references) of a HEIC or AVIF; 200 tiles need
    about 1,000. The decoders look each up in a list of all, which took 5 s for 16,000 items and minutes for 60,000."""
    max_faces: int = 100
    """Most faces reported in one picture; the largest are kept."""


DEFAULT = Limits()
"""For image bytes inside a request."""

STORED = Limits(max_bytes=15 * MEBIBYTE)
"""For images that a request names in a bucket."""

LARGEST_FACE = replace(STORED, max_faces=1)
"""The same if only the largest face is wanted: small faces are searched for only if there is no large one."""


def check_size(width: int, height: int, limits: Limits) -> None:
    """Refuse an image whose header gives a size outside `limits`."""
    if not (width and height):
        raise DamagedImage(f"the header names a size of {width} x {height} pixels")
    if max(width, height) > limits.max_side:
        raise ImageTooLarge(f"the image is {width} x {height} pixels, its longest side may be {limits.max_side}")
    if width * height > limits.max_pixels:
        raise ImageTooLarge(f"the image has {width} x {height} pixels, at most {limits.max_pixels} are read")
    if min(width, height) < limits.min_side:
        raise ImageTooSmall(f"the image is {width} x {height} pixels, each side must have {limits.min_side}")
