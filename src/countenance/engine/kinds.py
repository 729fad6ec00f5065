"""The kind of a file, by its first bytes and never by its name."""

from __future__ import annotations

KINDS = ("JPEG", "PNG", "WebP", "HEIC", "AVIF", "GIF", "BMP", "TIFF")
"""The kinds that are read here; each dialect decides which of them it accepts."""

_MAGIC = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"GIF8", "GIF"),
    (8, b"WEBP", "WebP"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"%PDF", "PDF"),
    (0, b"\0\0\x01\0", "ICO"),
    (0, b"8BPS", "PSD"),
    (0, b"PK\3\4", "ZIP"),
    (0, b"RIFF", "video or sound"),
    (0, b"\x1aE\xdf\xa3", "video"),
)

_AVIF = (b"avif", b"avis")
_CODED = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")
_OPEN = (b"mif1", b"mif2", b"msf1")
"""Brands of HEIF (ISO/IEC 23008-12) with AV1 in it, with HEVC in it, and with either."""

_LONGEST_BRANDS = 256

_WORDS = (
    (b"<svg", "SVG"),
    (b"<?xml", "XML or SVG"),
    (b"<html", "HTML"),
    (b"<!doctype html", "HTML"),
    (b"data:", "Base64"),
    (b"/9j/", "Base64"),
    (b"ivborw0kggo", "Base64"),
)
"""What files of text begin with, in lower case: a page in place of a picture, a picture encoded once too often."""


def kind_of(image: bytes) -> str | None:
    """The kind of file that `image` declares, such as "WebP"; None if it is unknown here."""
    if image.startswith(b"ftyp", 4):
        return _branded(image)
    words = image[:64].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    text = next((name for begins, name in _WORDS if words.startswith(begins)), None)
    return text or next((name for offset, magic, name in _MAGIC if image.startswith(magic, offset)), None)


def _branded(image: bytes) -> str:
    """The kind by the brands of an ISO base media file: its own, then those with which it says it is compatible."""
    end = min(int.from_bytes(image[:4]), len(image), _LONGEST_BRANDS)
    brands = [image[8:12], *(image[at : at + 4] for at in range(16, end, 4))]
    named = next(("AVIF" if brand in _AVIF else "HEIC" for brand in brands if brand in _AVIF + _CODED), None)
    return named or ("HEIC" if set(brands).intersection(_OPEN) else "video")
