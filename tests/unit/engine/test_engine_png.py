from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from _pytest.capture import FDCapture
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.engine.picture_files import PNG_MAGIC, chunk, ihdr, noise, png_of, saved

from countenance.engine.decode import decode, read_header
from countenance.engine.limits import DEFAULT, Limits
from countenance.errors import DamagedImage, ImageError, ImageTooLarge, UnsupportedImage
from countenance.faces import Pixels

COLOUR = noise(90, 100)
PNG = saved(COLOUR, "PNG")
ROW = b"\0" + bytes(300)
BLACK = ROW * 90


def read(image: bytes, limits: Limits = DEFAULT) -> Pixels:
    return decode(image, read_header(image, limits))


def flat(depth: int, colour: int, pixel: bytes, **more: bytes) -> bytes:
    """A 100 x 90 PNG all of one `pixel` (bytes)."""
    return png_of(ihdr(100, 90, depth, colour), (b"\0" + pixel * 100) * 90, **more)


def test_pixels_come_out_as_blue_green_red() -> None:
    assert np.array_equal(read(PNG), COLOUR[..., ::-1])


def test_interlaced_equals_not_interlaced() -> None:
    # Adam7 by hand: seven passes, each row with a filter byte of 0.
    starts = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = [b"\0" + row.tobytes() for x, y, dx, dy in starts for row in COLOUR[y::dy, x::dx]]
    assert np.array_equal(read(png_of(ihdr(100, 90, interlace=1), b"".join(rows))), COLOUR[..., ::-1])


