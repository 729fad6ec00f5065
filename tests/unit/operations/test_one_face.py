"""Enrolling one face: the one that is meant, or none. And pictures leave only on record."""

from __future__ import annotations

import pytest
from tests.fakes.engine import face_at, picture_of
from tests.unit.operations.conftest import World

from countenance.errors import Denied, NoFace
from countenance.operations import EnrolOne, SendPictures
from countenance.policy import Verdict


@pytest.fixture(autouse=True)
def a_gallery(world: World) -> None:
    world.gallery.create("g0", world.engine.model, world.engine.version, {})


def test_the_face_at_the_place_is_enrolled_and_once(world: World) -> None:
    box = face_at(1).box
    ask = EnrolOne("g0", picture_of(1, 2), "two", (box.left, box.top, box.width, box.height))
    first = world.guard.carry_out(world.caller, ask).result
    assert first.box == box
    assert world.guard.carry_out(world.caller, ask).result.face_id == first.face_id
    assert world.gallery.size("g0") == 1


@pytest.mark.parametrize(
    ("image", "where", "why"),
    [
        (picture_of(), None, "no face"),
        (picture_of(1, 2), None, "several faces"),
        (picture_of(1), (0.9, 0.9, 0.1, 0.1), "no face"),
    ],
)
def test_in_doubt_nobody_is_enrolled(
    world: World, image: bytes, where: tuple[float, float, float, float] | None, why: str
) -> None:
    with pytest.raises(NoFace) as caught:
        world.guard.carry_out(world.caller, EnrolOne("g0", image, "x", where))
    assert caught.value.why == why
    assert world.gallery.size("g0") == 0


def test_a_poor_face_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fakes.engine.face_at", lambda place: face_at(place, sharpness=0.0))
    with pytest.raises(NoFace) as caught:
        world.guard.carry_out(world.caller, EnrolOne("g0", picture_of(1), "x"))
    assert caught.value.why == "low quality"


def test_pictures_leave_after_the_decision_is_on_record(world: World) -> None:
    seen: list[list[tuple[object, object]]] = []

    def send() -> int:
        seen.append(world.kinds())
        return 3

    ask = SendPictures("rekognition", "https://example.org", ("0" * 64,), 80.0, send)
    world.guard.carry_out(world.caller, ask)
    assert seen == [[("decision", "permit")]]
    assert world.ledger.entry(1).fields["questions"] == 3


@pytest.mark.parametrize("verdict", [Verdict.DENY])
def test_nothing_leaves_where_the_rules_do_not_permit_it(world: World) -> None:
    with pytest.raises(Denied):
        world.guard.carry_out(
            world.caller, SendPictures("rekognition", "https://example.org", (), 80.0, lambda: pytest.fail("sent"))
        )
