from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from countenance.engine.manifest import load_manifests
from countenance.engine.pose import Head

DETECTION = load_manifests()["yunet"].detection
assert DETECTION is not None
AVERAGE = np.array(DETECTION.average_head)
HEAD = Head(AVERAGE)


def seen(
    roll: float = 0.0,
    yaw: float = 0.0,
    pitch: float = 0.0,
    scale: float = 40.0,
    at: tuple[float, float] = (100.0, 50.0),
) -> NDArray[np.float64]:
    """The five points of the average head, turned: pitch first, then yaw, then roll, seen from far away."""
    r, y, p = np.radians([roll, yaw, pitch])
    points = AVERAGE * [1, 1, -1]  # right, down, away
    up = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    side = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    clockwise = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray((points @ (clockwise @ side @ up).T)[:, :2] * scale + at)


def test_the_average_head_looks_straight() -> None:
    pose = HEAD.pose(seen())
    assert (pose.roll, pose.yaw, pose.pitch) == pytest.approx((0, 0, 0), abs=1e-6)


@given(st.floats(-170, 170), st.floats(-80, 80), st.floats(-80, 80), st.floats(1, 1000))
def test_a_turned_head_gives_the_angles_it_was_turned_by(roll: float, yaw: float, pitch: float, scale: float) -> None:
    pose = HEAD.pose(seen(roll, yaw, pitch, scale))
    assert pose.roll == pytest.approx(roll, abs=0.1)
    assert pose.yaw == pytest.approx(yaw, abs=0.1)
    assert pose.pitch == pytest.approx(pitch, abs=0.1)


def test_signs_are_those_of_the_viewer() -> None:
    eyes_level, nose_right = seen(), seen(yaw=30)
    assert nose_right[2, 0] - nose_right[:2, 0].mean() > eyes_level[2, 0] - eyes_level[:2, 0].mean()
    nose_up = seen(pitch=30)
    assert nose_up[2, 1] - nose_up[:2, 1].mean() < eyes_level[2, 1] - eyes_level[:2, 1].mean()
    clockwise = seen(roll=30)
    assert clockwise[1, 1] > clockwise[0, 1]


def test_a_mirrored_face_has_the_mirrored_pose() -> None:
    points = seen(10, 25, -5)
    mirrored = (points * [-1, 1])[[1, 0, 2, 4, 3]]
    pose = HEAD.pose(mirrored)
    assert (pose.roll, pose.yaw, pose.pitch) == pytest.approx((-10, -25, -5), abs=0.1)


def test_points_that_coincide_have_no_pose() -> None:
    pose = HEAD.pose(np.full((5, 2), 9.0))
    assert (pose.roll, pose.yaw, pose.pitch) == (0, 0, 0)
