"""Entries: canonical, sized, dated, and silent about what is private."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.errors import BadRequest
from countenance.ledger import Entry
from countenance.ledger.entries import Opening, compose, draft, say, timestamp
from countenance.signing import JSON, canonical

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
EXACT = 2**53 - 1  # beyond it, canonical JSON writes a float as digits that Python reads as another whole number
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-EXACT, EXACT) | st.floats(-EXACT, EXACT) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, JSON_VALUES, max_size=4))
def test_an_entry_is_one_line_of_canonical_json_that_reads_back(fields: dict[str, JSON]) -> None:
    public: dict[str, JSON] = {**{f"x{k}": v for k, v in fields.items()}, "kind": "note"}
    text = compose(draft(public, None), {}, 7, "2026-01-01T00:00:00.000000Z")
    assert text.encode() == canonical({**public, "sequence": 7, "time": "2026-01-01T00:00:00.000000Z"})
    assert "\n" not in text
    entry = Entry.parse(text)
    assert (entry.sequence, entry.kind, entry.time) == (7, "note", "2026-01-01T00:00:00.000000Z")
    assert {k: v for k, v in entry.fields.items() if k not in ("sequence", "time")} == public


def test_members_stand_in_the_order_of_utf_16_not_of_code_points() -> None:
    public: dict[str, JSON] = {"kind": "note", "\U0001f600": 1, "\ufb33": 2}
    text = compose(draft(public, None), {}, 7, "t")
    assert text.encode() == canonical({**public, "sequence": 7, "time": "t"})
    assert text.index("\U0001f600") < text.index("\ufb33")


def test_a_private_value_is_a_salted_commitment_and_nothing_else() -> None:
    drafted = draft({"kind": "decision"}, {"gallery": "lost-children", "n": [1, 2]})
    openings = [Opening(name, name.encode() * 4, value) for name, value in drafted.private.items()]
    text = compose(drafted, {o.name: o.commitment for o in openings}, 0, "t")
    assert "lost-children" not in text
    assert Entry.parse(text).commitments["gallery"] == hashlib.sha256(b"gallery" * 4 + b'"lost-children"').hexdigest()
    assert Entry.parse(text).commitments["n"] == hashlib.sha256(b"nnnn[1,2]").hexdigest()


@pytest.mark.parametrize(
    "public", [{}, {"kind": ""}, {"kind": 3}, {"kind": "key"}, {"kind": "clock"}, {"kind": "erasure"}]
)
def test_a_kind_is_needed_and_the_ledgers_own_are_not_for_others(public: dict[str, JSON]) -> None:
    with pytest.raises(ValueError, match="kind"):
        draft(public, None)


@pytest.mark.parametrize("name", ["sequence", "time", "commitments"])
def test_the_ledgers_own_fields_are_not_for_others(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        draft({"kind": "note", name: 1}, None)


@pytest.mark.parametrize("decision", [None, "3", -1, True, 3.0])
def test_a_result_names_its_decision_by_index(decision: Any) -> None:
    with pytest.raises(ValueError, match="index"):
        draft({"kind": "result", "decision": decision}, None)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**53, "\ud800", {1: 2}, {"\ud800": 1}, b"bytes", {1, 2}], ids=repr
)
def test_what_canonical_json_cannot_say_is_a_bad_request(value: Any) -> None:
    with pytest.raises(BadRequest):
        draft({"kind": "note", "x": value}, None)
    with pytest.raises(BadRequest):
        draft({"kind": "note"}, {"x": value})


@pytest.mark.parametrize("name", [1, None, b"x", "\ud800"], ids=repr)
def test_a_name_that_is_no_text_is_a_bad_request(name: Any) -> None:
    with pytest.raises(BadRequest):
        draft({"kind": "note", name: 1}, None)
    with pytest.raises(BadRequest):
        draft({"kind": "note"}, {name: 1})


def test_what_its_maker_changes_later_does_not_change_a_draft() -> None:
    clauses: list[JSON] = ["a"]
    drafted = draft({"kind": "decision", "clauses": clauses}, {"who": clauses})
    before = compose(drafted, {}, 0, "t")
    clauses.append("b")
    assert compose(drafted, {}, 0, "t") == before
    assert drafted.private == {"who": '["a"]'}


def test_a_value_nested_too_deeply_is_a_bad_request() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadRequest):
        draft({"kind": "note", "x": deep}, None)


def test_an_entry_has_room_for_65535_bytes() -> None:
    last = timestamp(datetime.max.replace(tzinfo=UTC))
    empty = compose(draft({"kind": "note", "x": ""}, None), {}, 2**53 - 1, last, after_checkpoint=True)
    room = 65_535 - len(empty)
    draft({"kind": "note", "x": "y" * room}, None)
    with pytest.raises(BadRequest, match="65535"):
        draft({"kind": "note", "x": "y" * (room + 1)}, None)
    with pytest.raises(BadRequest, match="65535"):
        draft({"kind": "note", "x": "y" * room}, {"private": 1})
    draft({"kind": "note", "x": "é" * (room // 2)}, None)
    with pytest.raises(BadRequest, match="65535"):
        draft({"kind": "note", "x": "é" * (room // 2), "z": 1}, None)


def test_a_private_value_has_room_for_65535_bytes() -> None:
    longest = "y" * (65_535 - 2)  # and its quotation marks
    assert len(draft({"kind": "note"}, {"x": longest}).private["x"]) == 65_535
    assert say(longest) == f'"{longest}"'
    with pytest.raises(BadRequest, match="room for 65535 bytes, this one takes 65536"):
        draft({"kind": "note"}, {"x": longest + "y"})


@pytest.mark.parametrize(
    ("public", "opens"),
    [
        ({"kind": "decision", "verdict": "permit"}, True),
        ({"kind": "decision"}, True),
        ({"kind": "decision", "verdict": "deny"}, False),
        ({"kind": "decision", "verdict": "undetermined"}, False),
        ({"kind": "note"}, False),
    ],
)
def test_a_decision_waits_for_its_result_unless_it_did_not_permit(public: dict[str, JSON], opens: bool) -> None:
    assert draft(public, None).opens is opens


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_of_two_moments_the_later_sorts_after_the_earlier(a: datetime, b: datetime) -> None:
    assert (timestamp(a) < timestamp(b)) == (a < b)
    assert datetime.fromisoformat(timestamp(a)) == a


def test_moments_are_written_in_utc_and_need_a_zone() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert timestamp(datetime(2026, 1, 1, 9, tzinfo=tokyo)) == "2026-01-01T00:00:00.000000Z"
    with pytest.raises(ValueError, match="zone"):
        timestamp(datetime(2026, 1, 1))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        "{}",
        '{"kind":"x","sequence":"1","time":"t"}',
        '{"kind":"x","sequence":true,"time":"t"}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_entry_is_a_bad_request(text: str) -> None:
    with pytest.raises(BadRequest):
        Entry.parse(text)


def test_an_entrys_fields_cannot_be_altered_in_place() -> None:
    entry = Entry.parse(json.dumps({"kind": "x", "sequence": 0, "time": "t"}))
    with pytest.raises(TypeError):
        entry.fields["kind"] = "y"  # type: ignore[index]
