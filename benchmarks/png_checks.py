"""Which faults of a PNG our own checks find, and which OpenCV's libpng and Pillow find, and what the checks cost.

`python -m benchmarks.png_checks` writes `benchmarks/results/png_checks.json`; ADR 11 quotes it.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
import warnings
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from countenance.engine.limits import DEFAULT
from countenance.engine.png import PNG_MAGIC, decode_png, read_png_header

_RESULT = Path(__file__).parent / "results" / "png_checks.json"
_ROW = b"\0" + bytes(300)
_BLACK = _ROW * 90


def chunk(name: bytes, content: bytes = b"") -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _header(width: int = 100, height: int = 90, depth: int = 8, colour: int = 2) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def _pixels(content: bytes) -> bytes:
    return chunk(b"IDAT", zlib.compress(content))


def faulty() -> dict[str, bytes]:
    """Damaged or hostile files by what is wrong with them."""
    whole, end = PNG_MAGIC + _header() + _pixels(_BLACK), chunk(b"IEND")
    wrong_sum = bytearray(whole + end)
    wrong_sum[wrong_sum.index(b"IDAT") + 10] ^= 1
    return {
        "pixels end early": PNG_MAGIC + _header() + _pixels(_BLACK[: len(_BLACK) // 2]) + end,
        "more pixels than the header names": PNG_MAGIC + _header() + _pixels(_BLACK + _ROW) + end,
        "bytes after the pixel stream": PNG_MAGIC + _header() + chunk(b"IDAT", zlib.compress(_BLACK) + b"more") + end,
        "a filter that PNG does not have": PNG_MAGIC
        + _header()
        + _pixels(_ROW * 50 + b"\5" + _BLACK[: 40 * 301 - 1])
        + end,
        "a wrong checksum of pixels": bytes(wrong_sum),
        "no end": whole,
        "cut in the middle": whole[: len(whole) // 2 + 20],
        "two headers": PNG_MAGIC + _header() + _header() + _pixels(_BLACK) + end,
        "the palette after the pixels": whole + chunk(b"PLTE", bytes(6)) + end,
        "an unknown chunk that is needed": PNG_MAGIC + _header() + chunk(b"SPCL", b"x") + _pixels(_BLACK) + end,
        "animated": PNG_MAGIC + _header() + chunk(b"acTL", struct.pack(">II", 2, 0)) + _pixels(_BLACK) + end,
        "an end with content": whole + chunk(b"IEND", b"x"),
    }


def ours(image: bytes) -> object:
    """The pixels, by `countenance.engine.png`."""
    return decode_png(image, read_png_header(image, DEFAULT))


def opencv(image: bytes) -> object:
    """The pixels, by OpenCV with the libpng in it."""
    return cv2.imdecode(np.frombuffer(image, dtype=np.uint8), cv2.IMREAD_COLOR)


def pillow(image: bytes) -> object:
    """The pixels, by Pillow, after its own check of checksums."""
    Image.open(BytesIO(image)).verify()
    return np.asarray(Image.open(BytesIO(image)).convert("RGB"))


READERS: dict[str, Callable[[bytes], object]] = {"ours": ours, "OpenCV": opencv, "Pillow": pillow}


def verdict(read: Callable[[bytes], object], image: bytes) -> str:
    """What a reader makes of a file: refused or taken, and whether it wrote to file descriptor 2 meanwhile."""
    before = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer = "taken" if read(image) is not None else "refused"
        except Exception:
            answer = "refused"
        finally:
            os.dup2(before, 2)
            os.close(before)
        said.seek(0)
        return answer + (", writes to stderr" if said.read() else "")


def _bomb() -> bytes:
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(400_000_000), 9))
    profile = chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(400_000_000), 9))
    return PNG_MAGIC + _header() + text + profile + _pixels(_BLACK) + chunk(b"IEND")


def _peak(name: str, path: str) -> float:
    """MB that a process needed more at its peak, after it had read the file and everything was imported."""
    command = [sys.executable, "-m", "benchmarks.png_checks", "peak", name, path]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _photograph() -> bytes:
    """A PNG of 12 million pixels, of smooth noise as photographs have."""
    chance = np.random.default_rng(0)
    small = chance.integers(0, 256, (188, 250, 3), dtype=np.uint8)
    large = cv2.resize(small, (4000, 3000), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    noisy = np.clip(large + chance.integers(-4, 5, large.shape), 0, 255).astype(np.uint8)
    return bytes(cv2.imencode(".png", noisy)[1])


def _seconds(read: Callable[[bytes], object], image: bytes) -> float:
    """The least of five."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        read(image)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    """Measure all, and write it down."""
    photograph = _photograph()
    with tempfile.NamedTemporaryFile(suffix=".png") as bomb:
        bomb.write(_bomb())
        bomb.flush()
        peaks = {name: round(_peak(name, bomb.name)) for name in READERS}
    found = {
        "faults": {fault: {n: verdict(r, image) for n, r in READERS.items()} for fault, image in faulty().items()},
        "texts and profile that unpack to 800 MB, MB at the peak": peaks,
        "12 million pixels, s": {name: round(_seconds(read, photograph), 3) for name, read in READERS.items()},
        "versions": {"OpenCV": cv2.__version__, "Pillow": Image.__version__},  # type: ignore[attr-defined]
    }
    _RESULT.write_text(json.dumps(found, indent=1) + "\n")
    print(_RESULT.read_text())


def _print_peak(name: str, path: str) -> None:
    image, read = Path(path).read_bytes(), READERS[name]
    verdict(read, PNG_MAGIC + _header() + _pixels(_BLACK) + chunk(b"IEND"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    verdict(read, image)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


if __name__ == "__main__":
    if sys.argv[1:2] == ["peak"]:
        _print_peak(*sys.argv[2:])
    else:
        main()
