"""Who may speak: every way in which a signature can be wrong, as boto3 or the bare wire sees it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.rekognition.rekognition_fakes import ACCESS_KEY, REGION, FakeGuard, boto_client, picture, serving
from tests.contract.rekognition.wire import ask, send, signed_headers


def code(call: Callable[..., Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_wrong_secret_is_an_invalid_signature(url: str, guard: FakeGuard) -> None:
    kind, message = code(boto_client(url, secret="another").list_collections)
    assert kind == "InvalidSignatureException"
    assert "does not match the signature you provided" in message
    assert guard.asked == []


def test_an_unknown_key_is_an_unrecognized_client(url: str, guard: FakeGuard) -> None:
    kind, _ = code(boto_client(url, key="AKNOBODY").list_collections)
    assert kind == "UnrecognizedClientException"
    assert guard.asked == []


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "ap-southeast-2", "us-gov-west-1"])
def test_any_region_is_taken(url: str, region: str) -> None:
    assert boto_client(url, region=region).list_collections()["CollectionIds"] == []


def test_where_regions_are_named_another_is_an_invalid_signature(guard: FakeGuard) -> None:
    with serving(guard, regions=("eu-west-1", "eu-test-1")) as url:
        assert boto_client(url, region="eu-west-1").list_collections()["CollectionIds"] == []
        kind, message = code(boto_client(url, region="us-east-1").list_collections)
    assert kind == "InvalidSignatureException"
    assert "valid region, 'eu-test-1', 'eu-west-1'" in message


def test_a_signature_for_one_region_is_none_for_another(url: str) -> None:
    headers = signed_headers(url, b"{}")
    headers["Authorization"] = headers["Authorization"].replace(f"/{REGION}/", "/us-east-1/")
    assert send(url, b"{}", headers).type == "InvalidSignatureException"


def test_a_session_token_is_an_unrecognized_client(url: str) -> None:
    assert code(boto_client(url, aws_session_token="x").list_collections)[0] == "UnrecognizedClientException"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_clock_that_is_off_by_six_minutes_is_an_invalid_signature(minutes: int) -> None:
    guard = FakeGuard()
    with serving(guard, now=lambda: datetime.now(UTC) + timedelta(minutes=minutes)) as url:
        kind, message = code(boto_client(url).list_collections)
    assert kind == "InvalidSignatureException"
    assert message.startswith("Signature expired" if minutes > 0 else "Signature not yet current")
    assert guard.asked == []


def test_an_altered_body_is_an_invalid_signature(url: str, guard: FakeGuard) -> None:
    guard.galleries["staff"] = []
    body = b'{"CollectionId":"staff"}'
    headers = signed_headers(url, body, "DeleteCollection")
    told = send(url, b'{"CollectionId":"other"}', headers)
    assert told.type == "InvalidSignatureException"
    assert guard.asked == []
    assert send(url, body, headers).status == 200


def test_another_operation_under_the_same_signature_is_refused(url: str, guard: FakeGuard) -> None:
    body = b'{"CollectionId":"staff"}'
    headers = signed_headers(url, body, "DescribeCollection")
    headers["X-Amz-Target"] = "RekognitionService.DeleteCollection"
    assert send(url, body, headers).type == "InvalidSignatureException"
    assert guard.asked == []


def test_no_signature_is_a_missing_token(url: str) -> None:
    headers = signed_headers(url, b"{}")
    del headers["Authorization"]
    assert send(url, b"{}", headers).type == "MissingAuthenticationTokenException"


def test_a_presigned_request_is_refused(url: str, guard: FakeGuard) -> None:
    client = boto_client(url)
    presigned = client.generate_presigned_url("list_collections", HttpMethod="POST")
    headers = signed_headers(url, b"{}")
    del headers["Authorization"]
    told = send(url, b"{}", headers, path="/" + presigned.removeprefix(url).removeprefix("/"))
    assert told.type == "InvalidSignatureException"
    assert guard.asked == []


def test_the_body_is_not_parsed_before_its_signature_is_known(url: str) -> None:
    body = b"this is no JSON"
    headers = signed_headers(url, body)
    assert send(url, body, headers).type == "SerializationException"
    headers["Authorization"] = headers["Authorization"][:-64] + "0" * 64
    assert send(url, body, headers).type == "InvalidSignatureException"


def test_the_guard_is_told_which_key_asked(client: Any, guard: FakeGuard) -> None:
    client.detect_faces(Image={"Bytes": picture("ann")})
    [(caller, _)] = guard.asked
    assert caller.access_key == ACCESS_KEY


def test_a_retry_with_a_new_date_is_taken(url: str) -> None:
    assert ask(url, b"{}").status == 200
    assert ask(url, b"{}").status == 200
