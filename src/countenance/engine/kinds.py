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
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    *((4, b"ftyp" + brand, "HEIC") for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")),
    (4, b"ftyp", "video"),
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


def kind_of(image: bytes) -> str | None:
    """The kind of file that `image` declares, such as "WebP"; None if it is unknown here."""
    return next((name for offset, magic, name in _MAGIC if image.startswith(magic, offset)), None)
