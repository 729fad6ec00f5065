"""An unmodified boto3 against a real server: every operation, default, paginator and typed exception."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.contract.rekognition.model_check import check_answers
from tests.contract.rekognition.rekognition_fakes import ACCESS_KEY, REGION, SECRET, FakeGuard, boto_client, picture

from countenance import errors
from countenance.operations import (
    CreateGallery,
    Enrol,
    ListFaces,
    QualityFilter,
    SearchByFace,
    SearchByImage,
    content_of,
)

UNKNOWN = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.fixture
def checked(client: Any) -> Any:
    check_answers(client)
    return client


def asked(guard: FakeGuard) -> Any:
    return guard.asked[-1][1]


def enrolled(client: Any, *people: str, collection: str = "staff", **more: Any) -> list[str]:
    client.create_collection(CollectionId=collection)
    answer = client.index_faces(CollectionId=collection, Image={"Bytes": picture(*people)}, **more)
    return [record["Face"]["FaceId"] for record in answer["FaceRecords"]]


def test_every_served_operation_answers_as_the_model_says(client: Any) -> None:
    seen = check_answers(client)
    client.create_collection(CollectionId="staff", Tags={"team": "doors"})
    answer = client.index_faces(CollectionId="staff", Image={"Bytes": picture("ann", "bob", "cy")}, ExternalImageId="x")
    ids = [record["Face"]["FaceId"] for record in answer["FaceRecords"]]
    client.list_faces(CollectionId="staff")
    client.search_faces(CollectionId="staff", FaceId=ids[0], FaceMatchThreshold=0)
    client.search_faces_by_image(CollectionId="staff", Image={"Bytes": picture("ann")}, FaceMatchThreshold=0)
    client.compare_faces(SourceImage={"Bytes": picture("ann")}, TargetImage={"Bytes": picture("ann", "bob")})
    client.detect_faces(Image={"Bytes": picture("ann")}, Attributes=["ALL"])
    client.create_user(CollectionId="staff", UserId="Ann")
    client.associate_faces(CollectionId="staff", UserId="Ann", FaceIds=[ids[0], UNKNOWN])
    client.list_users(CollectionId="staff")
    client.search_users(CollectionId="staff", FaceId=ids[1], UserMatchThreshold=0)
    client.search_users_by_image(CollectionId="staff", Image={"Bytes": picture("ann", "bob")})
    client.delete_faces(CollectionId="staff", FaceIds=ids[:1])
    client.disassociate_faces(CollectionId="staff", UserId="Ann", FaceIds=[ids[0], UNKNOWN])
    client.delete_user(CollectionId="staff", UserId="Ann")
    client.delete_faces(CollectionId="staff", FaceIds=[ids[0], UNKNOWN])
    client.describe_collection(CollectionId="staff")
    client.list_collections()
    client.delete_collection(CollectionId="staff")
    assert set(seen) == {
        "CreateCollection", "DescribeCollection", "ListCollections", "DeleteCollection", "IndexFaces", "ListFaces",
        "DeleteFaces", "SearchFaces", "SearchFacesByImage", "CompareFaces", "DetectFaces", "CreateUser", "DeleteUser",
        "ListUsers", "AssociateFaces", "DisassociateFaces", "SearchUsers", "SearchUsersByImage",
    }  # fmt: skip


def test_no_code_changes_but_the_environment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL_REKOGNITION": url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": REGION,
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    assert boto3.session.Session().client("rekognition").list_collections()["CollectionIds"] == []


def test_a_collection_from_creation_to_deletion(checked: Any, guard: FakeGuard) -> None:
    made = checked.create_collection(CollectionId="staff", Tags={"team": "Türen & doors"[:6]})
    assert made["StatusCode"] == 200
    assert made["CollectionArn"] == f"aws:rekognition:{REGION}:000000000000:collection/staff"
    assert made["FaceModelVersion"] == "1.0"
    assert asked(guard) == CreateGallery("staff", {"team": "Türen "})
    told = checked.describe_collection(CollectionId="staff")
    assert told["CollectionARN"] == f"arn:aws:rekognition:{REGION}:000000000000:collection/staff"
    assert told["CreationTimestamp"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (told["FaceCount"], told["UserCount"]) == (0, 0)
    with pytest.raises(checked.exceptions.ResourceAlreadyExistsException):
        checked.create_collection(CollectionId="staff")
    assert checked.delete_collection(CollectionId="staff")["StatusCode"] == 200
    for call in (checked.describe_collection, checked.delete_collection, checked.list_faces):
        with pytest.raises(checked.exceptions.ResourceNotFoundException):
            call(CollectionId="staff")


def test_every_answer_carries_the_receipt_and_what_the_guard_adds(client: Any) -> None:
    headers = client.list_collections()["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-countenance-receipt"] == "receipt-1"
    assert headers["x-countenance-note"] == "noted"
    assert headers["cache-control"] == "no-store"


def test_an_error_carries_its_receipt_too(client: Any, guard: FakeGuard) -> None:
    guard.fail = errors.Denied("clause 7: no legal basis is named")
    guard.fail.receipt = "receipt-of-denial"
    with pytest.raises(client.exceptions.AccessDeniedException) as caught:
        client.list_collections()
    answer = caught.value.response
    assert answer["Error"]["Message"] == "clause 7: no legal basis is named"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-countenance-receipt"] == "receipt-of-denial"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36


def test_index_faces_says_what_was_enrolled_and_what_was_not(checked: Any, guard: FakeGuard) -> None:
    checked.create_collection(CollectionId="staff")
    answer = checked.index_faces(
        CollectionId="staff", Image={"Bytes": picture("ann", "blurred", "cy")}, ExternalImageId="badge:7", MaxFaces=1
    )
    assert asked(guard) == Enrol("staff", picture("ann", "blurred", "cy"), "badge:7", 1, QualityFilter.AUTO)
    [record] = answer["FaceRecords"]
    assert record["Face"]["ExternalImageId"] == "badge:7"
    assert record["Face"]["IndexFacesModelVersion"] == answer["FaceModelVersion"] == "1.0"
    assert record["Face"]["BoundingBox"] == record["FaceDetail"]["BoundingBox"]
    assert [face["Reasons"] for face in answer["UnindexedFaces"]] == [["LOW_SHARPNESS"], ["EXCEEDS_MAX_FACES"]]
    assert "OrientationCorrection" not in answer


def test_a_version_of_letters_is_told_where_the_model_takes_letters_only(checked: Any, guard: FakeGuard) -> None:
    guard.version = "sface-2021dec-5958cd1f"
    [ann, _] = enrolled(checked, "ann", "art")
    answer = checked.search_faces(CollectionId="staff", FaceId=ann)
    assert answer["FaceModelVersion"] == guard.version
    assert answer["FaceMatches"][0]["Face"]["IndexFacesModelVersion"] == str(0xABABABAB)


def test_index_faces_filters_by_quality_unless_told_not_to(checked: Any, guard: FakeGuard) -> None:
    checked.create_collection(CollectionId="staff")
    checked.index_faces(CollectionId="staff", Image={"Bytes": picture("ann")})
    assert asked(guard).quality is QualityFilter.AUTO
    assert asked(guard).max_faces is None
    assert asked(guard).external_id is None
    checked.index_faces(CollectionId="staff", Image={"Bytes": picture("ann")}, QualityFilter="NONE")
    assert asked(guard).quality is QualityFilter.NONE


def test_a_search_by_face_leaves_the_face_itself_out(checked: Any, guard: FakeGuard) -> None:
    ann, bob, other = enrolled(checked, "ann", "bob", "art")
    answer = checked.search_faces(CollectionId="staff", FaceId=ann)
    assert asked(guard) == SearchByFace("staff", ann, limit=80, similarity=80.0)
    assert answer["SearchedFaceId"] == ann
    assert [match["Face"]["FaceId"] for match in answer["FaceMatches"]] == [other]
    assert answer["FaceMatches"][0]["Similarity"] == 90.0
    answer = checked.search_faces(CollectionId="staff", FaceId=ann, FaceMatchThreshold=0, MaxFaces=1)
    assert asked(guard) == SearchByFace("staff", ann, limit=1, similarity=0.0)
    assert len(answer["FaceMatches"]) == 1
    assert bob != ann


def test_a_search_by_image_says_which_face_was_searched(checked: Any, guard: FakeGuard) -> None:
    enrolled(checked, "ann", "bob", "art")
    answer = checked.search_faces_by_image(CollectionId="staff", Image={"Bytes": picture("ann", "bob")})
    assert asked(guard) == SearchByImage("staff", picture("ann", "bob"), 80, 80.0, QualityFilter.NONE)
    assert answer["SearchedFaceBoundingBox"]["Width"] == 0.5
    assert answer["SearchedFaceConfidence"] == 99.5
    assert [match["Similarity"] for match in answer["FaceMatches"]] == [99.5, 90.0]


def test_compare_faces_sorts_matches_from_the_rest(checked: Any, guard: FakeGuard) -> None:
    answer = checked.compare_faces(
        SourceImage={"Bytes": picture("ann")}, TargetImage={"Bytes": picture("bob", "ann", "art")}
    )
    assert asked(guard).similarity == 80.0
    assert asked(guard).quality is QualityFilter.NONE
    assert [match["Similarity"] for match in answer["FaceMatches"]] == [99.5, 90.0]
    assert len(answer["UnmatchedFaces"]) == 1
    assert set(answer["SourceImageFace"]) == {"BoundingBox", "Confidence"}


@pytest.mark.parametrize("attributes", [None, ["DEFAULT"], ["ALL"], ["GENDER", "AGE_RANGE", "EMOTIONS"]])
def test_detect_faces_says_what_is_measured_and_infers_no_traits(checked: Any, attributes: list[str] | None) -> None:
    more = {} if attributes is None else {"Attributes": attributes}
    [face] = checked.detect_faces(Image={"Bytes": picture("ann")}, **more)["FaceDetails"]
    assert set(face) == {"BoundingBox", "Landmarks", "Pose", "Quality", "Confidence"}
    assert {mark["Type"] for mark in face["Landmarks"]} == {"eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight"}
    where = {mark["Type"]: mark["X"] for mark in face["Landmarks"]}
    assert where["eyeLeft"] < where["eyeRight"]
    assert face["Pose"] == {"Roll": 1.5, "Yaw": -2.5, "Pitch": 3.5}


def test_delete_faces_does_what_it_can_and_says_the_rest(checked: Any) -> None:
    [ann] = enrolled(checked, "ann")
    answer = checked.delete_faces(CollectionId="staff", FaceIds=[ann, UNKNOWN, ann])
    assert answer["DeletedFaces"] == [ann]
    assert answer["UnsuccessfulFaceDeletions"] == [{"FaceId": UNKNOWN, "Reasons": ["FACE_NOT_FOUND"]}]
    assert checked.list_faces(CollectionId="staff")["Faces"] == []


def test_paginators_see_everything_once(checked: Any, guard: FakeGuard) -> None:
    names = [*(f"c{n:02}" for n in range(7)), "z" * 255]
    for name in reversed(names):
        checked.create_collection(CollectionId=name)
    pages = list(checked.get_paginator("list_collections").paginate(PaginationConfig={"PageSize": 3}))
    assert [page["CollectionIds"] for page in pages] == [names[:3], names[3:6], names[6:]]
    assert all(len(page["FaceModelVersions"]) == len(page["CollectionIds"]) for page in pages)
    ids = enrolled(checked, *"abcdefg", collection="faces")
    pages = checked.get_paginator("list_faces").paginate(CollectionId="faces", PaginationConfig={"PageSize": 2})
    assert [face["FaceId"] for page in pages for face in page["Faces"]] == ids
    assert asked(guard) == ListFaces("faces", None, "6", 2)


def test_max_results_0_is_a_page_of_the_usual_size(checked: Any, guard: FakeGuard) -> None:
    enrolled(checked, "a", "b")
    assert len(checked.list_faces(CollectionId="staff", MaxResults=0)["Faces"]) == 2
    assert asked(guard).limit == 4096


def test_list_faces_can_be_asked_for_some_faces(checked: Any, guard: FakeGuard) -> None:
    ann, bob = enrolled(checked, "ann", "bob")
    faces = checked.list_faces(CollectionId="staff", FaceIds=[bob, bob, UNKNOWN])["Faces"]
    assert [face["FaceId"] for face in faces] == [bob]
    assert asked(guard).face_ids == (bob, UNKNOWN)
    assert ann != bob


def test_a_foreign_page_token_is_refused(client: Any) -> None:
    enrolled(client, "a", "b", "c")
    client.create_collection(CollectionId="other")
    token = client.list_faces(CollectionId="staff", MaxResults=1)["NextToken"]
    calls: list[Callable[[], object]] = [
        lambda: client.list_faces(CollectionId="other", NextToken=token),
        lambda: client.list_collections(NextToken=token),
        lambda: client.list_faces(CollectionId="staff", NextToken=token[:-1]),
        lambda: client.list_faces(CollectionId="staff", NextToken="1"),
    ]
    for call in calls:
        with pytest.raises(client.exceptions.InvalidPaginationTokenException):
            call()


def test_images_come_from_a_configured_bucket(checked: Any, buckets: dict[str, Path], guard: FakeGuard) -> None:
    (buckets["photos"] / "day").mkdir()
    (buckets["photos"] / "day" / "ann.jpg").write_bytes(picture("ann"))
    image = {"S3Object": {"Bucket": "photos", "Name": "day/ann.jpg"}}
    assert len(checked.detect_faces(Image=image)["FaceDetails"]) == 1
    assert content_of(asked(guard).image) == picture("ann")
    for place in (
        {"Bucket": "photos", "Name": "day/bob.jpg"},
        {"Bucket": "photos", "Name": "../photos/day/ann.jpg"},
        {"Bucket": "elsewhere", "Name": "day/ann.jpg"},
        {"Bucket": "photos", "Name": "day/ann.jpg", "Version": "1"},
    ):
        with pytest.raises(checked.exceptions.InvalidS3ObjectException):
            checked.detect_faces(Image={"S3Object": place})


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (errors.Denied("x"), "AccessDeniedException"),
        (errors.NotFound("x"), "ResourceNotFoundException"),
        (errors.NoFace("x"), "InvalidParameterException"),
        (errors.ImageTooLarge("x"), "ImageTooLargeException"),
        (errors.ImageTooSmall("x"), "InvalidParameterException"),
        (errors.DamagedImage("x"), "InvalidImageFormatException"),
        (errors.LimitExceeded("x"), "ServiceQuotaExceededException"),
        (errors.Conflict("x"), "ConflictException"),
        (errors.TokenReused("x"), "IdempotentParameterMismatchException"),
        (errors.Overloaded("x"), "ThrottlingException"),
        (errors.NotRecorded("x"), "InternalServerError"),
        (errors.StoreError("x"), "InternalServerError"),
        (RuntimeError("x"), "InternalServerError"),
    ],
)
def test_errors_are_the_exceptions_that_boto3_programs_catch(
    client: Any, guard: FakeGuard, error: Any, name: str
) -> None:
    guard.fail = error
    with pytest.raises(getattr(client.exceptions, name)) as caught:
        client.detect_faces(Image={"Bytes": picture("ann")})
    told = caught.value.response["Error"]["Message"]
    assert ("operator's log" in told) == (name == "InternalServerError")
    assert (told == "x") == (name != "InternalServerError")


def test_a_caller_who_is_told_to_slow_down_gets_through_by_the_usual_retries(url: str, guard: FakeGuard) -> None:
    class Busy:
        calls = 0

        def __call__(self) -> None:
            self.calls += 1
            guard.fail = errors.Overloaded("busy") if self.calls == 1 else None

    busy = Busy()
    client = boto_client(url, attempts=3)
    client.meta.events.register("before-send.rekognition.*", lambda **_: busy())
    client.create_collection(CollectionId="staff")
    assert busy.calls == 2
    assert list(guard.galleries) == ["staff"]


def test_an_unforeseen_error_is_logged_by_type_only(
    client: Any, guard: FakeGuard, caplog: pytest.LogCaptureFixture
) -> None:
    guard.fail = RuntimeError("what somebody looked like")
    with pytest.raises(client.exceptions.InternalServerError):
        client.list_collections()
    [record] = [r for r in caplog.records if r.name.startswith("countenance")]
    assert "RuntimeError at rekognition_fakes.py:" in record.getMessage()
    assert "looked" not in caplog.text


def test_operations_that_are_not_served_say_so(client: Any) -> None:
    calls: list[Callable[[], object]] = [
        lambda: client.detect_labels(Image={"Bytes": picture("ann")}),
        lambda: client.recognize_celebrities(Image={"Bytes": picture("ann")}),
    ]
    for call in calls:
        with pytest.raises(client.exceptions.ClientError, match="is not served here") as caught:
            call()
        assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
