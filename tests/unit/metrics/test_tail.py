import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from countenance.errors import BadRequest
from countenance.metrics import fit_tail


def pareto(shape: float, size: int, seed: int) -> NDArray[np.float64]:
    return np.asarray(stats.genpareto.rvs(shape, scale=0.3, size=size, random_state=np.random.default_rng(seed))) + 2.0


@pytest.mark.parametrize("shape", [-0.3, -0.1, 0.0, 0.2])
def test_the_fit_is_the_maximum_likelihood_that_scipy_finds(shape: float) -> None:
    scores = pareto(shape, 600, 1)
    mine = fit_tail(scores, 600_000, floor=2.0)
    theirs = stats.genpareto.fit(scores - 2.0, floc=0)
    mine_loss, their_loss = (
        -stats.genpareto.logpdf(scores - 2.0, a, scale=b).sum()
        for a, b in ((mine.shape, mine.scale), (theirs[0], theirs[2]))
    )
    assert mine_loss <= their_loss + 1e-6
    assert (mine.shape, mine.scale) == pytest.approx((theirs[0], theirs[2]), abs=2e-3)


def test_the_interval_knows_that_the_largest_scores_belong_to_few_people() -> None:
    scores = pareto(0.0, 400, 3)
    alone = np.arange(800).reshape(400, 2)
    few = np.column_stack([np.arange(400) % 12, 100 + np.arange(400)])
    few[np.argsort(scores), 0] = np.sort(few[:, 0])  # each of twelve people has scores alike
    naive, apart, shared = (
        fit_tail(scores, 400_000, people, floor=2.0).fmr_interval(3.0) for people in (None, alone, few)
    )
    assert math.log(apart.high / apart.low) == pytest.approx(math.log(naive.high / naive.low), rel=0.02)
    assert math.log(shared.high / shared.low) > 1.5 * math.log(naive.high / naive.low)


def test_counting_and_extrapolation_meet_at_the_floor() -> None:
    tail = fit_tail(pareto(0.1, 500, 0), 500_000, floor=2.0)
    assert float(tail.fmr(2.0)) == pytest.approx(1e-3)
    assert tail.rate.errors == 500
    assert tail.horizon == 30 / 500_000
    assert tail.fmr_interval(2.0).holds(1e-3)


@settings(max_examples=10, deadline=None)
@given(st.floats(-0.4, 0.4), st.integers(0, 1000))
def test_threshold_and_rate_are_inverse_and_falling(shape: float, seed: int) -> None:
    tail = fit_tail(pareto(shape, 300, seed), 300_000, floor=2.0)
    rates = np.array([1e-3, 5e-4, 1e-4, 1e-5])
    thresholds = tail.threshold(rates)
    assert (np.diff(thresholds) > 0).all()
    assert tail.fmr(thresholds) == pytest.approx(rates)
    interval = tail.threshold_interval(1e-4)
    assert interval.low <= float(tail.threshold(1e-4)) <= interval.high
    assert (thresholds <= tail.endpoint).all()


def test_past_a_fitted_endpoint_the_upper_bound_is_still_above_zero() -> None:
    tail = fit_tail(pareto(-0.4, 400, 5), 400_000, floor=2.0)
    beyond = tail.endpoint + 0.01
    assert float(tail.fmr(beyond)) == 0.0
    assert tail.fmr_interval(beyond).high > 0.0


def test_the_chosen_floor_is_one_that_is_not_rejected() -> None:
    rng = np.random.default_rng(1)
    bent = np.r_[2 + 0.2 * rng.random(4000), 2.2 + rng.exponential(0.3, 1000)]
    tail = fit_tail(bent, 25_000_000)
    assert tail.floor >= 2.19
    assert tail.fit_p > 0.1
    given = fit_tail(bent, 25_000_000, floor=2.0)
    assert given.fit_p < 0.1


def test_at_most_the_square_root_of_the_trials_is_taken_for_the_tail() -> None:
    tail = fit_tail(pareto(0.0, 5000, 1), 1_000_000)
    assert tail.exceedances <= 1000


def test_the_same_seed_gives_the_same_tail() -> None:
    scores = pareto(0.0, 300, 1)
    one, two = fit_tail(scores, 10_000, seed=4), fit_tail(scores, 10_000, seed=4)
    assert np.array_equal(one.draws, two.draws)


def test_tails_that_cannot_be_fitted_are_refused() -> None:
    with pytest.raises(BadRequest, match="needs 50 scores"):
        fit_tail(np.linspace(0, 1, 49), 1000)
    with pytest.raises(BadRequest, match="needs 50 scores"):
        fit_tail(pareto(0, 100, 0), 1000, floor=9.0)
    with pytest.raises(BadRequest, match="finite scores"):
        fit_tail([math.nan] * 60, 1000)
    with pytest.raises(BadRequest, match="differ"):
        fit_tail([0.5] * 60, 1000)
    with pytest.raises(BadRequest, match="two people"):
        fit_tail(pareto(0, 60, 0), 1000, np.arange(60))
    with pytest.raises(BadRequest, match="top of the trials"):
        fit_tail(pareto(0, 60, 0), 59)
    tail = fit_tail(pareto(0, 60, 0), 1000, floor=2.0)
    with pytest.raises(BadRequest, match="count below it"):
        tail.fmr(1.9)
    with pytest.raises(BadRequest, match="reaches FMR up to"):
        tail.threshold(0.5)
    with pytest.raises(BadRequest, match="reaches FMR up to"):
        tail.threshold(0.0)


def test_scores_that_end_abruptly_are_refused_and_not_given_a_variance_without_limit() -> None:
    rng = np.random.default_rng(0)
    people = rng.integers(0, 60, (400, 2))
    with pytest.raises(BadRequest, match="too abruptly"):
        fit_tail(2 + rng.random(400), 400_000, people, floor=2.0)
