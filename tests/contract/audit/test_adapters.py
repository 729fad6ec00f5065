"""Shipped adapters against small servers that answer as each vendor's published reference says."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from tests.contract.audit.services import Asked, Said, service

from countenance.audit.sources.live.adapter.description import CallName, read_adapter, shipped
from countenance.audit.sources.live.adapter.service import DescribedService
from countenance.audit.sources.live.cassette import RecordedReply
from countenance.errors import BadRequest, CountenanceError, Denied, Misconfigured, Overloaded, Unauthenticated

KIND = "application/json"
FIRST, SECOND = b"\xff\xd8\xff first \r\n--x", b"\x89PNG second"
ENVIRONMENT = {
    name: f"value of {name}"
    for name in (
        "COMPREFACE_VERIFICATION_KEY", "COMPREFACE_DETECTION_KEY", "INSIGHTFACE_API_KEY", "FACEPP_API_KEY",
        "FACEPP_API_SECRET", "GOOGLE_VISION_API_KEY", "LUXAND_TOKEN", "AZURE_FACE_KEY",
    )
}  # fmt: skip


def open_service(name: str, endpoint: str, slept: list[float] | None = None, **more: str) -> DescribedService:
    file = read_adapter(name, Path())
    waits = [] if slept is None else slept
    return DescribedService(
        file, endpoint, {**ENVIRONMENT, **more}, tuple(file.adapter.calls), lambda: 1000.0, waits.append
    )


def asked_of(name: str, said: Said, call: Callable[[DescribedService], RecordedReply]) -> tuple[RecordedReply, Asked]:
    with service(lambda asked: said, KIND) as (endpoint, asked):
        reply = call(open_service(name, endpoint))
    assert len(asked) == 1
    return reply, asked[0]


def compare(name: str, body: object, status: int = 200) -> tuple[RecordedReply, Asked]:
    return asked_of(name, Said(body, status), lambda one: one.compare(FIRST, SECOND, "t1", "t2"))


def detect(name: str, body: object, status: int = 200) -> tuple[RecordedReply, Asked]:
    return asked_of(name, Said(body, status), lambda one: one.detect(FIRST))


def classify(name: str, body: object, status: int = 200) -> tuple[RecordedReply, Asked]:
    return asked_of(name, Said(body, status), lambda one: one.classify(FIRST))


def parts(asked: Asked) -> dict[str, bytes]:
    """The parts of a multipart body by name, read by Python's own parser of MIME."""
    from email import message_from_bytes, policy

    head = f"content-type: {asked.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + asked.body, policy=policy.HTTP)
    found: dict[str, bytes] = {}
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found[str(part.get_param("name", header="content-disposition"))] = content
    return found


def test_compreface() -> None:
    face = {"box": {"probability": 0.99, "x_max": 205, "y_max": 167, "x_min": 48, "y_min": 0}}
    said = {"result": [{"source_image_face": face, "face_matches": [{**face, "similarity": 0.97858}]}]}
    reply, asked = compare("compreface", said)
    assert reply == RecordedReply("answered", 1000.0, score=0.97858, faces=1)
    assert urlparse(asked.path).path == "/api/v1/verification/verify"
    assert asked.headers["x-api-key"] == "value of COMPREFACE_VERIFICATION_KEY"
    assert parts(asked)["target_image"] == SECOND
    nobody = {"message": "No face is found in the given image", "code": 28}
    assert compare("compreface", nobody, 400)[0].state == "no face"
    for code in (21, 31):  # a file ending that it does not take, more than one face: outcomes, too
        assert compare("compreface", {"message": "m", "code": code}, 400)[0].state == "refused"
    assert detect("compreface", {"message": "m", "code": 21}, 400)[0].state == "refused"
    small = {"box": {"probability": 0.5, "x_max": 20, "y_max": 20, "x_min": 10, "y_min": 10}}
    reply, asked = detect("compreface", {"result": [small, face]})
    assert (reply.faces, reply.quality) == (2, {"probability": 0.99})
    assert asked.headers["x-api-key"] == "value of COMPREFACE_DETECTION_KEY"
    reply, asked = classify("compreface", {"result": [{**face, "gender": {"probability": 1.0, "value": "female"}}]})
    assert reply.label == "female" and parse_qs(urlparse(asked.path).query) == {"face_plugins": ["gender"]}


