"""Whatever is sent: a problem that says what is wrong, never a 500, never a dead server."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.native.native_world import NO_SUCH, World, request_body, world

from countenance.api.native import OPERATOR_LIMITS, document

DOCUMENT = document()
WRITES = [
    (path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method == "post"
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(
        ["identify", "now", "now+1d", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "\ud800"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def bodies(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Bodies near the schema: its names with fitting values, wild ones, missing ones and strangers."""
    if "$ref" in schema:
        return bodies(DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    if "anyOf" in schema:
        return st.one_of(*map(bodies, schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | VALUES
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        known = {name: bodies(each) | VALUES for name, each in schema["properties"].items()}
        required = {name: known[name] for name in schema.get("required", [])}
        optional = {name: each for name, each in known.items() if name not in required}
        fitting = st.fixed_dictionaries(required, optional=optional)
        return fitting | st.fixed_dictionaries({}, optional={**known, "surprise": VALUES})
    if kind == "array":
        return st.lists(bodies(schema.get("items", {})), max_size=3)
    if kind == "string" and schema.get("format") == "date-time":
        return st.datetimes().map(lambda at: at.isoformat() + "Z") | st.sampled_from(["0001-01-01T00:00:00+23:59"])
    if kind == "string" and "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True) | st.sampled_from(["identify", "arrest", "*"])
    return VALUES


def facts() -> st.SearchStrategy[Any]:
    """Descriptions near the vocabulary."""
    groups = [
        "use",
        "actor",
        "gallery",
        "subject",
        "authorisation",
        "retention",
        "model",
        "case",
        "evidence",
        "operation",
    ]
    names = ["purpose", "mode", "class_name", "powers", "kind", "granted_at", "days", "fmr", "max_penalty_years", "id"]
    return st.dictionaries(
        st.sampled_from(groups), st.dictionaries(st.sampled_from(names), VALUES, max_size=3) | VALUES, max_size=4
    )


@cache
def key_of(shared: World) -> dict[str, str]:
    made = shared.granted()
    return {"access_key": made["access_key"], "secret": made["secret"]}


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def check(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["type"].startswith("urn:countenance:problem:")
        assert {"title", "detail"} <= problem.keys()


@pytest.mark.parametrize(("path", "operation"), WRITES, ids=[path for path, _ in WRITES])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_fuzzed_bodies_never_break_the_server(
    shared: World, path: str, operation: dict[str, Any], data: st.DataObject
) -> None:
    by_key = operation["security"] == [{"key": []}]
    client = shared.faces(**key_of(shared)) if by_key else shared.client("flo does all")
    url = path.removeprefix("/v1").format(**NO_SUCH)
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    body = data.draw(bodies(schema) | VALUES)
    check(client.post(url, content=dumped(body), headers={"content-type": "application/json"}))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(described=facts(), mandate=st.booleans())
def test_fuzzed_facts_never_break_the_server(shared: World, described: Any, mandate: bool) -> None:
    if mandate:
        url, body = "/mandates", request_body(facts=described)
    else:
        url, body = "/policy/explain", {"request": {"operation": "identify", "actor": {"class_name": "x"}, **described}}
    client = shared.client("flo does all")
    check(client.post(url, content=dumped(body), headers={"content-type": "application/json"}))


@pytest.mark.parametrize(
    "path",
    [
        "/mandates/..%2f..", "/mandates/%00", "/mandates/mandate-0123456789ab%0a", "/custody/hold-x", "/nothing", "",
        "/ledger/entries/-1", "/ledger/entries/99999999999999999999999", "/ledger/entries/1e3",
        "/ledger/entries/9007199254740991",
        "/report?first=0001-01-01&last=9999-12-31x", "/mandates/", "/openapi.jsonx", "/ledger/entries/%ff",
    ],
)  # fmt: skip
def test_odd_paths_are_problems(shared: World, path: str) -> None:
    for name in ("eve audits", "flo does all"):
        answer = shared.client(name).get(path)
        check(answer)
        assert answer.status_code in (403, 404, 422)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 30_000, "application/json", 400),
        (b'{"request": {"a": ' + b"9" * 5000 + b"}}", "application/json", 400),
        (b"NaN", "application/json", 422),
        (b"", "application/json", 422),
        (b'{"request": {}}', "text/plain", 422),
        (b'{"request": {}}', "multipart/form-data", 422),
        (b'{"request": {"use": {"purpose": "\\ud800"}}}', "application/json", 400),
        (b'{"request": {"\\ud800": 1}}', "application/json", 400),
        (b'{"\\ud800": {}}', "application/json", 422),
        (b" " * 65_537, "application/json", 413),
        (b'{"request": {}, "request": {}}', "application/json", 400),
        (b'{"request": {"use": {}, "use": {}}, "x": NaN}', "application/json", 400),
        ('{"request": {}, "request": {}}'.encode("utf-16"), "application/json", 400),
    ],
)
def test_bodies_that_are_no_bodies(shared: World, content: bytes, kind: str, status: int) -> None:
    answer = shared.client("ann asks").post("/policy/explain", content=content, headers={"content-type": kind})
    check(answer)
    assert answer.status_code == status, answer.text


def test_what_was_sent_does_not_come_back_in_a_fault(shared: World) -> None:
    answer = shared.client("ann asks").post("/mandates", json=request_body(purpose="Very Private Person"))
    assert answer.status_code == 422
    assert "Private" not in answer.text
    assert answer.json()["faults"] == [{"at": "body.purpose", "says": answer.json()["faults"][0]["says"]}]


def test_an_unknown_method_is_a_405_and_head_and_options_do_no_harm(shared: World) -> None:
    client = shared.client("flo does all")
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"):
        answer = client.request(method, "/mandates")
        check(answer)
        assert answer.status_code == 405
    assert client.head("/mandates").status_code == 405


class TestLimits:
    @pytest.fixture
    def tight(self, tmp_path: Path) -> Iterator[World]:
        with world(tmp_path, limits=replace(OPERATOR_LIMITS, requests=2, body_bytes=1000, body_seconds=1.0)) as made:
            yield made

    def test_a_chunked_body_is_cut_off_and_a_slow_one_is_let_go(self, tight: World) -> None:
        client = tight.client("ann asks")
        chunks = (b"x" * 100 for _ in range(100))
        answer = client.post("/policy/explain", content=chunks, headers={"content-type": "application/json"})
        assert answer.status_code == 413
        host, port = tight.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as slow:
            slow.sendall(self._head(tight, 10) + b"{")
            assert b"408" in slow.recv(4096).split(b"\r\n")[0]

    def test_beyond_its_room_the_server_says_later_and_goes_on_afterwards(self, tight: World) -> None:
        host, port = tight.url.removeprefix("http://").split(":")
        waiting = [socket.create_connection((host, int(port)), timeout=10) for _ in range(2)]
        for each in waiting:
            each.sendall(self._head(tight, 10))
        time.sleep(0.3)
        answer = tight.client("ann asks").get("/me")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        for each in waiting:
            each.close()
        time.sleep(0.3)
        assert tight.client("ann asks").get("/me").status_code == 200

    def test_nobody_without_a_token_makes_the_server_hold_a_body(self, tight: World) -> None:
        host, port = tight.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as stranger:
            stranger.sendall(b"POST /v1/mandates HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n")
            assert b"401" in stranger.recv(4096).split(b"\r\n")[0]

    def test_no_stranger_is_waited_for(self, tight: World) -> None:
        host, port = tight.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as stranger:
            stranger.settimeout(0.9)
            stranger.sendall(b"GET /v1/health HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n")
            assert b"200" in stranger.recv(4096).split(b"\r\n")[0]

    @staticmethod
    def _head(made: World, length: int) -> bytes:
        token = made.tokens["ann asks"]
        return (
            f"POST /v1/policy/explain HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n"
            f"content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        ).encode()


def test_many_callers_at_once_are_all_answered(shared: World) -> None:
    answers: list[int] = []

    def call() -> None:
        with httpx.Client(base_url=shared.url + "/v1", trust_env=False, timeout=30, verify=False) as client:
            client.headers["authorization"] = f"Bearer {shared.tokens['ann asks']}"
            answers.extend(client.post("/mandates", json=request_body()).status_code for _ in range(5))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert answers == [201] * 40
