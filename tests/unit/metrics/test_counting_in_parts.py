"""Comparisons counted in parts, wherever that is: the same figures to the bit as counted at once."""

from __future__ import annotations

import numpy as np
import pytest

from countenance.metrics import Comparisons, Counting, verify_each
from countenance.metrics.verification.counting import ComparisonParts, count_pairs


def comparisons(seed: int, n: int, people: bool) -> Comparisons:
    chance = np.random.default_rng(seed)
    a, b = chance.integers(0, 60, n), chance.integers(0, 60, n)
    score = np.where(a == b, chance.normal(1.5, 1, n), chance.normal(0, 1, n)).round(2)
    return Comparisons.of(
        score, a == b, first=a if people else None, second=b if people else None, first_group=a % 3,
        second_group=b % 3, groups=("x", "y", "z", "nobody"), failed=chance.random(n) < 0.02, larger_is_more_alike=True,
    )  # fmt: skip


@pytest.mark.parametrize("people", [True, False])
def test_parts_together_are_the_whole(people: bool) -> None:
    data = comparisons(0, 5000, people)
    parts = list(ComparisonParts(data, 700))
    assert len(parts) == 8
    assert sum(map(len, parts)) == len(data)
    thresholds = (-1.0, 0.5, 1.25, 9.0)
    whole = verify_each(data, thresholds)
    backwards = Counting(lambda work, given: map(work, reversed(list(given))), parts=9)
    by_parts = verify_each(data, thresholds, spread=backwards)
    assert repr(by_parts) == repr(whole)
    assert whole[0].fmr.trials > 1000


def test_all_comparisons_of_two_people_are_in_one_part() -> None:
    where: dict[tuple[int, int], int] = {}
    for number, part in enumerate(ComparisonParts(comparisons(1, 5000, people=True), 300)):
        for a, b in zip(part.first.tolist(), part.second.tolist(), strict=True):
            assert where.setdefault((min(a, b), max(a, b)), number) == number
    assert len(set(where.values())) == 17


def test_nothing_in_a_part_says_what_a_group_is_called() -> None:
    for part in ComparisonParts(comparisons(2, 500, people=True), 1000):
        assert part.groups == ("0", "1", "2", "3")
        assert len(count_pairs(part, (0.0,)).at[0].cells) == 10