def test_insightface_server() -> None:
    said = {"matched": False, "similarity": -0.031, "threshold": 0.4, "request_id": "r"}
    reply, asked = compare("insightface-server", said)
    assert reply.score == -0.031
    assert asked.headers["authorization"] == "Bearer value of INSIGHTFACE_API_KEY"
    assert parts(asked)["source"] == FIRST and asked.path == "/v1/compare"
    error = {"error": {"code": "face_not_found", "message": "No usable face was detected.", "details": {}}}
    assert compare("insightface-server", error, 422)[0].state == "no face"
    error["error"]["code"] = "invalid_image"
    assert detect("insightface-server", error, 422)[0] == RecordedReply("refused", 1000.0, error="invalid_image")
    assert detect("insightface-server", {"faces": [], "request_id": "r"})[0].state == "no face"
    seen = {"faces": [{"detection_score": 0.9, "quality": {"score": 0.7}}, {"detection_score": 0.5}]}
    assert detect("insightface-server", seen)[0].quality == {"detection_score": 0.9, "quality": 0.7}
    with service(lambda asked: Said({"similarity": 1}), KIND) as (endpoint, asked_all):
        open_service("insightface-server", endpoint, INSIGHTFACE_API_KEY="").compare(FIRST, SECOND, "", "")
    assert "authorization" not in asked_all[0].headers  # its key is optional, and an empty header is not sent


def test_facepp() -> None:
    box = {"face_rectangle": {"width": 140, "top": 89, "left": 104, "height": 141}, "face_token": "c2fc"}
    said = {"faces1": [box], "faces2": [box], "confidence": 96.46, "thresholds": {"1e-3": 65.3}}
    reply, asked = compare("facepp", said)
    assert reply.score == 96.46
    assert parts(asked)["api_key"] == b"value of FACEPP_API_KEY"
    assert parts(asked)["api_secret"] == b"value of FACEPP_API_SECRET" and parts(asked)["image_file2"] == SECOND
    assert compare("facepp", {"faces1": [box], "faces2": [], "request_id": "r"})[0].state == "no face"
    bad = {"error_message": "IMAGE_ERROR_UNSUPPORTED_FORMAT: image_file2", "time_used": 5}
    assert compare("facepp", bad, 400)[0].state == "refused"
    attributes = {"attributes": {"gender": {"value": "Female"}}}
    small = {"face_rectangle": {"width": 9, "height": 9}, "attributes": {"gender": {"value": "Male"}}}
    reply, asked = classify("facepp", {"faces": [small, {**box, **attributes}], "face_num": 2})
    assert (reply.label, reply.faces) == ("female", 2) and parts(asked)["return_attributes"] == b"gender"
    assert detect("facepp", {"faces": [], "face_num": 0})[0].state == "no face"


def test_an_error_of_facepp_is_never_taken_for_a_picture_without_a_face() -> None:
    for status in (200, 400):
        with pytest.raises(Denied, match="MISSING_ARGUMENTS"):
            compare("facepp", {"error_message": "MISSING_ARGUMENTS: image_file1"}, status)


