"""What AWS's published programs call and read, in their order, against a real server with real faces and a real video.

Only the endpoint, the credentials and the pictures are ours.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.azure.pictures import ANN, BEN, CLEO, picture, side_by_side
from tests.integration.serving import HOME, grant, need_weights, serving
from tests.integration.video.test_video_command import _crossing
from tests.unit.video.clips import write

from countenance.demo.faces import orl_faces

TOPIC = "arn:aws:sns:us-east-1:123456789012:any"
CHANNEL = {"RoleArn": "arn:aws:iam::123456789012:role/any", "SNSTopicArn": TOPIC}
ABSENT = (
    "AgeRange", "Smile", "Eyeglasses", "Sunglasses", "Gender", "Beard", "Mustache", "EyesOpen", "MouthOpen", "Emotions",
)  # fmt: skip
"""What the programs read with `get`, and docs/rekognition.md calls left out."""


@pytest.fixture(scope="module")
def rekognition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    need_weights()
    home = tmp_path_factory.mktemp("published")
    (clips := home / "clips").mkdir()
    write(
        clips / "clip.mp4", _crossing({(photo.person, photo.number): photo for photo in orl_faces(HOME / "demo-faces")})
    )
    (clips / "ann.png").write_bytes(picture(ANN, 1))
    known = f"{TOPIC}=http://127.0.0.1:9/nobody-listens"
    with serving(home / "home", COUNTENANCE_BUCKETS=f"clips={clips}", COUNTENANCE_TOPICS=known) as live:
        yield live.client(grant(live.environment))


def rendered(face: dict[str, Any]) -> dict[str, Any]:
    """As the programs' classes read a face: everything by `get`, the values of attributes one level down."""
    own = {name: face.get(name) for name in ("BoundingBox", "Confidence", "Landmarks", "Pose", "Quality", "FaceId")}
    for name in ABSENT:
        empty: Any = [] if name == "Emotions" else {}
        assert face.get(name, empty) == empty
    return own


def test_the_program_about_pictures_detects_and_compares(rekognition: Any) -> None:
    by_bytes, by_name = {"Bytes": picture(ANN, 1)}, {"S3Object": {"Bucket": "clips", "Name": "ann.png"}}
    for image in (by_bytes, by_name):
        (face,) = map(rendered, rekognition.detect_faces(Image=image, Attributes=["ALL"])["FaceDetails"])
        assert face["Confidence"] > 90
        assert set(face["Pose"]) == {"Roll", "Yaw", "Pitch"}
        assert set(face["Quality"]) == {"Brightness", "Sharpness"}
        assert {mark["Type"] for mark in face["Landmarks"]} >= {
            "eyeLeft",
            "eyeRight",
            "nose",
            "mouthLeft",
            "mouthRight",
        }
    three = {"Bytes": side_by_side(picture(BEN, 1), picture(ANN, 2), picture(CLEO, 1))}
    answer = rekognition.compare_faces(SourceImage=by_bytes, TargetImage=three, SimilarityThreshold=80)
    (match,) = answer["FaceMatches"]
    assert match["Similarity"] >= 80
    assert 250 < (match["Face"]["BoundingBox"]["Left"] + match["Face"]["BoundingBox"]["Width"] / 2) * 750 < 500
    assert len(answer["UnmatchedFaces"]) == 2
    assert answer["SourceImageFace"]["Confidence"] > 90
    assert "OrientationCorrection" not in answer


def test_the_program_about_pictures_is_told_what_is_not_served(rekognition: Any) -> None:
    image = {"Bytes": picture(ANN, 1)}
    for call, more in (
        (rekognition.detect_labels, {"MaxLabels": 100}),
        (rekognition.detect_moderation_labels, {}),
        (rekognition.detect_text, {}),
        (rekognition.recognize_celebrities, {}),
    ):
        with pytest.raises(ClientError, match="not served") as caught:
            call(Image=image, **more)
        assert caught.value.response["Error"]["Code"] == "UnknownOperationException"


