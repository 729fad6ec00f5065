import math
from functools import cache

import numpy as np
import pytest

from countenance.errors import BadRequest
from countenance.metrics import Comparisons, Verification, advise, chance_of_any, verify_each

THRESHOLDS = [1.0, 2.0, *np.arange(2.5, 4.6, 0.25)]


@cache
def candidates(lift: float = 1.0, rows: int = 60_000) -> tuple[Verification, ...]:
    rng = np.random.default_rng(0)
    people = 600
    a, b = rng.integers(0, people, (2, rows))
    b[:6000] = a[:6000]
    group = np.arange(people) % 2
    score = rng.standard_normal(rows) + 6 * (a == b) + lift * ((group[a] == 1) & (group[b] == 1))
    data = Comparisons.of(
        score, a == b, first=a, second=b, first_group=group[a], second_group=group[b], groups=["x", "y"]
    )
    return verify_each(data, THRESHOLDS)


def test_the_advice_holds_for_the_worst_group_and_not_one_step_lower() -> None:
    found = advise(candidates(), 20, 0.1, [0.5, 0.5])
    assert found.worst == 1
    assert all(g.fpir_upper <= 0.1 for g in found.groups)
    assert all(g.fpir <= g.fpir_upper for g in found.groups)
    below = THRESHOLDS[THRESHOLDS.index(found.threshold) - 1]
    lower = advise([c for c in candidates() if c.threshold == below], 20, 0.1, [0.5, 0.5])
    assert math.isnan(lower.threshold)
    assert "upper bound of FPIR for y" in lower.reason


def test_looking_at_the_pooled_rate_only_would_choose_too_low_a_threshold() -> None:
    found = advise(candidates(1.5), 20, 0.1, [0.5, 0.5])
    assert found.global_threshold < found.threshold


def test_a_point_estimate_is_the_formula_over_the_mix() -> None:
    chosen = candidates()
    found = advise(chosen, 100, 0.5, [0.25, 0.75])
    at = next(c for c in chosen if c.threshold == found.threshold)
    rates = [at.cell(1, 0).rate.estimate, at.cell(1, 1).rate.estimate]
    assert found.groups[1].fpir == pytest.approx(chance_of_any(rates, [25, 75]))
    assert found.groups[1].fnmr == at.groups[1].fnmr


def test_the_upper_bound_is_the_formula_over_upper_bounds_shared_out_over_the_cells() -> None:
    chosen = candidates()
    found = advise(chosen, 20, 0.5, [0.5, 0.5])
    at = next(c for c in chosen if c.threshold == found.threshold)
    highs = [at.cell(0, g).rate.at(1 - 2 * 0.05 / 2).high for g in (0, 1)]
    assert found.groups[0].fpir_upper == pytest.approx(chance_of_any(highs, [10, 10]))
    assert found.groups[0].fpir_upper > found.groups[0].fpir


def test_a_larger_gallery_or_a_stricter_target_never_lowers_the_threshold() -> None:
    chosen = candidates()
    found = [advise(chosen, n, 0.2, [0.5, 0.5]).threshold for n in (1, 5, 20, 60)]
    assert found == sorted(found)
    stricter = [advise(chosen, 20, t, [0.5, 0.5]).threshold for t in (0.5, 0.2, 0.1)]
    assert stricter == sorted(stricter)


def test_cells_without_data_are_taken_at_their_worst_and_said() -> None:
    data = Comparisons.of(
        np.r_[np.zeros(500), 5, 5], np.r_[np.zeros(500), 1, 1], first_group=["x"] * 502, groups=["x", "y"]
    )
    found = advise(verify_each(data, [1.0]), 10, 0.2, [0.5, 0.5])
    assert math.isnan(found.threshold)
    assert found.findings[0].kind == "empty-cells"
    assert found.groups[1].fpir_upper == 1


def test_questions_that_make_no_sense_are_refused() -> None:
    chosen = candidates(rows=8000)
    for args in ((chosen, 10, 0.1, [0.5, 0.6]), (chosen, 10, 0.1, [1.0]), (chosen, 10, 0.1, [-0.5, 1.5])):
        with pytest.raises(BadRequest, match="mix"):
            advise(*args)
    with pytest.raises(BadRequest, match="target FPIR"):
        advise(chosen, 10, 0.0, [0.5, 0.5])
    with pytest.raises(BadRequest, match="entry"):
        advise(chosen, 0, 0.1, [0.5, 0.5])
    with pytest.raises(BadRequest, match="candidate"):
        advise([], 10, 0.1, [0.5, 0.5])
