"""Users through boto3, the real guard, the real gallery and the real ledger; only engine and rules are fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from tests.contract.rekognition.rekognition_fakes import FakeGuard, picture
from tests.contract.rekognition.spine import CALIBRATION, spine
from tests.fakes.engine import picture_of, vector_of

from countenance import errors
from countenance.ledger.ledger import Ledger
from countenance.operations import (
    Associate,
    CreateUser,
    Disassociate,
    ListUsers,
    QualityFilter,
    SearchUsersByFace,
    SearchUsersByImage,
    SearchUsersByUser,
)
from countenance.policy import Verdict

UNKNOWN = "01234567-89ab-4def-8123-456789abcdef"
HERE = {"CollectionId": "staff"}
USER_OPERATIONS = {
    "CreateUser", "DeleteUser", "ListUsers", "AssociateFaces", "DisassociateFaces", "SearchUsers", "SearchUsersByImage",
}  # fmt: skip


@pytest.fixture
def staff(database: Engine, ledger: Ledger, verdict: Verdict) -> Iterator[Any]:
    """A client and a collection."""
    with spine(database, ledger, verdict) as client:
        client.create_collection(**HERE)
        yield client


@pytest.fixture
def alone(client: Any) -> Any:
    """A client of the fake guard, which tells what it was asked."""
    client.create_collection(**HERE)
    return client


def enrol(client: Any, *people: int, name: str = "x") -> list[str]:
    answer = client.index_faces(**HERE, Image={"Bytes": picture_of(*people)}, ExternalImageId=name)
    return [record["Face"]["FaceId"] for record in answer["FaceRecords"]]


def users(client: Any) -> dict[str, str]:
    return {user["UserId"]: user["UserStatus"] for user in client.list_users(**HERE)["Users"]}


def matched(answer: Mapping[str, Any]) -> list[str]:
    return [match["User"]["UserId"] for match in answer["UserMatches"]]


def test_a_user_from_creation_to_deletion(staff: Any) -> None:
    one, two = enrol(staff, 1, 2)
    (again,) = enrol(staff, 1, name="again")
    assert staff.create_user(**HERE, UserId="Ann:1")["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert users(staff) == {"Ann:1": "CREATED"}
    assert staff.describe_collection(**HERE)["UserCount"] == 1
    done = staff.associate_faces(**HERE, UserId="Ann:1", FaceIds=[one, again, UNKNOWN])
    assert done["AssociatedFaces"] == [{"FaceId": one}, {"FaceId": again}]
    assert done["UnsuccessfulFaceAssociations"] == [{"FaceId": UNKNOWN, "Reasons": ["FACE_NOT_FOUND"]}]
    assert done["UserStatus"] == "ACTIVE"
    assert users(staff) == {"Ann:1": "ACTIVE"}

    listed = {face["FaceId"]: face.get("UserId") for face in staff.list_faces(**HERE)["Faces"]}
    assert listed == {one: "Ann:1", two: None, again: "Ann:1"}
    assert [face["FaceId"] for face in staff.list_faces(**HERE, UserId="Ann:1")["Faces"]] == [one, again]
    found = staff.search_faces_by_image(**HERE, Image={"Bytes": picture_of(1)})["FaceMatches"]
    assert [match["Face"]["UserId"] for match in found] == ["Ann:1", "Ann:1"]
    (match,) = staff.search_faces(**HERE, FaceId=one)["FaceMatches"]
    assert match["Face"]["UserId"] == "Ann:1"

    gone = staff.delete_faces(**HERE, FaceIds=[one, UNKNOWN])
    assert gone["DeletedFaces"] == []
    assert gone["UnsuccessfulFaceDeletions"] == [
        {"FaceId": UNKNOWN, "Reasons": ["FACE_NOT_FOUND"]},
        {"FaceId": one, "UserId": "Ann:1", "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"]},
    ]
    freed = staff.disassociate_faces(**HERE, UserId="Ann:1", FaceIds=[one, two, UNKNOWN])
    assert freed["DisassociatedFaces"] == [{"FaceId": one}]
    assert freed["UnsuccessfulFaceDisassociations"] == [{"FaceId": UNKNOWN, "Reasons": ["FACE_NOT_FOUND"]}]
    assert freed["UserStatus"] == "ACTIVE"
    assert staff.delete_faces(**HERE, FaceIds=[one])["DeletedFaces"] == [one]
    assert staff.disassociate_faces(**HERE, UserId="Ann:1", FaceIds=[again])["UserStatus"] == "CREATED"
    staff.associate_faces(**HERE, UserId="Ann:1", FaceIds=[again])
    staff.delete_user(**HERE, UserId="Ann:1")
    assert users(staff) == {}
    assert staff.describe_collection(**HERE)["UserCount"] == 0
    assert {face.get("UserId") for face in staff.list_faces(**HERE)["Faces"]} == {None}
    assert set(staff.seen) >= USER_OPERATIONS - {"SearchUsers", "SearchUsersByImage"}


def test_users_are_searched_for_by_image_by_face_and_by_user(staff: Any) -> None:
    one, two, three = enrol(staff, 1, 2, 3)
    (again,) = enrol(staff, 1, name="again")
    for name, face in {"ann": one, "bob": two}.items():
        staff.create_user(**HERE, UserId=name)
        staff.associate_faces(**HERE, UserId=name, FaceIds=[face])

    answer = staff.search_users_by_image(**HERE, Image={"Bytes": picture_of(1, 3)})
    (match,) = answer["UserMatches"]
    assert match["User"] == {"UserId": "ann", "UserStatus": "ACTIVE"}
    assert match["Similarity"] > 99
    assert answer["SearchedFace"]["FaceDetail"]["BoundingBox"]["Width"] == 0.5
    assert [face["Reasons"] for face in answer["UnsearchedFaces"]] == [["FACE_NOT_LARGEST"]]
    assert answer["FaceModelVersion"] == "fake-1"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-countenance-expected-false-matches"] == "0.002"

    by_face = staff.search_users(**HERE, FaceId=again)
    assert (matched(by_face), by_face["SearchedFace"]) == (["ann"], {"FaceId": again})
    assert "SearchedUser" not in by_face
    assert matched(staff.search_users(**HERE, FaceId=one)) == []  # it is not like itself
    assert matched(staff.search_users(**HERE, FaceId=three)) == []
    by_user = staff.search_users(**HERE, UserId="ann", UserMatchThreshold=0)
    assert (matched(by_user), by_user["SearchedUser"]) == (["bob"], {"UserId": "ann"})
    assert "SearchedFace" not in by_user
    assert matched(staff.search_users(**HERE, UserId="ann")) == []
    all_of_them = {"UserMatchThreshold": 0, "Image": {"Bytes": picture_of(1)}}
    assert matched(staff.search_users_by_image(**HERE, **all_of_them)) == ["ann", "bob"]
    assert matched(staff.search_users_by_image(**HERE, **all_of_them, MaxUsers=1)) == ["ann"]


def test_the_similarity_of_a_user_is_that_of_the_best_face_at_the_rate_of_all(staff: Any) -> None:
    people = range(40, 50)
    staff.create_user(**HERE, UserId="ten")
    staff.associate_faces(**HERE, UserId="ten", FaceIds=enrol(staff, *people))
    best = max(float(vector_of(person) @ vector_of(1)) for person in people)
    answer = staff.search_users_by_image(**HERE, Image={"Bytes": picture_of(1)}, UserMatchThreshold=0)
    assert answer["UserMatches"][0]["Similarity"] == pytest.approx(CALIBRATION.similarity_of_best(best, 10), abs=1e-4)
    log_rate = np.log10(CALIBRATION.fmr(best)) + 1
    assert answer["UserMatches"][0]["Similarity"] == pytest.approx(max(0.0, -log_rate * 80 / 3), abs=1e-4)


def test_a_picture_without_a_face_finds_nobody_and_is_no_error(staff: Any) -> None:
    answer = staff.search_users_by_image(**HERE, Image={"Bytes": picture_of()})
    assert (answer["UserMatches"], answer["UnsearchedFaces"]) == ([], [])
    assert "SearchedFace" not in answer


def test_faces_that_cannot_be_associated_say_why(staff: Any) -> None:
    one, two = enrol(staff, 1, 2)
    for name, face in {"ann": one, "bob": two}.items():
        staff.create_user(**HERE, UserId=name)
        staff.associate_faces(**HERE, UserId=name, FaceIds=[face])
    (far,) = enrol(staff, 3)
    done = staff.associate_faces(**HERE, UserId="ann", FaceIds=[one, two, far])
    assert done["AssociatedFaces"] == []
    other, unlike = done["UnsuccessfulFaceAssociations"]
    assert other == {"FaceId": two, "UserId": "bob", "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]}
    similarity = CALIBRATION.similarity(float(vector_of(1) @ vector_of(3)))
    assert unlike.pop("Confidence") == pytest.approx(similarity, abs=1e-4)
    assert unlike == {"FaceId": far, "Reasons": ["LOW_MATCH_CONFIDENCE"]}
    done = staff.associate_faces(**HERE, UserId="ann", FaceIds=[far], UserMatchThreshold=0)
    assert done["AssociatedFaces"] == [{"FaceId": far}]
    refused = staff.disassociate_faces(**HERE, UserId="ann", FaceIds=[two])["UnsuccessfulFaceDisassociations"]
    assert refused == [other]


def test_list_users_has_a_paginator(staff: Any) -> None:
    names = [f"{i}{'u' * 127}" for i in range(7)]
    for name in names:
        staff.create_user(**HERE, UserId=name)
    pages = list(staff.get_paginator("list_users").paginate(**HERE, PaginationConfig={"PageSize": 3}))
    assert [[user["UserId"] for user in page["Users"]] for page in pages] == [names[:3], names[3:6], names[6:]]
    token = pages[0]["NextToken"]
    calls: list[Callable[[], object]] = [
        lambda: staff.list_faces(**HERE, NextToken=token),
        lambda: staff.list_users(**HERE, NextToken=token[:-1]),
    ]
    for call in calls:
        with pytest.raises(staff.exceptions.InvalidPaginationTokenException):
            call()


def test_the_typed_exceptions_of_users(staff: Any) -> None:
    (face,) = enrol(staff, 1)
    staff.create_user(**HERE, UserId="ann")
    with pytest.raises(staff.exceptions.ConflictException) as caught:
        staff.create_user(**HERE, UserId="ann")
    assert "ann" not in caught.value.response["Error"]["Message"]
    of_nobody: list[Callable[[], object]] = [
        lambda: staff.create_user(CollectionId="none", UserId="ann"),
        lambda: staff.list_users(CollectionId="none"),
        lambda: staff.delete_user(**HERE, UserId="bob"),
        lambda: staff.associate_faces(**HERE, UserId="bob", FaceIds=[face]),
        lambda: staff.disassociate_faces(**HERE, UserId="bob", FaceIds=[face]),
        lambda: staff.search_users(**HERE, UserId="bob"),
        lambda: staff.search_users(CollectionId="none", FaceId=face),
        lambda: staff.search_users_by_image(CollectionId="none", Image={"Bytes": picture_of(1)}),
        lambda: staff.list_faces(**HERE, UserId="bob"),
    ]
    for call in of_nobody:
        with pytest.raises(staff.exceptions.ResourceNotFoundException) as caught:
            call()
        assert "bob" not in caught.value.response["Error"]["Message"]
        assert "x-countenance-receipt" in caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    not_to_be_asked: list[Callable[[], object]] = [
        lambda: staff.search_users(**HERE),
        lambda: staff.search_users(**HERE, UserId="ann", FaceId=face),
        lambda: staff.search_users(**HERE, FaceId=UNKNOWN),
        lambda: staff.create_user(**HERE, UserId="a b"),
        lambda: staff.create_user(**HERE, UserId="u" * 129),
        lambda: staff.associate_faces(**HERE, UserId="ann", FaceIds=[UNKNOWN] * 101),
        lambda: staff.associate_faces(**HERE, UserId="ann", FaceIds=[face], UserMatchThreshold=100.5),
        lambda: staff.list_users(**HERE, MaxResults=501),
        lambda: staff.search_users(**HERE, UserId="ann", MaxUsers=501),
    ]
    for call in not_to_be_asked:
        with pytest.raises(staff.exceptions.InvalidParameterException):
            call()
    with pytest.raises(staff.exceptions.InvalidImageFormatException):
        staff.search_users_by_image(**HERE, Image={"Bytes": b"no picture"})


def test_a_hundred_faces_are_the_most_of_one_user(staff: Any) -> None:
    faces = enrol(staff, *[7] * 100) + enrol(staff, 7, name="more")
    staff.create_user(**HERE, UserId="ann")
    assert len(staff.associate_faces(**HERE, UserId="ann", FaceIds=faces[:100])["AssociatedFaces"]) == 100
    with pytest.raises(staff.exceptions.ServiceQuotaExceededException):
        staff.associate_faces(**HERE, UserId="ann", FaceIds=faces[100:])
    assert "UserId" not in staff.list_faces(**HERE, FaceIds=faces[100:])["Faces"][0]


def test_a_request_with_its_token_again_is_carried_out_once(staff: Any) -> None:
    one, two = enrol(staff, 1, 2)
    for _ in range(2):
        staff.create_user(**HERE, UserId="ann", ClientRequestToken="t-1")
    with pytest.raises(staff.exceptions.ConflictException):
        staff.create_user(**HERE, UserId="ann", ClientRequestToken="t-2")
    with pytest.raises(staff.exceptions.IdempotentParameterMismatchException):
        staff.create_user(**HERE, UserId="bob", ClientRequestToken="t-1")
    ask = {**HERE, "UserId": "ann", "FaceIds": [one, UNKNOWN], "ClientRequestToken": "t-1"}

    def without_metadata(answer: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

    first = without_metadata(staff.associate_faces(**ask))
    assert first["AssociatedFaces"] == [{"FaceId": one}]
    assert without_metadata(staff.associate_faces(**ask)) == first
    for change in ({"FaceIds": [two]}, {"UserMatchThreshold": 1.0}):
        with pytest.raises(staff.exceptions.IdempotentParameterMismatchException):
            staff.associate_faces(**{**ask, **change})
    freed = without_metadata(staff.disassociate_faces(**ask))
    assert without_metadata(staff.disassociate_faces(**ask)) == freed
    assert without_metadata(staff.associate_faces(**ask)) == first
    assert users(staff) == {"ann": "CREATED"}
    for _ in range(2):
        staff.delete_user(**HERE, UserId="ann", ClientRequestToken="t-1")
    with pytest.raises(staff.exceptions.ResourceNotFoundException):
        staff.delete_user(**HERE, UserId="ann", ClientRequestToken="t-2")


def test_boto3_makes_a_token_for_each_call_and_sends_it_again_with_a_retry(alone: Any, guard: FakeGuard) -> None:
    alone.create_user(**HERE, UserId="ann")
    alone.create_user(**HERE, UserId="bob")
    first, second = (ask.token for _, ask in guard.asked[-2:])
    assert first
    assert second
    assert first != second


def test_a_deleted_collection_takes_its_users_along(staff: Any) -> None:
    (face,) = enrol(staff, 1)
    staff.create_user(**HERE, UserId="ann")
    staff.associate_faces(**HERE, UserId="ann", FaceIds=[face])
    staff.delete_collection(**HERE)
    staff.create_collection(**HERE)
    assert users(staff) == {}
    enrol(staff, 1)
    assert matched(staff.search_users_by_image(**HERE, Image={"Bytes": picture_of(1)})) == []


def test_the_ledger_shows_no_user(staff: Any, ledger: Ledger) -> None:
    (face,) = enrol(staff, 1)
    staff.create_user(**HERE, UserId="ann-smith", ClientRequestToken="token-of-ann")
    staff.associate_faces(**HERE, UserId="ann-smith", FaceIds=[face])
    staff.list_users(**HERE)
    staff.list_faces(**HERE, UserId="ann-smith")
    staff.search_users_by_image(**HERE, Image={"Bytes": picture_of(1)})
    staff.search_users(**HERE, UserId="ann-smith")
    staff.disassociate_faces(**HERE, UserId="ann-smith", FaceIds=[face])
    staff.delete_user(**HERE, UserId="ann-smith")
    shown = " ".join(entry.text for entry in ledger.entries())
    for secret in ("smith", "token-of", face):
        assert secret not in shown
    operations = [e.fields["operation"] for e in ledger.entries() if e.kind == "decision"]
    assert operations[2:] == [
        "create_user", "associate", "list_users", "list_faces", "search_users", "search_users", "disassociate",
        "delete_user",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "more", "ask"),
    [
        ("create_user", {"UserId": "a", "ClientRequestToken": "t"}, CreateUser("staff", "a", "t")),
        ("list_users", {}, ListUsers("staff", None, 500)),
        ("list_users", {"MaxResults": 2}, ListUsers("staff", None, 2)),
        (
            "associate_faces",
            {"UserId": "a", "FaceIds": [UNKNOWN, UNKNOWN], "ClientRequestToken": "t"},
            Associate("staff", "a", (UNKNOWN,), 75.0, "t"),
        ),
        (
            "associate_faces",
            {"UserId": "a", "FaceIds": [UNKNOWN], "UserMatchThreshold": 12.5, "ClientRequestToken": "t"},
            Associate("staff", "a", (UNKNOWN,), 12.5, "t"),
        ),
        (
            "disassociate_faces",
            {"UserId": "a", "FaceIds": [UNKNOWN, UNKNOWN], "ClientRequestToken": "t"},
            Disassociate("staff", "a", (UNKNOWN,), "t"),
        ),
        ("search_users", {"UserId": "a"}, SearchUsersByUser("staff", "a", 80, 80.0)),
        ("search_users", {"UserId": "a", "MaxUsers": 3}, SearchUsersByUser("staff", "a", 3, 80.0)),
        ("search_users", {"FaceId": UNKNOWN}, SearchUsersByFace("staff", UNKNOWN, 80, 80.0)),
        (
            "search_users",
            {"FaceId": UNKNOWN, "UserMatchThreshold": 1.0},
            SearchUsersByFace("staff", UNKNOWN, 80, 1.0),
        ),
        (
            "search_users_by_image",
            {"Image": {"Bytes": picture("ann")}},
            SearchUsersByImage("staff", picture("ann"), 80, 80.0, QualityFilter.NONE),
        ),
        (
            "search_users_by_image",
            {"Image": {"Bytes": picture("ann")}, "MaxUsers": 1, "UserMatchThreshold": 90.0, "QualityFilter": "AUTO"},
            SearchUsersByImage("staff", picture("ann"), 1, 90.0, QualityFilter.AUTO),
        ),
    ],
)
def test_defaults_and_parameters_reach_the_guard(
    alone: Any, guard: FakeGuard, call: str, more: dict[str, Any], ask: Any
) -> None:
    with suppress(alone.exceptions.ResourceNotFoundException, alone.exceptions.InvalidParameterException):
        getattr(alone, call)(**HERE, **more)  # there is no such user or face
    assert guard.asked[-1][1] == ask


def test_an_unlucky_token_has_its_own_exception(alone: Any, guard: FakeGuard) -> None:
    guard.fail = errors.TokenReused("x")
    with pytest.raises(alone.exceptions.IdempotentParameterMismatchException):
        alone.create_user(**HERE, UserId="ann")


class TestUnderRulesThatDenyAll:
    @pytest.fixture
    def verdict(self) -> Verdict:
        return Verdict.DENY

    def test_no_operation_on_users_is_carried_out(self, database: Engine, ledger: Ledger, verdict: Verdict) -> None:
        with spine(database, ledger, verdict) as client:
            calls: list[Callable[[], object]] = [
                lambda: client.create_user(**HERE, UserId="ann"),
                lambda: client.delete_user(**HERE, UserId="ann"),
                lambda: client.list_users(**HERE),
                lambda: client.associate_faces(**HERE, UserId="ann", FaceIds=[UNKNOWN]),
                lambda: client.disassociate_faces(**HERE, UserId="ann", FaceIds=[UNKNOWN]),
                lambda: client.search_users(**HERE, UserId="ann"),
                lambda: client.search_users(**HERE, FaceId=UNKNOWN),
                lambda: client.search_users_by_image(**HERE, Image={"Bytes": picture_of(1)}),
            ]
            for call in calls:
                with pytest.raises(client.exceptions.AccessDeniedException, match="Nothing is allowed"):
                    call()
            assert client.seen == []
        assert [entry.kind for entry in ledger.entries() if entry.kind in ("decision", "result")] == ["decision"] * 8
