"""Which way a head is turned, from five points.

The points are compared with an average head: across and down its coordinates are the frontal target of alignment.py,
in units of the distance between the eyes; in depth the nose tip stands 0.4 of that distance before the plane of the
eyes and the mouth's corners 0.05 before it (proportions of an adult head; five points can carry no finer model). Under
weak perspective the points are a linear image of the head, so its two visible axes come from least squares (the first
step of POSIT: DeMenthon and Davis, IJCV 15, 1995), are made orthonormal by SVD, and give the angles. Good for telling
frontal from turned; single degrees mean nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from countenance.engine.alignment import TARGET
from countenance.faces import Pose

NOSE_DEPTH, MOUTH_DEPTH = 0.4, 0.05


def _average_head() -> NDArray[np.float64]:
    """(5, 3): x to the viewer's right, y down, z away from the viewer; unit: the distance between the eyes."""
    flat = TARGET - TARGET.mean(axis=0)
    flat = (flat + flat[[1, 0, 2, 4, 3]] * np.array([-1.0, 1.0])) / 2  # a head is symmetric
    depth = np.array([0.0, 0.0, -NOSE_DEPTH, -MOUTH_DEPTH, -MOUTH_DEPTH])
    head = np.column_stack((flat / (flat[1, 0] - flat[0, 0]), depth))
    return np.asarray(head - head.mean(axis=0), dtype=np.float64)


_SOLVER = np.linalg.pinv(_average_head())


def pose(points: NDArray[np.floating]) -> Pose:
    """Degrees, each -180..180, for `points` (5, 2) in pixels of the upright picture.

    roll: clockwise as the viewer sees it. yaw: towards the viewer's right. pitch: upwards. All 0 for a face that looks
    straight at the camera, and for points that coincide.
    """
    centred = points.astype(np.float64) - points.mean(axis=0)
    axes = (_SOLVER @ centred).T  # (2, 3): the head's x, y, z as seen across and down
    if np.abs(axes).max() < 1e-9:
        return Pose(0.0, 0.0, 0.0)
    u, _, vt = np.linalg.svd(axes, full_matrices=False)
    across, down = u @ vt
    away = np.cross(across, down)
    # Rows across, down, away: the head's own axes as the camera sees them. The nose points along minus the last column.
    roll = math.atan2(down[0], across[0])
    yaw = math.asin(max(-1.0, min(1.0, -across[2])))
    pitch = math.atan2(down[2], away[2])
    return Pose(*(math.degrees(angle) for angle in (roll, yaw, pitch)))
