"""The gate: nothing happens without a decision, nothing leaves without a record."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, select
from tests.fakes.engine import picture_of
from tests.unit.operations.conftest import World
from tests.unit.video.clips import grey, write

from countenance import operations
from countenance.errors import (
    DamagedImage,
    Denied,
    NotAsRecorded,
    NotFound,
    NotOffered,
    NotRecorded,
    Unauthenticated,
)
from countenance.ledger import Receipt
from countenance.operations import (
    Associate,
    Caller,
    Compare,
    CreateGallery,
    CreateGroup,
    CreateLivenessSession,
    CreatePerson,
    CreateStreamProcessor,
    CreateUser,
    DeleteGallery,
    DeleteGroup,
    DeletePerson,
    DeleteStreamProcessor,
    DeleteUser,
    DescribeGallery,
    DescribeStreamProcessor,
    Detect,
    DetectAndKeep,
    DetectInVideo,
    Disassociate,
    Enrol,
    EnrolFace,
    EnrolOne,
    Erase,
    EraseFace,
    FindSimilarEnrolled,
    FindSimilarKept,
    GroupKept,
    GroupKind,
    GroupProfile,
    Identify,
    ListFaces,
    ListGalleries,
    ListGroups,
    ListNotedFaces,
    ListPersons,
    ListStreamProcessors,
    ListTags,
    ListUsers,
    Operation,
    ReadFace,
    ReadGroup,
    ReadLivenessResult,
    ReadPerson,
    ReadVideoDetection,
    ReadVideoSearch,
    Redact,
    RedactExceptEnrolled,
    RedactVideo,
    RedactVideoExceptEnrolled,
    RemoveTags,
    SearchByFace,
    SearchByImage,
    SearchInVideo,
    SearchPicture,
    SearchUsersByFace,
    SearchUsersByImage,
    SearchUsersByUser,
    SendPictures,
    SetTags,
    StartStreamProcessor,
    StartVideoDetection,
    StartVideoSearch,
    StopStreamProcessor,
    StoredVideo,
    Tagged,
    TakeBestViews,
    TrainGroup,
    UpdateFace,
    UpdateGroup,
    UpdatePerson,
    UpdateStreamProcessor,
    VerifyFaces,
    VerifyPerson,
    VideoFile,
)
from countenance.policy import Decision, Verdict
from countenance.redaction import VideoTarget

CLIP = VideoFile(write(Path(tempfile.mkdtemp()) / "one.mp4", [grey(0), grey(10)]))
COVERED = VideoTarget(CLIP.path.with_name("covered.mp4"))
STORED = StoredVideo("films", "one.mp4", lambda: None)
NO_FACE = "00000001-0000-4000-8000-000000000000"
PEOPLE = GroupKind.LARGE_PERSON_GROUP

ONE_OF_EACH: list[Operation[Any, Any]] = [
    CreateGallery("g1"),
    DescribeGallery("g0"),
    ListGalleries(),
    DeleteGallery("g0"),
    Enrol("g0", picture_of(7), "p-7"),
    EnrolOne("g0", picture_of(7), "p-7"),
    SendPictures("rekognition", "https://example.org", ("0" * 64,), 80.0, lambda: 1),
    ListFaces("g0"),
    Erase("g0", ("00000001-0000-4000-8000-000000000000",)),
    SearchByFace("g0", "00000001-0000-4000-8000-000000000000"),
    SearchByImage("g0", picture_of(1)),
    SearchPicture("g0", picture_of(1, 2)),
    Compare(picture_of(1), picture_of(2)),
    Detect(picture_of(1)),
    CreateUser("g0", "u-2", "token"),
    DeleteUser("g0", "u-1", "token"),
    ListUsers("g0"),
    Associate("g0", "u-1", ("00000001-0000-4000-8000-000000000000",)),
    Disassociate("g0", "u-1", ("00000001-0000-4000-8000-000000000000",)),
    SearchUsersByFace("g0", "00000001-0000-4000-8000-000000000000"),
    SearchUsersByUser("g0", "u-1"),
    SearchUsersByImage("g0", picture_of(1)),
    DetectInVideo(CLIP),
    SearchInVideo("g0", CLIP),
    StartVideoDetection(STORED),
    StartVideoSearch("g0", STORED),
    ReadVideoDetection("j" * 64),
    ReadVideoSearch("j" * 64),
    TakeBestViews("j" * 64, lambda _asked: nullcontext(CLIP.path)),
    SetTags(Tagged.GALLERY, "g0", {"a": "b"}),
    RemoveTags(Tagged.GALLERY, "g0", ("a",)),
    ListTags(Tagged.GALLERY, "g0"),
    CreateLivenessSession("t"),
    ReadLivenessResult("00000000-0000-4000-8000-000000000000"),
    CreateStreamProcessor("p-1", "g0", {}),
    DescribeStreamProcessor("p-0"),
    ListStreamProcessors(),
    UpdateStreamProcessor("p-0", {"RegionsOfInterest": []}),
    DeleteStreamProcessor("p-0"),
    StartStreamProcessor("p-0"),
    StopStreamProcessor("p-0"),
    Redact(picture_of(1)),
    RedactExceptEnrolled("g0", picture_of(1)),
    RedactVideo(CLIP, COVERED),
    RedactVideoExceptEnrolled("g0", CLIP, COVERED),
    CreateGroup("g1", GroupProfile(PEOPLE, "Staff", "data", "recognition_04")),
    ReadGroup("g2", PEOPLE),
    ListGroups(PEOPLE),
    UpdateGroup("g2", PEOPLE, "Staff"),
    DeleteGroup("g2", PEOPLE),
    TrainGroup("g2", PEOPLE),
    CreatePerson("g2", PEOPLE, "Ann", "data"),
    ReadPerson("g2", PEOPLE, "u-1"),
    ListPersons("g2", PEOPLE),
    UpdatePerson("g2", PEOPLE, "u-1", "Ann"),
    DeletePerson("g2", PEOPLE, "u-1"),
    EnrolFace("g2", PEOPLE, picture_of(7), "u-1", user_data="data"),
    ReadFace("g2", PEOPLE, NO_FACE),
    ListNotedFaces("g2", PEOPLE),
    UpdateFace("g2", PEOPLE, NO_FACE, user_data="data"),
    EraseFace("g2", PEOPLE, NO_FACE),
    DetectAndKeep(picture_of(1), 60),
    VerifyFaces(NO_FACE, NO_FACE),
    VerifyPerson("g2", PEOPLE, NO_FACE, "u-1"),
    Identify("g2", PEOPLE, (NO_FACE,)),
    FindSimilarKept(NO_FACE, (NO_FACE,)),
    FindSimilarEnrolled("g2", PEOPLE, NO_FACE),
    GroupKept((NO_FACE, NO_FACE)),
]


def galleries(world: World) -> None:
    """g0 without a profile and g2 with one, each with a user u-1."""
    for gallery_id, profile in {"g0": None, "g2": GroupProfile(PEOPLE, "People", None, "recognition_01")}.items():
        world.gallery.create(gallery_id, world.engine.model, world.engine.version, {}, profile)
        world.gallery.create_user(gallery_id, "u-1")


@pytest.fixture(autouse=True)
def nothing_written_before() -> None:
    COVERED.path.unlink(missing_ok=True)


def everything(world: World) -> dict[str, list[Any]]:
    """Every row of every table but the ledger's."""
    tables = MetaData()
    tables.reflect(world.database)
    with world.database.begin() as connection:
        return {
            name: [tuple(row) for row in connection.execute(select(table))] for name, table in tables.tables.items()
        }


