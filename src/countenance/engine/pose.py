"""Which way a head is turned, from five points and an average head.

Under weak perspective the points of a rigid head are a linear image of it, so its axes as the camera sees them come
from least squares (the first step of POSIT: DeMenthon and Davis, IJCV 15, 1995), are made orthonormal by SVD, and give
the angles. The average head is data of the detector's manifest, since each detector has its own idea of where a nose
is. Faces differ from the average, so this is good for telling frontal from turned; single degrees mean nothing.
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
        upwards. All 0 for a face that looks straight at the camera, and for points that coincide.
        """
        axes = (self._solver @ (points - points.mean(axis=0))).T  # (2, 3)
        if np.abs(axes).max() < 1e-9:
            return Pose(0.0, 0.0, 0.0)
        u, _, vt = np.linalg.svd(axes, full_matrices=False)
        across, down = u @ vt
        away = np.cross(across, down)
        # Rows across, down, away are Rz(roll) Ry(yaw) Rx(pitch): the head was tilted first, then turned, then leant.
        roll = math.atan2(down[0], across[0])
        yaw = math.asin(max(-1.0, min(1.0, away[0])))
        pitch = math.atan2(-away[1], away[2])
        return Pose(math.degrees(roll), math.degrees(yaw), math.degrees(pitch))
