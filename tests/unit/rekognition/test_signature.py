from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from countenance.api.rekognition.errors import Refused
from countenance.api.rekognition.signature import Claim, claim

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
REGION = "eu-test-1"
SECRET = "secret/+="
BODY = b'{"CollectionId":"staff"}'


def signed(
    body: bytes = BODY,
    *,
    key: str = "AKTEST",
    secret: str = SECRET,
    region: str = REGION,
    service: str = "rekognition",
    at: datetime = NOW,
    more: dict[str, str] | None = None,
    token: Any = None,
) -> list[tuple[bytes, bytes]]:
    """The headers of a request that botocore signed at `at`."""
    request = AWSRequest("POST", "http://127.0.0.1:8080/", data=body)
    request.headers["Content-Type"] = "application/x-amz-json-1.1"
    request.headers["X-Amz-Target"] = "RekognitionService.DescribeCollection"
    request.headers["Host"] = "127.0.0.1:8080"
    for name, value in (more or {}).items():
        request.headers[name] = value
    signer: Any = SigV4Auth(Credentials(key, secret, token), service, region)  # its steps are in no stub
    request.context["timestamp"] = at.strftime("%Y%m%dT%H%M%SZ")
    signer._modify_request_before_signing(request)
    told = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(told, request))
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]


def claimed(headers: list[tuple[bytes, bytes]], *, query: bytes = b"", now: datetime = NOW) -> Claim:
    return claim(headers, query, regions=(REGION,), now=now)


def changed(headers: list[tuple[bytes, bytes]], name: str, change: Callable[..., Any]) -> list[tuple[bytes, bytes]]:
    return [(n, change(v) if n == name.encode() else v) for n, v in headers]


def refused(headers: list[tuple[bytes, bytes]], **options: Any) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        claimed(headers, **options)
    return caught.value.fault.type, str(caught.value)


def test_what_botocore_signed_is_proved() -> None:
    told = claimed(signed())
    assert told.access_key == "AKTEST"
    assert told.proved(BODY, SECRET)


def test_another_secret_or_another_body_is_not_proved() -> None:
    told = claimed(signed())
    assert not told.proved(BODY, SECRET + "x")
    assert not told.proved(BODY + b" ", SECRET)
    assert not told.proved(b"", SECRET)


@given(st.binary(max_size=200), st.text(st.characters(codec="latin-1", categories=("L", "N", "P")), min_size=1))
def test_any_body_and_header_text_is_proved(body: bytes, text: str) -> None:
    headers = signed(body, more={"x-amz-note": text})
    assert claimed(headers).proved(body, SECRET)


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-target", "content-type"])
def test_an_altered_signed_header_is_found(name: str) -> None:
    def alter(value: bytes) -> bytes:
        return value.replace(b"0", b"1", 1) if b"0" in value else value + b"x"

    headers = changed(signed(), name, alter)
    try:
        assert not claimed(headers).proved(BODY, SECRET)
    except Refused as error:
        assert error.fault.type == "InvalidSignatureException"


def test_headers_that_were_not_signed_do_no_harm() -> None:
    headers = [*signed(), (b"x-forwarded-for", b"10.0.0.1"), (b"amz-sdk-request", b"attempt=1; max=3")]
    assert claimed(headers).proved(BODY, SECRET)


def test_signed_user_agent_is_looked_at_though_botocore_would_not_sign_it() -> None:
    """Other clients sign headers that botocore leaves out; the list in the request counts."""
    request = AWSRequest("POST", "http://h/", data=BODY)

    class SignsAll(SigV4Auth):
        def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
            return request.headers

    for name, value in {"host": "h", "user-agent": "curl", "x-amz-date": NOW.strftime("%Y%m%dT%H%M%SZ")}.items():
        request.headers[name] = value
    request.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
    signer: Any = SignsAll(Credentials("AKTEST", SECRET), "rekognition", REGION)
    told = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(told, request))
    headers = [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
    assert claimed(headers).proved(BODY, SECRET)
    assert not claimed(changed(headers, "user-agent", lambda v: b"wget")).proved(BODY, SECRET)


def test_no_authorization_is_a_missing_token() -> None:
    assert refused([(b"host", b"h")])[0] == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    "text",
    [
        "Basic dXNlcjpwYXNz",
        "Bearer x",
        "AWS4-ECDSA-P256-SHA256 Credential=a/20260506/eu-test-1/rekognition/aws4_request, SignedHeaders=h, Signature=0",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=x",
        "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=a, Credential=b, SignedHeaders=host, Signature=" + "0" * 64,
        "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=" + "0" * 64,
        "AWS4-HMAC-SHA256 Credential=a/20260506/eu-test-1/rekognition/aws4_request, SignedHeaders=Host;host, "
        "Signature=" + "0" * 64,
        "AWS4-HMAC-SHA256 Credential=/20260506/eu-test-1/rekognition/aws4_request, SignedHeaders=host, "
        "Signature=" + "0" * 64,
    ],
)
def test_an_authorization_that_is_not_sigv4_is_incomplete(text: str) -> None:
    headers = changed(signed(), "authorization", lambda _: text.encode())
    assert refused(headers)[0] == "IncompleteSignatureException"