@pytest.mark.parametrize(
    ("depth", "pixel"), [(1, b"\xff"), (2, b"\xff"), (4, b"\xff"), (8, b"\xff"), (16, b"\xff\xff")]
)
def test_grey_of_every_depth_reaches_white(depth: int, pixel: bytes) -> None:
    row = b"\0" + b"\xff" * -(-100 * depth // 8)
    assert np.all(read(png_of(ihdr(100, 90, depth, 0), row * 90)) == 255)


def test_sixteen_bits_are_cut_to_eight() -> None:
    pixels = read(flat(16, 2, struct.pack(">3H", 0x1234, 0x5678, 0x9ABC)))
    assert pixels.dtype == np.uint8
    assert pixels[0, 0].tolist() == [0x9A, 0x56, 0x12]


def test_palette_gives_its_colours() -> None:
    pixels = read(flat(8, 3, b"\1", before=chunk(b"PLTE", bytes([9, 9, 9, 10, 20, 30]))))
    assert pixels[5, 5].tolist() == [30, 20, 10]


@pytest.mark.parametrize("depth", [8, 16])
def test_transparent_parts_show_white_paper(depth: int) -> None:
    width = depth // 8
    clear = flat(depth, 6, b"\x40" * width + b"\x80" * width + b"\xc0" * width + b"\x00" * width)
    assert np.all(read(clear) == 255)
    opaque = flat(depth, 6, b"\x40" * width + b"\x80" * width + b"\xc0" * width + b"\xff" * width)
    assert read(opaque)[0, 0].tolist() == [0xC0, 0x80, 0x40]
    half = flat(depth, 4, b"\x00" * width + b"\x80" * width)
    assert np.all(read(half) == 127)


def test_transparent_palette_colours_show_white_paper() -> None:
    palette = chunk(b"PLTE", bytes([9, 9, 9, 10, 20, 30])) + chunk(b"tRNS", bytes([255, 0]))
    assert np.all(read(flat(8, 3, b"\1", before=palette)) == 255)
    assert read(flat(8, 3, b"\0", before=palette))[0, 0].tolist() == [9, 9, 9]


def test_a_transparent_colour_shows_white_paper() -> None:
    assert np.all(read(flat(8, 2, b"\1\2\3", before=chunk(b"tRNS", struct.pack(">3H", 1, 2, 3)))) == 255)


@pytest.mark.parametrize("fault", ["after the pixels", "more entries than colours", "before its palette", "twice"])
def test_a_misplaced_transparency_is_left_out_in_silence(fault: str, capfd: pytest.CaptureFixture[str]) -> None:
    palette, clear = chunk(b"PLTE", bytes([9, 9, 9, 10, 20, 30])), chunk(b"tRNS", bytes(2))
    before, after = {
        "after the pixels": (palette, clear),
        "more entries than colours": (palette + chunk(b"tRNS", bytes(3)), b""),
        "before its palette": (clear + palette, b""),
        "twice": (palette + chunk(b"tRNS", bytes([255, 255])) + clear, b""),
    }[fault]
    assert read(flat(8, 3, b"\1", before=before, after=after))[0, 0].tolist() == [30, 20, 10]
    assert capfd.readouterr().err == ""


def test_a_transparent_grey_level_is_shown() -> None:
    assert np.all(read(flat(8, 0, b"\7", before=chunk(b"tRNS", struct.pack(">H", 7)))) == 7)


def test_of_an_animation_the_first_picture_is_read_however_many_follow() -> None:
    further = b"".join(chunk(name, bytes(26)) for name in (b"fcTL", b"fdAT")) * 600
    first = chunk(b"acTL", struct.pack(">II", 601, 0)) + chunk(b"fcTL", bytes(26))
    pixels = read(png_of(ihdr(100, 90, 8, 0), (b"\0" + b"\7" * 100) * 90, before=first, after=further))
    assert np.all(pixels == 7)


def test_orientation_in_an_exif_chunk_is_applied() -> None:
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    for block in (tiff, b"Exif\0\0" + tiff):
        assert read(flat(8, 0, b"\7", before=chunk(b"eXIf", block))).shape == (100, 90, 3)


def test_cut_in_the_middle_is_damaged() -> None:
    with pytest.raises(DamagedImage, match="longer than the file"):
        read(PNG[: len(PNG) // 2])


def test_no_end_chunk_is_damaged() -> None:
    with pytest.raises(DamagedImage, match="ends before its last chunk"):
        read(PNG[:-12])


def test_a_wrong_checksum_of_pixels_is_damaged() -> None:
    at = PNG.index(b"IDAT") + 10
    with pytest.raises(DamagedImage, match="checksum"):
        read(PNG[:at] + bytes([PNG[at] ^ 1]) + PNG[at + 1 :])


def test_a_wrong_checksum_of_a_text_is_forgiven() -> None:
    text = bytearray(chunk(b"tEXt", b"a note"))
    text[-1] ^= 1
    assert np.all(read(flat(8, 0, b"\7", before=bytes(text))) == 7)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("stream_cut", "unpack to"),
        ("stream_not_zlib", "cannot be unpacked"),
        ("stream_long", "more pixels than its header names"),
        ("stream_followed_by_more", "more pixels than its header names"),
        ("filter_unknown", "filter"),
        ("no_pixels", "no pixels"),
        ("no_palette", "no palette"),
        ("two_headers", "IHDR chunk is out of place"),
        ("late_palette", "PLTE chunk is out of place"),
        ("odd_palette", "PLTE chunk is out of place or of a wrong length"),
        ("depth_unknown", "kind of pixels"),
        ("colour_unknown", "kind of pixels"),
        ("interlace_unknown", "kind of pixels"),
        ("header_missing", "does not start with its header"),
        ("end_with_content", "IEND chunk"),
    ],
)
def test_faulty_file_is_damaged_by_name(fault: str, message: str) -> None:
    good, end = ihdr(100, 90), chunk(b"IEND")
    body = chunk(b"IDAT", zlib.compress(BLACK))
    file = {
        "stream_cut": good + chunk(b"IDAT", zlib.compress(BLACK[:-5])) + end,
        "stream_long": good + chunk(b"IDAT", zlib.compress(BLACK + ROW)) + end,
        "stream_followed_by_more": good + chunk(b"IDAT", zlib.compress(BLACK) + b"more") + end,
        "stream_not_zlib": good + chunk(b"IDAT", b"no zlib here") + end,
        "filter_unknown": good + chunk(b"IDAT", zlib.compress(ROW * 50 + b"\5" + ROW[1:] + ROW * 39)) + end,
        "no_pixels": good + end,
        "no_palette": ihdr(100, 90, 8, 3) + body + end,
        "two_headers": good + good + body + end,
        "late_palette": good + body + chunk(b"PLTE", bytes(6)) + end,
        "odd_palette": good + chunk(b"PLTE", bytes(7)) + body + end,
        "depth_unknown": ihdr(100, 90, 3) + body + end,
        "colour_unknown": ihdr(100, 90, 8, 5) + body + end,
        "interlace_unknown": ihdr(100, 90, interlace=2) + body + end,
        "header_missing": body + end,
        "end_with_content": good + body + chunk(b"IEND", b"x"),
    }[fault]
    with pytest.raises(DamagedImage, match=message):
        read(PNG_MAGIC + file)


def test_an_unknown_chunk_that_is_needed_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedImage, match="not part of the PNG recommendation"):
        read(flat(8, 0, b"\7", before=chunk(b"SPCL", b"x")))


