"""The auditor through a real boto3 client."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from tests.contract.audit.services import Asked, Said, service

from countenance.audit.formats.plan import LiveApi
from countenance.audit.sources.live.rekognition import Rekognition, connect
from countenance.errors import Denied, Misconfigured, Overloaded, Unauthenticated

KIND = "application/x-amz-json-1.1"
BOX = {"Left": 0.1, "Top": 0.1, "Width": 0.5, "Height": 0.5}
SMALL = {"Left": 0.7, "Top": 0.1, "Width": 0.1, "Height": 0.1}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def client(endpoint: str, threshold: float = 0.0) -> Rekognition:
    source = LiveApi("rekognition", "p", "l.csv", endpoint=endpoint, threshold=threshold)
    return Rekognition(source, connect(source), lambda: 1000.0)


def error(code: str, status: int = 400) -> Said:
    return Said({"__type": code, "message": "no"}, status)


def once(said: Said) -> Callable[[Asked], Said]:
    return lambda asked: said


def detail(box: dict[str, float], confidence: float) -> dict[str, object]:
    return {"BoundingBox": box, "Confidence": confidence, "Quality": {"Sharpness": 71.5, "Brightness": 40.0}}


def test_detection_tells_the_largest_face() -> None:
    said = Said({"FaceDetails": [detail(SMALL, 99.0), detail(BOX, 98.0)]})
    with service(once(said), KIND) as (endpoint, asked):
        reply = client(endpoint).detect(b"an image")
    assert (reply.state, reply.faces) == ("answered", 2)
    assert reply.quality == {"confidence": 98.0, "sharpness": 71.5, "brightness": 40.0}
    assert asked[0].headers["x-amz-target"] == "RekognitionService.DetectFaces"
    assert base64.b64decode(asked[0].json["Image"]["Bytes"]) == b"an image"


def test_no_face_and_refused_images_are_answers() -> None:
    with service(once(Said({"FaceDetails": []})), KIND) as (endpoint, _):
        assert client(endpoint).detect(b"x").state == "no face"
    with service(once(error("InvalidParameterException")), KIND) as (endpoint, _):
        reply = client(endpoint).compare(b"x", b"y", "", "")
        assert (reply.state, reply.error) == ("no face", "InvalidParameterException")
    with service(once(error("ImageTooLargeException")), KIND) as (endpoint, _):
        assert client(endpoint).detect(b"x").state == "refused"


def test_the_score_is_that_of_the_largest_face_of_the_second_picture() -> None:
    said = Said(
        {
            "FaceMatches": [
                {"Similarity": 99.0, "Face": {"BoundingBox": SMALL}},
                {"Similarity": 12.5, "Face": {"BoundingBox": BOX}},
            ],
            "UnmatchedFaces": [],
        }
    )
    with service(once(said), KIND) as (endpoint, asked):
        reply = client(endpoint).compare(b"one", b"two", "", "")
    assert (reply.state, reply.score, reply.faces) == ("answered", 12.5, 2)
    assert asked[0].json["SimilarityThreshold"] == 0.0
    assert asked[0].json["QualityFilter"] == "NONE"


def test_a_largest_face_below_the_threshold_is_censored_not_dropped() -> None:
    said = Said(
        {
            "FaceMatches": [{"Similarity": 91.0, "Face": {"BoundingBox": SMALL}}],
            "UnmatchedFaces": [{"BoundingBox": BOX}],
        }
    )
    with service(once(said), KIND) as (endpoint, _):
        reply = client(endpoint, 80.0).compare(b"one", b"two", "", "")
    assert (reply.state, reply.score) == ("answered", None)


def test_throttling_is_retried_by_the_client_itself() -> None:
    answers = [error("ThrottlingException"), Said({"FaceDetails": [detail(BOX, 99.0)]})]
    with service(lambda asked: answers.pop(0), KIND) as (endpoint, asked):
        assert client(endpoint).detect(b"x").state == "answered"
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (error("AccessDeniedException"), Denied),
        (error("UnrecognizedClientException"), Unauthenticated),
        (error("InvalidSignatureException", 403), Unauthenticated),
        (error("SomethingNew"), Denied),
    ],
)
def test_what_concerns_the_caller_stops_the_audit(said: Said, kind: type[Exception]) -> None:
    with service(once(said), KIND) as (endpoint, _), pytest.raises(kind):
        client(endpoint).detect(b"x")


def test_lasting_throttling_says_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    with (
        service(once(error("ThrottlingException")), KIND) as (endpoint, asked),
        pytest.raises(Overloaded, match="wait"),
    ):
        client(endpoint).detect(b"x")
    assert 1 < len(asked) <= 8


def test_a_service_that_is_not_there_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    with pytest.raises(Misconfigured, match="EndpointConnectionError"):
        client("http://127.0.0.1:9").detect(b"x")


def test_versions_and_settings_are_pinned() -> None:
    found = client("http://127.0.0.1:9", 80.0)
    assert {model.name for model in found.models} >= {"boto3", "botocore", "Amazon Rekognition API"}
    assert found.settings["similarity_threshold"] == "80"
    assert found.settings["endpoint"] == "http://127.0.0.1:9"