def test_the_program_about_collections_runs_from_start_to_end(rekognition: Any) -> None:
    made = rekognition.create_collection(CollectionId="doc-example-collection-demo")
    here: dict[str, Any] = {"CollectionId": "doc-example-collection-demo"}
    described = rekognition.describe_collection(**here)
    assert described["CollectionARN"].endswith(made["CollectionArn"])  # AWS, too, leaves "arn:" out of the first
    assert (described["FaceCount"], described["CreationTimestamp"].year > 2000) == (0, True)
    images = {"sitting": side_by_side(picture(ANN, 1), picture(BEN, 1)), "hopping": picture(ANN, 2)}
    for name, image in images.items():
        answer = rekognition.index_faces(
            **here, Image={"Bytes": image}, ExternalImageId=name, MaxFaces=10, DetectionAttributes=["ALL"]
        )
        assert answer["UnindexedFaces"] == []
        for record in answer["FaceRecords"]:
            both = {**record["Face"], **record["FaceDetail"]}
            assert rendered(both)["FaceId"] and both["ImageId"]
    faces = rekognition.list_faces(**here, MaxResults=10)["Faces"]
    assert len(faces) == 3
    like = rekognition.search_faces(**here, FaceId=faces[0]["FaceId"], FaceMatchThreshold=80, MaxFaces=10)
    assert faces[0]["FaceId"] not in {match["Face"]["FaceId"] for match in like["FaceMatches"]}
    found = rekognition.search_faces_by_image(
        **here, Image={"Bytes": images["hopping"]}, FaceMatchThreshold=80, MaxFaces=10
    )
    assert {match["Face"]["ExternalImageId"] for match in found["FaceMatches"]} == {"hopping", "sitting"}
    assert found["SearchedFaceConfidence"] > 90
    assert set(found["SearchedFaceBoundingBox"]) == {"Left", "Top", "Width", "Height"}
    ids = [face["FaceId"] for face in faces[:2]]
    assert sorted(rekognition.delete_faces(**here, FaceIds=ids)["DeletedFaces"]) == sorted(ids)
    seen, page = [], rekognition.list_collections(MaxResults=2)
    while True:  # as the older programs page: by the key being there
        seen += page["CollectionIds"]
        if "NextToken" not in page:
            break
        page = rekognition.list_collections(NextToken=page["NextToken"], MaxResults=2)
    assert here["CollectionId"] in seen
    rekognition.delete_collection(**here)


def pages(get: Any, **asked: Any) -> Iterator[dict[str, Any]]:
    """As the programs page: with an empty token first, 10 at a time."""
    token = ""
    while True:
        answer = get(**asked, MaxResults=10, NextToken=token)
        metadata = answer["VideoMetadata"]
        assert metadata["Codec"] and metadata["Format"] and metadata["DurationMillis"] > 0 and metadata["FrameRate"] > 0
        yield answer
        if "NextToken" not in answer:
            return
        token = answer["NextToken"]


@pytest.mark.slow
def test_the_program_about_videos_starts_pages_and_reads(rekognition: Any) -> None:
    video = {"S3Object": {"Bucket": "clips", "Name": "clip.mp4"}}
    rekognition.create_collection(CollectionId="CollectionId")
    rekognition.index_faces(CollectionId="CollectionId", Image={"Bytes": picture(ANN, 1)})
    found = rekognition.start_face_detection(Video=video, NotificationChannel=CHANNEL)["JobId"]
    sought = rekognition.start_face_search(Video=video, CollectionId="CollectionId", NotificationChannel=CHANNEL)
    for get, job, key in (
        (rekognition.get_face_detection, found, "Faces"),
        (rekognition.get_face_search, sought["JobId"], "Persons"),
    ):
        until = time.monotonic() + 240
        while get(JobId=job)["JobStatus"] == "IN_PROGRESS" and time.monotonic() < until:
            time.sleep(0.5)
        assert get(JobId=job)["JobStatus"] == "SUCCEEDED"
        read = [item for answer in pages(get, JobId=job) for item in answer[key]]
        assert len(read) > 10
        for item in read:
            assert item["Timestamp"] >= 0
            if key == "Faces":
                assert rendered(item["Face"])["Confidence"] > 0
            else:
                assert item["Person"]["Index"] >= 0
                assert all(m["Face"]["FaceId"] and m["Similarity"] for m in item.get("FaceMatches", []))
    with pytest.raises(ClientError, match="not served"):
        rekognition.start_person_tracking(Video=video, NotificationChannel=CHANNEL)
