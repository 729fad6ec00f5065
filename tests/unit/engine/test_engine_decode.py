import io
import struct
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tests.unit.engine.picture_files import noise, saved, with_orientation

from countenance.engine.decode import decode, largest_reduction, read_header, shrunk, upright_size
from countenance.engine.exif import Orientation, read_orientation, upright
from countenance.engine.jpeg import JpegHeader
from countenance.engine.limits import DEFAULT, STORED, Limits
from countenance.errors import DamagedImage, ImageError, ImageTooLarge, UnsupportedImage


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\0\0\0\x18ftypisom", "video"),
        (b"\0\0\0\x0cjP  \r\n", "JPEG 2000"),
        (b"%PDF-1.7", "PDF"),
        (b"<svg xmlns", "SVG"),
        (b"\xef\xbb\xbf\n<svg xmlns", "SVG"),
        (b"<!DOCTYPE html>", "HTML"),
        (b"/9j/4AAQSkZJRg", "Base64"),
        (b"iVBORw0KGgoAAA", "Base64"),
        (b"data:image/jpeg;base64,", "Base64"),
        (b"RIFF\0\0\0\0AVI ", "video"),
        (b"", "empty"),
        (b"hello", "this kind of file"),
    ],
)
def test_other_files_are_refused_by_name(start: bytes, name: str) -> None:
    with pytest.raises(UnsupportedImage, match=name):
        read_header(start + bytes(200) if start else b"", DEFAULT)


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"GIF89a", "GIF"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        (b"BM\0\0", "BMP"),
        (b"II*\0", "TIFF"),
        (b"MM\0+", "TIFF"),
        (b"\0\0\0\x1cftypavif", "AVIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "AVIF"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x14ftypmiaf\0\0\0\0heic", "HEIC"),
        (b"\0\0\0\x14ftypmsf1\0\0\0\0", "HEIC"),
    ],
)
def test_a_file_that_only_starts_as_its_kind_is_damaged(start: bytes, name: str) -> None:
    with pytest.raises(ImageError, match=name):
        read_header(start + b"\xff" * 200, DEFAULT)


def test_six_megabytes_are_refused_inline_and_read_from_a_bucket() -> None:
    image = saved(noise(90, 90), "JPEG") + bytes(6_000_000)
    with pytest.raises(ImageTooLarge, match="5242880"):
        read_header(image, DEFAULT)
    assert read_header(image, STORED).width == 90


# Where the corners of (top-left, top-right, bottom-right, bottom-left) = 1, 2, 3, 4 come to lie, by the Exif standard.
CORNERS = {1: "1234", 2: "2143", 3: "3412", 4: "4321", 5: "1432", 6: "4123", 7: "3214", 8: "2341"}


@pytest.mark.parametrize(("orientation", "corners"), CORNERS.items())
def test_every_orientation_puts_the_corners_where_exif_says(orientation: Orientation, corners: str) -> None:
    stored = np.zeros((2, 3, 3), dtype=np.uint8)
    stored[0, 0], stored[0, -1], stored[-1, -1], stored[-1, 0] = 1, 2, 3, 4
    shown = upright(stored, orientation)
    assert shown.shape == ((2, 3, 3) if orientation < 5 else (3, 2, 3))
    assert "".join(str(shown[y, x, 0]) for y, x in ((0, 0), (0, -1), (-1, -1), (-1, 0))) == corners
    assert shown.flags.c_contiguous


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_an_orientation_that_stands_only_in_xmp_turns_nothing_and_one_in_exif_does(kind: str) -> None:
    def file(**more: Any) -> bytes:
        held = io.BytesIO()
        Image.fromarray(noise(90, 120)).save(held, kind, **more)
        return held.getvalue()

    exif = Image.Exif()
    exif[0x0112] = 6
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    with_xmp = file(pnginfo=text) if kind == "PNG" else file(xmp=XMP)
    assert b"tiff:Orientation" in with_xmp
    for image, orientation in ((with_xmp, 1), (file(exif=exif.tobytes()), 6)):
        header = read_header(image, DEFAULT)
        assert header.orientation == orientation
        assert decode(image, header).shape == ((90, 120, 3) if orientation == 1 else (120, 90, 3))


