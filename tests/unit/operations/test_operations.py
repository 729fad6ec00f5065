"""What the operations do, with a fake engine and the real gallery."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.fakes.engine import picture_of
from tests.unit.operations.conftest import CALIBRATION, World

from countenance.errors import Conflict, NoFace, NotFound
from countenance.faces import ModelId, Template
from countenance.operations import (
    Compare,
    CreateGallery,
    DeleteGallery,
    DescribeGallery,
    Detect,
    Enrol,
    Erase,
    ListFaces,
    ListGalleries,
    Operation,
    SearchByFace,
    SearchByImage,
)


@pytest.fixture
def enrolled(world: World) -> World:
    world.guard.carry_out(world.caller, CreateGallery("g"))
    for person in range(20):
        world.guard.carry_out(world.caller, Enrol("g", picture_of(person), f"p-{person}"))
    return world


def test_the_enrolled_person_is_the_first_candidate(enrolled: World) -> None:
    found = enrolled.guard.carry_out(enrolled.caller, SearchByImage("g", picture_of(7))).result
    assert found.candidates[0].face.external_id == "p-7"
    assert found.candidates[0].similarity == pytest.approx(100.0)
    assert [c.similarity for c in found.candidates] == sorted((c.similarity for c in found.candidates), reverse=True)


def test_expected_false_matches_are_the_rate_at_the_asked_similarity_times_the_gallery(enrolled: World) -> None:
    answer = enrolled.guard.carry_out(enrolled.caller, SearchByImage("g", picture_of(7), similarity=80.0))
    assert answer.result.gallery_size == 20
    assert answer.result.expected_false_matches == pytest.approx(20 * 1e-3)
    assert float(answer.headers["x-countenance-expected-false-matches"]) == pytest.approx(0.02)


def test_a_search_for_an_enrolled_face_leaves_itself_out(enrolled: World) -> None:
    faces = enrolled.guard.carry_out(enrolled.caller, ListFaces("g")).result.items
    found = enrolled.guard.carry_out(enrolled.caller, SearchByFace("g", faces[3].face_id, similarity=0.0)).result
    assert faces[3].face_id not in {c.face.face_id for c in found.candidates}
    assert len(found.candidates) == 19


def test_a_gallery_of_another_model_is_not_searched(enrolled: World) -> None:
    """Its templates are of its own model, and the scores here are calibrated for the one in use."""
    other = ModelId("ab" * 32)
    enrolled.gallery.create("old", other, "before", {})
    vector = np.eye(1, 16, dtype=np.float32)[0]
    face = enrolled.engine.look(picture_of(1)).faces[0]
    (old,) = enrolled.gallery.enrol("old", "digest", None, [(face, Template(vector, other))])
    asks: tuple[Operation[Any, Any], ...] = (SearchByFace("old", old.face_id), SearchByImage("old", picture_of(1)))
    for ask in asks:
        with pytest.raises(Conflict):
            enrolled.guard.carry_out(enrolled.caller, ask)


def test_only_the_largest_face_is_searched_for(enrolled: World) -> None:
    found = enrolled.guard.carry_out(enrolled.caller, SearchByImage("g", picture_of(3, 7))).result
    assert [c.face.external_id for c in found.candidates] == ["p-3"]


def test_a_picture_without_a_face_cannot_be_searched_for_and_enrols_nobody(enrolled: World) -> None:
    with pytest.raises(NoFace):
        enrolled.guard.carry_out(enrolled.caller, SearchByImage("g", picture_of()))
    assert enrolled.guard.carry_out(enrolled.caller, Enrol("g", picture_of())).result.faces == ()


def test_over_the_limit_the_smaller_of_equally_good_faces_are_left_out(enrolled: World) -> None:
    result = enrolled.guard.carry_out(enrolled.caller, Enrol("g", picture_of(50, 51, 52), max_faces=2)).result
    assert [detected.box.area for _, detected in result.faces] == sorted(
        (detected.box.area for _, detected in result.faces), reverse=True
    )
    assert [reasons for _, reasons in result.unindexed] == [("EXCEEDS_MAX_FACES",)]
    assert result.unindexed[0][0].box.area < min(detected.box.area for _, detected in result.faces)


def test_sending_a_picture_again_enrols_nobody_twice(enrolled: World) -> None:
    again = enrolled.guard.carry_out(enrolled.caller, Enrol("g", picture_of(5), "p-5")).result
    assert len(again.faces) == 1
    assert enrolled.guard.carry_out(enrolled.caller, DescribeGallery("g")).result.faces == 20


def test_an_erased_face_is_found_no_more(enrolled: World) -> None:
    found = enrolled.guard.carry_out(enrolled.caller, SearchByImage("g", picture_of(7))).result
    face_id = found.candidates[0].face.face_id
    erased = enrolled.guard.carry_out(enrolled.caller, Erase("g", (face_id, "not-there"))).result
    assert (erased.deleted, erased.not_found) == ((face_id,), ("not-there",))
    after = enrolled.guard.carry_out(enrolled.caller, SearchByImage("g", picture_of(7))).result
    assert face_id not in {c.face.face_id for c in after.candidates}


def test_a_deleted_gallery_is_not_there(enrolled: World) -> None:
    enrolled.guard.carry_out(enrolled.caller, DeleteGallery("g"))
    with pytest.raises(NotFound):
        enrolled.guard.carry_out(enrolled.caller, SearchByImage("g", picture_of(7)))


def test_galleries_that_the_mandate_does_not_cover_are_not_listed(world: World) -> None:
    for name in ("a", "g1", "g2", "h", "g3"):
        world.gallery.create(name, world.engine.model, world.engine.version, {})
    first = world.guard.carry_out(world.caller, ListGalleries(limit=2)).result
    assert [info.gallery_id for info in first.items] == ["g1", "g2"]
    rest = world.guard.carry_out(world.caller, ListGalleries(after=first.next, limit=2)).result
    assert [info.gallery_id for info in rest.items] == ["g3"]
    assert rest.next is None


def test_a_comparison_splits_at_the_asked_similarity(world: World) -> None:
    result = world.guard.carry_out(world.caller, Compare(picture_of(1), picture_of(2, 1, 3))).result
    assert len(result.matches) == 1
    assert result.matches[0][1] == pytest.approx(100.0)
    assert len(result.unmatched) == 2


def test_detection_compares_nobody(world: World) -> None:
    result = world.guard.carry_out(world.caller, Detect(picture_of(1, 2))).result
    assert len(result.faces) == 2
    assert world.rules.asked[0].model.fmr is None


def test_the_rules_are_told_the_false_match_rate_that_is_asked_for(enrolled: World) -> None:
    enrolled.guard.carry_out(enrolled.caller, SearchByImage("g", picture_of(7), similarity=90.0))
    assert enrolled.rules.asked[-1].model.fmr == pytest.approx(CALIBRATION.fmr(CALIBRATION.score(90.0)))
