from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.unit.engine.picture_files import noise, saved, with_orientation

from countenance.engine.decode import decode, read_header
from countenance.engine.limits import DEFAULT, Limits
from countenance.errors import DamagedImage, ImageError, ImageTooLarge, ImageTooSmall, UnsupportedImage
from countenance.faces import Pixels

COLOUR = noise(120, 160)
JPEG = saved(COLOUR, "JPEG", quality=95)


def read(image: bytes, limits: Limits = DEFAULT) -> Pixels:
    return decode(image, read_header(image, limits))


def near(pixels: Pixels, rgb: NDArray[np.uint8], tolerance: float = 6.0) -> bool:
    return bool(np.abs(pixels[..., ::-1].astype(float) - rgb).mean() < tolerance)


def frame_at(jpeg: bytes) -> int:
    return next(at for marker in (b"\xff\xc0", b"\xff\xc1", b"\xff\xc2") if (at := jpeg.find(marker)) > 0)


def with_size(jpeg: bytes, width: int, height: int) -> bytes:
    at = frame_at(jpeg)
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def test_pixels_come_out_as_blue_green_red() -> None:
    pixels = read(JPEG)
    assert pixels.shape == (120, 160, 3)
    assert pixels.dtype == np.uint8
    assert near(pixels, COLOUR)
    assert not near(pixels[..., ::-1], COLOUR)


@pytest.mark.parametrize(
    "options", [{"progressive": True}, {"subsampling": 0}, {"subsampling": 2}, {"restart_marker_rows": 1}]
)
def test_kinds_of_jpeg_that_encoders_write_are_read(options: Any) -> None:
    assert near(read(saved(COLOUR, "JPEG", quality=95, **options)), COLOUR)


def test_grey_becomes_three_equal_channels() -> None:
    pixels = read(saved(COLOUR[..., :1], "JPEG", quality=95))
    assert pixels.shape == (120, 160, 3)
    assert np.array_equal(pixels[..., 0], pixels[..., 2])


def test_cmyk_looks_as_the_inks_on_paper() -> None:
    # Pillow converts RGB to CMYK as 255 - value with no black, and stores it inverted behind an Adobe marker.
    jpeg = saved(COLOUR, "JPEG", mode="CMYK", quality=95)
    assert b"Adobe" in jpeg
    assert near(read(jpeg), COLOUR)


def test_cmyk_without_an_adobe_marker_is_not_inverted() -> None:
    jpeg = saved(COLOUR, "JPEG", mode="CMYK", quality=95)
    at = jpeg.index(b"\xff\xee")
    length = int.from_bytes(jpeg[at + 2 : at + 4])
    plain = jpeg[:at] + jpeg[at + 2 + length :]
    # What stood for light now stands for ink: the three inks and black all inverted give a nearly black picture.
    assert read(plain).mean() < 5 < read(jpeg).mean()


def test_half_a_file_is_damaged() -> None:
    with pytest.raises(DamagedImage, match="cannot be decoded"):
        read(JPEG[: len(JPEG) // 2])


KINDS: list[dict[str, Any]] = [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"subsampling": 0}]


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("cut", [1, 2])
def test_what_lacks_only_its_end_marker_is_whole(cut: int, options: Any) -> None:
    whole = saved(COLOUR, "JPEG", quality=95, **options)
    assert np.array_equal(read(whole[:-cut]), read(whole))
    assert np.array_equal(read(whole[:-2] + bytes(512)), read(whole))  # as a memory card pads the last block


@pytest.mark.parametrize("options", KINDS)
def test_what_lacks_a_part_of_the_picture_is_damaged(options: Any) -> None:
    whole = saved(COLOUR, "JPEG", quality=95, **options)
    for cut in (4, 8, 64, 1000):
        with pytest.raises(DamagedImage, match="cannot be decoded"):
            read(whole[:-cut])
        with pytest.raises(DamagedImage, match="cannot be decoded"):
            read(whole[:-cut] + b"\xff\xd9")


def test_what_is_cut_between_two_scans_is_damaged() -> None:
    whole = saved(COLOUR, "JPEG", quality=95, progressive=True)
    at, cuts = whole.index(b"\xff\xda"), 0
    while (at := whole.find(b"\xff\xc4", at + 2)) > 0:  # every later scan has its tables before it
        cuts += 1
        with pytest.raises(DamagedImage, match="lacks scans"):
            read(whole[:at])
    assert cuts >= 5


def test_bytes_between_segments_do_not_hide_that_pixels_are_missing() -> None:
    for options in KINDS[:2]:
        whole = saved(COLOUR, "JPEG", quality=95, **options)
        at = frame_at(whole)
        padded = whole[:at] + b"padding" + whole[at:]
        assert np.array_equal(read(padded), read(whole))
        assert np.array_equal(read(padded[:-2]), read(whole))
        with pytest.raises(DamagedImage, match="cannot be decoded"):
            read(padded[:-1000])
        with pytest.raises(DamagedImage, match="cannot be decoded"):
            read(padded[:-1000] + b"\xff\xd9")


def test_header_only_is_damaged() -> None:
    with pytest.raises(DamagedImage, match="ends before its first scan"):
        read(JPEG[: frame_at(JPEG)])


def test_segment_longer_than_the_file_is_damaged() -> None:
    with pytest.raises(DamagedImage, match="longer than the file"):
        read(JPEG[:2] + b"\xff\xe5\xff\xff" + JPEG[2:])


def test_garbage_between_segments_is_passed_over() -> None:
    at = frame_at(JPEG)
    assert read(JPEG[:at] + b"garbage" + JPEG[at:]).shape == read(JPEG).shape


def starts_of_segments(jpeg: bytes) -> list[int]:
    """Where each segment's marker stands, up to the first scan's."""
    starts = [2]
    while jpeg[starts[-1] + 1] != 0xDA:
        at = starts[-1]
        starts.append(at + 2 + int.from_bytes(jpeg[at + 2 : at + 4]))
    return starts


@pytest.mark.parametrize("stray", [b"\0", b"\0\0\0", b"garbage", bytes(range(1, 255)), b"\xff\0\xff\0"])
def test_stray_bytes_before_any_segment_but_the_first_and_before_the_first_scan_are_passed_over(stray: bytes) -> None:
    for jpeg in (JPEG, saved(COLOUR, "JPEG", progressive=True)):
        for at in starts_of_segments(jpeg)[1:]:
            assert near(read(jpeg[:at] + stray + jpeg[at:]), COLOUR), at


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("form", "letters"), [(1, "B3x"), (4, "I")], ids=["byte", "long"])
def test_an_orientation_stored_as_byte_or_long_is_one_stored_as_short(
    order: str, orientation: int, form: int, letters: str
) -> None:
    short = with_orientation(JPEG, orientation, order)
    entry = short.index(struct.pack(f"{order}HHI", 0x0112, 3, 1))
    other = short[:entry] + struct.pack(f"{order}HHI{letters}", 0x0112, form, 1, orientation) + short[entry + 12 :]
    assert np.array_equal(read(other), read(short))