def every_operation() -> set[type]:
    found: set[type[Operation[Any, Any]]] = set()
    todo: list[type[Operation[Any, Any]]] = [Operation]  # type: ignore[type-abstract]
    while todo:
        for kind in todo.pop().__subclasses__():
            todo.append(kind)
            if getattr(operations, kind.__name__, None) is kind:
                found.add(kind)
    return found


def test_the_list_above_holds_every_operation_there_is() -> None:
    assert {type(ask) for ask in ONE_OF_EACH} == every_operation()


@pytest.mark.parametrize("verdict", [Verdict.DENY, Verdict.UNDETERMINED])
@pytest.mark.parametrize("ask", ONE_OF_EACH, ids=lambda ask: type(ask).__name__)
def test_what_is_not_permitted_leaves_one_entry_and_no_other_trace(world: World, ask: Operation[Any, Any]) -> None:
    galleries(world)
    before = everything(world)
    with pytest.raises(Denied, match="test-1") as caught:
        world.guard.carry_out(world.caller, ask)
    assert everything(world) == before
    assert world.engine.looked == 0
    assert [kind for kind, _ in world.kinds()] == ["decision"]
    assert caught.value.receipt == world.ledger.receipt(0).header()


@pytest.mark.parametrize("verdict", [Verdict.DENY, Verdict.PERMIT])
def test_a_decision_says_who_asked_for_what_under_which_rules(world: World, verdict: Verdict) -> None:
    try:
        world.guard.carry_out(world.caller, Detect(picture_of(1)))
    except Denied as error:
        decision = error.decision
        assert isinstance(decision, Decision)
        assert str(error) == decision.sentence()
    entry = dict(world.ledger.entry(0).fields)
    for name in ("sequence", "time", "commitments"):
        entry.pop(name, None)
    (pack,) = world.rules.decide(world.rules.asked[0], world.clock()).packs
    assert entry == {
        "kind": "decision",
        "mandate": world.key.mandate_id,
        "powers": [],
        "purpose": "photo_library",
        "operation": "detect",
        "asks": "detect",
        "min_similarity": None,
        "model": world.engine.model,
        "calibration": world.guard._tools.calibration.identity,
        "verdict": str(verdict),
        "law_date": "2026-01-01",
        "clauses": ["test-1"],
        "obligations": [],
        "packs": {pack.name: pack.hash},
    }


