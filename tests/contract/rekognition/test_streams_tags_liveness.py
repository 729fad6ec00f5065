"""Stream processors, tags and liveness through unmodified boto3, with the real guard, stores and ledger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from tests.contract.rekognition.spine import spine

from countenance.ledger import Ledger
from countenance.policy import Verdict

ROLE = "arn:aws:iam::000000000000:role/any"
INPUT = {"KinesisVideoStream": {"Arn": "arn:aws:kinesisvideo:local:000000000000:stream/door/0"}}
OUTPUT = {"KinesisDataStream": {"Arn": "arn:aws:kinesis:local:000000000000:stream/leads"}}
SETTINGS = {"FaceSearch": {"CollectionId": "staff", "FaceMatchThreshold": 90.0}}
REGIONS: list[dict[str, Any]] = [
    {"BoundingBox": {"Left": 0.1, "Top": 0.1, "Width": 0.5, "Height": 0.5}},
    {"Polygon": [{"X": 0.1, "Y": 0.1}, {"X": 0.2, "Y": 0.1}, {"X": 0.2, "Y": 0.3}]},
]


@pytest.fixture
def client(database: Engine, ledger: Ledger, verdict: Verdict) -> Iterator[Any]:
    with spine(database, ledger, verdict) as client:
        if verdict is Verdict.PERMIT:
            client.create_collection(CollectionId="staff", Tags={"unit": "museum"})
        yield client


def make(client: Any, name: str = "door", **more: Any) -> str:
    asked = {"Input": INPUT, "Output": OUTPUT, "Settings": SETTINGS, "RoleArn": ROLE, "Name": name, **more}
    arn: str = client.create_stream_processor(**asked)["StreamProcessorArn"]
    return arn


def test_a_stream_processor_is_kept_as_it_was_described(client: Any) -> None:
    channel = {"SNSTopicArn": "arn:aws:sns:us-east-1:000000000000:x"}
    arn = make(
        client, RegionsOfInterest=REGIONS, DataSharingPreference={"OptIn": False}, NotificationChannel=channel,
        Tags={"a": "b"},
    )  # fmt: skip
    found = client.describe_stream_processor(Name="door")
    assert (found["Input"], found["Output"], found["Settings"]) == (INPUT, OUTPUT, SETTINGS)
    assert (found["StreamProcessorArn"], found["Status"], found["RoleArn"]) == (arn, "STOPPED", ROLE)
    assert found["RegionsOfInterest"] == REGIONS
    assert found["NotificationChannel"] == channel
    assert found["LastUpdateTimestamp"] >= found["CreationTimestamp"]
    client.update_stream_processor(
        Name="door", RegionsOfInterestForUpdate=REGIONS[:1], DataSharingPreferenceForUpdate={"OptIn": True}
    )
    found = client.describe_stream_processor(Name="door")
    assert (found["RegionsOfInterest"], found["DataSharingPreference"]) == (REGIONS[:1], {"OptIn": True})
    client.update_stream_processor(Name="door", ParametersToDelete=["RegionsOfInterest"])
    assert "RegionsOfInterest" not in client.describe_stream_processor(Name="door")
    client.delete_stream_processor(Name="door")
    for gone in (client.describe_stream_processor, client.delete_stream_processor, client.start_stream_processor):
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            gone(Name="door")


def test_stream_processors_are_listed_in_pages(client: Any) -> None:
    names = [f"p-{n}" for n in range(5)]
    for name in names:
        make(client, name, Output={"S3Destination": {"Bucket": "leads", "KeyPrefix": "x/"}})
    assert [each["Name"] for each in client.list_stream_processors()["StreamProcessors"]] == names
    listed = client.get_paginator("list_stream_processors").paginate(PaginationConfig={"PageSize": 2})
    assert [each["Name"] for page in listed for each in page["StreamProcessors"]] == names
    with pytest.raises(client.exceptions.InvalidPaginationTokenException):
        client.list_stream_processors(NextToken="made-up", MaxResults=2)


def test_start_and_stop_say_that_live_streams_are_not_enabled(client: Any) -> None:
    make(client)
    selector = {"KVSStreamStartSelector": {"ProducerTimestamp": 1}}
    with pytest.raises(client.exceptions.AccessDeniedException, match="live streams are not enabled"):
        client.start_stream_processor(
            Name="door", StartSelector=selector, StopSelector={"MaxDurationInSeconds": 5}
        )  # fmt: skip
    with pytest.raises(client.exceptions.AccessDeniedException, match="live streams are not enabled"):
        client.stop_stream_processor(Name="door")


def test_what_a_stream_processor_cannot_be_is_refused(client: Any) -> None:
    make(client)
    with pytest.raises(client.exceptions.ResourceInUseException):
        make(client)
    wrong: dict[str, Any]
    for wrong in (
        {"Settings": {"ConnectedHome": {"Labels": ["PET"]}}},
        {"Settings": {"FaceSearch": {}}},
        {"Settings": {"FaceSearch": {"CollectionId": "nobody"}}},
        {"KmsKeyId": "alias/x"},
        {"Output": {}},
        {"Input": {}},
    ):
        with pytest.raises(client.exceptions.InvalidParameterException):
            make(client, "other", **wrong)
    for wrong in (
        {"SettingsForUpdate": {"ConnectedHomeForUpdate": {"Labels": ["PET"]}}},
        {"ParametersToDelete": ["ConnectedHomeMinConfidence"]},
        {"ParametersToDelete": ["RegionsOfInterest"], "RegionsOfInterestForUpdate": REGIONS},
    ):
        with pytest.raises(client.exceptions.InvalidParameterException):
            client.update_stream_processor(Name="door", **wrong)


def test_tags_are_added_replaced_removed_and_listed(client: Any) -> None:
    full = client.describe_collection(CollectionId="staff")["CollectionARN"]
    for arn in (full, full.removeprefix("arn:")):
        assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"unit": "museum"}
    client.tag_resource(ResourceArn=full, Tags={"unit": "archive", "café / 1": ""})
    assert client.list_tags_for_resource(ResourceArn=full)["Tags"] == {"unit": "archive", "café / 1": ""}
    client.untag_resource(ResourceArn=full, TagKeys=["unit", "none"])
    assert client.list_tags_for_resource(ResourceArn=full)["Tags"] == {"café / 1": ""}
    with pytest.raises(client.exceptions.ServiceQuotaExceededException):
        client.tag_resource(ResourceArn=full, Tags={f"k{n}": "v" for n in range(200)})
    assert len(client.list_tags_for_resource(ResourceArn=full)["Tags"]) == 1
    processor = make(client, Tags={"x": "y"})
    client.tag_resource(ResourceArn=processor, Tags={"z": "1"})
    client.untag_resource(ResourceArn=processor, TagKeys=["x"])
    assert client.list_tags_for_resource(ResourceArn=processor)["Tags"] == {"z": "1"}


def test_tags_of_what_is_not_there(client: Any) -> None:
    for arn in ("collection/nobody", "streamprocessor/none"):
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.list_tags_for_resource(ResourceArn=f"arn:aws:rekognition:eu-test-1:000000000000:{arn}")
    with pytest.raises(client.exceptions.InvalidParameterException):
        client.tag_resource(ResourceArn="arn:aws:s3:::a-bucket-of-mine", Tags={"a": "b"})


def test_liveness_is_not_offered_and_callers_are_told_why(client: Any) -> None:
    with pytest.raises(client.exceptions.AccessDeniedException, match="30107-3"):
        client.create_face_liveness_session(Settings={"AuditImagesLimit": 1}, ClientRequestToken="t")
    with pytest.raises(client.exceptions.SessionNotFoundException, match="30107-3"):
        client.get_face_liveness_session_results(SessionId="00000000-0000-4000-8000-000000000000")


@pytest.mark.parametrize("verdict", [Verdict.DENY])
def test_nothing_of_this_is_possible_without_a_permit(client: Any) -> None:
    arn = "arn:aws:rekognition:eu-test-1:000000000000:collection/staff"
    video = {"S3Object": {"Bucket": "films", "Name": "a.mp4"}}
    for call in (
        lambda: make(client),
        lambda: client.list_stream_processors(),
        lambda: client.describe_stream_processor(Name="door"),
        lambda: client.tag_resource(ResourceArn=arn, Tags={"a": "b"}),
        lambda: client.list_tags_for_resource(ResourceArn=arn),
        lambda: client.start_face_search(Video=video, CollectionId="staff"),  # not: "no such bucket"
        lambda: client.get_face_search(JobId="a"),
    ):
        with pytest.raises(client.exceptions.AccessDeniedException):
            call()
