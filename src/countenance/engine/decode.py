"""Image bytes to upright pixels: the header first, within bounds, and only then the pixels."""

from __future__ import annotations

import cv2
import numpy as np

from countenance.engine.exif import upright
from countenance.engine.jpeg import JPEG_MAGIC, JpegHeader, decode_jpeg, read_jpeg_header
from countenance.engine.limits import Limits
from countenance.engine.png import PNG_MAGIC, PngHeader, decode_png, read_png_header
from countenance.errors import ImageTooLarge, UnsupportedImage
from countenance.faces import Pixels

Header = JpegHeader | PngHeader
"""What an image says about itself."""

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


def begins_like_a_picture(begins: bytes) -> bool:
    """Whether a file whose first bytes (12 or more) are these may be of a kind that is read here."""
    return begins.startswith((JPEG_MAGIC, PNG_MAGIC))


def read_header(image: bytes, limits: Limits) -> Header:
    """The header of `image`, checked against `limits`. Raises an `ImageError`."""
    if len(image) > limits.max_bytes:
        raise ImageTooLarge(f"the image has {len(image)} bytes, at most {limits.max_bytes} are read")
    if not image:
        raise UnsupportedImage("the image is empty; send a JPEG or PNG")
    header: Header
    if image.startswith(JPEG_MAGIC):
        header = read_jpeg_header(image, limits)
    elif image.startswith(PNG_MAGIC):
        header = read_png_header(image, limits)
    else:
        raise UnsupportedImage(f"{_kind(image)} not read here; send a JPEG or PNG")
    return header


def decode(image: bytes, header: Header, reduction: int = 1) -> Pixels:
    """The upright pixels of `image`, uint8 (h, w, 3), B, G, R, C-contiguous.

    reduction: 1, 2, 4 or 8. Each pixel is then the mean of that many pixels each way (libjpeg-turbo scales while it
    decodes a JPEG, which saves most of the work), so pixel i lies at reduction x (i + 0.5) - 0.5 of the original.
    Transparent parts of a PNG show white, 16 bits are cut to 8, CMYK is converted by the plain formula (no ICC profile
    is applied). Raises `DamagedImage`.
    """
    if isinstance(header, JpegHeader):
        return upright(decode_jpeg(image, header, reduction), header.orientation)
    return shrunk(upright(decode_png(image, header), header.orientation), reduction)


def upright_size(header: Header) -> tuple[int, int]:
    """(width, height) of the picture as it is shown."""
    return (header.height, header.width) if header.orientation >= 5 else (header.width, header.height)


def largest_reduction(header: Header, longer_side: int) -> int:
    """The largest of 1, 2, 4, 8 that leaves the longer side at least `longer_side`.

    A picture that is turned or mirrored is reduced only by what divides both its sides, so that the first pixel
    stays whole.
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
    """`pixels` with each square of `reduction` x `reduction` averaged; what is left over at the far edges is cut."""
    if reduction == 1:
        return pixels
    height, width = pixels.shape[0] // reduction, pixels.shape[1] // reduction
    whole = pixels[: height * reduction, : width * reduction]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _kind(image: bytes) -> str:
    for offset, magic, name in _OTHERS:
        if image.startswith(magic, offset):
            return f"{name} images are"
    return "this kind of file is"
