"""Image files made in memory, whole and faulty."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def ihdr(width: int, height: int, depth: int = 8, colour: int = 2, interlace: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


def png_of(header: bytes, pixels: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    """A PNG from its header chunk, its unpacked pixel stream and other chunks around the pixels."""
    return PNG_MAGIC + header + before + chunk(b"IDAT", zlib.compress(pixels)) + after + chunk(b"IEND")


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth noise, uint8 (height, width, channels), which JPEG keeps well."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (height // 16 + 1, width // 16 + 1, channels), dtype=np.uint8)
    planes = [Image.fromarray(small[..., c]).resize((width, height), Image.Resampling.BICUBIC) for c in range(channels)]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


def saved(array: NDArray[np.uint8], kind: str, mode: str | None = None, **options: Any) -> bytes:
    """`array` (R, G, B order) as a file of Pillow's format `kind`."""
    image = Image.fromarray(array if array.shape[-1] != 1 else array[..., 0])
    if mode:
        image = image.convert(mode)
    out = io.BytesIO()
    image.save(out, kind, **(options if kind == "JPEG" else {}))
    return out.getvalue()


def with_orientation(jpeg: bytes, orientation: int, order: str = "<") -> bytes:
    """`jpeg` with an Exif block that names `orientation`."""
    magic = b"II*\0" if order == "<" else b"MM\0*"
    tiff = magic + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    block = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]
