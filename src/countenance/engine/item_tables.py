"""The tables of items in a HEIC or AVIF (ISO/IEC 14496-12, section 8.11), counted before a decoder reads them."""

from __future__ import annotations

from collections.abc import Iterator

from countenance.engine.limits import Limits
from countenance.errors import DamagedImage, ImageTooLarge

_CONTAINERS = {b"moov": 0, b"trak": 0, b"iprp": 0, b"meta": 4}
"""Boxes in which tables lie, and the bytes before the first box in them."""


def check_tables(image: bytes, limits: Limits) -> None:
    """Refuse a picture whose tables have too many entries, or name places of no length."""
    entries = 0
    for kind, at, until in _tables(image, 0, len(image)):
        entries += 1 + _entries(image, kind, at, until)  # a box counts, too: each takes time here
        if entries > limits.max_items:
            raise ImageTooLarge(f"the tables of the image have more than {limits.max_items} entries")


def _tables(image: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes that are tables, or may be: kind, and where their content starts and ends."""
    for kind, at, until in _boxes(image, start, end):
        if kind in _CONTAINERS:
            yield from _tables(image, at + _CONTAINERS[kind], until)
        else:
            yield kind, at, until


def _boxes(image: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Each box between: kind, and where its content starts and ends. A last one may be cut short."""
    while start + 8 <= end:
        size, content = int.from_bytes(image[start : start + 4]), start + 8
        if size == 1:
            size, content = int.from_bytes(image[content : content + 8]), content + 8
        until = min(start + size, end) if size else end
        if until < content:
            raise DamagedImage("a box of the image is shorter than its own head")
        yield image[start + 4 : start + 8], content, until
        start = until


def _entries(image: bytes, kind: bytes, at: int, until: int) -> int:
    """How many entries a table says that it has; 0 for other boxes."""

    def number(offset: int, size: int) -> int:
        return int.from_bytes(image[at + offset : min(at + offset + size, until)])

    version = number(0, 1)
    if kind == b"iinf":
        return number(4, 4 if version else 2)
    if kind == b"ipma":
        return number(4, 4)
    if kind == b"iref":
        return (until - at) // 2  # an entry is a number of two bytes or four
    if kind == b"iloc":
        if not number(4, 1):  # the bytes of an offset, and of a length
            raise DamagedImage("the image names places that have neither an offset nor a length")
        return number(6, 4 if version == 2 else 2)
    return 0
