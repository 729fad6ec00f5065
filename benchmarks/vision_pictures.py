"""Pictures to look at: press photos as they are, and scenes of many faces as large as a camera's.

The faces are LFW's where the evaluation data is there, else the astronaut of scikit-image over and over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from countenance.faces import Pixels


@dataclass(frozen=True, slots=True)
class Workload:
    """JPEG files of one kind."""

    title: str
    files: tuple[bytes, ...]


def data() -> Path:
    """The folder of evaluation data, which may be absent."""
    return Path(os.environ.get("COUNTENANCE_DATA", Path(__file__).parents[2] / "shared" / "data"))


def photos(count: int) -> list[bytes]:
    """JPEG files of 250 x 250 with one face in the middle, spread over LFW; or the astronaut's face."""
    files = sorted((data() / "lfw" / "images").glob("*/*.jpg"))
    if files:
        return [file.read_bytes() for file in files[:: max(1, len(files) // count)][:count]]
    face = skimage.data.astronaut()[0:250, 100:350, ::-1]  # type: ignore[no-untyped-call]
    return [_jpeg(np.ascontiguousarray(face), 90)] * count


def workloads() -> Iterator[Workload]:
    """What is measured, from thumbnails to 12 megapixels, with 1, 10 and 100 faces."""
    yield Workload("250 x 250, 1 face", tuple(photos(40)))
    for width, height, faces, count in (
        (1280, 960, 1, 8),
        (1280, 960, 10, 6),
        (1280, 960, 100, 2),
        (4000, 3000, 1, 4),
        (4000, 3000, 10, 4),
        (4000, 3000, 100, 2),
    ):
        tiles = cycle(_pixels(photo) for photo in photos(100))
        scenes = (scene(width, height, list(islice(tiles, faces)), seed) for seed in range(count))
        title = f"{width} x {height}, {faces} face{'s' if faces > 1 else ''}"
        yield Workload(title, tuple(_jpeg(each, 90) for each in scenes))


def scene(width: int, height: int, tiles: list[Pixels], seed: int) -> Pixels:
    """`tiles` on a grid, in front of a blurred backdrop, under the grain of a camera's sensor."""
    rng = np.random.default_rng(seed)
    columns = max(1, round((len(tiles) * width / height) ** 0.5))
    rows = -(-len(tiles) // columns)
    side = int(0.95 * min(width / columns, height / rows))
    picture = cv2.resize(cv2.GaussianBlur(tiles[0], (0, 0), 25), (width, height), interpolation=cv2.INTER_CUBIC)
    for index, tile in enumerate(tiles):
        left = int((index % columns + 0.5) * width / columns) - side // 2
        top = int((index // columns + 0.5) * height / rows) - side // 2
        how = cv2.INTER_AREA if side < tile.shape[0] else cv2.INTER_CUBIC
        picture[top : top + side, left : left + side] = cv2.resize(tile, (side, side), interpolation=how)
    grain = rng.integers(-6, 7, (height, width, 1), dtype=np.int16)
    return np.asarray(np.clip(picture.astype(np.int16) + grain, 0, 255), dtype=np.uint8)


def _pixels(photo: bytes) -> Pixels:
    return np.asarray(cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8)


def _jpeg(pixels: Pixels, quality: int) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
