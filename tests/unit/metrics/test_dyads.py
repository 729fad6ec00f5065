import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countenance.errors import BadRequest
from countenance.metrics import clustered_rate, covariance, plain_rate, tally, tally_pairs, wilson

tables = st.integers(4, 14).flatmap(
    lambda k: st.lists(st.integers(0, 3), min_size=k * (k - 1) // 2, max_size=k * (k - 1) // 2).map(
        lambda h: (k, np.array(h))
    )
)


def jackknife(k: int, h: np.ndarray, n: int) -> float:
    """Delete one person, by hand."""
    i, j = np.triu_indices(k, 1)
    left_out = [
        h[(i != person) & (j != person)].sum() / (n * ((i != person) & (j != person)).sum()) for person in range(k)
    ]
    return float((k - 1) / k * ((np.array(left_out) - np.mean(left_out)) ** 2).sum())


@given(tables)
def test_the_variance_is_the_jackknife_less_what_it_counts_twice(table: tuple[int, np.ndarray]) -> None:
    k, h = table
    i, j = np.triu_indices(k, 1)
    found = tally_pairs(i, j, h, np.full(len(h), 3))
    p = found.estimate
    if not 0 < p < 1:
        return
    own = float(((h - 3 * p) ** 2).sum()) / found.total_trials**2
    floor = p * (1 - p) / found.total_trials
    assert found.variance()[0] == pytest.approx(max(jackknife(k, h, 3) - own, floor), rel=1e-9)


def spread_of_estimates(spread: float, people: int = 40, replicates: int = 1500) -> tuple[float, float]:
    """What the variance says on average, and what the estimates do."""
    rng = np.random.default_rng(4)
    i, j = np.triu_indices(people, 1)
    rates, variances = [], []
    for _ in range(replicates):
        lamb = spread * rng.standard_normal(people)
        p = np.clip(0.3 + lamb[i] + lamb[j], 0, 1)
        found = tally_pairs(i, j, rng.random(len(i)) < p, np.ones(len(i), int))
        rates.append(found.estimate)
        variances.append(found.variance()[0])
    return float(np.mean(variances)), float(np.var(rates))


def test_the_variance_of_a_u_statistic_is_unbiased_where_people_differ() -> None:
    said, seen = spread_of_estimates(0.08)
    assert said == pytest.approx(seen, rel=0.12)


def test_where_people_do_not_differ_the_variance_is_a_fifth_too_large_and_not_double() -> None:
    """Its floor lifts it a little; the jackknife alone would say twice as much."""
    said, seen = spread_of_estimates(0.0)
    assert 1.0 < said / seen < 1.4


def test_the_variance_of_a_two_sample_u_statistic_is_unbiased() -> None:
    rng = np.random.default_rng(5)
    a, b = 25, 60
    i, j = (x.ravel() for x in np.meshgrid(np.arange(a), a + np.arange(b), indexing="ij"))
    side = np.r_[np.zeros(a, int), np.ones(b, int)]
    rates, variances = [], []
    for _ in range(1500):
        lamb = 0.08 * rng.standard_normal(a + b)
        wrong = rng.random(len(i)) < np.clip(0.3 + lamb[i] + lamb[j], 0, 1)
        found = tally_pairs(i, j, wrong, np.ones(len(i), int), side)
        rates.append(found.estimate)
        variances.append(found.variance()[0])
    assert np.mean(variances) == pytest.approx(np.var(rates), rel=0.12)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.booleans()), min_size=1, max_size=60))