def test_google_vision() -> None:
    def face(x: int, side: int, confidence: float) -> dict[str, object]:
        corners = [{"y": 5}, {"x": x + side, "y": 5}, {"x": x + side, "y": 5 + side}, {"y": 5 + side}]
        return {"boundingPoly": {"vertices": corners}, "detectionConfidence": confidence}

    reply, asked = detect("google-vision", {"responses": [{"faceAnnotations": [face(0, 9, 0.4), face(0, 90, 0.9)]}]})
    assert (reply.faces, reply.quality) == (2, {"detection_confidence": 0.9})
    assert base64.b64decode(asked.json["requests"][0]["image"]["content"]) == FIRST
    assert asked.headers["x-goog-api-key"] == "value of GOOGLE_VISION_API_KEY" and "?" not in asked.path
    assert detect("google-vision", {"responses": [{}]})[0].state == "no face"
    bad = {"responses": [{"error": {"code": 3, "message": "Bad image data."}}]}
    assert detect("google-vision", bad)[0].state == "refused"
    broken_ones: list[object] = [
        {"responses": [{"error": {"code": 7, "message": "no permission"}}]},
        {"responses": []},
        {},
    ]
    for broken in broken_ones:
        with pytest.raises(Denied):
            detect("google-vision", broken)


def test_luxand() -> None:
    reply, asked = compare("luxand", {"similar": True, "score": 0.93})
    assert reply.score == 0.93 and asked.headers["token"] == "value of LUXAND_TOKEN"
    assert parts(asked)["face1"] == FIRST
    assert compare("luxand", {"status": "failure", "message": "Can't find faces"})[0].state == "no face"
    with pytest.raises(Denied, match="balance"):
        compare("luxand", {"status": "failure", "message": "Check your balance"})
    with pytest.raises(Misconfigured, match=r"compare\.score = 'score' finds no finite number.*a table with similar"):
        compare("luxand", {"similarity": 0.93})
    rectangle = {"rectangle": {"left": 10, "top": 10, "right": 60, "bottom": 70}, "gender": {"value": "Male"}}
    assert classify("luxand", [rectangle])[0].label == "male"
    assert detect("luxand", [])[0].state == "no face"


def test_deepface() -> None:
    said = {"verified": True, "distance": 0.21, "threshold": 0.3, "model": "Facenet512"}
    reply, asked = compare("deepface", said)
    assert reply.score == 0.21
    assert asked.json["img2"] == "data:image/jpeg;base64," + base64.b64encode(SECOND).decode()
    assert "authorization" not in asked.headers
    trace = {"error": "Exception while verifying: Exception while processing img1_path - Traceback ... Face could not "
             "be detected in numpy array."}  # fmt: skip
    assert compare("deepface", trace, 400)[0] == RecordedReply("no face", 1000.0, error="could not be detected")
    gif = {"error": "Exception while verifying: Input image can be jpg or png, but it is gif - Traceback ..."}
    assert compare("deepface", gif, 400)[0].state == "refused" and detect("deepface", gif, 400)[0].state == "refused"
    analysed = {"results": [{"region": {"w": 9, "h": 9}, "gender": {"Woman": 90.0, "Man": 10.0},
                             "dominant_gender": "Woman"}]}  # fmt: skip
    assert classify("deepface", analysed)[0].label == "female"
    area = {"results": [{"embedding": [0.1], "facial_area": {"w": 40, "h": 50}, "face_confidence": 0.9}]}
    assert detect("deepface", area)[0].quality == {"face_confidence": 0.9}


def test_azure_dialect() -> None:
    faces = [{"faceId": "small", "faceRectangle": {"width": 9, "height": 9}},
             {"faceId": "large", "faceRectangle": {"width": 99, "height": 99}}]  # fmt: skip
    reply, asked = detect("azure-dialect", faces)
    assert reply.token == "large" and asked.body == FIRST
    assert asked.headers["content-type"] == "application/octet-stream"
    reply, asked = compare("azure-dialect", {"isIdentical": False, "confidence": 0.25})
    assert reply.score == 0.25 and asked.json == {"faceId1": "t1", "faceId2": "t2"}


