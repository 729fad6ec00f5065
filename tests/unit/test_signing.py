"""Canonical JSON is RFC 8785's, whichever way it is written."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from countenance.policy.enums import Action
from countenance.signing import canonical

TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8")),
    st.text(st.characters(codec="utf-8", max_codepoint=0x9F)),
    st.text(st.characters(codec="utf-8", min_codepoint=0xD7F0)),
)
NUMBERS = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-1e16, 1e16),
    st.floats(-1e-2, 1e-2),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(TEXTS, inner, max_size=5)),
    max_leaves=20,
)


@settings(max_examples=2000, deadline=None)
@given(VALUES)
def test_every_value_is_written_as_the_rfc_has_it(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [1.0, -0.0, 0.0, 1e21, 1e-7, 1e-3, 0.0009, 1e15, 123456789012345.6, 5e-324, {"\ue000": 1, "\U0001f600": 2},
     {"b": 1, "a": 2, "A": 3}, ("a", 1), "\x00\x1f\x7f\u2028\"\\/", [[]], {}, Action.READ, True],
)  # fmt: skip
def test_the_edges_are_written_as_the_rfc_has_them(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**53, -(2**53), "\ud800", {"\ud800": 1}, {1: 2}, object()]
)
def test_what_the_rfc_cannot_say_is_refused(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        canonical(value)
