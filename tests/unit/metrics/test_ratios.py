import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from countenance.errors import BadRequest
from countenance.metrics import (
    Rate,
    max_over_geomean,
    max_over_min,
    plain_rate,
    ratio,
    ratio_of_tallies,
    tally_pairs,
    unknown_rate,
)

counts = st.integers(5, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
some = st.integers(5, 5000).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n)))


@given(some, some)
def test_an_interval_holds_its_estimate_and_turns_over_with_the_ratio(a: tuple[int, int], b: tuple[int, int]) -> None:
    one, other = ratio(plain_rate(*a), plain_rate(*b)), ratio(plain_rate(*b), plain_rate(*a))
    interval, reverse = one.at(0.95), other.at(0.95)
    assert interval.holds(one.estimate)
    assert (interval.low, interval.high) == pytest.approx((1 / reverse.high, 1 / reverse.low))


def test_it_agrees_with_the_score_interval_of_statsmodels_on_shared_ground() -> None:
    for k1, n1, k2, n2 in [(60, 1000, 30, 1000), (25, 5000, 8, 4000), (300, 900, 200, 1000)]:
        mine = ratio(plain_rate(k1, n1), plain_rate(k2, n2)).at(0.95)
        low, high = confint_proportions_2indep(k1, n1, k2, n2, method="score", compare="ratio")
        assert (mine.low, mine.high) == pytest.approx((low, high), rel=0.03)


@settings(max_examples=60)
@given(counts, counts, st.floats(0.2, 5))
def test_p_values_and_intervals_say_the_same(a: tuple[int, int], b: tuple[int, int], value: float) -> None:
    found = ratio(plain_rate(*a), plain_rate(*b))
    p = found.p_value(value)
    assert 0 < p <= 1
    for level in (0.5, 0.9, 0.95, 0.99):
        if abs(p - (1 - level)) > 1e-6:
            assert found.at(level).holds(value) == (p > 1 - level), level


def test_zero_counts_reach_to_zero_or_infinity_and_no_further_than_data_allow() -> None:
    none, some_, few = plain_rate(0, 1000), plain_rate(50, 1000), unknown_rate("nobody")
    assert ratio(none, some_).estimate == 0
    assert ratio(none, some_).at(0.95).low == 0
    assert 0 < ratio(none, some_).at(0.95).high < 0.2
    assert math.isinf(ratio(some_, none).estimate)
    assert math.isinf(ratio(some_, none).at(0.95).high)
    assert ratio(some_, none).at(0.95).low == pytest.approx(1 / ratio(none, some_).at(0.95).high)
    assert ratio(some_, none).p_value() < 1e-6
    for nothing in (ratio(none, none), ratio(few, some_), ratio(some_, few)):
        assert not nothing.known
        assert math.isnan(nothing.estimate)
        assert (nothing.at(0.95).low, nothing.at(0.95).high) == (0, math.inf)
        assert nothing.p_value() == 1


def test_a_ratio_is_tested_against_positive_values_only() -> None:
    with pytest.raises(BadRequest, match="positive"):
        ratio(plain_rate(1, 10), plain_rate(2, 10)).p_value(0)


@pytest.mark.parametrize("errors", [(1, 0), (0, 1), (1, 1)])
def test_few_degrees_of_freedom_leave_a_p_value(errors: tuple[int, int]) -> None:
    """Student's quantile is rounded to zero at levels near zero, and limits meet the estimate."""
    a, b = (replace(plain_rate(count, 46), freedom=4.0) for count in errors)
    assert 0.1 < ratio(a, b).p_value() <= 1


def test_people_whom_both_rates_share_narrow_the_ratio() -> None:
    rng = np.random.default_rng(2)
    k = 60
    lamb = 0.12 * rng.standard_normal(2 * k)
    i, j = np.triu_indices(k, 1)
    x, y = (v.ravel() for v in np.meshgrid(np.arange(k), np.arange(k, 2 * k), indexing="ij"))

    def drawn(a: np.ndarray, b: np.ndarray) -> object:
        wrong = rng.random(len(a)) < np.clip(0.3 + lamb[a] + lamb[b], 0, 1)
        return tally_pairs(a, b, wrong, np.ones(len(a), int))

    inside, outside = drawn(i, j), drawn(x, y)
    shared = ratio_of_tallies(inside, outside)  # type: ignore[arg-type]
    apart = ratio(shared.rate, shared.reference)
    assert shared.correlation > 0.1
    assert shared.at(0.95).high - shared.at(0.95).low < apart.at(0.95).high - apart.at(0.95).low


def equal(groups: int, errors: int, trials: int) -> list[Rate]:
    return [plain_rate(errors, trials) for _ in range(groups)]


def test_the_maximum_of_equal_rates_is_not_a_disparity() -> None:
    rng = np.random.default_rng(0)
    rejected = 0
    ratios = []
    for seed in range(200):
        rates = [plain_rate(int(rng.binomial(1000, 0.02)), 1000) for _ in range(8)]
        found = max_over_min(rates, 500, seed)
        rejected += found.p_value <= 0.05
        ratios.append(found.ratio)
        if seed == 0:
            assert found.expected_if_equal > 1.5
    assert rejected / 200 < 0.1
    assert np.median(ratios) > 1.5, "the winner's curse: it looks like a disparity"


def test_a_real_disparity_is_found_and_named() -> None:
    rates = [plain_rate(20, 10_000), plain_rate(400, 10_000), plain_rate(25, 10_000)]
    found = max_over_min(rates, 1000, 0)
    assert (found.worst, found.best) == (1, 0)
    assert found.ratio == pytest.approx(20)
    assert found.p_value < 0.01
    assert 8 < found.interval.low < 20 < found.interval.high < 60
    relative = max_over_geomean(rates, 1000, 0)
    assert relative.ratio == pytest.approx(400 / (20 * 400 * 25) ** (1 / 3))
    assert relative.interval.low > 3


def test_a_best_group_without_errors_makes_the_ratio_infinite_with_a_floor() -> None:
    found = max_over_min([plain_rate(0, 1000), plain_rate(50, 1000)], 200, 0)
    assert math.isinf(found.ratio)
    assert math.isinf(found.interval.high)
    assert found.interval.low > 4
    assert math.isfinite(max_over_geomean([plain_rate(0, 1000), plain_rate(50, 1000)], 200, 0).ratio)


def test_nothing_to_compare_is_a_reason() -> None:
    assert "fewer than two" in max_over_min([plain_rate(1, 10), unknown_rate("nobody")], 10, 0).reason
    assert "no error" in max_over_geomean(equal(3, 0, 10), 10, 0).reason