def test_throttling_waits_as_told_and_then_gives_up() -> None:
    answers = [
        Said({"error_message": "CONCURRENCY_LIMIT_EXCEEDED"}, 403),
        Said({}, 429, {"retry-after": "7"}),
        Said({}, 503),
        Said({"faces1": [1], "faces2": [1], "confidence": 1.5}),
    ]
    slept: list[float] = []
    with service(lambda asked: answers.pop(0), KIND) as (endpoint, _):
        assert open_service("facepp", endpoint, slept).compare(FIRST, SECOND, "", "").score == 1.5
    assert slept == [1.0, 7.0, 4.0]
    with service(lambda asked: Said({}, 429), KIND) as (endpoint, all_asked), pytest.raises(Overloaded):
        open_service("facepp", endpoint).compare(FIRST, SECOND, "", "")
    assert len(all_asked) == 6


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (Said({"error": "x"}, 401), Unauthenticated, "does not accept the key"),
        (Said({"error": "x"}, 403), Denied, "answers 403"),
        (Said({"error": "x"}, 400), Denied, "answers 400"),
        (Said({}, 302, {"location": "http://127.0.0.1:1/elsewhere"}), Misconfigured, "redirect, which is not followed"),
        (Said({}, 500), Misconfigured, "answers 500 each time"),
        (Said({"distance": None}), Misconfigured, "compare.score"),
        (Said({"distance": True}), Misconfigured, "compare.score"),
        (Said({"distance": float("nan")}), Misconfigured, "compare.score"),
        (Said([]), Misconfigured, "compare.score"),
    ],
)
def test_what_concerns_the_caller_stops_the_audit(said: Said, kind: type[CountenanceError], words: str) -> None:
    with service(lambda asked: said, KIND) as (endpoint, _), pytest.raises(kind, match=words):
        open_service("deepface", endpoint).compare(FIRST, SECOND, "", "")


def test_a_key_that_a_service_repeats_is_in_no_message() -> None:
    echo = lambda asked: Said({"error": f"bad key {asked.headers['authorization']}"}, 401)  # noqa: E731
    with service(echo, KIND) as (endpoint, _):
        found = open_service("insightface-server", endpoint, INSIGHTFACE_API_KEY="quite-secret")
        with pytest.raises(Unauthenticated) as told:
            found.compare(FIRST, SECOND, "", "")
    assert "quite-secret" not in str(told.value) + found.last and "(secret)" in found.last


def test_a_service_that_is_not_there_says_so_after_its_tries() -> None:
    slept: list[float] = []
    with pytest.raises(Misconfigured, match="cannot be reached"):
        open_service("deepface", "http://127.0.0.1:9", slept).compare(FIRST, SECOND, "", "")
    assert slept == [1.0, 2.0, 4.0, 8.0, 16.0]


def silent(name: str, environment: dict[str, str], call: CallName) -> DescribedService:
    return DescribedService(read_adapter(name, Path()), None, environment, [call], lambda: 0.0, lambda s: None)


def test_without_its_key_nothing_is_asked() -> None:
    with pytest.raises(Unauthenticated, match="LUXAND_TOKEN"):
        silent("luxand", {}, "compare")
    with pytest.raises(Unauthenticated, match="more than one line"):
        silent("luxand", {"LUXAND_TOKEN": "a\r\nx: y"}, "compare")
    only = silent("compreface", {"COMPREFACE_DETECTION_KEY": "k"}, "classify")
    assert only.described.asked == "CompreFace at http://127.0.0.1:8000 with COMPREFACE_DETECTION_KEY"
    with pytest.raises(BadRequest, match="describes no compare; it describes detect"):
        silent("google-vision", ENVIRONMENT, "compare")


def test_what_was_put_in_a_request_is_not_looked_at_again() -> None:
    reply, asked = asked_of(
        "azure-dialect", Said({"confidence": 1}), lambda one: one.compare(b"", b"", "{second_token}", 't"2')
    )
    assert reply.score == 1.0 and json.loads(asked.body) == {"faceId1": "{second_token}", "faceId2": 't"2'}


def test_every_shipped_adapter_is_tried_here() -> None:
    tried = {"compreface", "insightface-server", "facepp", "google-vision", "luxand", "deepface", "azure-dialect"}
    assert set(shipped()) == tried | {"rekognition-dialect"}  # that one by test_adapter_own_server