@pytest.mark.parametrize("stated", [0, 1, 9], ids=["none", "upright", "unknown"])
def test_the_first_exif_block_that_states_an_orientation_counts(stated: int) -> None:
    """Programs append blocks of their own: `with_orientation` puts its block before those that are there."""
    turned = with_orientation(JPEG, 6)
    assert np.array_equal(read(with_orientation(with_orientation(JPEG, stated), 6)), read(turned))
    assert np.array_equal(read(with_orientation(turned, 1)), read(JPEG))


def test_an_arithmetic_coded_jpeg_is_refused_by_name_whatever_else_it_holds() -> None:
    """As libjpeg-turbo writes it: a frame of SOF9 or SOF10, and conditioning in DAC (CC) in place of Huffman tables."""
    at = frame_at(JPEG)
    conditioning = b"\xff\xcc\x00\x06\x00\x10\x10\x05"
    for frame in (0xC9, 0xCA):
        coded = JPEG[:at] + bytes([0xFF, frame]) + JPEG[at + 2 :]
        tables = coded.index(b"\xff\xc4")
        with pytest.raises(UnsupportedImage, match="arithmetic-coded"):
            read(coded[:tables] + conditioning + coded[coded.index(b"\xff\xda") :])


def test_jpeg_ls_is_refused_by_name_with_what_to_send() -> None:
    at = frame_at(JPEG)
    with pytest.raises(UnsupportedImage, match=r"JPEG-LS.*send a baseline or progressive one"):
        read(JPEG[:at] + b"\xff\xf7" + JPEG[at + 2 :])


def test_a_megabyte_of_fill_bytes_is_passed_over() -> None:
    for jpeg in (JPEG[:2] + b"\xff" * 2**20 + JPEG[2:], JPEG[:2] + b"\xff\0" * 2**19 + JPEG[2:]):
        assert read_header(jpeg, DEFAULT) == read_header(JPEG, DEFAULT)


def test_segments_before_the_first_scan_are_bounded() -> None:
    empty = b"\xff\xe5\0\x02"
    assert near(read(JPEG[:2] + empty * 5_000 + JPEG[2:]), COLOUR)
    with pytest.raises(ImageTooLarge, match="more than 10000 segments"):
        read_header(JPEG[:2] + empty * 10_001 + JPEG[2:], DEFAULT)


def test_no_frame_is_damaged() -> None:
    at = frame_at(JPEG)
    length = int.from_bytes(JPEG[at + 2 : at + 4])
    with pytest.raises(DamagedImage, match="no frame header"):
        read(JPEG[:at] + JPEG[at + 2 + length :])


def test_extra_bytes_before_a_marker_are_forgiven() -> None:
    assert near(read(JPEG[:-2] + b"\0\0\0" + JPEG[-2:]), COLOUR)


def test_bytes_after_the_end_are_forgiven() -> None:
    assert near(read(JPEG + b"appended by a camera"), COLOUR)