@pytest.mark.parametrize("ask", ONE_OF_EACH, ids=lambda ask: type(ask).__name__)
def test_what_is_permitted_leaves_a_decision_and_a_result_and_a_receipt(world: World, ask: Operation[Any, Any]) -> None:
    galleries(world)
    try:
        receipt = world.guard.carry_out(world.caller, ask).receipt
    except (NotFound, NotOffered) as error:  # SearchByFace: that face is not there
        receipt = error.receipt or ""
    assert [kind for kind, _ in world.kinds()] == ["decision", "result"]
    assert world.ledger.entry(1).fields["decision"] == 0
    assert Receipt.parse(receipt) == world.ledger.receipt(1)


def test_nothing_is_stored_when_the_decision_cannot_be_recorded(world: World) -> None:
    galleries(world)
    before = everything(world)
    world.ledger.refuses = True
    for ask in ONE_OF_EACH:
        with pytest.raises(NotRecorded):
            world.guard.carry_out(world.caller, ask)
    assert everything(world) == before


def test_no_answer_leaves_when_the_result_cannot_be_recorded(world: World) -> None:
    def refuse_from_now_on(*_: object) -> None:
        world.ledger.refuses = True

    class Sabotage(Detect):
        __slots__ = ()

        def act(self, *given: Any) -> Any:
            refuse_from_now_on()
            return super().act(*given)

    with pytest.raises(NotRecorded):
        world.guard.carry_out(world.caller, Sabotage(picture_of(1)))


def test_a_failure_is_recorded_with_its_kind_and_no_detail(world: World) -> None:
    with pytest.raises(DamagedImage) as caught:
        world.guard.carry_out(world.caller, Detect(b"rubbish"))
    assert world.kinds() == [("decision", "permit"), ("result", "DamagedImage")]
    assert caught.value.receipt == world.ledger.receipt(1).header()


def test_a_defect_of_ours_closes_its_decision_too(world: World) -> None:
    class Broken(Detect):
        __slots__ = ()

        def look(self, *_: Any) -> Any:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.guard.carry_out(world.caller, Broken(picture_of(1)))
    assert world.kinds()[-1] == ("result", "ZeroDivisionError")


def test_a_key_that_is_none_asks_nobody(world: World) -> None:
    with pytest.raises(Unauthenticated):
        world.guard.carry_out(Caller("CNTNNOBODY"), Detect(picture_of(1)))
    assert not world.rules.asked
    assert world.ledger.size == 0


