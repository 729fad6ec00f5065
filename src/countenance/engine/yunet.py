"""The input and output of YuNet: pure functions, separate from what runs the network.

Wu, Peng, Yu: YuNet: A Tiny Millisecond-level Face Detector (2023). For every stride s the network has four maps over a
grid of s-pixel cells: class and object scores, box offsets and five points. They are read as OpenCV's FaceDetectorYN
reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.engine.manifest import Detection
from countenance.faces import Pixels

Maps = NDArray[np.float32]

_NO_BOXES, _NO_POINTS = np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32)
_NO_SCORES = np.empty(0, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Faces in pixels of the picture that was searched.

    boxes: (n, 4) left, top, width, height. points: (n, 5, 2) x, y of the eye on the left of the picture, the eye on its
    right, the nose tip, the corner of the mouth on its left, the one on its right. scores: (n,) 0..1. float32.
    """

    boxes: NDArray[np.float32]
    points: NDArray[np.float32]
    scores: NDArray[np.float32]

    def scaled(self, across: float, down: float) -> Found:
        """The same faces in a picture `across` times as wide and `down` times as high."""
        factors = np.array([across, down], dtype=np.float32)
        return Found(self.boxes * np.tile(factors, 2), self.points * factors, self.scores)

    def at(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Found:
        """These of the faces, in this order."""
        return Found(self.boxes[rows], self.points[rows], self.scores[rows])

    def largest(self, most: int) -> Found:
        """The `most` faces with the largest boxes, largest first."""
        order = np.argsort(-self.boxes[:, 2] * self.boxes[:, 3], kind="stable")[:most]
        return self.at(order)


def working_size(width: int, height: int, largest: tuple[int, int]) -> tuple[int, int]:
    """(width, height) at which a picture is searched: shrunk to the longer side of `largest`, never enlarged.

    Faces below about 10 pixels at that size are not found: 1.5 % of the longer side of a picture shrunk to 640.
    """
    factor = min(1.0, max(largest) / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))


def padded(pixels: Pixels, multiple: int) -> Pixels:
    """`pixels` with black below and to the right, so that both sides are multiples of `multiple`."""
    height, width = pixels.shape[:2]
    if height % multiple == 0 and width % multiple == 0:
        return pixels
    whole = np.zeros((-(-height // multiple) * multiple, -(-width // multiple) * multiple, 3), dtype=np.uint8)
    whole[:height, :width] = pixels
    return whole


def output_names(strides: Sequence[int]) -> list[str]:
    """The network's outputs in the order in which `read_maps` takes them: four for each stride."""
    return [f"{kind}_{stride}" for stride in strides for kind in ("cls", "obj", "bbox", "kps")]


def read_maps(maps: Sequence[Maps], width: int, how: Detection) -> Found:
    """The faces in the network's output for one padded picture `width` pixels wide.

    maps: for each stride, in the order of `output_names`, arrays (1, cells, 1), (1, cells, 1), (1, cells, 4) and
    (1, cells, 10). score = sqrt(class x object), both clipped to 0..1; the box's centre is (column + x, row + y) x
    stride and its sides exp(w), exp(h) times the stride; weaker boxes that overlap a stronger one are dropped.
    """
    found, _ = candidates(maps, width, how)
    return found.at(strongest(found.boxes, found.scores, how))


def candidates(maps: Sequence[Maps], width: int, how: Detection) -> tuple[Found, NDArray[np.intp]]:
    """All that scores enough in n padded pictures `width` pixels wide, overlapping boxes too; and in which picture.

    maps: as for `read_maps`, with n in place of 1.
    """
    boxes, points, scores, pictures = [_NO_BOXES], [_NO_POINTS], [_NO_SCORES], [np.empty(0, np.intp)]
    for level, stride in enumerate(how.strides):
        classes, objects, offsets, corners = maps[4 * level : 4 * level + 4]
        score = np.sqrt(_clipped(classes[..., 0]) * _clipped(objects[..., 0]))
        picture, cells = np.nonzero(score >= how.min_score)
        if not len(cells):
            continue
        grid = np.stack(np.divmod(cells, width // stride)[::-1], axis=1).astype(np.float32)
        where = offsets[picture, cells]
        centre, size = (grid + where[:, :2]) * stride, np.exp(np.minimum(where[:, 2:], 20)) * stride
        boxes.append(np.concatenate((centre - size / 2, size), axis=1))
        points.append((grid[:, None] + corners[picture, cells].reshape(-1, 5, 2)) * stride)
        scores.append(score[picture, cells])
        pictures.append(picture)
    found = Found(np.concatenate(boxes), np.concatenate(points), np.concatenate(scores))
    usable = np.isfinite(found.boxes).all(axis=1) & (found.boxes[:, 2:] > 0).all(axis=1)
    usable &= np.isfinite(found.points).all(axis=(1, 2))
    kept = np.flatnonzero(usable)
    return found.at(kept), np.concatenate(pictures)[kept]


def _clipped(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.minimum(np.maximum(values, 0), 1)  # a third of np.clip's time for so few


def strongest(boxes: NDArray[np.float32], scores: NDArray[np.float32], how: Detection) -> NDArray[np.intp]:
    """Greedy non-maximum suppression: indices of the boxes that no stronger box overlaps, strongest first."""
    if len(boxes) == 0:
        return np.empty(0, dtype=np.intp)
    whole = np.trunc(boxes).astype(np.int32)  # OpenCV's detector compares boxes cut to whole pixels
    kept = cv2.dnn.NMSBoxes(whole.tolist(), scores.tolist(), how.min_score, how.max_overlap, 1.0, how.max_candidates)
    return np.asarray(kept, dtype=np.intp).reshape(-1)
