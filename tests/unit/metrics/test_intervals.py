import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from countenance.errors import BadRequest
from countenance.metrics import (
    Rate,
    clopper_pearson,
    plain_rate,
    rule_of_three,
    unknown_rate,
    wilson,
    wilson_bounds,
)

counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@given(counts, levels)
def test_wilson_agrees_with_statsmodels(count: tuple[int, int], level: float) -> None:
    k, n = count
    mine = wilson(k, n, level)
    low, high = proportion_confint(k, n, 1 - level, "wilson")
    assert mine.low == pytest.approx(max(low, 0), abs=1e-12)
    assert mine.high == pytest.approx(min(high, 1), abs=1e-12)


@given(counts, levels)
def test_clopper_pearson_agrees_with_statsmodels(count: tuple[int, int], level: float) -> None:
    k, n = count
    mine = clopper_pearson(k, n, level)
    low, high = proportion_confint(k, n, 1 - level, "beta")
    assert (mine.low, mine.high) == pytest.approx((low, high), abs=1e-12)


@given(counts, levels)
def test_an_interval_holds_its_estimate_and_stays_within_0_and_1(count: tuple[int, int], level: float) -> None:
    k, n = count
    for interval in (wilson(k, n, level), clopper_pearson(k, n, level), plain_rate(k, n, level).interval):
        assert 0 <= interval.low <= k / n <= interval.high <= 1


@given(counts)
def test_more_confidence_is_never_a_narrower_interval(count: tuple[int, int]) -> None:
    rate = plain_rate(*count)
    narrow, wide = rate.at(0.8), rate.at(0.99)
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


@given(st.floats(0, 1), st.floats(1, 1e6), st.floats(1, 200))
def test_few_degrees_of_freedom_never_narrow_an_interval(p: float, n: float, freedom: float) -> None:
    normal = wilson_bounds(np.array([p]), np.array([n]))
    student = wilson_bounds(np.array([p]), np.array([n]), freedom=np.array([freedom]))
    assert student[0][0] <= normal[0][0] + 1e-12
    assert student[1][0] >= normal[1][0] - 1e-12


@given(counts, levels, st.one_of(st.just(math.inf), st.floats(1, 300)))
def test_one_rate_and_a_column_of_rates_have_the_same_bounds(
    count: tuple[int, int], level: float, freedom: float
) -> None:
    k, n = count
    one = Rate(k, n, 0, n / 2, freedom, level, "").interval
    low, high = wilson_bounds(np.array([k / n]), np.array([n / 2]), level, np.array([freedom]))
    assert (one.low, one.high) == pytest.approx((low[0], high[0]), abs=1e-9)  # quantiles by two methods


def test_the_rule_of_three_is_three_over_n() -> None:
    assert rule_of_three(1000) == pytest.approx(3 / 1000, rel=2e-3)
    assert rule_of_three(0) == 1.0
    assert rule_of_three(2) == 1.0


def test_no_trials_is_a_reason_and_not_a_number() -> None:
    rate = unknown_rate("nobody came")
    assert math.isnan(rate.estimate)
    assert (rate.interval.low, rate.interval.high) == (0.0, 1.0)
    assert rate.reason == "nobody came"
    assert not rate.known
    assert not plain_rate(0, 0).known


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3), (math.nan, 3), (1, math.inf)])
def test_impossible_counts_are_refused(k: float, n: float) -> None:
    with pytest.raises(BadRequest, match="errors are counted among trials"):
        wilson(k, n)


@pytest.mark.parametrize("level", [0, 1, 1.5, math.nan])
def test_impossible_levels_are_refused(level: float) -> None:
    with pytest.raises(BadRequest, match="confidence level"):
        plain_rate(1, 2).at(level)
