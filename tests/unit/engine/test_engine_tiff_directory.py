"""TIFFs whose directory would make Pillow read the same bytes again and again, or make a million pieces: refused."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from countenance.engine.decode import decode, read_header
from countenance.engine.limits import DEFAULT
from countenance.errors import DamagedImage, ImageTooLarge

SHORT, LONG, ASCII = 3, 4, 2
SIZES = {SHORT: 2, LONG: 4, ASCII: 1}
GREY = {256: (SHORT, [100]), 257: (SHORT, [100]), 258: (SHORT, [8]), 259: (SHORT, [1]), 262: (SHORT, [1])}


def tiff(tags: Mapping[int, tuple[int, list[int]]], order: str = "<", more: bytes = b"") -> bytes:
    """A TIFF with these tags, by number: type and values. more: whole entries behind them."""
    entries, values, after = b"", b"", 8 + 2 + 12 * len(tags) + len(more) + 4
    for tag, (kind, numbers) in sorted(tags.items()):
        raw = struct.pack(f"{order}{len(numbers)}{'H' if kind == SHORT else 'I'}", *numbers)
        entries += struct.pack(order + "HHI", tag, kind, len(numbers))
        entries += raw.ljust(4, b"\0") if len(raw) <= 4 else struct.pack(order + "I", after + len(values))
        values += raw if len(raw) > 4 else b""
    count = len(tags) + len(more) // 12
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, count)
    return head + entries + more + bytes(4) + values + bytes(10_000)


def in_tiles(pieces: int, order: str = "<") -> bytes:
    return tiff(
        {**GREY, 322: (SHORT, [1]), 323: (SHORT, [1]), 324: (LONG, [8] * pieces), 325: (SHORT, [1] * pieces)}, order
    )


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_picture_in_too_many_pieces_is_refused_before_one_is_made(order: str) -> None:
    with pytest.raises(ImageTooLarge, match="70000 strips or tiles, at most 65536 are read"):
        read_header(in_tiles(70_000, order), DEFAULT)
    assert decode(in_tiles(10_000, order), read_header(in_tiles(10_000, order), DEFAULT)).shape == (100, 100, 3)


def test_tags_that_all_name_the_same_bytes_are_refused_before_they_are_read() -> None:
    same = b"".join(struct.pack("<HHII", 40_000 + n, ASCII, 9_000, 8) for n in range(1_000))
    with pytest.raises(DamagedImage, match="names more bytes than the file has"):
        read_header(tiff({**GREY, 273: (LONG, [8]), 279: (LONG, [10_000])}, more=same), DEFAULT)


@pytest.mark.parametrize("cut", [5, 8, 9, 15])
def test_a_directory_that_is_cut_short_is_damage(cut: int) -> None:
    with pytest.raises(DamagedImage):
        read_header(in_tiles(10)[:cut].ljust(4, b"\0"), replace(DEFAULT, min_side=1))


def test_whole_pictures_are_read_as_before() -> None:
    shades = np.arange(10_000, dtype=np.uint8).reshape(100, 100)
    for compression in ("raw", "tiff_lzw", "packbits"):
        file = io.BytesIO()
        Image.fromarray(shades).save(file, "TIFF", compression=compression)
        assert (decode(file.getvalue(), read_header(file.getvalue(), DEFAULT))[:, :, 0] == shades).all()


def test_what_pillow_warns_of_is_not_printed_in_words_of_the_file() -> None:
    beyond = b"".join(struct.pack("<HHII", 40_000 + n, ASCII, 9_000, 15_000) for n in range(1))
    image = tiff({**GREY, 273: (LONG, [8]), 279: (LONG, [10_000])}, more=beyond)
    program = (
        "import sys; from countenance.engine.decode import read_header; from countenance.engine.limits import DEFAULT"
    )
    program += "; print(read_header(sys.stdin.buffer.read(), DEFAULT).width)"
    done = subprocess.run([sys.executable, "-c", program], input=image, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"100\n", b"")
