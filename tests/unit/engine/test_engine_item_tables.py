"""HEICs and AVIFs whose tables of items would keep a decoder busy for minutes, or fill the memory: refused."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from countenance.engine.decode import decode, read_header
from countenance.engine.limits import DEFAULT
from countenance.errors import DamagedImage, ImageTooLarge


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def iinf(count: int) -> bytes:
    return box(b"iinf", struct.pack(">IH", 0, count))


def iinf_of_32_bits(count: int) -> bytes:
    return box(b"iinf", struct.pack(">II", 1 << 24, count))


def iloc(count: int) -> bytes:
    return box(b"iloc", struct.pack(">IHH", 0, 0x4400, count))


def iloc_of_32_bits(count: int) -> bytes:
    return box(b"iloc", struct.pack(">IHI", 2 << 24, 0x4400, count))


def ipma(count: int) -> bytes:
    return box(b"iprp", box(b"ipma", struct.pack(">II", 0, count)))


def iref(count: int) -> bytes:
    return box(b"iref", bytes(2 * count))


def picture(*tables: bytes, brand: bytes = b"avif") -> bytes:
    return box(b"ftyp", brand + bytes(4)) + box(b"meta", bytes(4) + b"".join(tables))


def whole() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((100, 100, 3), 90, np.uint8)).save(file, "AVIF", speed=10)
    return file.getvalue()


TABLES = [iinf, iinf_of_32_bits, iloc, iloc_of_32_bits, ipma, iref]


@pytest.mark.parametrize("brand", [b"avif", b"heic"])
@pytest.mark.parametrize("table", TABLES)
def test_a_table_of_too_many_entries_is_refused_before_it_is_read(table: Callable[[int], bytes], brand: bytes) -> None:
    with pytest.raises(ImageTooLarge, match="more than 8000 entries"):
        read_header(picture(table(8001), brand=brand), DEFAULT)
    with pytest.raises(DamagedImage, match="cannot be read"):  # by the decoder, since there is no picture in it
        read_header(picture(table(7998), brand=brand), DEFAULT)


def test_tables_count_together_wherever_they_lie() -> None:
    inside = box(b"moov", box(b"trak", box(b"meta", bytes(4) + iinf(4000))))
    with pytest.raises(ImageTooLarge, match="more than 8000 entries"):
        read_header(picture(iloc(4001)) + inside, DEFAULT)


@pytest.mark.parametrize("until_the_end", [False, True])
def test_boxes_of_unusual_sizes_hide_no_table(until_the_end: bool) -> None:
    tables = bytes(4) + iinf(8001)
    head = struct.pack(">I4s", 0, b"meta") if until_the_end else struct.pack(">I4sQ", 1, b"meta", 16 + len(tables))
    with pytest.raises(ImageTooLarge, match="more than 8000 entries"):
        read_header(box(b"ftyp", b"avif" + bytes(4)) + head + tables, DEFAULT)


def test_boxes_count_as_entries_of_tables() -> None:
    with pytest.raises(ImageTooLarge, match="more than 8000 entries"):
        read_header(picture(box(b"free", b"") * 8000), DEFAULT)


def test_boxes_in_boxes_without_end_are_damage() -> None:
    inside = b""
    for _ in range(2000):
        inside = box(b"moov", inside)
    with pytest.raises(DamagedImage):
        read_header(picture() + inside, DEFAULT)


def test_a_box_that_is_shorter_than_its_head_is_damage() -> None:
    with pytest.raises(DamagedImage, match="shorter than its own head"):
        read_header(picture(struct.pack(">I4s", 7, b"iinf")), DEFAULT)


def test_places_of_no_length_are_refused_for_any_number_of_them_needs_no_bytes() -> None:
    with pytest.raises(DamagedImage, match="neither an offset nor a length"):
        read_header(picture(box(b"iloc", struct.pack(">IHH", 0, 0, 100) + bytes(600))), DEFAULT)


def test_a_whole_picture_is_read_as_before() -> None:
    assert decode(whole(), read_header(whole(), DEFAULT)).shape == (100, 100, 3)