@pytest.mark.parametrize("order", ["<", ">"])
def test_orientation_is_read_in_either_byte_order(order: str) -> None:
    jpeg = saved(noise(90, 120), "JPEG")
    assert read_header(with_orientation(jpeg, 8, order), DEFAULT).orientation == 8
    turned = with_orientation(jpeg, 6, order)
    assert decode(turned, read_header(turned, DEFAULT)).shape == (120, 90, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("reduction", [2, 4, 8])
def test_a_reduced_pixel_is_the_mean_of_the_square_that_it_stands_for(kind: str, reduction: int) -> None:
    picture = noise(123, 250)
    image = saved(picture, kind, quality=98, subsampling=0)
    pixels = decode(image, read_header(image, DEFAULT), reduction)
    height, width = 123 // reduction, 250 // reduction
    whole = picture[: height * reduction, : width * reduction, ::-1].astype(float)
    means = whole.reshape(height, reduction, width, reduction, 3).mean(axis=(1, 3))
    assert np.abs(pixels[:height, :width] - means).mean() < 3
    # One pixel further along would be told apart.
    assert np.abs(pixels[:height, 1:width] - means[:, :-1]).mean() > 3


@pytest.mark.parametrize(
    ("size", "orientation", "reduction"),
    [
        ((1279, 300), 1, 1),
        ((1280, 300), 1, 2),
        ((300, 2563), 1, 4),
        ((6000, 4001), 1, 8),
        ((6000, 4001), 6, 1),
        ((6000, 4004), 6, 4),
        ((6000, 4000), 3, 8),
    ],
)
def test_a_turned_picture_is_reduced_only_by_what_divides_its_sides(
    size: tuple[int, int], orientation: Orientation, reduction: int
) -> None:
    header = JpegHeader(*size, orientation, 3, False)
    assert largest_reduction(header, 640) == reduction
    assert upright_size(header) == (size if orientation < 5 else size[::-1])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_reducing_and_turning_a_picture_is_turning_and_reducing_it(orientation: int) -> None:
    image = with_orientation(saved(noise(128, 240), "JPEG", quality=98, subsampling=0), orientation)
    header = read_header(image, DEFAULT)
    reduced = decode(image, header, 4)
    assert np.abs(reduced.astype(int) - shrunk(decode(image, header), 4)).max() <= 6


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_exif_does_not_have_counts_as_upright(orientation: int) -> None:
    assert read_header(with_orientation(saved(noise(90, 120), "JPEG"), orientation), DEFAULT).orientation == 1


@given(st.binary(max_size=200))
def test_any_exif_bytes_give_an_orientation(tail: bytes) -> None:
    for magic in (b"II*\0", b"MM\0*", b""):
        assert 1 <= read_orientation(magic + tail) <= 8


BOMB = """
import resource, sys
from countenance.engine.decode import decode, read_header
from countenance.engine.limits import DEFAULT
from countenance.errors import ImageTooLarge
image = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    decode(image, read_header(image, DEFAULT))
except ImageTooLarge:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_bomb_of_65000_by_65000_costs_less_than_ten_megabytes(kind: str) -> None:
    small = saved(noise(90, 120), kind)
    if kind == "JPEG":
        at = small.index(b"\xff\xc0")
        bomb = small[: at + 5] + (65000).to_bytes(2) * 2 + small[at + 9 :]
    else:
        bomb = small[:16] + (65000).to_bytes(4) * 2 + small[24:]
    done = subprocess.run([sys.executable, "-c", BOMB], input=bomb, stdout=subprocess.PIPE, check=True)
    assert int(done.stdout) < 10_000  # KiB


LARGEST = """
import resource, sys, zlib, struct
import numpy as np
from countenance.engine.decode import decode, read_header
from countenance.engine.limits import STORED
def chunk(name, content=b""):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
packer = zlib.compressobj(1)
packed = b"".join(packer.compress(bytes(1 + 8 * 8000)) for _ in range(5000)) + packer.flush()
header = struct.pack(">IIBBBBB", 8000, 5000, 16, 6, 0, 0, 0)
image = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
pixels = decode(image, read_header(image, STORED))
print(pixels.shape, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_the_largest_png_of_16_bits_and_alpha_stays_within_the_documented_bytes_a_pixel() -> None:
    done = subprocess.run([sys.executable, "-c", LARGEST], stdout=subprocess.PIPE, check=True, text=True)
    shape, used = done.stdout.rsplit(" ", 1)
    assert shape == "(5000, 8000, 3)"
    assert int(used) * 1024 < 16 * 40_000_000 * 1.05


def test_reading_a_header_does_not_need_the_pixels() -> None:
    image = saved(noise(400, 400), "JPEG")
    assert read_header(image[: image.index(b"\xff\xda") + 20], Limits()).width == 400


@pytest.mark.parametrize("kind", ["TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize(
    ("orientation", "turn"), [(2, Image.Transpose.FLIP_LEFT_RIGHT), (6, Image.Transpose.ROTATE_90)]
)
def test_other_kinds_are_turned_once_as_their_exif_says(kind: str, orientation: int, turn: Image.Transpose) -> None:
    shown = np.zeros((90, 120, 3), np.uint8)
    shown[:45, :60] = 255
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(shown).transpose(turn).save(file, kind, exif=exif)
    header = read_header(file.getvalue(), DEFAULT)
    assert upright_size(header) == (120, 90)
    assert np.abs(decode(file.getvalue(), header).astype(int) - shown).mean() < 5


def test_grey_tiffs_of_16_bits_keep_their_shades() -> None:
    file = io.BytesIO()
    Image.fromarray(np.full((90, 120), 0x6400, np.uint16)).save(file, "TIFF")
    assert (decode(file.getvalue(), read_header(file.getvalue(), DEFAULT)) == 0x64).all()


def test_tiffs_of_numbers_without_a_white_are_refused() -> None:
    file = io.BytesIO()
    Image.fromarray(np.ones((90, 120), np.float32)).save(file, "TIFF")
    with pytest.raises(UnsupportedImage, match="8 or 16 bits"):
        read_header(file.getvalue(), DEFAULT)


@pytest.mark.parametrize("start", [b"GIF89a", b"II*\0", b"\0\0\0\0ftypavif"])
def test_a_file_cut_after_its_first_bytes_is_damaged_and_the_message_is_for_people(start: bytes) -> None:
    with pytest.raises(DamagedImage, match=r"cannot be read: its header is cut short or damaged$"):
        read_header(start + bytes(50), DEFAULT)


@pytest.mark.parametrize(
    "size", [(65535, 65535, 160, 120, 0), (160, 120, 65535, 65535, 0), (160, 120, 160, 120, 60000)]
)
def test_a_gif_of_more_pixels_than_are_read_is_too_large_however_it_says_so(size: tuple[int, ...]) -> None:
    width, height, frame_width, frame_height, at = size
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", at, at, frame_width, frame_height, 0) + b"\x02\x02\x4c\x01\0;"
    with pytest.raises(ImageTooLarge, match="GIF image names more pixels"):
        read_header(head + frame, DEFAULT)
