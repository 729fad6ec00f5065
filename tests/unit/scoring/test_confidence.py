from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.errors import BadRequest
from countenance.scoring import IDENTICAL, confidence, similarity_at_confidence


@pytest.mark.parametrize(
    ("similarity", "expected"),
    [(0, 0), (80, 0.5), (90, 0.5 + 1 / 12), (99, 0.5 + 2 / 12), (99.9, 0.75), (100, 1), (40, 0.25)],
)
def test_the_anchors_of_the_page(similarity: float, expected: float) -> None:
    assert confidence(similarity) == pytest.approx(expected, abs=1e-12)


def test_one_half_is_the_false_match_rate_of_one_in_a_thousand_exactly() -> None:
    assert confidence(80.0) == IDENTICAL == 0.5
    assert similarity_at_confidence(IDENTICAL) == 80.0
    assert confidence(math.nextafter(80.0, 0)) <= 0.5


@given(st.floats(0, 100), st.floats(0, 100))
def test_it_rises_with_similarity(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert confidence(low) <= confidence(high)
    if high - low > 1e-6:
        assert confidence(low) < confidence(high)


@given(st.floats(0, 1))
def test_there_and_back(value: float) -> None:
    assert confidence(similarity_at_confidence(value)) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("call", [confidence, similarity_at_confidence])
def test_what_is_outside_is_refused(call: object) -> None:
    for value in (-0.1, 100.1, math.nan):
        with pytest.raises(BadRequest):
            call(value)  # type: ignore[operator]
