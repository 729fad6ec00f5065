"""Whom the engine is measured beside: OpenCV's FaceDetectorYN and FaceRecognizerSF with the same weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.engine import Engine, load_manifests
from countenance.engine.limits import STORED
from countenance.faces import Pixels

Rows = NDArray[np.float32]
"""What FaceDetectorYN gives: (n, 15) box, five points, score."""


class OpenCV:
    """One detector and one recogniser as OpenCV ships them. shrink: search at the engine's working size, as it does."""

    def __init__(self, cache: Path, shrink: bool) -> None:
        detector, embedder = load_manifests()["yunet"], load_manifests()["sface"]
        how = detector.detection
        assert how is not None
        self._largest = max(detector.input.width, detector.input.height) if shrink else 0
        self._detector = cv2.FaceDetectorYN.create(
            str(detector.path(cache)), "", (1, 1), how.min_score, how.max_overlap, how.max_candidates
        )
        self._recogniser = cv2.FaceRecognizerSF.create(str(embedder.path(cache)), "")

    def faces(self, pixels: Pixels) -> Rows:
        """The faces in `pixels`."""
        height, width = pixels.shape[:2]
        factor = min(1.0, self._largest / max(width, height)) if self._largest else 1.0
        small = (round(width * factor), round(height * factor))
        self._detector.setInputSize(small)
        searched = pixels if factor == 1.0 else cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
        rows = self._detector.detect(searched)[1]
        if rows is None:
            return np.zeros((0, 15), dtype=np.float32)
        rows[:, :14] *= np.tile([width / small[0], height / small[1]], 7)
        return np.asarray(rows, dtype=np.float32)

    def template(self, pixels: Pixels, row: Rows) -> NDArray[np.float32]:
        """The template of one face, L2 norm 1."""
        vector = self._recogniser.feature(self._recogniser.alignCrop(pixels, row))[0]
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)

    def templates(self, image: bytes) -> list[NDArray[np.float32]]:
        """JPEG bytes to templates."""
        pixels = np.asarray(cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8)
        return [self.template(pixels, row) for row in self.faces(pixels)]


Contender = Callable[[Sequence[bytes]], int]
"""Looks at all images and makes a template of every face; returns how many."""


def engine_contender(engine: Engine) -> Contender:
    """The engine's bulk path."""
    return lambda images: sum(len(seen.templates) for seen in engine.templates(images, "all", STORED))


def opencv_contender(cache: Path, shrink: bool) -> Contender:
    """OpenCV as its samples use it: one picture after the other, with OpenCV's own threads on every core."""
    opencv = OpenCV(cache, shrink)
    return lambda images: sum(len(opencv.templates(image)) for image in images)


def opencv_side_by_side(cache: Path, workers: int) -> Contender:
    """OpenCV laid out as the engine is: one single-threaded instance for each core, at the engine's working size."""
    instances = [OpenCV(cache, shrink=True) for _ in range(workers)]

    def share(worker: int, images: Sequence[bytes]) -> int:
        return sum(len(instances[worker].templates(image)) for image in images[worker::workers])

    def contend(images: Sequence[bytes]) -> int:
        before = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            with ThreadPoolExecutor(workers) as pool:
                return sum(pool.map(lambda worker: share(worker, images), range(workers)))
        finally:
            cv2.setNumThreads(before)

    return contend
