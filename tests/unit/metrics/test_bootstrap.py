import numpy as np
import pytest

from countenance.errors import BadRequest
from countenance.metrics import bootstrap_totals, clustered_rate, percentile, tally_pairs, vertex_bootstrap


def test_the_table_trick_has_the_distribution_of_drawing_people_one_by_one() -> None:
    rng = np.random.default_rng(1)
    trials = rng.integers(1, 6, 300)
    counts = np.column_stack([rng.binomial(trials, 0.2), trials])
    strata = rng.integers(0, 3, 300)
    quick = bootstrap_totals(counts, strata, 20_000, seed=2)
    slow = np.empty((4000, 3, 2))
    for g in range(3):
        rows = counts[strata == g]
        slow[:, g] = rows[rng.integers(0, len(rows), (4000, len(rows)))].sum(axis=1)
    assert quick.shape == (20_000, 3, 2)
    assert quick.mean(axis=0) == pytest.approx(slow.mean(axis=0), rel=0.01)
    assert quick.std(axis=0) == pytest.approx(slow.std(axis=0), rel=0.06)
    one, two = (np.corrcoef(x[:, 0, 0], x[:, 0, 1])[0, 1] for x in (quick, slow))
    assert one == pytest.approx(two, abs=0.05)


def test_resampling_keeps_the_number_of_people_in_each_stratum() -> None:
    ones = np.ones((50, 1), int)
    totals = bootstrap_totals(ones, [0] * 20 + [2] * 30, 10, seed=0)
    assert (totals[:, 0, 0] == 20).all()
    assert (totals[:, 1, 0] == 0).all()
    assert (totals[:, 2, 0] == 30).all()


def test_counts_too_large_for_one_key_are_still_told_apart() -> None:
    counts = np.array([[2**40, 2**40, 1], [2**40, 2**40, 2], [2**40 + 1, 5, 1], [2**40, 2**40, 1]])
    totals = bootstrap_totals(counts, [0, 0, 0, 0], 500, seed=0)
    assert set(np.unique(totals[:, 0, 2])) <= set(range(4, 9))
    assert totals[:, 0, 0].mean() == pytest.approx(counts[:, 0].sum(), rel=1e-6)


def test_the_same_seed_gives_the_same_replicates() -> None:
    counts = np.arange(20).reshape(10, 2)
    a, b = (bootstrap_totals(counts, np.zeros(10, int), 5, seed=7) for _ in range(2))
    assert np.array_equal(a, b)


def test_the_cluster_bootstrap_agrees_with_the_clustered_interval() -> None:
    rng = np.random.default_rng(3)
    trials = np.full(400, 5)
    errors = rng.binomial(trials, rng.beta(1, 9, 400))
    totals = bootstrap_totals(np.column_stack([errors, trials]), np.zeros(400, int), 4000, seed=1)
    low, high = percentile(totals[:, 0, 0] / totals[:, 0, 1])
    mine = clustered_rate(errors, trials).interval
    assert (float(low), float(high)) == pytest.approx((mine.low, mine.high), rel=0.06)


def test_the_vertex_bootstrap_agrees_with_the_jackknife_where_people_differ() -> None:
    rng = np.random.default_rng(6)
    k = 150
    lamb = rng.standard_normal(k) * 0.15
    h = np.triu(rng.random((k, k)) < np.clip(0.3 + lamb[:, None] + lamb, 0, 1), 1).astype(int)
    i, j = np.triu_indices(k, 1)
    mine = tally_pairs(i, j, h[i, j], np.ones(len(i), int)).rate().interval
    other = vertex_bootstrap(h + h.T, 1 - np.eye(k), 2000, seed=0)
    assert (other.low, other.high) == pytest.approx((mine.low, mine.high), rel=0.05)


def test_the_vertex_bootstrap_is_too_wide_where_people_do_not() -> None:
    rng = np.random.default_rng(6)
    k = 150
    h = np.triu(rng.random((k, k)) < 0.3, 1).astype(int)
    i, j = np.triu_indices(k, 1)
    mine = tally_pairs(i, j, h[i, j], np.ones(len(i), int)).rate().interval
    other = vertex_bootstrap(h + h.T, 1 - np.eye(k), 2000, seed=0)
    assert other.high - other.low > 1.2 * (mine.high - mine.low)


def test_malformed_tables_are_refused() -> None:
    with pytest.raises(BadRequest, match="one stratum each"):
        bootstrap_totals([[1, 2]], [0, 1], 10, 0)
    with pytest.raises(BadRequest, match="square"):
        vertex_bootstrap([[1, 2]], [[1, 2]], 10, 0)
    with pytest.raises(BadRequest, match="replicate"):
        bootstrap_totals([[1]], [0], 0, 0)
