"""Every name that stands twice in an object is found, and nothing else is taken for one."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.errors import BadRequest
from countenance.said_once import check_body, check_said_once, loads

TWICE = [
    '{"a": 1, "a": 1}',
    '{"a": 1, "b": {"a": 2, "c": [0, {"x": 1, "x": 2}]}}',
    '{"a": "x:y", "a": "x:y"}',
    '{"a": ":", "a": 1}',
    r'{"a": 1, "\u0061": 2}',
    r'{"a": "\u003a", "a": 2}',
    r'{"a": 2, "a": "\u003a"}',
    '{"": 1, "": 2}',
    '[{"a": 1, "a": 2}]',
    '{"a:b": 1, "a:b": {"c": ":::"}}',
]


@pytest.mark.parametrize("text", TWICE)
def test_a_name_that_stands_twice_is_refused_by_name(text: str) -> None:
    name = "x" if '"x": 1' in text else "a:b" if "a:b" in text else "" if '"":' in text else "a"
    for check in (loads, check_body, lambda each: check_said_once(each, orjson.loads(each))):
        with pytest.raises(BadRequest, match=f"^'{name}' stands twice in one object"):
            check(text.encode())


ONCE = st.recursive(
    st.none() | st.integers(-9, 9) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(ONCE, st.booleans())
def test_what_says_each_thing_once_is_taken(value: Any, escaped: bool) -> None:
    text = json.dumps(value, ensure_ascii=escaped).encode()
    check_body(text)
    check_said_once(text, orjson.loads(text))
    assert loads(text) == value


@given(st.dictionaries(st.text(st.sampled_from('a:"\\,{}\né'), max_size=3), ONCE, min_size=1), st.data())
def test_it_is_found_among_anything(value: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(value)))
    members = [f"{json.dumps(each)}: {json.dumps(of)}" for each, of in [*value.items(), (name, 0)]]
    with pytest.raises(BadRequest, match="stands twice"):
        check_body(f"{{{', '.join(data.draw(st.permutations(members)))}}}".encode())


@pytest.mark.parametrize("text", ['{"a": NaN, "a": 1}', '{"a": 1, "a": "\\ud800"}', '{"a": 1, "a": 1e400}'])
def test_what_one_parser_refuses_and_another_reads_is_looked_at_too(text: str) -> None:
    with pytest.raises(BadRequest, match="stands twice"):
        check_body(text.encode())
    with pytest.raises(BadRequest, match="stands twice"):
        check_body(text.encode("utf-16"))


@pytest.mark.parametrize("text", ["", "{", '{"a": 1, "a"', "[" * 100_000, '{"a":' * 5000])
def test_what_is_no_json_is_left_to_others(text: str) -> None:
    check_body(text.encode())


def test_a_shown_name_is_short_and_printable() -> None:
    name = "\x1b[31m\n" + "x" * 500
    with pytest.raises(BadRequest) as refused:
        check_body(json.dumps({name: 1})[:-1].encode() + b", " + json.dumps(name).encode() + b": 2}")
    assert str(refused.value).isprintable() and len(str(refused.value)) < 200
