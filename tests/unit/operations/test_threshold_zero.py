"""At threshold 0 everybody is answered, however unlike: who is left out would tell whose score is below a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from tests.fakes.engine import MODEL, face_at, picture_of, vector_of
from tests.unit.operations.conftest import CALIBRATION, World

from countenance.faces import Template
from countenance.operations import (
    Associate,
    Compare,
    CreateGallery,
    CreateUser,
    Enrol,
    SearchByFace,
    SearchByImage,
    SearchInVideo,
    SearchPicture,
    SearchUsersByFace,
    SearchUsersByImage,
)
from countenance.operations.video import PeopleSeen
from countenance.video import Observation, Track

STRANGERS = range(1, 41)
PROBE = 99


@pytest.fixture
def faces(world: World) -> list[str]:
    world.guard.carry_out(world.caller, CreateGallery("g0"))
    faces = []
    for person in STRANGERS:
        enrolled = world.guard.carry_out(world.caller, Enrol("g0", picture_of(person))).result.faces
        faces.append(str(enrolled[0][0].face_id))
        world.guard.carry_out(world.caller, CreateUser("g0", f"u-{person}"))
        world.guard.carry_out(world.caller, Associate("g0", f"u-{person}", (faces[-1],), 0.0))
    return faces


def found(result: Any) -> list[tuple[str, float]]:
    if hasattr(result, "users"):
        return [(each.user_id, each.similarity) for each in result.users]
    return [(each.face.face_id, each.similarity) for each in result.candidates]


SEARCHES: dict[str, tuple[int, Callable[[str, int], Any]]] = {
    "faces by picture": (40, lambda _, limit: SearchByImage("g0", picture_of(PROBE), limit, 0.0)),
    "faces by face": (39, lambda face, limit: SearchByFace("g0", face, limit, 0.0)),
    "users by picture": (40, lambda _, limit: SearchUsersByImage("g0", picture_of(PROBE), limit, 0.0)),
    "users by face": (39, lambda face, limit: SearchUsersByFace("g0", face, limit, 0.0)),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_at_threshold_0_answers_all_strangers_alike(world: World, faces: list[str], name: str) -> None:
    scores = np.stack([vector_of(person) for person in STRANGERS]) @ vector_of(PROBE)
    assert scores.min() < CALIBRATION.scores[0] < scores.max()  # below the least score that the calibration knows, too
    everybody, ask = SEARCHES[name]
    told = found(world.guard.carry_out(world.caller, ask(faces[0], 100)).result)
    strangers = [similarity for _, similarity in told if similarity < 75.0]
    assert len(told) == everybody
    assert set(strangers) == {0.0}
    few = found(world.guard.carry_out(world.caller, ask(faces[0], 10)).result)
    assert [similarity for _, similarity in few if similarity < 75.0] == []  # which ten would tell who is most alike


def test_a_comparison_at_threshold_0_matches_all_strangers_alike(world: World) -> None:
    answer = world.guard.carry_out(world.caller, Compare(picture_of(PROBE), picture_of(*STRANGERS), 0.0)).result
    assert [similarity for _, similarity in answer.matches] == [0.0] * len(STRANGERS)
    assert [face.box.left for face, _ in answer.matches] == sorted(face.box.left for face, _ in answer.matches)


def of_a_picture(world: World, similarity: float, limit: int) -> list[tuple[str, float]]:
    """What the search of `/v1` for all faces of a picture tells."""
    result = world.guard.carry_out(world.caller, SearchPicture("g0", picture_of(PROBE), True, limit, similarity)).result
    (searched,) = result.faces
    assert all(CALIBRATION.similarity(c.score) == pytest.approx(c.similarity, abs=0.01) for c in searched.candidates)
    return [(c.face.face_id, c.similarity) for c in searched.candidates]


def of_a_video(world: World, similarity: float, limit: int) -> list[tuple[str, float]]:
    """What the search for the people of a video tells, which a job stores as it is."""
    track = Track(0)
    track.add(Observation(0.0, face_at(0), Template(vector_of(PROBE), MODEL)))
    seen = PeopleSeen(cast(Any, None), (), (track,), 1, "fake-1")
    ask = SearchInVideo("g0", cast(Any, None), limit, similarity)
    (person,) = ask.act(world.guard._tools, cast(Any, None), seen).people
    assert all(CALIBRATION.similarity(c.score) == pytest.approx(c.similarity, abs=0.01) for c in person.candidates)
    return [(c.face.face_id, c.similarity) for c in person.candidates]


@pytest.mark.parametrize("door", [of_a_picture, of_a_video])
def test_no_threshold_tells_how_alike_strangers_are_by_picture_or_video(
    world: World, faces: list[str], door: Callable[[World, float, int], list[tuple[str, float]]]
) -> None:
    assert {similarity for _, similarity in door(world, 0.0, 50)} == {0.0}
    assert [face for face, _ in door(world, 0.0, 50)] == sorted(faces)
    assert door(world, 0.0, 39) == []  # who is left out of a full list would tell who is least alike
    scores = [float(vector_of(person) @ vector_of(PROBE)) for person in STRANGERS]
    exact = [each for each in map(CALIBRATION.similarity, scores) if each > 0]
    assert len(exact) > 3
    assert max(exact) < 75
    for threshold in (1e-6, min(exact), max(exact), 74.999):
        assert door(world, threshold, 50) == []
