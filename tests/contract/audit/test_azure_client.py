"""The auditor through Microsoft's own client. The answers follow the service's published reference; none was recorded
from the live service, which admits no unknown customers."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlparse

import pytest
from tests.contract.audit.services import Asked, Said, service

from countenance.audit.formats.plan import LiveApi
from countenance.audit.sources.live.azure_face import TOKEN_LIFE_S, AzureFace, connect
from countenance.audit.sources.live.cassette import RecordedReply
from countenance.errors import Denied, Misconfigured, Overloaded, Unauthenticated

KIND = "application/json; charset=utf-8"
A, B = "c5c24a82-6845-4031-9d5d-978df9175426", "015839fb-fbd9-4f79-ace9-7675fc2f1dd9"


def client(endpoint: str) -> AzureFace:
    source = LiveApi("azure-face", "p", "l.csv", endpoint=endpoint)
    return AzureFace(source, connect(source, "a key", retry_backoff_factor=0, retry_total=2), lambda: 1000.0)


def face(face_id: str, side: int, model: str = "recognition_04") -> dict[str, object]:
    return {
        "faceId": face_id,
        "recognitionModel": model,
        "faceRectangle": {"top": 10, "left": 10, "width": side, "height": side + 4},
        "faceAttributes": {"qualityForRecognition": "medium"},
    }


def error(status: int, code: str, **headers: str) -> Said:
    return Said({"error": {"code": code, "message": "no"}}, status, headers)


def once(said: Said) -> Callable[[Asked], Said]:
    return lambda asked: said


def test_detection_tells_the_largest_face_and_its_handle() -> None:
    with service(once(Said([face(A, 40), face(B, 120)])), KIND) as (endpoint, asked):
        reply = client(endpoint).detect(b"an image")
    assert (reply.state, reply.faces, reply.token) == ("answered", 2, B)
    assert reply.quality == {"size_px": 120.0, "quality_for_recognition": 0.5}
    path = urlparse(asked[0].path)
    query = parse_qs(path.query)
    assert path.path.startswith("/face/v1.") and path.path.endswith("/detect")
    assert query["recognitionModel"] == ["recognition_04"] and query["detectionModel"] == ["detection_03"]
    assert query["faceIdTimeToLive"] == [str(TOKEN_LIFE_S)]
    assert asked[0].headers["ocp-apim-subscription-key"] == "a key"
    assert asked[0].body == b"an image"


def test_comparison_is_a_verification_of_two_handles() -> None:
    with service(once(Said({"isIdentical": False, "confidence": 0.25})), KIND) as (endpoint, asked):
        reply = client(endpoint).compare(b"", b"", A, B)
    assert (reply.state, reply.score) == ("answered", 25.0)
    assert asked[0].json == {"faceId1": A, "faceId2": B}


def test_no_face_and_bad_images_are_answers() -> None:
    with service(once(Said([])), KIND) as (endpoint, _):
        assert client(endpoint).detect(b"x").state == "no face"
    with service(once(error(400, "InvalidImageSize")), KIND) as (endpoint, _):
        reply = client(endpoint).detect(b"x")
    assert (reply.state, reply.error) == ("refused", "InvalidImageSize")


def test_throttling_is_retried_as_the_service_says() -> None:
    answers = [error(429, "RateLimitExceeded", **{"retry-after": "0"}), Said([face(A, 40)])]
    with service(lambda asked: answers.pop(0), KIND) as (endpoint, asked):
        assert client(endpoint).detect(b"x").token == A
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (error(401, "401"), Unauthenticated),
        (error(403, "UnsupportedFeature"), Denied),
        (error(429, "RateLimitExceeded"), Overloaded),
        (error(404, "FaceNotFound"), Denied),
    ],
)
def test_what_concerns_the_caller_stops_the_audit(said: Said, kind: type[Exception]) -> None:
    with service(once(said), KIND) as (endpoint, _), pytest.raises(kind):
        client(endpoint).detect(b"x")


def test_another_model_than_asked_for_is_noticed() -> None:
    with (
        service(once(Said([face(A, 40, "recognition_03")])), KIND) as (endpoint, _),
        pytest.raises(Misconfigured, match="recognition_03"),
    ):
        client(endpoint).detect(b"x")


def test_handles_are_used_as_long_as_the_service_keeps_them() -> None:
    found = client("http://127.0.0.1:9")
    reply = RecordedReply("answered", 1000.0, token=A)
    assert found.fresh(reply, 1000.0 + TOKEN_LIFE_S / 2)
    assert not found.fresh(reply, 1000.0 + TOKEN_LIFE_S)


def test_without_a_key_nothing_is_asked() -> None:
    with pytest.raises(Unauthenticated, match="needs a key"):
        connect(LiveApi("azure-face", "p", "l.csv", endpoint="http://127.0.0.1:9"), "")


def test_versions_and_models_are_pinned() -> None:
    names = {(model.role, model.version) for model in client("http://127.0.0.1:9").models}
    assert ("model", "recognition_04") in names and ("detector", "detection_03") in names
