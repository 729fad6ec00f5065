"""Which way a head is turned, from five points and an average head.

Under weak perspective the points of a rigid head are a linear image of it, so its axes as the camera sees them come
from least squares (the first step of POSIT: DeMenthon and Davis, IJCV 15, 1995), are made orthonormal by SVD, and give
the angles. The average head is data of the detector's manifest, since each detector has its own idea of where a nose
is. Faces differ from the average, so this distinguishes frontal from turned heads; single degrees mean nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from countenance.faces import Pose


class Head:
    """An average head: (5, 3), x to the viewer's right, y down, z towards the viewer, any unit, looking straight."""

    def __init__(self, points: NDArray[np.floating]) -> None:
        away = points.astype(np.float64) * np.array([1.0, 1.0, -1.0])  # right-handed: right, down, away
        self._solver = np.linalg.pinv(away - away.mean(axis=0))

    def pose(self, points: NDArray[np.floating]) -> Pose:
        """Degrees for `points` (5, 2) in pixels of the upright picture.

        roll, -180..180: clockwise as the viewer sees it. yaw, -90..90: towards the viewer's right. pitch, -180..180:
        upwards. All are 0 for a face that looks straight at the camera, and for points that coincide.
        """
        axes = (self._solver @ (points - points.mean(axis=0))).T  # (2, 3)
        across, down = _orthonormal(*axes.tolist())
        away = [across[i - 2] * down[i - 1] - across[i - 1] * down[i - 2] for i in range(3)]
        # Rows across, down, away are Rz(roll) Ry(yaw) Rx(pitch): the head was tilted first, then turned, then leant.
        roll = math.atan2(down[0], across[0])
        yaw = math.asin(max(-1.0, min(1.0, away[0])))
        pitch = math.atan2(-away[1], away[2])
        return Pose(math.degrees(roll), math.degrees(yaw), math.degrees(pitch))


def _orthonormal(one: list[float], other: list[float]) -> tuple[list[float], list[float]]:
    """The pair of unit vectors at right angles that lies closest to two vectors in space; the axes for none.

    The orthogonal factor of the polar decomposition: (A A')^(-1/2) A, with the square root of a 2 x 2 matrix in its
    closed form (Levinger, Mathematics Magazine 53(4), 1980). Vectors along one line go through SVD.
    """
    a, b, c = (sum(map(float.__mul__, x, y)) for x, y in ((one, one), (one, other), (other, other)))
    if a + c < 1e-18:
        return [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]
    root = math.sqrt(max(a * c - b * b, 0.0))
    if root < 1e-4 * (a + c):  # the difference above lost too many digits
        u, _, vt = np.linalg.svd(np.array([one, other]), full_matrices=False)
        across, down = (u @ vt).tolist()
        return across, down
    scale = math.sqrt(a + c + 2 * root) / (root * (a + c + 2 * root))
    a, c = a + root, c + root
    return (
        [scale * (c * x - b * y) for x, y in zip(one, other, strict=True)],
        [scale * (a * y - b * x) for x, y in zip(one, other, strict=True)],
    )
