"""At threshold 0 everybody is answered, however unlike: who is left out would tell whose score is below a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.fakes.engine import picture_of, vector_of
from tests.unit.operations.conftest import CALIBRATION, World

from countenance.operations import (
    Associate,
    Compare,
    CreateGallery,
    CreateUser,
    Enrol,
    SearchByFace,
    SearchByImage,
    SearchUsersByFace,
    SearchUsersByImage,
)

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
