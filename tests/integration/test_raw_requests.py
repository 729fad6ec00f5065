"""Bytes that no HTTP client sends, to the real server: each is answered or refused, and the log shows no fault."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.integration.serving import serving

HOST = b"Host: localhost\r\n"
GET = b"GET /v1/health HTTP/1.1\r\n" + HOST + b"\r\n"
JSON = b'{"gallery_id":"g"}'
POST = b"POST /v1/galleries HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = b"%x\r\n%s\r\n0\r\n" % (len(JSON), JSON)
ENDS_HERE = b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@dataclass
class Target:
    port: int
    log: Path

    def send(self, *parts: bytes) -> bytes:
        """All that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), 20) as one:
            for part in parts:
                one.sendall(part)
            got = b""
            while piece := one.recv(65536):
                got += piece
        return got


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    log = tmp_path_factory.mktemp("log") / "log"
    with serving(log.parent / "home", log) as live:
        yield Target(int(urlsplit(live.endpoint).port or 0), log)


def statuses(got: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)]


@pytest.mark.parametrize(
    "body",
    [b"zz\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"5\r\nabcdefgh\r\n", WHOLE + b"Content-Length: 1\r\n\r\n"],
    ids=["no number", "negative", "beyond 64 bits", "longer than it says", "a length in the trailer"],
)
@pytest.mark.parametrize("before", [b"", GET, GET + GET], ids=["alone", "after one", "after two"])
def test_a_body_in_malformed_chunks_is_answered_400_after_those_before_it(
    target: Target, before: bytes, body: bytes
) -> None:
    got = target.send(before + CHUNKED + body)
    assert statuses(got) == [200] * before.count(b"GET") + [400]
    assert b"the body of the request is not HTTP/1.1" in got


@pytest.mark.parametrize(
    ("status", "head"),
    [
        (400, b"GET /v1/health HTTP/1.1\r\n\r\n"),
        (400, b"GET /v1/health HTTP/1.1\r\n" + HOST + b"host: other\r\n\r\n"),
        (400, b"GET /v1/health HTTP/1.0\r\n" + HOST + HOST + b"\r\n"),
        (501, b"GET /v1/health HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        (
            400,
            b"GET /v1/health HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (400, b"GET /v1/health HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na"),
        (400, b"GET /v1/health HTTP/1.1\r\n" + HOST + b"X-A: a\r\n b\r\n\r\n"),
        (400, b"GET /v1/health HTTP/1.1\n" + HOST + b"\n"),
        (400, b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + GET),
        (505, b"GET /v1/health HTTP/2.0\r\n" + HOST + b"\r\n"),
        (505, b"GET /v1/health HTTP/0.9\r\n" + HOST + b"\r\n"),
        (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (400, b"GET /v1/health HTTP/1.9\r\n" + HOST + b"\r\n"),
        (501, b"GET /v1/health HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ],
)
def test_a_head_that_http_forbids_is_refused_and_the_connection_closed(
    target: Target, status: int, head: bytes
) -> None:
    got = target.send(head)
    assert statuses(got) == [status], got
    assert b"connection: close" in got


def test_without_a_host_http_1_0_is_served(target: Target) -> None:
    assert statuses(target.send(b"GET /v1/health HTTP/1.0\r\n\r\n")) == [200]


def test_requests_sent_ahead_within_the_limit_are_answered_before_the_rest_is_refused(target: Target) -> None:
    got = target.send(GET * 50)
    assert statuses(got) == [200] * 17 + [503]
    assert b"more than 16 requests were sent ahead of their answers" in got
    assert statuses(target.send(GET * 16 + ENDS_HERE)) == [200] * 17


def test_a_request_follows_one_that_asks_for_another_protocol(target: Target) -> None:
    asks = b"GET /v1/health HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    with socket.create_connection(("127.0.0.1", target.port), 20) as one:
        one.sendall(asks)
        assert statuses(one.recv(65536)) == [200]
        one.sendall(ENDS_HERE)
        got = b""
        while piece := one.recv(65536):
            got += piece
    assert statuses(got) == [200]


def test_what_follows_requests_and_is_not_http_leaves_no_fault_in_the_log(target: Target) -> None:
    for count in range(1, 10):
        assert statuses(target.send(GET * count + b"\0\0\0\r\n\r\n" + GET)) == [200] * count + [400]
    assert statuses(target.send(ENDS_HERE)) == [200]
    said = target.log.read_text()
    assert "Invalid HTTP request" not in said and "upgrade" not in said, "strangers must not fill the log"
    assert "RuntimeError" not in said and "Exception" not in said, said
