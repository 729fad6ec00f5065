"""Whatever is sent, the answer is the error type that an AWS client expects, never a 500, and the server lives on."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from tests.contract.rekognition.rekognition_fakes import FakeGuard, boto_client, picture, serving
from tests.contract.rekognition.wire import ask, send, signed_headers

from countenance.api.rekognition import LIMITS
from countenance.api.rekognition.shapes import load_model

FACE_ID = "01234567-89ab-cdef-0123-456789abcdef"
SERVED = [
    "CreateCollection", "DescribeCollection", "ListCollections", "DeleteCollection", "IndexFaces", "ListFaces",
    "DeleteFaces", "SearchFaces", "SearchFacesByImage", "CompareFaces", "DetectFaces", "CreateUser", "DeleteUser",
    "ListUsers", "AssociateFaces", "DisassociateFaces", "SearchUsers", "SearchUsersByImage",
]  # fmt: skip


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[FakeGuard, str]]:
    """One guard and one server for the tests that only send."""
    guard = FakeGuard()
    with serving(guard) as url:
        yield guard, url


@pytest.fixture
def lasting(shared: tuple[FakeGuard, str]) -> Iterator[str]:
    _, url = shared
    yield url
    assert ask(url, b"{}").status == 200, "the server must live on"


def image(content: Any) -> Any:
    return {"Bytes": base64.b64encode(content).decode()}


@pytest.mark.parametrize(
    ("operation", "value", "kind"),
    [
        ("SearchFaces", f'{{"CollectionId":"a","FaceId":"{FACE_ID}","FaceMatchThreshold":NaN}}', "Serialization"),
        ("SearchFaces", f'{{"CollectionId":"a","FaceId":"{FACE_ID}","FaceMatchThreshold":-Infinity}}', "Serialization"),
        ("SearchFaces", f'{{"CollectionId":"a","FaceId":"{FACE_ID}","FaceMatchThreshold":1e999}}', "Serialization"),
        ("SearchFaces", f'{{"CollectionId":"a","FaceId":"{FACE_ID}","FaceMatchThreshold":101}}', "InvalidParameter"),
        ("SearchFaces", f'{{"CollectionId":"a","FaceId":"{FACE_ID}","FaceMatchThreshold":"NaN"}}', "Serialization"),
        ("SearchFaces", f'{{"CollectionId":"a","FaceId":"../{FACE_ID[3:]}"}}', "InvalidParameter"),
        ("DescribeCollection", '{"CollectionId":"../../etc/passwd"}', "InvalidParameter"),
        ("DescribeCollection", '{"CollectionId":"a\\u0000b"}', "InvalidParameter"),
        ("DescribeCollection", '{"CollectionId":"%s"}' % ("a" * 256), "InvalidParameter"),
        ("DescribeCollection", '{"CollectionId":"a","Sudo":true}', "InvalidParameter"),
        ("DescribeCollection", '{"CollectionId":"a","CollectionId":"b"}', "InvalidParameter"),
        ("DescribeCollection", '{"CollectionId":"b","Collection\\u0049d":"a"}', "InvalidParameter"),
        ("DescribeCollection", '{"CollectionId":"a\\n"}', "InvalidParameter"),
        ("DescribeCollection", '{"CollectionId":"a\\r\\nx: y"}', "InvalidParameter"),
        ("CreateUser", '{"CollectionId":"a","UserId":"a\\u001b"}', "InvalidParameter"),
        ("CreateUser", '{"CollectionId":"a","UserId":"a\\n"}', "InvalidParameter"),
        ("DescribeCollection", "", "Serialization"),
        ("DescribeCollection", "[]", "Serialization"),
        ("DescribeCollection", '"CollectionId"', "Serialization"),
        ("DescribeCollection", "{}", "InvalidParameter"),
        ("DescribeCollection", "[" * 200_000, "Serialization"),
        ("DescribeCollection", '{"CollectionId":' * 900 + "1" + "}" * 900, "Serialization"),
        ("DescribeCollection", '{"CollectionId":"' + "\\u0041" * 2_000_000 + '"}', "InvalidParameter"),
        ("ListCollections", "[" + "[]," * 4_000_000 + "0]", "Serialization"),
        ("ListCollections", '{"MaxResults":' + "9" * 5_000 + "}", "Serialization"),
        ("ListCollections", '{"NextToken":"forged"}', "InvalidPaginationToken"),
        ("DetectFaces", json.dumps({"Image": {"Bytes": "not base64!"}}), "Serialization"),
        ("DetectFaces", json.dumps({"Image": {}}), "InvalidParameter"),
        ("DetectFaces", json.dumps({"Image": image(b"GIF89a")}), "InvalidImageFormat"),
        ("DetectFaces", json.dumps({"Image": image(picture("ann")[:-3])}), "InvalidImageFormat"),
        ("DetectFaces", json.dumps({"Image": image(b"")}), "InvalidParameter"),
        ("DetectFaces", json.dumps({"Image": image(b"\xff\xd8\xff" + bytes(6_000_000))}), "ImageTooLarge"),
        ("DetectFaces", json.dumps({"Image": image(bytes(14_000_000))}), "ImageTooLarge"),
        ("DeleteFaces", json.dumps({"CollectionId": "a", "FaceIds": ["x" * 17_000_000]}), "RequestEntityTooLarge"),
        ("CreateUser", '{"CollectionId":"a","UserId":"a b"}', "InvalidParameter"),
        ("CreateUser", '{"CollectionId":"a","UserId":"%s"}' % ("a" * 129), "InvalidParameter"),
        ("CreateUser", '{"CollectionId":"a","UserId":""}', "InvalidParameter"),
        ("CreateUser", '{"CollectionId":"a"}', "InvalidParameter"),
        ("CreateUser", '{"CollectionId":"a","UserId":"a","ClientRequestToken":"a b"}', "InvalidParameter"),
        ("CreateUser", '{"CollectionId":"a","UserId":"a","ClientRequestToken":"%s"}' % ("a" * 65), "InvalidParameter"),
        ("CreateUser", '{"CollectionId":"none","UserId":"a"}', "ResourceNotFound"),
        ("ListUsers", '{"CollectionId":"a","MaxResults":0}', "InvalidParameter"),
        ("ListUsers", '{"CollectionId":"a","MaxResults":501}', "InvalidParameter"),
        ("ListUsers", '{"CollectionId":"a","NextToken":"forged"}', "InvalidPaginationToken"),
        ("AssociateFaces", json.dumps({"CollectionId": "a", "UserId": "a", "FaceIds": []}), "InvalidParameter"),
        (
            "AssociateFaces",
            json.dumps({"CollectionId": "a", "UserId": "a", "FaceIds": [FACE_ID] * 101}),
            "InvalidParameter",
        ),
        (
            "AssociateFaces",
            json.dumps({"CollectionId": "a", "UserId": "a", "FaceIds": [FACE_ID], "UserMatchThreshold": 101}),
            "InvalidParameter",
        ),
        (
            "DisassociateFaces",
            json.dumps({"CollectionId": "a", "UserId": "a", "FaceIds": [FACE_ID] * 101}),
            "InvalidParameter",
        ),
        ("SearchUsers", '{"CollectionId":"a"}', "InvalidParameter"),
        ("SearchUsers", f'{{"CollectionId":"a","UserId":"a","FaceId":"{FACE_ID}"}}', "InvalidParameter"),
        ("SearchUsers", '{"CollectionId":"a","UserId":"a","MaxUsers":0}', "InvalidParameter"),
        ("SearchUsers", '{"CollectionId":"a","UserId":"a","MaxUsers":501}', "InvalidParameter"),
        ("SearchUsersByImage", json.dumps({"CollectionId": "a", "Image": image(b"GIF")}), "ResourceNotFound"),
        ("DetectFaces", json.dumps({"Image": {"S3Object": {"Bucket": "photos", "Name": "../x"}}}), "InvalidS3Object"),
        ("DetectFaces", json.dumps({"Image": {"S3Object": {"Bucket": "photos", "Name": "a\0"}}}), "InvalidS3Object"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_bad_bodies_get_their_aws_error(lasting: str, operation: str, value: str, kind: str) -> None:
    told = ask(lasting, value.encode(), operation)
    assert told.type == f"{kind}Exception"
    assert 400 <= told.status < 500
    assert set(told.body) == {"__type", "message"}
    assert len(told.headers["x-amzn-requestid"]) == 36


def test_a_member_that_stands_twice_is_named(lasting: str) -> None:
    told = ask(lasting, b'{"CollectionId":"a","CollectionId":"b"}', "DescribeCollection")
    assert told.body["message"].startswith("'CollectionId' stands twice in one object")


def test_boto3_sends_nan_and_is_told(lasting: str) -> None:
    client = boto_client(lasting)
    with pytest.raises(client.exceptions.ClientError) as caught:
        client.search_faces(CollectionId="a", FaceId=FACE_ID, FaceMatchThreshold=float("nan"))
    assert caught.value.response["Error"]["Code"] == "SerializationException"


def test_boto3_sends_six_megabytes_and_is_told(lasting: str) -> None:
    client = boto_client(lasting)
    for size in (6_000_000, 20_000_000):  # the second is more than a body may hold
        with pytest.raises(client.exceptions.ImageTooLargeException):
            client.detect_faces(Image={"Bytes": b"\xff\xd8\xff" + bytes(size)})


@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [
        ({"X_Amz_Target": "RekognitionService.Nope"}, 400, "UnknownOperationException"),
        ({"X_Amz_Target": "DynamoDB_20120810.ListTables"}, 400, "UnknownOperationException"),
        ({"X_Amz_Target": ""}, 400, "UnknownOperationException"),
        ({"X_Amz_Target": "RekognitionService.DetectLabels"}, 400, "UnknownOperationException"),
        ({"Content_Type": "application/json"}, 400, "SerializationException"),
        ({"Content_Type": "text/plain"}, 400, "SerializationException"),
        ({"Content_Encoding": "gzip"}, 400, "SerializationException"),
    ],
)
def test_bad_headers_get_their_aws_error(lasting: str, change: dict[str, str], status: int, kind: str) -> None:
    told = ask(lasting, b"{}", **change)
    assert (told.status, told.type) == (status, kind)


def test_the_content_type_may_have_parameters(lasting: str) -> None:
    assert ask(lasting, b"{}", Content_Type="application/x-amz-json-1.1; charset=utf-8").status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("PUT", "/"), ("DELETE", "/"), ("POST", "/x"), ("POST", "//"), ("POST", "/../x"), ("OPTIONS", "/")],
)
def test_other_methods_and_paths_are_unknown_operations(lasting: str, method: str, path: str) -> None:
    headers = signed_headers(lasting, b"{}")
    told = send(lasting, b"{}", headers, method, path)
    assert (told.status, told.type) == (404, "UnknownOperationException")


def test_a_body_in_chunks_is_taken_and_bounded(lasting: str) -> None:
    headers = signed_headers(lasting, b"{}")
    assert send(lasting, iter([b"{", b"}"]), headers).status == 200
    headers = signed_headers(lasting, b"{}", "DeleteFaces")
    too_much = (b"x" * 1_000_000 for _ in range(18))
    told = send(lasting, too_much, headers)
    assert (told.status, told.type) == (413, "RequestEntityTooLargeException")


def raw(url: str, head: bytes) -> socket.socket:
    host, port = urlsplit(url).netloc.split(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    connection.sendall(head)
    return connection


def head_of(url: str, body: bytes, length: int | None = None, **more: str) -> bytes:
    headers = signed_headers(url, body, **more)
    headers["Content-Length"] = str(len(body) if length is None else length)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST / HTTP/1.1\r\n{lines}\r\n".encode()


def answer_of(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    with connection, connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        headers = {}
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, json.loads(stream.read(int(headers["content-length"])))


def test_a_body_that_does_not_come_is_given_up(guard: FakeGuard) -> None:
    with serving(guard, limits=replace(LIMITS, body_seconds=0.3)) as url:
        status, body = answer_of(raw(url, head_of(url, b"{}")))
        assert (status, body["__type"]) == (408, "RequestTimeoutException")
        slow = raw(url, head_of(url, b"{}"))
        slow.sendall(b"{")
        assert answer_of(slow)[0] == 408
        assert ask(url, b"{}").status == 200


def test_a_client_that_hangs_up_leaves_nothing_behind(guard: FakeGuard) -> None:
    with serving(guard, limits=replace(LIMITS, requests=1)) as url:
        for _ in range(5):
            raw(url, head_of(url, b"{}", 10)).close()
        deadline = time.monotonic() + 10
        while ask(url, b"{}").status != 200:
            assert time.monotonic() < deadline


def test_half_a_request_is_never_carried_out(guard: FakeGuard) -> None:
    with serving(guard) as url:
        half = raw(url, head_of(url, b"{}", 10) + b"{}")  # signed and parseable, but more was announced
        time.sleep(0.3)
        half.close()
        time.sleep(0.3)
        assert guard.asked == []
        assert ask(url, b"{}").status == 200
        assert len(guard.asked) == 1


def test_slow_bodies_do_not_keep_others_from_being_answered(guard: FakeGuard) -> None:
    with serving(guard) as url:
        waiting = [raw(url, head_of(url, b"{}")) for _ in range(20)]
        assert ask(url, b"{}").status == 200
        for connection in waiting:
            connection.sendall(b"{}")
            assert answer_of(connection)[0] == 200


def test_more_requests_than_fit_are_told_to_slow_down_before_their_body_is_read(guard: FakeGuard) -> None:
    guard.wait = threading.Event()
    with serving(guard, threads=1, limits=replace(LIMITS, requests=2)) as url:
        inside = [raw(url, head_of(url, b"{}") + b"{}") for _ in range(2)]
        deadline = time.monotonic() + 10
        while not guard.asked:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.2)
        status, body = answer_of(raw(url, head_of(url, b"{}", 16_000_000)))  # not one byte of the body is sent
        assert (status, body["__type"]) == (503, "ThrottlingException")
        client = boto_client(url)
        with pytest.raises(client.exceptions.ThrottlingException):
            client.list_collections()
        guard.wait.set()
        assert [answer_of(connection)[0] for connection in inside] == [200, 200]
        assert ask(url, b"{}").status == 200


def test_bodies_together_are_bounded(guard: FakeGuard) -> None:
    with serving(guard, limits=replace(LIMITS, held_bytes=20 * 1024 * 1024)) as url:
        first = raw(url, head_of(url, b"{}", 16_000_000))
        time.sleep(0.3)
        status, body = answer_of(raw(url, head_of(url, b"{}", 16_000_000)))
        assert (status, body["__type"]) == (503, "ThrottlingException")
        assert ask(url, b"{}").status == 200
        first.close()


def test_nobody_without_a_known_key_makes_the_server_wait_for_a_body(guard: FakeGuard) -> None:
    with serving(guard) as url:
        status, body = answer_of(raw(url, head_of(url, b"{}", 16_000_000, key="AKNOBODY")))
        assert (status, body["__type"]) == (400, "UnrecognizedClientException")


def test_both_http_parsers_of_uvicorn_answer_before_the_body_came(guard: FakeGuard) -> None:
    with serving(guard, http="h11") as url:
        client = boto_client(url)
        with pytest.raises(client.exceptions.ImageTooLargeException):
            client.detect_faces(Image={"Bytes": b"\xff\xd8\xff" + bytes(20_000_000)})
        assert client.list_collections()["CollectionIds"] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(FACE_ID),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def near(shape: Any) -> SearchStrategy[Any]:
    """Values that nearly keep to `shape`, so that the fuzz gets past the first check."""
    kind = shape.type_name
    good: SearchStrategy[Any]
    if kind == "structure":
        members = {name: near(member) for name, member in shape.members.items()}
        required = {name: members.pop(name) for name in shape.required_members}
        good = st.fixed_dictionaries(required, optional=members)
    elif kind == "list":
        good = st.lists(near(shape.member), max_size=3)
    elif kind == "map":
        good = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)
    elif kind == "blob":
        good = st.binary(max_size=30).map(lambda b: base64.b64encode(b).decode()) | st.just(
            base64.b64encode(picture("ann", "bob")).decode()
        )
    elif kind == "string":
        enum = shape.metadata.get("enum")
        good = (
            st.sampled_from(enum) if enum else st.sampled_from(["staff", FACE_ID, "a", "photos"]) | st.text(max_size=9)
        )
    elif kind == "boolean":
        good = st.booleans()
    else:
        good = st.integers(-2, 5000) | st.floats(0, 100)
    return st.one_of(good, good, good, good, JSON)


MODEL = load_model()
REQUEST = st.sampled_from(SERVED).flatmap(
    lambda operation: st.tuples(st.just(operation), near(MODEL.operation_model(operation).input_shape))
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(REQUEST)
def test_random_requests_never_make_a_500(shared: tuple[FakeGuard, str], request_: tuple[Any, ...]) -> None:
    guard, url = shared
    guard.galleries.setdefault("staff", [])
    guard.users.setdefault("staff", ["staff"])
    operation, value = request_
    told = ask(url, json.dumps(value).encode(), operation)
    assert told.status == 200 or (400 <= told.status < 500 and (told.type or "").endswith("Exception")), told


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SERVED), st.binary(max_size=200))
def test_random_bytes_never_make_a_500(shared: tuple[FakeGuard, str], operation: str, body: bytes) -> None:
    _, url = shared
    told = ask(url, body, operation)
    assert told.status == 200 or 400 <= told.status < 500
