"""Faces that the picture cuts off: strangers who all lack the same part of their face resemble each other."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.fakes.engine import face_at

from countenance.faces import DetectedFace, Landmarks, Point
from countenance.operations.quality import QualityFilter, cut_off, reasons_against

Points = NDArray[np.float64]
UPRIGHT = np.array([[0.42, 0.40], [0.58, 0.40], [0.50, 0.50], [0.44, 0.60], [0.56, 0.60]])
"""Landmarks of a face in the middle: left eye, right eye, nose, corners of the mouth."""


def face(points: Points) -> DetectedFace:
    return replace(face_at(0), landmarks=Landmarks(*(Point(*each) for each in points.tolist())))


def turned(points: Points, degrees: float) -> Points:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray((points - 0.5) @ turn.T + 0.5, np.float64)


@pytest.mark.parametrize("degrees", [0, 25, 90, 180, 270])
@pytest.mark.parametrize(
    ("shift", "cut"),
    [
        ((0.0, 0.0), False),
        ((-0.41, 0.0), True),  # the left eye at 0.01: its side of the face is not in the picture
        ((0.41, 0.0), True),
        ((-0.38, 0.0), False),
        ((0.0, -0.35), True),  # the eyes at 0.05, a quarter of the way from mouth to eyes
        ((0.0, -0.30), False),
        ((0.0, 0.39), True),  # the mouth at 0.99
        ((0.0, 0.37), False),
    ],
)
def test_a_face_is_cut_off_where_its_inner_part_ends_outside(
    shift: tuple[float, float], cut: bool, degrees: float
) -> None:
    if degrees == 25 and not cut and shift != (0.0, 0.0):
        pytest.skip("a leaning face at the edge may lose a corner")
    assert cut_off(face(turned(UPRIGHT + np.array(shift), degrees))) == cut


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("side", [(-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0)])
def test_the_share_grows_from_0_to_1_with_what_is_outside_and_turning_the_picture_changes_nothing(
    side: tuple[float, float], degrees: float
) -> None:
    moves = [UPRIGHT + step * np.array(side) for step in np.linspace(0, 0.8, 33)]
    shares = [face(turned(points, degrees)).cut_off for points in moves]
    assert shares[0] == 0.0 and shares[-1] == 1.0
    assert all(0.0 <= before <= after + 1e-12 <= 1.0 + 1e-12 for before, after in pairwise(shares))
    assert len({round(share, 9) for share in shares}) > 8
    assert shares == pytest.approx([face(points).cut_off for points in moves], abs=1e-9)


def test_the_share_is_one_of_area() -> None:
    middle = 0.5  # of the picture, where the face's middle is
    assert face(UPRIGHT - np.array([middle, 0.0])).cut_off == pytest.approx(0.5)
    corner = UPRIGHT - np.array([middle, 0.0]) - np.array([0.0, 0.47])  # from 0.28, above the eyes, to 0.66
    assert face(corner).cut_off == pytest.approx(0.75)
    assert face(turned(UPRIGHT, 20) - np.array([middle, 0.0])).cut_off == pytest.approx(0.5, abs=0.05)


def test_points_without_extent_are_whole_inside_the_picture_and_cut_off_outside() -> None:
    assert face(np.full((5, 2), 0.5)).cut_off == 0.0
    assert face(np.full((5, 2), 1.5)).cut_off == 1.0


def test_auto_refuses_it_by_name_and_none_does_not() -> None:
    cut = face(UPRIGHT - np.array([0.45, 0.0]))
    assert "LOW_FACE_QUALITY" in reasons_against(cut, QualityFilter.AUTO)
    assert reasons_against(cut, QualityFilter.NONE) == ()
    assert "LOW_FACE_QUALITY" not in reasons_against(face(UPRIGHT), QualityFilter.AUTO)


@pytest.mark.parametrize(("sharpness", "refused"), [(94.6, False), (95.4, False), (95.6, True), (97.2, True)])
@pytest.mark.parametrize("level", [QualityFilter.AUTO, QualityFilter.MEDIUM, QualityFilter.HIGH])
def test_a_face_with_more_edges_than_photographs_have_is_refused(
    level: QualityFilter, sharpness: float, refused: bool
) -> None:
    """Line drawings and reliefs of strangers resemble each other; 7 of 21,961 photographs have such edges."""
    seen = face(UPRIGHT)
    seen = replace(seen, quality=replace(seen.quality, sharpness=sharpness))
    assert ("LOW_FACE_QUALITY" in reasons_against(seen, level)) == refused
    assert "LOW_FACE_QUALITY" not in reasons_against(seen, QualityFilter.NONE)
