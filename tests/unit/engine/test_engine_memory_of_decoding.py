"""What decoding takes at its peak is bounded by the cost that is stated before it begins."""

import base64
import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from countenance.engine.decode import cost, read_header
from countenance.engine.further import BYTES_A_PIXEL
from countenance.engine.limits import STORED, Limits
from countenance.errors import ImageTooLarge

WIDTH, HEIGHT = 4000, 3000
LIMITS = Limits(max_bytes=2**26)
"""A BMP of 12 megapixels is longer than is read elsewhere."""


def soft(channels: int) -> NDArray[np.uint8]:
    """Slopes of shades, which pack fast."""
    down, across = np.mgrid[:HEIGHT, :WIDTH] // 32
    return np.stack([down + across, across, down, down ^ across][:channels], axis=2).astype(np.uint8)


def written(kind: str, picture: Image.Image, **how: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def webp() -> bytes:
    """Animated, lossless, with alpha."""
    frames = [Image.fromarray(soft(4)), Image.fromarray(soft(4)[::-1].copy())]
    return written("WEBP", frames[0], save_all=True, append_images=frames[1:], lossless=True, quality=0, method=0)


def avif() -> bytes:
    """With alpha and a colour for each pixel; 8 bits, for Pillow writes no more."""
    return written("AVIF", Image.fromarray(soft(4)), subsampling="4:4:4", speed=10, quality=30)


def gif() -> bytes:
    """Transparent, with a frame that is put away."""
    frames = [Image.fromarray(soft(1)[::step, :, 0].copy()).convert("P") for step in (1, -1)]
    return written("GIF", frames[0], save_all=True, append_images=frames[1:], transparency=3, disposal=2)


def bmp() -> bytes:
    return written("BMP", Image.fromarray(soft(3)))


def tiff(width: int = WIDTH, height: int = HEIGHT, tile: tuple[int, int] | None = None) -> bytes:
    """16 bits with alpha, turned, packed in one strip, or in one tile of (width, length)."""
    packer = zlib.compressobj(1)
    columns, rows = tile or (width, height)
    row = bytes(range(256)) * (columns // 32)
    packed = b"".join([packer.compress(row.ljust(8 * columns, b"\0")) for _ in range(rows)] + [packer.flush()])
    # tag, type (3: 16 bits, 4: 32 bits), value; the eight bytes behind the directory are the bits of each sample
    tags = [(256, 3, width), (257, 3, height), (258, 3, -1), (259, 3, 8), (262, 3, 2)]
    tags += [] if tile else [(273, 4, -2)]
    tags += [(274, 3, 6), (277, 3, 4)]
    tags += [(322, 4, columns), (323, 4, rows), (324, 4, -2), (325, 4, len(packed))] if tile else [(278, 4, rows)]
    tags += [] if tile else [(279, 4, len(packed))]
    tags += [(338, 3, 2)]
    bits = 8 + 2 + 12 * len(tags) + 4
    directory = b"".join(
        struct.pack("<HHII", tag, form, 4 if value == -1 else 1, {-1: bits, -2: bits + 8}.get(value, value))
        for tag, form, value in sorted(tags)
    )
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + directory + bytes(4)
    return head + struct.pack("<4H", 16, 16, 16, 16) + packed


def gif_of_comments() -> bytes:
    """A small picture after 2 MiB of comments in the shortest pieces, of which Pillow makes an object each."""
    file = io.BytesIO()
    Image.fromarray(np.zeros((100, 100), np.uint8)).save(file, "GIF")
    image = file.getvalue()
    comment = b"\x21\xfe" + b"\1x" * 1000 + b"\0"
    end_of_colours = 13 + 3 * 2 ** ((image[10] & 7) + 1)
    return image[:end_of_colours] + comment * (2**21 // len(comment)) + image[end_of_colours:]


HEIC = (
    "c-rllYe*DP6vyv8eB^GsTfQHOf}x3tnwBg*mJ}k12n^|AvAWK-Q@c7&>#`=&YN=2WqDGk#V)&(}P?3s|QGpPGfqjSy3n}_wq1XpMENpjnH8bpk"
    "e<3ZrT;`rR=lr<m-Z^vU-XVlUnC+F4MG&2Y7Mo~J_sQ%&n_w>@z7lUKvC1<tkwlZ7{8lnWYne$Aat(wfj3TjCUrUIpmFj5G_|0m9UeQaoD3+SN"
    "w~95C-Uwbd>SJ-3(#bp}JEzo0qTNPjJeiB4BulgvM9EY}byd_Yhv5UMcr9CTdN@Jc9=DqiEoY=exPehK9*^R{c|ADl(#IN#s4aCj!^}4{lAY(t"
    "vB9p*BTe~*@A%9J9n~|9ic#k(rbu8e^Hi=^`zO$zf=y*sxzuEJQvF)u@1m*@@w6oP#;on2Gtol@og_L%MZ>ApYT7vFB5s|YjoAH%h!u}tB2NAp"
    "@vLDWVA!SV4e9D@$~)D@D!L5i!s?W01C(gHiw(Y6^hLoaF(ejMICGS{3b|BolY|p`i{LQnGt$zt^wcDl=)F@PD@wN6oS=`HuVFc!uzVfo-#|4{"
    "qAZwatQtyLy{SMSQkZNjDWW-}x{}1)=XJ*`wWB+nlW!lFzVEYtdU-XquvcEN`RuO#V)Q)!79Uw~xnnOop3`FR4sx+oHP~5`pegTbhiHy4=bAMm"
    "jUY@o_Cf>9(sVhn1epK61o);4hxvY-4W7W+Ek>L*58&(=K3B{bo>@2G#BifzKnzN%l2B6HgOYeIMW&%->@Z4h>_Ev>IPbT?eeQzampw3<50gg?"
    "C~1WI#8(t6OxodbI$-h)9BuV7kZ0kwx^|WPugJP(AXi$=qwi7BP!e-5Fs^?xRxf{iRzK9X)%xZ^!QCT|PQJdqP;+N0@vGJo{9;sia!FSnl)Nr("
    "@%>(Rb=GP&HQa(e&?ZB3sOkeW-WC_S8)x<C`5_AgqtTtj6qcTR3WTW-L0D8bgr#5`mc!WBtsR@mX$WJgpuF6VP+S;vuG@}Keg_fCe;lFKL?Bd<"
    "6QQug*FX_s{{hxRr<h>qXGbU$VK_uZK;w#pR-7oPuV{#h`J2@6N~bnRtJJ?lt%&MZ@&loy9TN"
)
"""4000 x 3000 of one shade with 12 bits, alpha and a colour for each pixel, by libheif and x265: packed, in base 85."""


def heic() -> bytes:
    return zlib.decompress(base64.b85decode(HEIC))


PEAK = """
import sys
from countenance.engine.decode import decode, read_header
from countenance.engine.limits import Limits
def status(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1]) * 1024
image = sys.stdin.buffer.read()
open("/proc/self/clear_refs", "w").write("5")  # the peak so far counts no more
before = status("VmRSS")
pixels = decode(image, read_header(image, Limits(max_bytes=2**26)))
print(status("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize(
    "make",
    [pytest.param(webp, marks=pytest.mark.slow), pytest.param(avif, marks=pytest.mark.slow), gif, bmp, tiff, heic],
)
def test_the_costliest_file_of_each_kind_takes_no_more_than_its_stated_cost(
    make: Callable[[], bytes], record_property: Callable[[str, object], None]
) -> None:
    image = make()
    header = read_header(image, LIMITS)
    assert header.width * header.height == WIDTH * HEIGHT
    done = subprocess.run([sys.executable, "-c", PEAK], input=image, stdout=subprocess.PIPE, check=True)
    record_property(f"bytes a pixel at the peak of {make.__name__}", round(int(done.stdout) / (WIDTH * HEIGHT), 1))
    assert int(done.stdout) <= cost(header)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from /proc")
def test_comments_of_a_gif_take_no_more_than_its_stated_cost(record_property: Callable[[str, object], None]) -> None:
    image = gif_of_comments()
    done = subprocess.run([sys.executable, "-c", PEAK], input=image, stdout=subprocess.PIPE, check=True)
    record_property("bytes a byte of comments at the peak", round(int(done.stdout) / len(image), 1))
    assert 20 * len(image) < int(done.stdout) <= cost(read_header(image, LIMITS))


def test_a_tile_of_a_tiff_counts_for_the_cost_and_has_a_limit() -> None:
    image = tiff(200, 200, tile=(2048, 1024))
    assert cost(read_header(image, STORED)) == 2048 * 1024 * BYTES_A_PIXEL["TIFF"]
    with pytest.raises(ImageTooLarge, match="tile of the TIFF image has 268435456 pixels"):
        read_header(
            image.replace(struct.pack("<HHII", 322, 4, 1, 2048), struct.pack("<HHII", 322, 4, 1, 2**18)), STORED
        )
