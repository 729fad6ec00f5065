"""Programs ask STS at their start whose key they hold: it is answered, in AWS's query protocol."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from tests.contract.rekognition.rekognition_fakes import ACCESS_KEY, REGION, SECRET, FakeGuard

GOOD = b"Action=GetCallerIdentity&Version=2011-06-15"


def sts(url: str, key: str = ACCESS_KEY, secret: str = SECRET) -> Any:
    return boto3.session.Session().client(
        "sts",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def send_form(url: str, body: bytes, service: str = "sts", **more: str) -> tuple[int, str]:
    request = AWSRequest("POST", f"{url}/", data=body)
    request.headers["Host"] = urlsplit(url).netloc
    request.headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
    SigV4Auth(Credentials(ACCESS_KEY, SECRET), service, REGION).add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request("POST", "/", body, {**dict(request.headers.items()), **more})
        answer = connection.getresponse()
        assert (answer.getheader("content-type") or "").startswith("text/xml")
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_boto3_learns_whose_key_it_holds(url: str, guard: FakeGuard) -> None:
    answer = sts(url).get_caller_identity()
    assert answer["Account"] == "000000000000"
    assert answer["UserId"] == ACCESS_KEY
    assert answer["Arn"] == f"arn:aws:iam::000000000000:user/{ACCESS_KEY}"
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36
    assert guard.asked == [], "no face is used, so the guard is not asked"


@pytest.mark.parametrize(
    ("key", "secret", "error"),
    [(ACCESS_KEY, "another", "SignatureDoesNotMatch"), ("AKNOBODY", SECRET, "InvalidClientTokenId")],
)
def test_a_wrong_key_is_told_in_the_words_of_sts(url: str, key: str, secret: str, error: str) -> None:
    with pytest.raises(ClientError) as caught:
        sts(url, key, secret).get_caller_identity()
    assert caught.value.response["Error"]["Code"] == error
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_other_operations_of_sts_are_not_served(url: str) -> None:
    with pytest.raises(ClientError) as caught:
        sts(url).get_session_token()
    assert caught.value.response["Error"]["Code"] == "InvalidAction"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Action=GetCallerIdentity",
        b"Version=2011-06-15",
        b"Action=GetCallerIdentity&Version=2010-01-01",
        b"Action=AssumeRole&Version=2011-06-15",
        b"\xff\xfe=1",
        b"&".join(b"a%d=1" % n for n in range(17)),
        b'Action=<x>&Version="]]>',
        GOOD + b"&Action=AssumeRole",
    ],
)
def test_a_form_that_asks_for_something_else_is_an_invalid_action(url: str, body: bytes) -> None:
    status, text = send_form(url, body)
    assert (status, "<Code>InvalidAction</Code>" in text) == (400, True)


def test_a_form_must_be_signed_for_sts_as_it_is_and_small(url: str) -> None:
    assert send_form(url, GOOD)[0] == 200
    assert send_form(url, GOOD, service="rekognition")[0] == 403
    assert send_form(url, GOOD, Authorization="AWS4-HMAC-SHA256 nonsense")[0] == 400
    status, text = send_form(url, b"a" * 20_000)
    assert (status, "RequestEntityTooLarge" in text) == (413, True)


def test_a_key_signed_for_sts_opens_nothing_else(url: str, guard: FakeGuard) -> None:
    body = b"{}"
    request = AWSRequest("POST", f"{url}/", data=body)
    request.headers["Host"] = urlsplit(url).netloc
    request.headers["Content-Type"] = "application/x-amz-json-1.1"
    request.headers["X-Amz-Target"] = "RekognitionService.ListCollections"
    SigV4Auth(Credentials(ACCESS_KEY, SECRET), "sts", REGION).add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("POST", "/", body, dict(request.headers.items()))
    answer = connection.getresponse()
    assert b"InvalidSignatureException" in answer.read()
    connection.close()
    assert guard.asked == []