def test_a_signature_that_is_no_hex_is_wrong() -> None:
    headers = changed(signed(), "authorization", lambda v: v[:-64] + b"\xe9" * 64)
    assert refused(headers)[0] == "InvalidSignatureException"


def test_a_date_that_is_none_is_incomplete() -> None:
    for text in (b"", b"20260506", b"20261306T070809Z", b"Wed, 06 May 2026 07:08:09 GMT"):
        kind, _ = refused(changed(signed(), "x-amz-date", lambda _, text=text: text))
        assert kind in ("IncompleteSignatureException", "InvalidSignatureException")


def test_five_minutes_of_skew_are_taken_and_not_a_second_more() -> None:
    edge = timedelta(minutes=5)
    assert claimed(signed(at=NOW - edge)).proved(BODY, SECRET)
    assert claimed(signed(at=NOW + edge)).proved(BODY, SECRET)
    kind, message = refused(signed(at=NOW - edge - timedelta(seconds=1)))
    assert kind == "InvalidSignatureException"
    assert message == (
        "Signature expired: 20260506T070308Z is now earlier than 20260506T070309Z (20260506T070809Z - 5 min.)"
    )
    kind, message = refused(signed(at=NOW + edge + timedelta(seconds=1)))
    assert kind == "InvalidSignatureException"
    assert message.startswith("Signature not yet current: 20260506T071310Z is still later than 20260506T071309Z")


def test_another_region_or_service_in_the_scope_is_refused() -> None:
    kind, message = refused(signed(region="us-east-1"))
    assert kind == "InvalidSignatureException"
    assert "region" in message
    kind, message = refused(signed(service="s3"))
    assert kind == "InvalidSignatureException"
    assert "service" in message


def test_the_scope_names_the_day_of_the_request() -> None:
    headers = changed(signed(), "authorization", lambda v: v.replace(b"/20260506/", b"/20260505/"))
    assert refused(headers)[0] == "InvalidSignatureException"


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-target"])
def test_what_gives_a_request_its_meaning_must_be_signed(name: str) -> None:
    headers = changed(
        signed(), "authorization", lambda v: v.replace(name.encode() + b";", b"").replace(b";" + name.encode(), b"")
    )
    kind, message = refused(headers)
    assert kind == "InvalidSignatureException"
    assert "SignedHeader" in message


def test_a_signed_header_that_is_not_there_is_refused() -> None:
    headers = [(name, value) for name, value in signed() if name != b"content-type"]
    assert refused(headers)[0] == "InvalidSignatureException"


@pytest.mark.parametrize("name", ["host", "x-amz-target", "x-amz-date", "authorization", "content-type"])
def test_a_header_that_comes_twice_is_refused(name: str) -> None:
    headers = signed()
    headers += [pair for pair in headers if pair[0] == name.encode()]
    assert refused(headers)[0] == "InvalidSignatureException"


def test_a_session_token_is_refused() -> None:
    kind, message = refused(signed(token="session"))
    assert kind == "UnrecognizedClientException"
    assert "session" in message


def test_a_presigned_request_is_refused() -> None:
    query = b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=" + b"0" * 64
    assert refused(signed(), query=query)[0] == "InvalidSignatureException"
    assert refused([(b"host", b"h")], query=query)[0] == "InvalidSignatureException"


def test_a_payload_that_was_left_out_of_the_signature_is_refused() -> None:
    headers = signed(more={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    assert not claimed(headers).proved(BODY, SECRET)


def test_the_payload_hash_header_must_be_of_this_body() -> None:
    import hashlib

    headers = signed(more={"x-amz-content-sha256": hashlib.sha256(BODY).hexdigest()})
    assert claimed(headers).proved(BODY, SECRET)
    assert not claimed(headers).proved(b"{}", SECRET)
