"""Below the floor a similarity says in which quarter it lies, and nothing else."""

from __future__ import annotations

import pytest

from countenance.scoring import coarse


@pytest.mark.parametrize(
    ("exact", "told"),
    [(0.0, 0.0), (24.99, 0.0), (25.0, 25.0), (74.99, 50.0), (75.0, 75.0), (80.3, 80.3), (100.0, 100.0)],
)
def test_a_similarity_is_rounded_down_to_a_quarter_below_75(exact: float, told: float) -> None:
    assert coarse(exact) == told
