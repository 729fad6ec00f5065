"""Below the floor a similarity says that it is below, and nothing else."""

from __future__ import annotations

import pytest

from countenance.scoring import coarse, least_coarse, ranked, stepped


@pytest.mark.parametrize(
    ("exact", "told"),
    [(0.0, 0.0), (24.99, 0.0), (74.99, 0.0), (75.0, 75.0), (80.3, 80.3), (100.0, 100.0)],
)
def test_below_75_nothing_is_told_of_a_similarity(exact: float, told: float) -> None:
    assert coarse(exact) == told


def test_below_a_threshold_a_similarity_tells_its_side_of_75_only_however_high_it_is() -> None:
    assert [stepped(each) for each in (98.9, 75.0, 74.9, 3.0)] == [75.0, 75.0, 0.0, 0.0]


@pytest.mark.parametrize(("threshold", "least"), [(0.0, 0.0), (0.1, 75.0), (60.0, 75.0), (75.0, 75.0), (80.5, 80.5)])
def test_a_threshold_below_75_asks_for_75(threshold: float, least: float) -> None:
    assert least_coarse(threshold) == least
    assert coarse(least) >= threshold
    assert coarse(max(0.0, least - 1e-6)) < threshold or least == 0.0


def test_nobody_below_the_floor_is_ranked() -> None:
    exact = [91.0, 80.0, 70.0, 60.0, 55.0]
    assert ranked(exact, ["e", "d", "c", "a", "b"], 5) == [(0, 91.0), (1, 80.0), (3, 0.0), (4, 0.0), (2, 0.0)]


def test_a_limit_does_not_choose_among_those_that_are_not_ranked() -> None:
    names = ["a", "b", "c", "d"]
    assert ranked([80.0, 70.0, 60.0, 40.0], names, 2) == [(0, 80.0)]
    assert ranked([80.0, 70.0, 60.0, 40.0], names, 3) == [(0, 80.0)]
    assert ranked([80.0, 70.0, 60.0, 40.0], names, 4) == [(0, 80.0), (1, 0.0), (2, 0.0), (3, 0.0)]
    assert ranked([20.0, 10.0], names, 1) == []
    assert ranked([90.0, 85.0, 80.0], names, 2) == [(0, 90.0), (1, 85.0)]
