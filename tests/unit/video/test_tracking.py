"""People keep their index while they move, cross, leave and come back; two faces of one frame are two people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from countenance.faces import BoundingBox, DetectedFace, Landmarks, ModelId, Point, Pose, Quality, Template
from countenance.video import Observation, Tracker

MODEL = ModelId("a" * 64)


def cosine(probes: NDArray[np.float32], enrolled: NDArray[np.float32]) -> NDArray[np.float64]:
    return (probes @ enrolled.T).astype(np.float64)


def tracker() -> Tracker:
    return Tracker(cosine, same_from=0.6, other_below=0.0)


def seen(person: int, left: float, at_ms: float = 0.0, noise: int = 0, sharpness: float = 80.0) -> Observation:
    own = np.random.default_rng(person).normal(size=64)
    own += 0.05 * np.random.default_rng([person, noise]).normal(size=64)
    vector = (own / np.linalg.norm(own)).astype(np.float32)
    point = Point(left + 0.05, 0.5)
    face = DetectedFace(
        BoundingBox(left, 0.4, 0.1, 0.2),
        Landmarks(point, point, point, point, point),
        Pose(0.0, 0.0, 0.0),
        Quality(sharpness, 60.0, 100.0),
        99.0,
    )
    return Observation(at_ms, face, Template(vector, MODEL))


def indices(one: Tracker, *observations: Observation) -> list[int]:
    return [track.index for track in one.update(observations)]


def test_two_people_who_cross_keep_their_indices() -> None:
    one = tracker()
    for step in range(11):
        left = 0.1 + 0.06 * step
        pair = seen(1, left, 100 * step, step), seen(2, 0.8 - left, 100 * step, step)
        assert indices(one, *pair) == [0, 1]


def test_who_leaves_and_comes_back_elsewhere_keeps_their_index() -> None:
    one = tracker()
    assert indices(one, seen(1, 0.1, 0)) == [0]
    assert indices(one, seen(2, 0.1, 60_000)) == [1]
    assert indices(one, seen(1, 0.7, 120_000, 5)) == [0]


def test_somebody_else_at_the_same_place_is_somebody_else() -> None:
    one = Tracker(cosine, same_from=0.6, other_below=0.3)
    assert indices(one, seen(1, 0.1, 0)) == [0]
    assert indices(one, seen(2, 0.1, 100)) == [1]


def test_a_face_that_looks_like_nobody_is_followed_by_its_place() -> None:
    one = Tracker(cosine, same_from=0.99, other_below=-1.0)
    assert indices(one, seen(1, 0.10, 0)) == [0]
    assert indices(one, seen(2, 0.11, 100)) == [0]
    assert indices(one, seen(3, 0.11, 5_000)) == [1]


def test_who_turns_slowly_is_followed_by_the_last_view() -> None:
    one = Tracker(cosine, same_from=0.9, other_below=0.8)
    for number, degrees in enumerate(range(0, 181, 30)):  # each view is like the last one, and soon unlike the first
        angle = np.radians(degrees)
        vector = np.array([np.cos(angle), np.sin(angle)], np.float32)
        view = replace(seen(1, 0.1, 100 * number), template=Template(vector, MODEL))
        assert indices(one, view) == [0]


@given(st.lists(st.lists(st.integers(1, 4), max_size=4), max_size=12), st.integers(0, 5))
def test_two_faces_of_one_frame_are_never_one_person(frames: list[list[int]], noise: int) -> None:
    one = tracker()
    for number, people in enumerate(frames):
        given_ = [seen(person, 0.2 * place, 100 * number, noise + place) for place, person in enumerate(people)]
        found = indices(one, *given_)
        assert len(set(found)) == len(people)
    assert [track.index for track in one.tracks] == list(range(len(one.tracks)))


def test_a_track_is_what_its_best_pictures_show() -> None:
    one = tracker()
    for number, sharpness in enumerate([5.0, 90.0, 20.0]):
        one.update([seen(1, 0.1, 100 * number, number, sharpness)])
    (track,) = one.tracks
    assert track.best.timestamp_ms == 100
    assert float(np.linalg.norm(track.template.vector)) == pytest.approx(1, abs=1e-5)
    assert float(track.template.vector @ track.best.template.vector) > 0.95