def test_bomb_of_65000_by_65000_is_refused_by_its_header() -> None:
    with pytest.raises(ImageTooLarge, match="65000 x 65000"):
        read(png_of(ihdr(65000, 65000, 1, 0), b"\0" * 1000))


@pytest.mark.parametrize("kind", [b"tEXt", b"tIME", b"eXIf", b"tRNS", b"fake"])
def test_a_thousand_chunks_without_pixels_are_passed_over_and_more_are_refused(kind: bytes) -> None:
    assert np.all(read(flat(8, 0, b"\7", before=chunk(kind) * 600, after=chunk(kind) * 400)) == 7)
    with pytest.raises(ImageTooLarge, match="more than 1000 chunks that hold no pixels"):
        read(flat(8, 0, b"\7", before=chunk(kind) * 600, after=chunk(kind) * 401))


def test_more_chunks_than_allowed_is_refused() -> None:
    with pytest.raises(ImageTooLarge, match="more than 5 chunks"):
        read(flat(8, 0, b"\7", before=chunk(b"IDAT") * 10), Limits(max_chunks=5))


def test_texts_that_unpack_to_gigabytes_are_never_unpacked(capfd: pytest.CaptureFixture[str]) -> None:
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000), 9))
    profile = chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(50_000_000), 9))
    assert np.all(read(flat(8, 0, b"\7", before=bomb + profile)) == 7)
    assert capfd.readouterr().err == ""


@pytest.fixture
def complaints() -> Iterator[Callable[[], str]]:
    """What C libraries write to file descriptor 2, read at the end."""
    capture = FDCapture(2)
    capture.start()
    yield capture.snap
    capture.done()


def test_any_flipped_bytes_with_right_checksums_give_a_picture_or_an_image_error_in_silence(
    complaints: Callable[[], str],
) -> None:
    good = [(b"IHDR", ihdr(100, 90, 8, 3)[8:-4]), (b"PLTE", bytes(range(30))), (b"tRNS", bytes(5))]
    stream = zlib.compress(bytes([0, *[i % 10 for i in range(100)]]) * 90)
    good += [(b"IDAT", stream[:40]), (b"IDAT", stream[40:]), (b"IEND", b"")]
    read_as_pictures = []

    @settings(max_examples=200, deadline=None, database=None)
    @given(st.data())
    def trial(data: st.DataObject) -> None:
        chunks = [(name, bytearray(content)) for name, content in good]
        for _ in range(data.draw(st.integers(0, 2))):
            content = data.draw(st.sampled_from([content for _, content in chunks if content]))
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        order = data.draw(st.one_of(st.just(range(6)), st.permutations(range(6))))
        file = PNG_MAGIC + b"".join(chunk(chunks[i][0], bytes(chunks[i][1])) for i in order)
        with contextlib.suppress(ImageError):
            read_as_pictures.append(read(file).ndim)

    trial()
    assert complaints() == ""
    assert set(read_as_pictures) == {3}
