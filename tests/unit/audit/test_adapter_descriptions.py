"""Descriptions of services: every wrong one is an error that names its key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.audit.sources.live.adapter.description import AnswerRule, CallRequest, read_adapter, shipped
from countenance.audit.sources.live.adapter.json_path import ABSENT, found_at, outline, steps_of
from countenance.audit.sources.live.adapter.sending import build
from countenance.errors import BadRequest, NotFound

GOOD = """
name = "Vendor"
checked = "by hand"
endpoint = "https://api.example.com"
calls_per_second = 2.0
[price]
currency = "EUR"
per_call = 0.01
source = "a page"
status = "checked"
[[secrets]]
variable = "VENDOR_KEY"
name = "x-key"
[compare]
score = "data.score"
direction = "similarity"
[compare.request]
path = "/compare"
body = "json"
json = '{"a": "{first}", "b": ["{second}"]}'
[detect]
faces = "faces"
[detect.request]
path = "/detect"
body = "binary"
[[detect.rules.no_face]]
status = [404]
"""


def test_the_good_one_is_read(tmp_path: Path) -> None:
    (tmp_path / "v.toml").write_text(GOOD)
    found = read_adapter("v.toml", tmp_path)
    assert list(found.adapter.calls) == ["detect", "compare"] and found.file == "v.toml" and len(found.sha256) == 64


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('score = "data.score"', "", r"v\.toml\.compare lacks the field 'score'"),
        ('score = "data.score"', "score = 3", r"v\.toml\.compare\.score is a text, got 3"),
        ('score = "data.score"', 'score = "data..score"', r"v\.toml\.compare: score: 'data\.\.score' is no path"),
        ('score = "data.score"', 'scor = "x"', r"v\.toml\.compare has no field 'scor'; its fields are request, score"),
        ('direction = "similarity"', 'direction = "up"', r"v\.toml\.compare\.direction is one of similarity, distance"),
        ('body = "binary"', 'body = "xml"', r"v\.toml\.detect\.request\.body is one of multipart, json, form, binary"),
        ("{second}", "{url}", r"v\.toml\.compare: request\.json says 'url'; what can be sent here is first, .*no URL"),
        ("{second}", "https://x/y.jpg", r"v\.toml\.compare: request sends no second picture"),
        ('"b": ["{second}"]', '"b": ', r"v\.toml\.compare\.request: json is no JSON"),
        ('path = "/detect"', 'path = "detect"', r"v\.toml\.detect\.request: path starts with /"),
        ('path = "/detect"', 'path = "/d?key=1"', r"v\.toml\.detect\.request: path starts with /"),
        ("status = [404]", "", r"v\.toml\.detect\.rules\.no_face\[0\]: a rule needs one of"),
        ("status = [404]", 'path = "a["\nabsent = true', r"v\.toml\.detect\.rules\.no_face\[0\]: path: 'a\['"),
        ('endpoint = "https://api.example.com"', 'endpoint = "file:///etc"', r"v\.toml: endpoint is an address"),
        ('endpoint = "https://api.example.com"', 'endpoint = "https://u:p@x"', r"v\.toml: endpoint is an address"),
        ('endpoint = "https://api.example.com"', 'endpoint = "http://[x"', r"v\.toml: endpoint is an address"),
        ("calls_per_second = 2.0", "calls_per_second = 0", r"v\.toml: calls_per_second is above 0"),
        ("per_call = 0.01", "per_call = -1", r"v\.toml: price\.per_call is 0 or more"),
        ('variable = "VENDOR_KEY"', 'variable = "sk-123"', r"v\.toml\.secrets\[0\]: variable is a name such as"),
        (
            'name = "x-key"',
            'name = "x-key"\ninto = "field"',
            r"v\.toml: secrets\.into = 'field' needs a form, but detect",
        ),
        ('faces = "faces"', 'faces = "faces"\nbox = ["w"]', r"v\.toml\.detect: box has 2 paths"),
        ('faces = "faces"', 'faces = "faces"\nclasses = { A = "b" }', r"v\.toml\.detect: classes needs predicted"),
        ("{first}", "{first_token}", r"v\.toml: compare\.request sends handles of faces, so detect\.token"),
        ('name = "Vendor"', 'name = "Ven', r"v\.toml is no TOML"),
    ],
)
def test_a_wrong_one_names_its_key(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in GOOD
    (tmp_path / "v.toml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(BadRequest, match=words):
        read_adapter("v.toml", tmp_path)


def test_a_name_that_is_none_lists_what_ships(tmp_path: Path) -> None:
    for name in ("nobody", "../shipped/facepp", "v.toml"):
        with pytest.raises(NotFound, match="compreface, deepface"):
            read_adapter(name, tmp_path)


def test_every_shipped_one_says_how_it_was_checked_and_what_it_costs() -> None:
    assert len(shipped()) == 8
    for name in shipped():
        adapter = read_adapter(name, Path()).adapter
        assert adapter.checked and adapter.price.source and adapter.price.status


def test_paths() -> None:
    said = {"a": [{"b.c": {"d": 0}}], "0": "zero", "n": None}
    assert found_at(said, 'a[0]["b.c"].d') == 0 and found_at(said, "") == said and found_at(said, "0") == "zero"
    assert found_at(said, "n") is None
    for path in ("a[1]", "a.b", "x", "a[0].b", "n.x", "[0]"):
        assert found_at(said, path) is ABSENT
    for wrong in ("a.", ".a", "a..b", "a[", "a[-1]", "a]", '["x', "a b[x]"):
        with pytest.raises(ValueError, match="is no path"):
            steps_of(wrong)
    assert outline([{"b": 1, "a": "secret"}]) == "a list of 1, the first a table with a, b"


def test_a_rule_about_what_is_absent_stands_alone() -> None:
    with pytest.raises(ValueError, match="absent stands alone"):
        AnswerRule(path="a", absent=True, equals=("x",))


@given(st.text(), st.binary())
def test_whatever_is_put_in_stays_one_text(token: str, image: bytes) -> None:
    request = CallRequest("/x", "json", json='{"a": "{first_token}", "b": "{first}", "c": 1}')
    body = json.loads(build("http://h", request, {"first": image}, {"first_token": token}, {}).body)
    assert body["a"] == token and set(body) == {"a", "b", "c"}
