"""Small videos made for tests, by OpenCV's own encoders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


def write(path: Path, frames: Iterable[NDArray[np.uint8]], rate: float = 10.0, codec: str = "mp4v") -> Path:
    """A video of `frames`, all of one size."""
    writer = None
    for frame in frames:
        if writer is None:
            size = frame.shape[1], frame.shape[0]
            writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), rate, size)
            assert writer.isOpened(), f"no encoder for {codec}"
        writer.write(frame)
    assert writer is not None
    writer.release()
    return path


def grey(level: int, width: int = 128, height: int = 96) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, np.uint8)
