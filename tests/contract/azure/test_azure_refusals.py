"""What is refused, and in which form Microsoft's client and a plain HTTP client see it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from azure.ai.vision.face import FaceAdministrationClient, FaceClient, FaceSessionClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from tests.contract.azure.pictures import MODELS, NOBODY, face_id
from tests.integration.serving import Live, grant, opened

from countenance.api.azure.answers import GUESSED, NOT_MEASURED
from countenance.mandates import AccessKey

DETECT = "/face/v1.2/detect"
IMAGE = {"content-type": "application/octet-stream"}


@pytest.fixture
def http(server: Live, key: str) -> httpx.Client:
    return httpx.Client(base_url=server.endpoint, headers={"Ocp-Apim-Subscription-Key": key}, trust_env=False)


def code(answer: httpx.Response) -> tuple[int, str]:
    said = answer.json()["error"]
    assert set(said) <= {"code", "message", "innererror"} and said["message"]
    assert answer.headers["x-ms-error-code"] == said["code"]
    return answer.status_code, said["code"]


@pytest.mark.parametrize(
    "wrong", ["nonsense", "CNTNNOBODY:secret", "{key}:", "{key}", "{key}:wrong", ":", "{key}:{secret}x"]
)
def test_a_wrong_key_is_told_the_same_whatever_is_wrong(
    server: Live, access: AccessKey, ann: bytes, wrong: str
) -> None:
    text = wrong.format(key=access.access_key, secret=access.secret)
    client = FaceClient(server.endpoint, AzureKeyCredential(text), retry_total=0)
    with client, pytest.raises(ClientAuthenticationError) as caught:
        client.detect(ann, **MODELS, return_face_id=True)
    assert caught.value.response is not None
    assert json.loads(caught.value.response.text())["error"]["code"] == "401"
    assert access.secret not in caught.value.response.text()


def test_a_key_that_comes_twice_or_in_the_address_is_none(server: Live, key: str, ann: bytes) -> None:
    name = "Ocp-Apim-Subscription-Key"
    twice = httpx.post(server.endpoint + DETECT, content=ann, headers=[(name, key), (name, key)], trust_env=False)
    asked = httpx.post(f"{server.endpoint}{DETECT}?subscription-key={key}", content=ann, trust_env=False)
    assert code(twice) == code(asked) == (401, "401")


def test_a_body_that_says_two_things_is_refused_by_name(http: httpx.Client) -> None:
    answer = http.put("/face/v1.2/largefacelists/twice", content=b'{"name": "a", "userData": "x", "name": "b"}')
    assert code(answer) == (400, "BadArgument")
    assert answer.json()["error"]["message"].startswith("'name' stands twice in one object")


ODD = "a\r\nx-header: b\tc\x1b[31m\x01\x7f\x85\u2028\u202e'\"\\<é"


def test_names_and_data_are_any_text_and_come_back_as_they_were(http: httpx.Client, server: Live) -> None:
    """Azure documents lengths only; CR, LF and terminal codes are data, and never part of a header or the record."""
    group = "/face/v1.2/largepersongroups/odd"
    made = http.put(group, json={"name": ODD, "userData": ODD})
    assert made.status_code == 200
    person = http.post(f"{group}/persons", json={"name": ODD, "userData": ODD})
    assert person.status_code == 200
    read = http.get(f"{group}/persons/{person.json()['personId']}")
    for answer in (http.get(group), read):
        assert (answer.json()["name"], answer.json()["userData"]) == (ODD, ODD)
    assert not any("x-header" in name.lower() for answer in (made, person, read) for name in answer.headers)
    assert http.delete(group).status_code == 200
    with opened(server.environment) as app:
        entries = [entry.text for entry in app.ledger.entries()]
        assert not any("x-header" in text or "\n" in text for text in entries)


@pytest.mark.parametrize("member", ["name", "userData"])
def test_nul_is_refused_whatever_database_is_behind(http: httpx.Client, member: str) -> None:
    answer = http.put("/face/v1.2/largefacelists/nul", json={"name": "a", member: "a\0b"})
    assert code(answer) == (400, "BadArgument")
    assert "U+0000" in answer.json()["error"]["message"]


def test_addresses_are_not_fetched(face: FaceClient, admin: FaceAdministrationClient) -> None:
    admin.large_face_list.create("urls", name="URLs")
    admin.large_person_group.create("urlg", name="URLs")
    person = admin.large_person_group.create_person("urlg", name="Ann").person_id
    url = "http://127.0.0.1:1/a.jpg"
    for call in (
        lambda: face.detect_from_url(url=url, **MODELS, return_face_id=True),
        lambda: admin.large_face_list.add_face_from_url("urls", url=url),
        lambda: admin.large_person_group.add_face_from_url("urlg", person, url=url),
    ):
        with pytest.raises(HttpResponseError) as caught:
            call()
        assert caught.value.status_code == 400 and caught.value.error is not None
        assert caught.value.error.code == "InvalidURL"
    admin.large_face_list.delete("urls")
    admin.large_person_group.delete("urlg")


@pytest.mark.parametrize("attribute", [*GUESSED, *NOT_MEASURED])
def test_attributes_that_are_guessed_or_not_measured_are_refused_as_azure_refuses(
    face: FaceClient, ann: bytes, attribute: str
) -> None:
    with pytest.raises(HttpResponseError) as caught:
        face.detect(ann, **MODELS, return_face_id=False, return_face_attributes=["headPose", attribute])
    assert caught.value.status_code == 403 and caught.value.response is not None
    said = json.loads(caught.value.response.text())["error"]
    assert said["code"] == "InvalidRequest" and said["innererror"]["code"] == "UnsupportedFeature"
    assert attribute in said["message"]


def test_liveness_is_refused_by_name(sessions: FaceSessionClient, ann: bytes) -> None:
    from azure.ai.vision.face.models import (
        CreateLivenessSessionContent,
        CreateLivenessWithVerifySessionContent,
    )

    plain: Any = {"liveness_operation_mode": "Passive", "device_correlation_id": NOBODY}
    for call in (
        lambda: sessions.create_liveness_session(CreateLivenessSessionContent(**plain)),
        lambda: sessions.get_liveness_session_result(NOBODY),
        lambda: sessions.get_liveness_sessions(),
        lambda: sessions.get_liveness_session_audit_entries(NOBODY),
        lambda: sessions.delete_liveness_session(NOBODY),
        lambda: sessions.create_liveness_with_verify_session(
            CreateLivenessWithVerifySessionContent(**plain), verify_image=None
        ),
        lambda: sessions.get_liveness_with_verify_session_result(NOBODY),
        lambda: sessions.get_liveness_with_verify_sessions(),
        lambda: sessions.get_liveness_with_verify_session_audit_entries(NOBODY),
        lambda: sessions.delete_liveness_with_verify_session(NOBODY),
        lambda: b"".join(sessions.get_session_image(NOBODY)),
    ):
        with pytest.raises(HttpResponseError, match="InvalidRequest"):
            call()
    with pytest.raises(HttpResponseError, match="InvalidURL"):
        sessions.detect_from_session_image(session_image_id=NOBODY, **MODELS, return_face_id=False)


def test_a_face_id_is_unknown_after_its_time_to_another_mandate_and_to_nobody(
    server: Live, face: FaceClient, ann: bytes
) -> None:
    mine = face_id(face, ann)
    with pytest.raises(ResourceNotFoundError, match="FaceNotFound"):
        face.verify_face_to_face(face_id1=mine, face_id2=NOBODY)
    other = grant(server.environment)
    key = AzureKeyCredential(f"{other.access_key}:{other.secret}")
    with FaceClient(server.endpoint, key, retry_total=0) as client, pytest.raises(ResourceNotFoundError):
        client.verify_face_to_face(face_id1=mine, face_id2=mine)
    with pytest.raises(HttpResponseError, match="BadArgument"):
        face_id(face, ann, seconds=59)


def test_a_group_that_is_not_there_is_named_by_its_kind(http: httpx.Client, face: FaceClient, ann: bytes) -> None:
    mine = face_id(face, ann)
    for call, more, expected in (
        ("identify", {"faceIds": [mine], "largePersonGroupId": "none"}, "LargePersonGroupNotFound"),
        ("identify", {"faceIds": [mine], "personGroupId": "none"}, "PersonGroupNotFound"),
        ("verify", {"faceId": mine, "personId": NOBODY, "largePersonGroupId": "none"}, "LargePersonGroupNotFound"),
        ("findsimilars", {"faceId": mine, "largeFaceListId": "none"}, "LargeFaceListNotFound"),
        ("findsimilars", {"faceId": mine, "faceListId": "none"}, "FaceListNotFound"),
        ("findsimilars", {"faceId": NOBODY, "faceListId": "none"}, "FaceNotFound"),
    ):
        answer = http.post(f"/face/v1.2/{call}", json=more)
        assert code(answer) == (404, expected) and "x-countenance-receipt" in answer.headers


def test_a_mandate_without_comparisons_gets_no_face_ids(server: Live, ann: bytes) -> None:
    access = grant(server.environment, operations=("detect",))
    key = AzureKeyCredential(f"{access.access_key}:{access.secret}")
    with FaceClient(server.endpoint, key, retry_total=0) as client:
        assert len(client.detect(ann, **MODELS, return_face_id=False)) == 1
        with pytest.raises(HttpResponseError, match="AccessDenied"):
            client.detect(ann, **MODELS, return_face_id=True)
        with pytest.raises(HttpResponseError, match="AccessDenied"):
            client.verify_face_to_face(face_id1=NOBODY, face_id2=NOBODY)


def test_a_refusal_names_the_clause_and_has_a_receipt(server: Live, http: httpx.Client, ann: bytes) -> None:
    access = grant(server.environment, galleries=("mine*",))
    headers = {"Ocp-Apim-Subscription-Key": f"{access.access_key}:{access.secret}"}
    answer = http.put("/face/v1.0/largepersongroups/theirs", json={"name": "x"}, headers=headers)
    assert code(answer) == (403, "AccessDenied")
    assert "mandate" in answer.json()["error"]["message"] and "x-countenance-receipt" in answer.headers
    assert http.put("/face/v1.0/largepersongroups/mine-1", json={"name": "x"}, headers=headers).status_code == 200
    http.put("/face/v1.0/largepersongroups/another", json={"name": "x"})
    listed = http.get("/face/v1.0/largepersongroups", headers=headers)
    assert [each["largePersonGroupId"] for each in listed.json()] == ["mine-1"]
    http.delete("/face/v1.0/largepersongroups/mine-1")
    http.delete("/face/v1.0/largepersongroups/another")


def test_every_answer_has_its_two_entries_and_a_receipt(server: Live, http: httpx.Client, ann: bytes) -> None:
    answer = http.post(DETECT, content=ann, headers=IMAGE)
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    with opened(server.environment) as app:
        entries = list(app.ledger.entries())
    assert entries[-2].fields["operation"] == "detect_and_keep" and entries[-1].fields["outcome"] == "done"
    assert entries[-1].fields["kept"] == 1
    found = answer.json()[0]["faceId"]
    assert found not in str([entry.fields for entry in entries])


PUT = ("PUT", "/face/v1.2/largepersongroups/p1")
BAD: list[tuple[str, str, dict[str, Any], tuple[int, str]]] = [
    ("POST", DETECT, {"content": b"rubbish", "headers": IMAGE}, (400, "InvalidImage")),
    ("POST", DETECT, {"content": b"", "headers": IMAGE}, (400, "InvalidImage")),
    ("POST", DETECT, {"content": b"x" * (6 * 2**20 + 1), "headers": IMAGE}, (400, "InvalidImageSize")),
    ("POST", DETECT, {"content": b"x", "headers": {"content-type": "image/jpeg"}}, (415, "UnsupportedMediaType")),
    ("POST", DETECT + "?returnFaceId=maybe", {"content": b"x", "headers": IMAGE}, (400, "BadArgument")),
    ("POST", DETECT + "?returnFaceId=true&returnFaceId=true", {"headers": IMAGE}, (400, "BadArgument")),
    ("POST", DETECT + "?returnfaceid=true", {"headers": IMAGE}, (400, "BadArgument")),
    ("POST", DETECT + "?recognitionModel=recognition_05", {"headers": IMAGE}, (400, "BadArgument")),
    ("POST", DETECT + "?detectionModel=detection_04", {"headers": IMAGE}, (400, "BadArgument")),
    ("POST", DETECT + "?faceIdTimeToLive=86401", {"headers": IMAGE}, (400, "BadArgument")),
    ("POST", DETECT + "?returnFaceAttributes=shoes", {"headers": IMAGE}, (400, "BadArgument")),
    ("POST", DETECT + "?x=%FF", {"headers": IMAGE}, (400, "BadArgument")),
    ("GET", DETECT, {}, (405, "MethodNotAllowed")),
    ("POST", "/face/v1.3/detect", {}, (404, "404")),
    ("POST", "/face/v1.2/detect/", {}, (404, "404")),
    ("POST", "/face/v1.2/nothing", {}, (404, "404")),
    ("GET", "/face", {}, (404, "404")),
    ("POST", "/face/v1.2/persons", {}, (403, "InvalidRequest")),
    ("GET", "/face/v1.1-preview.1/dynamicpersongroups", {}, (403, "InvalidRequest")),
    (*PUT, {"content": b"{"}, (400, "BadArgument")),
    (*PUT, {"content": b"[]"}, (400, "BadArgument")),
    (*PUT, {"content": b"[" * 100_000}, (400, "BadArgument")),
    (*PUT, {"content": b'{"name": "x", "userData": NaN}'}, (400, "BadArgument")),
    (*PUT, {"content": b'{"name": "\xff"}'}, (400, "BadArgument")),
    (*PUT, {"content": b'{"name": "\\ud800"}'}, (400, "BadArgument")),
    (*PUT, {"content": b" " * (128 * 1024 + 1)}, (413, "RequestBodyTooLarge")),
    (*PUT, {"json": {}}, (400, "BadArgument")),
    (*PUT, {"json": {"name": "x" * 129}}, (400, "BadArgument")),
    (*PUT, {"json": {"name": 7}}, (400, "BadArgument")),
    (*PUT, {"json": {"name": "x", "userData": "é" * 8193}}, (400, "BadArgument")),
    (*PUT, {"json": {"name": "x", "user_data": "misspelled"}}, (400, "BadArgument")),
    ("PUT", "/face/v1.2/largepersongroups/UPPER", {"json": {"name": "x"}}, (400, "BadArgument")),
    ("PUT", "/face/v1.2/largepersongroups/" + "x" * 65, {"json": {"name": "x"}}, (400, "BadArgument")),
    ("GET", "/face/v1.2/largepersongroups?top=1001", {}, (400, "BadArgument")),
    ("GET", "/face/v1.2/largepersongroups?top=0", {}, (400, "BadArgument")),
    ("GET", "/face/v1.2/largepersongroups/%2e%2e", {}, (400, "BadArgument")),
    ("GET", "/face/v1.2/largepersongroups/none", {}, (404, "LargePersonGroupNotFound")),
    ("GET", "/face/v1.2/persongroups/none", {}, (404, "PersonGroupNotFound")),
    ("GET", "/face/v1.2/largepersongroups/none/persons/x", {}, (400, "BadArgument")),
    ("POST", "/face/v1.2/verify", {"json": {"faceId1": NOBODY}}, (400, "BadArgument")),
    ("POST", "/face/v1.2/verify", {"json": {"faceId1": "x", "faceId2": NOBODY}}, (400, "BadArgument")),
    ("POST", "/face/v1.2/verify", {"json": {"faceId": NOBODY, "personId": NOBODY}}, (400, "BadArgument")),
    ("POST", "/face/v1.2/verify", {"json": {"faceId1": NOBODY, "faceId2": NOBODY}}, (404, "FaceNotFound")),
    ("POST", "/face/v1.2/identify", {"json": {"faceIds": [NOBODY]}}, (400, "BadArgument")),
    (
        "POST",
        "/face/v1.2/identify",
        {"json": {"faceIds": [NOBODY] * 11, "personGroupId": "x"}},
        (400, "BadArgument"),
    ),
    (
        "POST",
        "/face/v1.2/identify",
        {"json": {"faceIds": [NOBODY], "personGroupId": "x", "confidenceThreshold": 2}},
        (400, "BadArgument"),
    ),
    ("POST", "/face/v1.2/findsimilars", {"json": {"faceId": NOBODY, "faceIds": []}}, (400, "BadArgument")),
    (
        "POST",
        "/face/v1.2/findsimilars",
        {"json": {"faceId": NOBODY, "faceIds": [NOBODY], "mode": "x"}},
        (400, "BadArgument"),
    ),
    ("POST", "/face/v1.2/group", {"json": {"faceIds": [NOBODY, NOBODY]}}, (400, "BadArgument")),
    ("POST", "/face/v1.2/group", {"json": {"faceIds": NOBODY}}, (400, "BadArgument")),
]


@pytest.mark.parametrize(("method", "path", "more", "expected"), BAD)
def test_bad_input_has_an_error_in_azures_form(
    http: httpx.Client, method: str, path: str, more: dict[str, Any], expected: tuple[int, str]
) -> None:
    if "content" not in more and "json" not in more and method in ("POST", "PUT"):
        more = {**more, "content": b"x"}
    assert code(http.request(method, path, **more)) == expected


@pytest.mark.parametrize("version", ["v1.0", "v1.1-preview.1", "v1.2-preview.1", "v1.2"])
def test_every_version_is_spoken(http: httpx.Client, ann: bytes, version: str) -> None:
    answer = http.post(f"/face/{version}/detect?returnFaceId=false", content=ann, headers=IMAGE)
    assert answer.status_code == 200 and len(answer.json()) == 1
