"""Users through the gate, with a fake engine and the real gallery."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest
from tests.fakes.engine import face_at, picture_of, vector_of
from tests.unit.operations.conftest import CALIBRATION, NOW, World

from countenance.administration import Custodian
from countenance.engine import Picture
from countenance.errors import Conflict, NoSuchFace, NotFound, TokenReused
from countenance.ledger import Ledger
from countenance.mandates import Holder, Terms
from countenance.operations import (
    Associate,
    Caller,
    CreateGallery,
    CreateUser,
    DeleteGallery,
    DeleteUser,
    DescribeGallery,
    Disassociate,
    Enrol,
    Erase,
    ListFaces,
    ListUsers,
    QualityFilter,
    Reason,
    SearchByFace,
    SearchByImage,
    SearchUsersByFace,
    SearchUsersByImage,
    SearchUsersByUser,
    UserSearchAnswer,
)
from countenance.operations.operation import Operation
from countenance.policy import Action
from countenance.policy.obligations import obligations
from countenance.scoring import coarse


@pytest.fixture
def enrolled(world: World) -> World:
    """Twenty people with a face each; u-3 and u-7 are users with theirs, u-0 one without."""
    world.guard.carry_out(world.caller, CreateGallery("g"))
    for person in range(20):
        world.guard.carry_out(world.caller, Enrol("g", picture_of(person), f"p-{person}"))
    for person in (3, 7):
        world.guard.carry_out(world.caller, CreateUser("g", f"u-{person}"))
        world.guard.carry_out(world.caller, Associate("g", f"u-{person}", (face_of(world, person),)))
    world.guard.carry_out(world.caller, CreateUser("g", "u-0"))
    return world


def face_of(world: World, person: int) -> str:
    (face,) = (each for each in world.gallery.faces("g", limit=99).items if each.external_id == f"p-{person}")
    return face.face_id


def found(world: World, ask: Operation[Any, UserSearchAnswer]) -> UserSearchAnswer:
    return world.guard.carry_out(world.caller, ask).result


def names(users: UserSearchAnswer) -> list[str]:
    return [user.user_id for user in users.users]


def test_the_user_of_the_person_in_the_picture_is_found_and_nobody_elses_faces_are(enrolled: World) -> None:
    users = found(enrolled, SearchUsersByImage("g", picture_of(7, 3)))
    assert names(users) == ["u-7"]
    assert users.users[0].similarity == pytest.approx(100.0)
    assert users.probe == face_at(0)
    assert users.unsearched == ((face_at(1), ("FACE_NOT_LARGEST",)),)
    assert names(found(enrolled, SearchUsersByImage("g", picture_of(5)))) == []


def test_expected_false_matches_are_the_rate_at_the_asked_similarity_times_the_users(enrolled: World) -> None:
    answer = enrolled.guard.carry_out(enrolled.caller, SearchUsersByImage("g", picture_of(7), similarity=80.0))
    assert answer.result.user_count == 3
    assert answer.result.expected_false_matches == pytest.approx(3 * 1e-3)
    assert float(answer.headers["x-countenance-expected-false-matches"]) == pytest.approx(0.003)


def test_the_rules_are_told_the_rate_and_what_it_comes_to_among_all_users(enrolled: World) -> None:
    fmr = CALIBRATION.fmr(CALIBRATION.score(90.0))
    found(enrolled, SearchUsersByImage("g", picture_of(7), similarity=90.0))
    asked = enrolled.rules.asked[-1]
    assert asked.operation is Action.IDENTIFY
    assert (asked.model.fmr, asked.model.fpir) == pytest.approx((fmr, 1 - (1 - fmr) ** 3))
    enrolled.guard.carry_out(enrolled.caller, SearchByImage("g", picture_of(7), similarity=90.0))
    assert enrolled.rules.asked[-1].model.fpir == pytest.approx(1 - (1 - fmr) ** 20)


@pytest.mark.parametrize(
    ("ask", "asks"),
    [
        (CreateUser("g", "u-1"), Action.ENROL),
        (Associate("g", "u-0", ("x",)), Action.ENROL),
        (DeleteUser("g", "u-0"), Action.ERASE),
        (Disassociate("g", "u-0", ("x",)), Action.ERASE),
        (ListUsers("g"), Action.READ),
        (SearchUsersByUser("g", "u-0"), Action.IDENTIFY),
    ],
)
def test_what_the_rules_are_asked(enrolled: World, ask: object, asks: Action) -> None:
    enrolled.guard.carry_out(enrolled.caller, ask)  # type: ignore[arg-type]
    assert enrolled.rules.asked[-1].operation is asks


def test_no_face_and_none_that_passes_find_nobody_and_are_no_error(
    enrolled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = found(enrolled, SearchUsersByImage("g", picture_of()))
    assert (nobody.users, nobody.probe, nobody.unsearched) == ((), None, ())
    look = enrolled.engine.look

    def blurred(*given: object) -> Picture:
        picture = look(*given)  # type: ignore[arg-type]
        faces = (face_at(0, sharpness=0.0), *picture.faces[1:])
        return Picture(picture.width, picture.height, faces, picture.pixels, picture.source)

    monkeypatch.setattr(enrolled.engine, "look", blurred)
    assert names(found(enrolled, SearchUsersByImage("g", picture_of(7)))) == ["u-7"]
    bad = found(enrolled, SearchUsersByImage("g", picture_of(7, 3), quality=QualityFilter.HIGH))
    assert (bad.users, bad.probe) == ((), None)
    assert [reasons for _, reasons in bad.unsearched] == [("LOW_SHARPNESS",), ("FACE_NOT_LARGEST",)]


def test_a_face_is_not_evidence_for_its_own_user(enrolled: World) -> None:
    face = face_of(enrolled, 7)
    assert names(found(enrolled, SearchUsersByFace("g", face))) == []
    enrolled.guard.carry_out(enrolled.caller, Enrol("g", picture_of(7), "again"))
    again = enrolled.gallery.faces("g", limit=99).items[-1].face_id
    assert names(found(enrolled, SearchUsersByFace("g", again))) == ["u-7"]
    enrolled.guard.carry_out(enrolled.caller, Associate("g", "u-7", (again,)))
    assert names(found(enrolled, SearchUsersByFace("g", face))) == ["u-7"]
    with pytest.raises(NoSuchFace):
        found(enrolled, SearchUsersByFace("g", "none"))


def test_a_user_is_searched_for_among_the_others(enrolled: World) -> None:
    assert names(found(enrolled, SearchUsersByUser("g", "u-7", similarity=0.0))) == ["u-3"]
    assert names(found(enrolled, SearchUsersByUser("g", "u-0", similarity=0.0))) == []
    with pytest.raises(NotFound):
        found(enrolled, SearchUsersByUser("g", "u-99"))


def test_faces_carry_their_user_into_every_answer(enrolled: World) -> None:
    answer = enrolled.guard.carry_out(enrolled.caller, ListFaces("g", user_id="u-7"))
    assert [face.external_id for face in answer.result.items] == ["p-7"]
    by_image = enrolled.guard.carry_out(enrolled.caller, SearchByImage("g", picture_of(7))).result
    assert by_image.candidates[0].face.user_id == "u-7"
    asked = SearchByFace("g", face_of(enrolled, 3), similarity=0.0)
    by_face = enrolled.guard.carry_out(enrolled.caller, asked).result
    assert {c.face.user_id for c in by_face.candidates} == {None, "u-7"}


def test_faces_of_users_are_not_erased_until_they_are_nobodys(enrolled: World) -> None:
    ids = (face_of(enrolled, 7), face_of(enrolled, 5), "none")
    erased = enrolled.guard.carry_out(enrolled.caller, Erase("g", ids)).result
    assert (erased.deleted, erased.not_found, erased.owned) == ((ids[1],), ("none",), ((ids[0], "u-7"),))
    enrolled.guard.carry_out(enrolled.caller, Disassociate("g", "u-7", ids[:1]))
    assert enrolled.guard.carry_out(enrolled.caller, Erase("g", ids)).result.deleted == ids[:1]


def test_a_term_that_ends_erases_faces_of_users_too(enrolled: World) -> None:
    enrolled.rules.obligations = obligations("keep-at-most 30d", "law-1")
    enrolled.guard.carry_out(enrolled.caller, Enrol("g", picture_of(2), "p-2"))
    enrolled.clock.now += timedelta(days=31)
    custodian = Custodian(
        enrolled.custody,
        enrolled.register,
        enrolled.gallery,
        cast(Ledger, enrolled.ledger),
        enrolled.clock,
    )
    assert custodian.sweep() == 20
    assert [user.faces for user in enrolled.gallery.users("g", limit=9).items] == [0, 0, 0]


def test_associating_compares_where_the_user_has_faces(enrolled: World) -> None:
    other = face_of(enrolled, 5)
    refused = enrolled.guard.carry_out(enrolled.caller, Associate("g", "u-7", (other,))).result.refused
    similarity = CALIBRATION.similarity(float(vector_of(5) @ vector_of(7)))
    assert [(each.face_id, each.reason) for each in refused] == [(other, Reason.UNLIKE)]
    assert refused[0].similarity == coarse(similarity)
    done = enrolled.guard.carry_out(enrolled.caller, Associate("g", "u-7", (other,), similarity=0.0)).result
    assert done.face_ids == (other,)


def test_a_deleted_user_is_not_there_and_its_faces_are(enrolled: World) -> None:
    enrolled.guard.carry_out(enrolled.caller, DeleteUser("g", "u-7"))
    assert names(found(enrolled, SearchUsersByImage("g", picture_of(7)))) == []
    info = enrolled.guard.carry_out(enrolled.caller, DescribeGallery("g")).result
    assert (info.faces, info.users) == (20, 2)
    with pytest.raises(NotFound):
        enrolled.guard.carry_out(enrolled.caller, DeleteUser("g", "u-7"))
    enrolled.guard.carry_out(enrolled.caller, DeleteGallery("g"))
    with pytest.raises(NotFound):
        enrolled.guard.carry_out(enrolled.caller, ListUsers("g"))


class TestTokens:
    def test_a_token_is_known_again_for_the_same_request_and_refused_for_another(self, enrolled: World) -> None:
        for _ in range(2):
            enrolled.guard.carry_out(enrolled.caller, CreateUser("g", "u-1", "t"))
        with pytest.raises(Conflict):
            enrolled.guard.carry_out(enrolled.caller, CreateUser("g", "u-1", "another"))
        with pytest.raises(TokenReused):
            enrolled.guard.carry_out(enrolled.caller, CreateUser("g", "u-2", "t"))
        face = face_of(enrolled, 5)
        enrolled.guard.carry_out(enrolled.caller, Associate("g", "u-1", (face,), token="t"))  # of another operation
        with pytest.raises(TokenReused):
            enrolled.guard.carry_out(enrolled.caller, Associate("g", "u-1", (face,), similarity=1.0, token="t"))

    def test_a_token_of_another_mandate_is_another_token(self, enrolled: World) -> None:
        asked = enrolled.register.request(
            Holder("Another museum"),
            Terms("photo_library", "consent", ("g*",), ("*",)),
            requested_by="ann",
            expires_at=NOW + timedelta(days=1),
        )
        enrolled.register.approve(asked.mandate_id, approved_by="ben")
        other = Caller(enrolled.register.issue_key(asked.mandate_id).access_key)
        enrolled.guard.carry_out(enrolled.caller, CreateUser("g", "u-1", "t"))
        with pytest.raises(Conflict) as caught:
            enrolled.guard.carry_out(other, CreateUser("g", "u-1", "t"))
        assert type(caught.value) is Conflict
        enrolled.guard.carry_out(other, CreateUser("g", "u-2", "t"))