def test_a_list_of_trials_and_its_table_of_pairs_give_one_tally(trials: list[tuple[int, int, bool]]) -> None:
    a, b, wrong = (np.array(x) for x in zip(*trials, strict=True))
    table: dict[tuple[int, int], list[int]] = {}
    for x, y, w in trials:
        cell = table.setdefault((min(x, y), max(x, y)), [0, 0])
        cell[0] += w
        cell[1] += 1
    keys = np.array(list(table))
    h, n = np.array(list(table.values())).T
    one, other = tally(a, b, wrong), tally_pairs(keys[:, 0], keys[:, 1], h, n)
    for name in ("people", "errors", "trials", "errors2", "cross", "trials2"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert (one.total_errors, one.total_trials) == (sum(wrong), len(trials))
    assert one.rate() == other.rate()


def test_one_attempt_by_each_person_is_plain_wilson() -> None:
    errors = np.r_[np.ones(7, int), np.zeros(193, int)]
    rate = clustered_rate(errors, np.ones(200, int))
    assert rate.interval.low == pytest.approx(wilson(7, 200).low)
    assert rate.interval.high == pytest.approx(wilson(7, 200).high)
    assert rate.effective_trials == 200


def test_people_who_fail_always_widen_the_interval_to_that_of_people() -> None:
    """Ten attempts each, all failed or none: as informative as one attempt each."""
    errors = np.r_[np.full(10, 10), np.zeros(190, int)]
    rate = clustered_rate(errors, np.full(200, 10))
    assert rate.effective_trials == pytest.approx(200, rel=0.01)
    naive, mine = plain_rate(100, 2000).interval, rate.interval
    assert mine.high - mine.low > 2.5 * (naive.high - naive.low)


def test_people_without_trials_change_nothing() -> None:
    assert clustered_rate([1, 0, 2], [4, 0, 5]) == clustered_rate([1, 2], [4, 5])


@settings(max_examples=50)
@given(tables)
def test_names_and_order_of_people_do_not_matter(table: tuple[int, np.ndarray]) -> None:
    k, h = table
    i, j = np.triu_indices(k, 1)
    shuffled = np.random.default_rng(k).permutation(k) * 3
    a, b = (
        tally_pairs(i, j, h, np.full(len(h), 3)).rate(),
        tally_pairs(shuffled[j], shuffled[i], h, np.full(len(h), 3)).rate(),
    )
    assert a.effective_trials == pytest.approx(b.effective_trials)
    assert a.freedom == pytest.approx(b.freedom)


def test_a_rate_never_claims_more_trials_than_there_were() -> None:
    rng = np.random.default_rng(0)
    i, j = np.triu_indices(30, 1)
    for _ in range(200):
        rate = tally_pairs(i, j, rng.random(len(i)) < 0.1, np.ones(len(i), int)).rate()
        assert rate.effective_trials <= rate.trials


def test_no_error_and_all_errors_give_bounds_that_are_wider_than_independence() -> None:
    i, j = np.triu_indices(40, 1)
    none = tally_pairs(i, j, np.zeros(len(i), int), np.ones(len(i), int)).rate()
    every = tally_pairs(i, j, np.ones(len(i), int), np.ones(len(i), int)).rate()
    assert none.interval.low == 0.0
    assert none.interval.high > wilson(0, len(i)).high
    assert every.interval.high == 1.0


def test_one_pair_of_people_says_little() -> None:
    rate = tally_pairs([0], [1], [3], [10]).rate()
    assert rate.known
    assert rate.interval.high - rate.interval.low > wilson(3, 10).high - wilson(3, 10).low


def test_rates_that_share_people_covary_and_others_do_not() -> None:
    rng = np.random.default_rng(9)
    i, j = np.triu_indices(40, 1)
    x, y = (v.ravel() for v in np.meshgrid(np.arange(40), np.arange(40, 80), indexing="ij"))
    inside, outside = [], []
    estimates = []
    for _ in range(1500):
        lamb = 0.08 * rng.standard_normal(80)
        a = tally_pairs(i, j, rng.random(len(i)) < np.clip(0.3 + lamb[i] + lamb[j], 0, 1), np.ones(len(i), int))
        b = tally_pairs(x, y, rng.random(len(x)) < np.clip(0.3 + lamb[x] + lamb[y], 0, 1), np.ones(len(x), int))
        inside.append(a.estimate)
        outside.append(b.estimate)
        estimates.append(covariance(a, b))
    assert np.mean(estimates) == pytest.approx(np.cov(inside, outside)[0, 1], rel=0.2)
    strangers = tally_pairs(i + 100, j + 100, np.ones(len(i), int), np.ones(len(i), int))
    assert covariance(a, strangers) == 0.0


def test_nothing_is_unknown_and_malformed_is_refused() -> None:
    assert not clustered_rate([0], [0]).known
    none = np.zeros(0, np.int64)
    assert not tally(none, none, np.zeros(0, bool)).rate().known
    with pytest.raises(BadRequest, match="never above trials"):
        clustered_rate([3], [2])
    with pytest.raises(BadRequest, match="whole numbers"):
        tally([0.5], [1], np.array([True]))
    with pytest.raises(BadRequest, match="one length"):
        tally([0, 1], [1], np.array([True]))
