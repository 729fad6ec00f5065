"""Faces cut out so that eyes, nose and mouth are where an embedder expects them. The five target points are those that
ArcFace published for 112 x 112 (Deng et al., CVPR 2019) and that OpenCV's FaceRecognizerSF uses, scaled for other
sizes. The transform is the similarity (rotation, scale, shift) of least squares error between the points found and the
target: Umeyama, IEEE TPAMI 13(4), 1991, in its closed form for the plane.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.faces import Pixels

TARGET_SIDE = 112
"""Side in pixels of the square for which `TARGET` is given."""

TARGET = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    dtype=np.float64,
)
"""(5, 2) x, y of left eye, right eye, nose, left and right corner of the mouth, as the viewer sees them."""

TARGET.setflags(write=False)


def similarity(points: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """The (2, 3) matrix of the similarity that takes `points` closest to `target`, both (n, 2), without mirroring.

    Points that all coincide have no scale and are only shifted.
    """
    source = [complex(x, y) for x, y in points.tolist()]  # for five points numpy would take ten times as long
    goal = [complex(x, y) for x, y in target.tolist()]
    middle, aim = sum(source) / len(source), sum(goal) / len(goal)
    spread = [point - middle for point in source]
    size = sum(abs(point) ** 2 for point in spread)
    turn = sum(s.conjugate() * (g - aim) for s, g in zip(spread, goal, strict=True)) / size if size > 1e-12 else 1 + 0j
    shift = aim - turn * middle
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def aligned(pixels: Pixels, points: NDArray[np.floating], width: int, height: int) -> Pixels:
    """The face at `points` ((5, 2), pixels of `pixels`) as uint8 (height, width, 3); black where the picture ends."""
    target = TARGET * np.array([width / TARGET_SIDE, height / TARGET_SIDE])
    cut = cv2.warpAffine(pixels, similarity(points, target), (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(cut, dtype=np.uint8)