def test_entries_show_no_gallery_picture_name_or_external_id(world: World) -> None:
    world.guard.carry_out(world.caller, CreateGallery("g-secret-name"))
    world.guard.carry_out(world.caller, Enrol("g-secret-name", picture_of(7), "jane-doe"))
    world.guard.carry_out(world.caller, SearchByImage("g-secret-name", picture_of(7)))
    faces = world.guard.carry_out(world.caller, ListFaces("g-secret-name")).result.items
    world.guard.carry_out(world.caller, CreateUser("g-secret-name", "john-roe", "token-of-john"))
    world.guard.carry_out(world.caller, Associate("g-secret-name", "john-roe", (faces[0].face_id,)))
    world.guard.carry_out(world.caller, SearchUsersByImage("g-secret-name", picture_of(7)))
    shown = " ".join(str(entry.fields) for entry in world.ledger.entries())
    for secret in ("secret-name", "jane", "john", "museum", "people:7", "00000000-0000-4000"):
        assert secret not in shown
    assert world.ledger.openings(2)["external_id"] == "jane-doe"
    assert world.ledger.openings(8)["user"] == "john-roe"
    assert world.ledger.openings(13)["users"] == [["john-roe", pytest.approx(100.0)]]


def test_a_call_that_another_overtakes_sees_no_clock_put_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mandate_of = world.register.mandate_of

    def overtaken(access_key: str) -> Any:
        monkeypatch.setattr(world.register, "mandate_of", mandate_of)
        began = world.clock.now
        world.clock.now += timedelta(seconds=1)
        world.guard.carry_out(world.caller, Detect(picture_of(2)))
        assert world.rules.told["latest_seen"] == began + timedelta(seconds=1)
        return mandate_of(access_key)

    monkeypatch.setattr(world.register, "mandate_of", overtaken)
    began = world.clock.now
    world.guard.carry_out(world.caller, Detect(picture_of(1)))
    assert world.rules.told["latest_seen"] == began


def test_a_clock_put_back_is_told_to_the_rules(world: World) -> None:
    latest = world.clock.now + timedelta(seconds=1)
    world.clock.now = latest
    world.guard.carry_out(world.caller, Detect(picture_of(1)))
    world.clock.now -= timedelta(seconds=1)
    world.guard.carry_out(world.caller, Detect(picture_of(1)))
    assert world.rules.told["latest_seen"] == latest


def test_a_call_that_is_alone_has_its_decision_written_while_it_looks_and_others_share_a_transaction(
    world: World,
) -> None:
    hastened = []

    class Watched(Detect):
        __slots__ = ()

        def look(self, tools: Any) -> Any:
            hastened.append(world.ledger.hastened)
            return super().look(tools)

    class Beside(Detect):
        __slots__ = ()

        def look(self, tools: Any) -> Any:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(world.guard.carry_out, world.caller, Watched(picture_of(1))).result()
            return super().look(tools)

    world.guard.carry_out(world.caller, Watched(picture_of(1)))
    world.guard.carry_out(world.caller, Beside(picture_of(1)))
    assert hastened == [1, 2]  # its own; then that of the call round it, and none of its own
    assert world.ledger.hastened == 2
    with pytest.raises(Unauthenticated):
        world.guard.carry_out(Caller("nobody"), Detect(picture_of(1)))
    world.guard.carry_out(world.caller, Watched(picture_of(1)))
    assert hastened[-1] == 3  # a call that failed is over


def test_a_grant_that_is_not_as_recorded_leaves_an_alarm_and_its_receipt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forged(access_key: str) -> None:
        raise NotAsRecorded("the access key is not as the ledger recorded it")

    monkeypatch.setattr(world.register, "mandate_of", forged)
    with pytest.raises(NotAsRecorded) as caught:
        world.guard.carry_out(world.caller, ListGalleries())
    assert world.kinds() == [("alarm", None)]
    assert world.ledger.entry(0).fields["what"] == str(caught.value)
    assert caught.value.receipt == world.ledger.receipt(0).header()