def test_bomb_of_65000_by_65000_is_refused_by_its_header() -> None:
    with pytest.raises(ImageTooLarge, match="65000 x 65000"):
        read(with_size(JPEG, 65000, 65000))


def test_more_pixels_than_allowed_is_refused_by_its_header() -> None:
    with pytest.raises(ImageTooLarge, match="at most 52000000"):
        read(with_size(JPEG, 10000, 5201))


def test_a_side_longer_than_allowed_is_refused_by_its_header() -> None:
    with pytest.raises(ImageTooLarge, match="longest side may be 16384"):
        read(with_size(JPEG, 16385, 90))


def test_larger_header_than_pixels_is_damaged() -> None:
    with pytest.raises(DamagedImage):
        read(with_size(JPEG, 1600, 1200))


def test_a_side_shorter_than_80_pixels_is_too_small() -> None:
    with pytest.raises(ImageTooSmall, match="79"):
        read(saved(noise(79, 200), "JPEG"))
    assert read(saved(noise(80, 200), "JPEG")).shape == (80, 200, 3)


def test_more_bytes_than_allowed_is_refused_before_anything_is_read() -> None:
    with pytest.raises(ImageTooLarge, match="at most 1000"):
        read(JPEG, Limits(max_bytes=1000))


def test_more_scans_than_allowed_is_refused() -> None:
    jpeg = saved(COLOUR, "JPEG", progressive=True)
    with pytest.raises(ImageTooLarge, match="scans"):
        read(jpeg, Limits(max_scans=3))
    assert read(jpeg).shape == (120, 160, 3)


def test_the_cost_of_a_hundred_scans_is_bounded_before_anything_is_decoded() -> None:
    """Cost is scans times pixels, which the header states; there is no pixel to decode in these."""
    whole = saved(COLOUR, "JPEG", progressive=True)
    scans = b"\xff\xda\x00\x08\x01\x01\x00\x00\x00\x10" * 100
    hundred = whole[: whole.index(b"\xff\xda")] + scans + b"\xff\xd9"
    header = read_header(with_size(hundred, 2000, 2600), DEFAULT)
    assert 100 * header.width * header.height == DEFAULT.max_scanned
    for width, height in ((2000, 2601), (6000, 8000)):
        with pytest.raises(ImageTooLarge, match=f"100 scans of {width} x {height} pixels, at most 520000000"):
            read_header(with_size(hundred, width, height), DEFAULT)
    with pytest.raises(ImageTooLarge, match="101 scans, at most 100"):
        read_header(hundred[:-2] + scans[:10] + hundred[-2:], DEFAULT)


@pytest.mark.parametrize(
    ("marker", "name"),
    [(0xC3, "lossless"), (0xC5, "hierarchical"), (0xC9, "arithmetic-coded"), (0xCA, "arithmetic-coded")],
)
def test_rare_kinds_of_jpeg_are_refused_by_name(marker: int, name: str) -> None:
    at = frame_at(JPEG)
    with pytest.raises(UnsupportedImage, match=name):
        read(JPEG[: at + 1] + bytes([marker]) + JPEG[at + 2 :])


def test_twelve_bits_a_sample_are_refused_by_name() -> None:
    at = frame_at(JPEG)
    with pytest.raises(UnsupportedImage, match="12 bits"):
        read(JPEG[: at + 4] + b"\x0c" + JPEG[at + 5 :])


def test_two_components_are_refused_by_name() -> None:
    at = frame_at(JPEG)
    with pytest.raises(UnsupportedImage, match="2 components"):
        read(JPEG[: at + 9] + b"\x02" + JPEG[at + 10 :])


def test_a_height_of_zero_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedImage, match="height after the first scan"):
        read(with_size(JPEG, 160, 0))


def test_a_width_of_zero_is_damaged() -> None:
    with pytest.raises(DamagedImage, match="0 x 120"):
        read(with_size(JPEG, 0, 120))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_flipped_bytes_give_a_picture_or_an_image_error(data: st.DataObject) -> None:
    faulty = bytearray(data.draw(st.sampled_from([JPEG, saved(COLOUR, "JPEG", progressive=True)])))
    for _ in range(data.draw(st.integers(1, 8))):
        faulty[data.draw(st.integers(0, len(faulty) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(len(faulty) // 2, len(faulty)))
    try:
        pixels = read(bytes(faulty[:cut]))
    except ImageError:
        return
    assert pixels.ndim == 3


def test_a_colour_profile_whose_parts_do_not_fit_together_is_passed_over() -> None:
    parts = [b"\xff\xe2" + struct.pack(">H", 17 + 2) + b"ICC_PROFILE\0" + part + b"abc" for part in (b"\5\2", b"\1\3")]
    with_profile = JPEG[:2] + b"".join(parts) + JPEG[2:]
    assert (read(with_profile) == read(JPEG)).all()
    with pytest.raises(DamagedImage):
        read(with_profile[:-500])
