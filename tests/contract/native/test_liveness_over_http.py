"""Liveness by an outside check: registered over /v1, used through unmodified boto3."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.native.native_world import ISSUER, World, now, world
from tests.fakes.pad import evidence_about, result_of_check

from countenance.signing import Signer

CHECK = Signer(b"c" * 32)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def body(**more: Any) -> dict[str, Any]:
    evidence = evidence_about("Live one", now() - timedelta(days=1), now() + timedelta(days=30), ISSUER)
    return {
        "name": "Live one",
        "public_key": CHECK.public.hex(),
        "evidence": base64.b64encode(evidence).decode(),
        "expires_at": (now() + timedelta(days=7)).isoformat(),
        **more,
    }


def registered(served: World) -> str:
    asked = served.client("ann asks").post("/liveness/checks", json=body())
    assert (asked.status_code, asked.json()["state"]) == (201, "requested"), asked.text
    check_id = str(asked.json()["check_id"])
    approved = served.client("ben approves").post(f"/liveness/checks/{check_id}/approval")
    assert (approved.status_code, approved.json()["state"]) == (200, "active"), approved.text
    return check_id


def hand_in(served: World, session: str, signed: tuple[bytes, bytes]) -> int:
    said = {"session": session, "statement": signed[0].decode(), "signature": signed[1].hex()}
    return served.client().post("/liveness/results", json=said).status_code


def test_from_a_registered_check_to_its_result_through_boto3(served: World) -> None:
    key = served.granted()
    client = served.boto(key["access_key"], key["secret"])
    with pytest.raises(client.exceptions.AccessDeniedException, match="30107-3"):
        client.create_face_liveness_session()
    with pytest.raises(client.exceptions.SessionNotFoundException, match="30107-3"):
        client.get_face_liveness_session_results(SessionId="00000000-0000-4000-8000-000000000000")
    check_id = registered(served)
    made = client.create_face_liveness_session(Settings={"AuditImagesLimit": 2}, ClientRequestToken="t-1")
    assert made["ResponseMetadata"]["HTTPHeaders"]["x-countenance-liveness-check"] == "Live one"
    session = made["SessionId"]
    assert client.create_face_liveness_session(ClientRequestToken="t-1")["SessionId"] == session
    waiting = client.get_face_liveness_session_results(SessionId=session)
    assert (waiting["Status"], "Confidence" in waiting) == ("CREATED", False)
    signed = result_of_check(check_id, session, CHECK)
    assert hand_in(served, session, result_of_check(check_id, session, Signer(b"x" * 32))) == 403
    assert hand_in(served, session, signed) == 200
    assert hand_in(served, session, signed) == 409
    found = client.get_face_liveness_session_results(SessionId=session)
    assert (found["Status"], round(found["Confidence"], 2), found["SessionId"]) == ("SUCCEEDED", 97.25, session)
    assert found["ResponseMetadata"]["HTTPHeaders"]["x-countenance-liveness-check"] == "Live one"
    assert not {"ReferenceImage", "AuditImages"} & set(found)
    failed = client.create_face_liveness_session()["SessionId"]
    assert hand_in(served, failed, signed) == 403
    assert hand_in(served, failed, result_of_check(check_id, failed, CHECK, status="FAILED", confidence=3.5)) == 200
    told = client.get_face_liveness_session_results(SessionId=failed)
    assert (told["Status"], told["Confidence"]) == ("FAILED", 3.5)
    other = served.granted()
    stranger = served.boto(other["access_key"], other["secret"])
    with pytest.raises(stranger.exceptions.SessionNotFoundException):
        stranger.get_face_liveness_session_results(SessionId=session)
    ended = served.client("ben approves").post(f"/liveness/checks/{check_id}/revocation", json={"why": "done"})
    assert ended.json()["state"] == "revoked"
    with pytest.raises(client.exceptions.AccessDeniedException, match="not in force"):
        client.get_face_liveness_session_results(SessionId=session)
    with pytest.raises(client.exceptions.AccessDeniedException, match="30107-3"):
        client.create_face_liveness_session()


@pytest.mark.parametrize(
    "asked",
    [
        {"KmsKeyId": "alias/x"},
        {"Settings": {"OutputConfig": {"S3Bucket": "a-bucket"}}},
        {"Settings": {"ChallengePreferences": [{"Type": "FaceMovementChallenge"}]}},
    ],
)
def test_pictures_are_not_kept_and_challenges_not_chosen(served: World, asked: dict[str, Any]) -> None:
    key = served.granted()
    with pytest.raises(ClientError, match="not offered") as raised:
        served.boto(key["access_key"], key["secret"]).create_face_liveness_session(**asked)
    assert raised.value.response["Error"]["Code"] == "InvalidParameterException"


def test_a_check_without_evidence_or_with_another_issuers_is_not_registered(served: World) -> None:
    stranger = evidence_about("Live one", now() - timedelta(days=1), now() + timedelta(days=30), Signer(b"s" * 32))
    asked = served.client("ann asks")
    for more, status in (
        ({"evidence": None}, 400),
        ({"evidence": "%%"}, 400),
        ({"evidence": base64.b64encode(stranger).decode()}, 403),
    ):
        assert asked.post("/liveness/checks", json=body(**more)).status_code == status
    assert asked.get("/liveness/checks").json() == {"checks": []}
    said = asked.post("/liveness/checks", json=body(evidence=None, without_evidence="a trial with staff"))
    assert (said.status_code, said.json()["without_evidence"]) == (201, "a trial with staff")
