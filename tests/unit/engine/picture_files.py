"""Image files made in memory, whole and faulty."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def chunk(name, content=b""):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def ihdr(width, height, depth=8, colour=2, interlace=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


def png_of(header, pixels, before=b"", after=b""):
    """A PNG from its header chunk, its unpacked pixel stream and other chunks around the pixels."""
    return PNG_MAGIC + header + before + chunk(b"IDAT", zlib.compress(pixels)) + after + chunk(b"IEND")


def noise(height, width, channels=3, seed=0):
    """Smooth noise, uint8 (height, width, channels), which JPEG keeps well."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (height // 16 + 1, width // 16 + 1, channels), dtype=np.uint8)
    planes = [Image.fromarray(small[..., c]).resize((width, height), Image.Resampling.BICUBIC) for c in range(channels)]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


def saved(array, kind, mode=None, **options):
    """`array` (R, G, B order) as a file of Pillow's format `kind`."""
    image = Image.fromarray(array if array.shape[-1] != 1 else array[..., 0])
    if mode:
        image = image.convert(mode)
    out = io.BytesIO()
    image.save(out, kind, **(options if kind == "JPEG" else {}))
    return out.getvalue()


def with_orientation(jpeg, orientation, order="<"):
    """`jpeg` with an Exif block that names `orientation`."""
    magic = b"II*\0" if order == "<" else b"MM\0*"
    tiff = magic + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    block = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]
