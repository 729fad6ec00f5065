"""Kept faces, groups of people and lists of faces, through the guard, without weights."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.fakes.engine import picture_of, vector_of
from tests.unit.operations.conftest import CALIBRATION, World

from countenance.errors import Denied, LimitExceeded, NoFace, NoSuchDetectedFace, NoSuchFace, NoSuchUser, NotFound
from countenance.gallery.users import MOST_FACES
from countenance.mandates import Holder, Terms
from countenance.operations import (
    Caller,
    CreateGroup,
    CreatePerson,
    DeleteGroup,
    DeletePerson,
    DetectAndKeep,
    EnrolFace,
    EraseFace,
    FindSimilarEnrolled,
    FindSimilarKept,
    GroupKept,
    GroupKind,
    GroupProfile,
    Identify,
    ListGroups,
    ListNotedFaces,
    Operation,
    ReadFace,
    ReadGroup,
    ReadPerson,
    VerifyFaces,
    VerifyPerson,
)

PEOPLE, LIST = GroupKind.LARGE_PERSON_GROUP, GroupKind.LARGE_FACE_LIST


def do(world: World, operation: Operation[Any, Any]) -> Any:
    return world.guard.carry_out(world.caller, operation).result


def kept(world: World, *people: int) -> tuple[str, ...]:
    ids: tuple[str, ...] = do(world, DetectAndKeep(picture_of(*people), 60)).face_ids
    return ids


def group(world: World, gallery_id: str = "g1", kind: GroupKind = PEOPLE) -> None:
    do(world, CreateGroup(gallery_id, GroupProfile(kind, "People", "data", "recognition_04")))


def test_kept_faces_are_compared_with_each_other(world: World) -> None:
    one, two = kept(world, 1, 2)
    (again,) = kept(world, 1)
    assert do(world, VerifyFaces(one, again)).similarity == pytest.approx(100.0, abs=0.1)
    assert do(world, VerifyFaces(one, two)).similarity < 75.0
    found = do(world, FindSimilarKept(one, (two, again)))
    assert [face_id for face_id, _ in found.faces] == [again] and found.size == 2
    everyone = do(world, FindSimilarKept(one, (two, again), similarity=0.0))
    assert [face_id for face_id, _ in everyone.faces] == [again, two]
    assert world.rules.asked[-1].model.fmr == 1.0


def test_grouping_puts_no_two_strangers_together(world: World) -> None:
    one, two = kept(world, 1, 2)
    (again,) = kept(world, 1)
    (three,) = kept(world, 3)
    said = do(world, GroupKept((two, one, three, again)))
    assert said.groups == ((one, again),) and said.single == (two, three)
    assert said.expected_false_matches == pytest.approx(6e-3)
    assert world.rules.asked[-1].model.fpir == pytest.approx(1 - (1 - 1e-3) ** 6)


def test_a_group_whose_faces_are_a_chain_is_cut(world: World) -> None:
    """Two faces that are each like a third one and not like each other are never in one group."""
    import numpy as np

    from countenance.faces import Template

    mandate = world.register.list()[0].mandate_id
    angles = (0.0, 0.7, 1.4)  # neighbours have a score of 0.76, the ends one of 0.17; similarity 80 begins at 0.6
    vectors = [np.array([np.cos(a), np.sin(a), *[0.0] * 30], dtype=np.float32) for a in angles]
    tools = world.guard._tools
    ids = tools.kept.keep(mandate, [Template(v, world.engine.model) for v in vectors], 60)
    said = do(world, GroupKept(ids))
    assert len(said.groups) == 1 and len(said.groups[0]) == 2 and len(said.single) == 1
    assert not {ids[0], ids[2]} <= set(said.groups[0])


def test_people_are_found_by_a_kept_face(world: World) -> None:
    group(world)
    ann, ben = (do(world, CreatePerson("g1", PEOPLE, name)) for name in ("Ann", "Ben"))
    do(world, EnrolFace("g1", PEOPLE, picture_of(1), ann, user_data="first"))
    do(world, EnrolFace("g1", PEOPLE, picture_of(2), ben))
    probe, stranger = kept(world, 1, 9)
    found = do(world, Identify("g1", PEOPLE, (stranger, probe)))
    assert [[user.user_id for user in users] for users in found.candidates] == [[], [ann]]
    assert found.user_count == 2 and found.expected_false_matches == pytest.approx(4e-3)
    assert do(world, VerifyPerson("g1", PEOPLE, probe, ann)).similarity > 99
    assert do(world, VerifyPerson("g1", PEOPLE, probe, ben)).similarity < 75
    with pytest.raises(NoSuchUser):
        do(world, VerifyPerson("g1", PEOPLE, probe, "nobody"))
    read = do(world, ReadPerson("g1", PEOPLE, ann))
    assert do(world, ReadFace("g1", PEOPLE, read.face_ids[0], ann)).user_data == "first"
    with pytest.raises(NoSuchFace):
        do(world, ReadFace("g1", PEOPLE, read.face_ids[0], ben))
    with pytest.raises(NoSuchFace):
        do(world, EraseFace("g1", PEOPLE, read.face_ids[0], ben))
    assert do(world, DeletePerson("g1", PEOPLE, ann)).deleted == read.face_ids
    assert world.gallery.size("g1") == 1
    assert do(world, Identify("g1", PEOPLE, (probe,))).candidates == ((),)


@pytest.mark.parametrize("threshold", [0.0, 0.5, 10.0, 74.9])
def test_strangers_are_told_to_be_below_75_and_nothing_else_whoever_asks(world: World, threshold: float) -> None:
    group(world)
    people = range(1, 13)
    for person in people:
        named = do(world, CreatePerson("g1", PEOPLE, f"p{person}"))
        do(world, EnrolFace("g1", PEOPLE, picture_of(person), named))
    probe, *others = kept(world, 99, *people)
    scores = CALIBRATION.similarity(np.stack([vector_of(each) for each in people]) @ vector_of(99))
    assert ((scores > 10) & (scores < 74)).sum() == 2
    everybody = len(people) if threshold == 0.0 else 0
    (found,) = do(world, Identify("g1", PEOPLE, (probe,), 100, threshold)).candidates
    alike = do(world, FindSimilarKept(probe, tuple(others), 100, threshold)).faces
    assert [user.similarity for user in found] == [0.0] * everybody
    assert [user.user_id for user in found] == sorted(user.user_id for user in found)
    assert [similarity for _, similarity in alike] == [0.0] * everybody
    few = do(world, Identify("g1", PEOPLE, (probe,), 3, threshold)).candidates
    assert few == ((),)  # which three would tell who is most alike
    grouped = do(world, GroupKept((probe, *others), threshold))
    assert len(grouped.single) == (0 if threshold == 0.0 else 1 + len(others))


def test_a_face_belongs_to_the_person_or_is_not_enrolled(world: World) -> None:
    group(world)
    ann = do(world, CreatePerson("g1", PEOPLE, "Ann"))
    with pytest.raises(NoSuchUser):
        do(world, EnrolFace("g1", PEOPLE, picture_of(1), "nobody"))
    for person in range(MOST_FACES):
        do(world, EnrolFace("g1", PEOPLE, picture_of(person + 10), ann))
    with pytest.raises(LimitExceeded):
        do(world, EnrolFace("g1", PEOPLE, picture_of(1), ann))
    assert world.gallery.size("g1") == MOST_FACES


def test_the_target_says_which_face_is_meant(world: World) -> None:
    group(world, kind=LIST)
    with pytest.raises(NoFace, match="2 faces"):
        do(world, EnrolFace("g1", LIST, picture_of(1, 2)))
    second = do(world, EnrolFace("g1", LIST, picture_of(1, 2), target=(1, 10, 25, 25)))
    (probe, other) = kept(world, 2, 1)
    found = do(world, FindSimilarEnrolled("g1", LIST, probe))
    assert [face_id for face_id, _ in found.faces] == [second]
    assert do(world, FindSimilarEnrolled("g1", LIST, other)).faces == ()
    with pytest.raises(NoFace, match="target"):
        do(world, EnrolFace("g1", LIST, picture_of(1, 2), target=(90, 90, 5, 5)))
    with pytest.raises(NoFace, match="target"):
        do(world, EnrolFace("g1", LIST, picture_of(1, 2), target=(1, 10, 0, 0)))
    assert [face.face_id for face in do(world, ListNotedFaces("g1", LIST)).items] == [second]


def test_a_group_of_another_kind_is_not_there(world: World) -> None:
    group(world, kind=LIST)
    world.gallery.create("g2", world.engine.model, world.engine.version, {})
    for gallery_id in ("g1", "g2"):
        for ask in (
            ReadGroup(gallery_id, PEOPLE),
            DeleteGroup(gallery_id, PEOPLE),
            CreatePerson(gallery_id, PEOPLE, "x"),
        ):
            with pytest.raises(NotFound):
                do(world, ask)
    assert world.gallery.size("g1") == world.gallery.size("g2") == 0


def test_only_groups_that_the_mandate_covers_are_listed(world: World) -> None:
    for gallery_id in ("g1", "g2", "g3"):
        group(world, gallery_id)
    world.gallery.create("a", world.engine.model, "v", {}, GroupProfile(PEOPLE, "Not mine", None, "recognition_01"))
    world.gallery.create("h", world.engine.model, "v", {}, GroupProfile(PEOPLE, "Not mine", None, "recognition_01"))
    page = do(world, ListGroups(PEOPLE, "", 2))
    assert [each.gallery_id for each in page.items] == ["g1", "g2"]
    page = do(world, ListGroups(PEOPLE, page.next, 2))
    assert [each.gallery_id for each in page.items] == ["g3"] and page.next is None
    assert page.items[0].profile == GroupProfile(PEOPLE, "People", "data", "recognition_04")


def test_a_kept_face_is_gone_after_its_time_and_for_another_mandate(world: World) -> None:
    (face,) = kept(world, 1)
    asked = world.register.request(
        Holder("Another"),
        Terms("photo_library", "consent", ("g*",), ("identify",)),
        requested_by="ann",
        expires_at=world.clock.now + timedelta(days=1),
    )
    world.register.approve(asked.mandate_id, approved_by="ben")
    other = Caller(world.register.issue_key(asked.mandate_id).access_key)
    with pytest.raises(NoSuchDetectedFace):
        world.guard.carry_out(other, VerifyFaces(face, face))


def test_a_mandate_without_comparisons_keeps_nothing(world: World) -> None:
    asked = world.register.request(
        Holder("Another"),
        Terms("photo_library", "consent", ("g*",), ("detect",)),
        requested_by="ann",
        expires_at=world.clock.now + timedelta(days=1),
    )
    world.register.approve(asked.mandate_id, approved_by="ben")
    other = Caller(world.register.issue_key(asked.mandate_id).access_key)
    with pytest.raises(Denied, match="neither verify nor identify"):
        world.guard.carry_out(other, DetectAndKeep(picture_of(1), 60))
    assert len(world.guard.carry_out(other, DetectAndKeep(picture_of(1), 0)).result.levels) == 1


def test_entries_show_no_name_data_or_face_id(world: World) -> None:
    group(world, "g-secret")
    ann = do(world, CreatePerson("g-secret", PEOPLE, "jane-doe", "born-1970"))
    face = do(world, EnrolFace("g-secret", PEOPLE, picture_of(1), ann, user_data="left-profile"))
    (probe,) = kept(world, 1)
    do(world, Identify("g-secret", PEOPLE, (probe,)))
    do(world, GroupKept((probe, *kept(world, 2))))
    shown = " ".join(str(entry.fields) for entry in world.ledger.entries())
    for secret in ("secret", "jane", "born", "left-profile", ann, face, probe):
        assert secret not in shown
    assert world.ledger.openings(2)["called"] == "jane-doe"
