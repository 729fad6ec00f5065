"""The share of a detector's finds that are faces, by their score: isotonic regression on faces and non-faces.

A probability needs a share of faces to start from. Here half of the pictures show a face: press photos and close-cut
portraits, half of them degraded in one way of the grid. The other half are the non-faces of `non_faces`, some of them
turned. Half of all pictures are used for testing only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.calibrate.degradations import GRID, Place, degrade
from countenance.calibrate.non_faces import non_face
from countenance.engine import Engine
from countenance.engine.confidence import ConfidenceCurve
from countenance.faces import DetectedFace, Pixels
from countenance.progress import track

HIGHEST = 99.99
"""The highest confidence: a sample of thousands can show no more."""

BINS = (0.0, 80.0, 95.0, 99.0, 99.5, 100.0)
"""Confidences between which reliability is shown."""


@dataclass(frozen=True, slots=True, eq=False)
class Finds:
    """What a detector found in pictures, one row each: score 0..1, whether it is a face, and which picture.

    of_faces, of_others: how many pictures with and without a face were searched.
    """

    score: NDArray[np.float64]
    face: NDArray[np.bool_]
    picture: NDArray[np.int64]
    of_faces: int
    of_others: int

    def half(self, which: int) -> Finds:
        """The finds in every second picture: 0 to fit to, 1 to test on."""
        rows = self.picture % 2 == which
        faces, others = ((number + 1 - which) // 2 for number in (self.of_faces, self.of_others))
        return Finds(self.score[rows], self.face[rows], self.picture[rows], faces, others)


def look(engine: Engine, tight: Sequence[Path], press: Sequence[Path], number: int, workers: int) -> Finds:
    """What `engine`, whose confidence must still be 100 times the score, finds in `number` pictures of each kind."""

    def in_face(index: int) -> Iterator[tuple[float, bool, int]]:
        files = tight if index // 2 % 2 else press
        pixels = np.asarray(cv2.imread(str(files[index // 4 * 2 + index % 2]), cv2.IMREAD_COLOR), np.uint8)
        finding = _middle(engine, pixels)
        if finding is not None and index // 4 % 2:
            rng = np.random.default_rng([index, 5])
            pixels = degrade(pixels, Place.of(finding, *pixels.shape[1::-1]), GRID[int(rng.integers(len(GRID)))], rng)
            finding = _middle(engine, pixels) if min(pixels.shape[:2]) else None
        if finding is not None:
            yield finding.confidence / 100, True, index

    def in_other(index: int) -> Iterator[tuple[float, bool, int]]:
        _, pixels = non_face(index, tight, press)
        turned = np.ascontiguousarray(np.rot90(pixels, index // 2 % 4 if index % 4 > 1 else 0))
        for face in engine.look_at(turned).faces:
            yield face.confidence / 100, False, index

    rows: list[tuple[float, bool, int]] = []
    with ThreadPoolExecutor(workers) as pool:
        for see, what in ((in_face, "faces"), (in_other, "non-faces")):
            seen: Iterable[list[tuple[float, bool, int]]] = pool.map(lambda i, see=see: list(see(i)), range(number))
            for batch in track(seen, what, number, "pictures"):
                rows += batch
    score, face, picture = zip(*rows, strict=True)
    return Finds(np.array(score), np.array(face, bool), np.array(picture, np.int64), number, number)


def fitted(finds: Finds) -> ConfidenceCurve:
    """The rising curve of least squares (pool adjacent violators), its steps joined by straight lines.

    Non-faces are weighted so that pictures with and without a face count alike. Each step's share is estimated with one
    extra non-face, so that no step claims certainty.
    """
    order = np.argsort(finds.score, kind="stable")
    weight = np.where(finds.face, 1.0, finds.of_faces / finds.of_others)[order]
    faces = np.where(finds.face, 1.0, 0.0)[order]
    steps: list[tuple[float, float, float]] = []  # weight of faces, weight of all, scores times weight
    for w, f, s in zip(weight.tolist(), faces.tolist(), finds.score[order].tolist(), strict=True):
        steps.append((w * f, w, w * s))
        while len(steps) > 1 and steps[-2][0] * steps[-1][1] >= steps[-1][0] * steps[-2][1]:
            one, other = steps.pop(), steps.pop()
            steps.append((one[0] + other[0], one[1] + other[1], one[2] + other[2]))
    corners: list[tuple[float, float]] = []
    for good, whole, scores in steps:
        share = min(100 * good / (whole + 1), HIGHEST)
        at = scores / whole
        if not corners or (at - corners[-1][0] >= 0.002 and share > corners[-1][1]):
            corners.append((round(at, 4), math.floor(100 * share) / 100))
    least = float(finds.score.min())
    if len(corners) < 2:
        corners.insert(0, (round(least, 4) - 0.001, corners[0][1] if corners else 0.0))
    return ConfidenceCurve(*(tuple(column) for column in zip(*corners, strict=True)))


@dataclass(frozen=True, slots=True)
class Reliability:
    """Finds whose confidence lies in [low, high): how many, their mean confidence, and how many are faces."""

    low: float
    high: float
    finds: int
    confidence: float
    faces: int


def reliability(curve: ConfidenceCurve, finds: Finds) -> list[Reliability]:
    """The reliability of each range of confidence of `curve` on `finds`, to which it must not have been fitted."""
    given = np.array([curve.of(score) for score in finds.score.tolist()])
    bins = []
    for low, high in pairwise(BINS):
        rows = (given >= low) & (given < high)
        if rows.any():
            bins.append(Reliability(low, high, int(rows.sum()), float(given[rows].mean()), int(finds.face[rows].sum())))
    return bins


def as_toml(curve: ConfidenceCurve) -> str:
    """The part of a detector's manifest that holds `curve`."""
    score, confidence = (", ".join(f"{v:g}" for v in values) for values in (curve.score, curve.confidence))
    return f"[detection.confidence]\nscore = [{score}]\nconfidence = [{confidence}]\n"


def _middle(engine: Engine, pixels: Pixels) -> DetectedFace | None:
    """The face over the middle of the picture: the one that the data set labels."""
    for face in engine.look_at(np.ascontiguousarray(pixels)).faces:
        box = face.box
        if box.left < 0.5 < box.left + box.width and box.top < 0.5 < box.top + box.height:
            return face
    return None
