import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import det_curve

from countenance.errors import BadRequest
from countenance.metrics import Comparisons, Tradeoff, histogram

scores = st.lists(st.integers(-30, 30).map(lambda x: x / 8), min_size=1, max_size=60)


@given(scores, scores, st.integers(-35, 35).map(lambda x: x / 8))
def test_rates_are_counts(impostor: list[float], genuine: list[float], t: float) -> None:
    curve = Tradeoff.of(impostor, genuine)
    assert float(curve.fmr(t)) == pytest.approx(np.mean(np.array(impostor) >= t))
    assert float(curve.fnmr(t)) == pytest.approx(np.mean(np.array(genuine) < t))


@given(scores, scores)
def test_the_curve_agrees_with_sklearn(impostor: list[float], genuine: list[float]) -> None:
    labels = np.r_[np.zeros(len(impostor)), np.ones(len(genuine))]
    fmr, fnmr, thresholds = det_curve(labels, np.r_[impostor, genuine])
    curve = Tradeoff.of(impostor, genuine)
    finite = np.isfinite(thresholds)
    assert curve.fmr(thresholds[finite]) == pytest.approx(fmr[finite])
    assert curve.fnmr(thresholds[finite]) == pytest.approx(fnmr[finite])


@given(scores, scores)
def test_the_equal_error_rate_lies_on_the_curve_and_the_hulls_not_above(
    impostor: list[float], genuine: list[float]
) -> None:
    curve = Tradeoff.of(impostor, genuine)
    found = curve.eer()
    every = np.unique(np.r_[impostor, genuine, math.inf])
    x, y = curve.fmr(every), curve.fnmr(every)
    crossing = int(np.argmax(y >= x))
    low = max(x[crossing], y[crossing - 1] if crossing else 0)
    high = min(x[crossing - 1] if crossing else 1, y[crossing])
    assert min(low, high) - 1e-12 <= found.rate <= max(low, high) + 1e-12
    assert 0 <= found.rocch <= found.rate + 1e-12
    assert found.rocch <= 0.5 + 1e-12


@given(scores, scores)
def test_the_hulls_equal_error_rate_is_the_lowest_maximum_of_mixtures(
    impostor: list[float], genuine: list[float]
) -> None:
    """Brute force: the best mixture of any two thresholds, on the line FMR = FNMR."""
    curve = Tradeoff.of(impostor, genuine)
    every = np.unique(np.r_[impostor, genuine, -99, 99])
    x, y = curve.fmr(every), curve.fnmr(every)
    best = 1.0
    for i in range(len(every)):
        for j in range(len(every)):
            a, b = x[i] - y[i], x[j] - y[j]
            if a >= 0 >= b:
                share = 0.0 if a == b else a / (a - b)
                best = min(best, x[i] + share * (x[j] - x[i]))
    assert curve.eer().rocch == pytest.approx(min(best, curve.eer().rate), abs=1e-9)


@given(scores, st.floats(0, 1))
def test_a_threshold_holds_its_target_and_the_next_lower_score_does_not(impostor: list[float], target: float) -> None:
    curve = Tradeoff.of(impostor, [0.0])
    t = float(curve.threshold_at(target))
    assert float(curve.fmr(t)) <= target + 1e-9
    lower = [s for s in impostor if s < t]
    if lower:
        assert float(curve.fmr(max(lower))) > target


def test_perfect_separation_has_no_error_at_all() -> None:
    found = Tradeoff.of([0.1, 0.2], [0.8, 0.9]).eer()
    assert (found.rate, found.rocch) == (0.0, 0.0)
    assert 0.2 < found.threshold <= 0.8


def test_scores_of_no_use_have_an_equal_error_rate_of_one_half() -> None:
    assert Tradeoff.of([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]).eer().rocch == pytest.approx(0.5)
    assert Tradeoff.of([5.0], [1.0]).eer().rocch == pytest.approx(0.5)


def test_single_precision_scores_are_compared_as_they_are() -> None:
    impostor = np.array([0.1, 0.2, 0.3], np.float32)
    curve = Tradeoff.of(impostor, np.array([0.5], np.float32))
    assert float(curve.fmr(0.2)) == np.mean(impostor.astype(np.float64) >= 0.2)
    assert float(curve.fmr(0.3)) == np.mean(impostor.astype(np.float64) >= 0.3)
    assert float(curve.fmr(float(np.nextafter(impostor[1], np.float32(1))))) == 1 / 3


def test_below_the_vendors_threshold_nothing_is_said() -> None:
    low = -math.inf
    curve = Tradeoff.of([low, low, 0.9], [low, 0.85, 0.95, 0.99], censor_point=0.8)
    assert float(curve.fmr(0.8)) == pytest.approx(1 / 3)
    with pytest.raises(BadRequest, match="below the vendor's own"):
        curve.fmr(0.7)
    assert curve.eer().rate == pytest.approx(1 / 3, abs=0.1)
    with pytest.raises(BadRequest, match="no score is known"):
        Tradeoff.of([low, low, 0.9], [low, low, 0.99], censor_point=0.8).eer()
    with pytest.raises(BadRequest, match="below the vendor's own"):
        curve.threshold_at(0.9)
    assert (curve.det().threshold >= 0.8).all()


def test_a_curve_falls_and_rises_over_its_whole_range() -> None:
    rng = np.random.default_rng(0)
    det = Tradeoff.of(rng.normal(0, 1, 5000), rng.normal(3, 1, 500)).det(100)
    assert (np.diff(det.threshold) > 0).all()
    assert (np.diff(det.fmr) <= 0).all()
    assert (np.diff(det.fnmr) >= 0).all()
    assert det.fmr[0] > 0.9
    assert det.fmr[-1] == 0
    assert det.fnmr[-1] > 0.9


def test_curves_of_groups_take_their_own_comparisons() -> None:
    score = [0.9, 0.8, 0.5, 0.4, 0.3]
    data = Comparisons.of(
        score, [1, 1, 0, 0, 0], first_group=["x", "y", "x", "x", "y"], second_group=["x", "y", "x", "y", "y"]
    )
    assert list(Tradeoff.among(data).impostor) == [0.3, 0.4, 0.5]
    assert list(Tradeoff.among(data, 0).impostor) == [0.4, 0.5]
    assert list(Tradeoff.among(data, 0, 1).impostor) == [0.4]
    assert list(Tradeoff.among(data, 1, 0).genuine) == [0.8]


@pytest.mark.parametrize(("impostor", "genuine"), [([], [1.0]), ([1.0], []), ([math.nan], [1.0]), ([1.0], [math.inf])])
def test_sides_that_cannot_be_ranked_are_refused(impostor: list[float], genuine: list[float]) -> None:
    with pytest.raises(BadRequest):
        Tradeoff.of(impostor, genuine)


def test_a_histogram_counts_everything_once() -> None:
    found = histogram([-5, 0.0, 0.5, 0.99, 1.0, 7, math.nan], [0, 0.5, 1])
    assert list(found.counts) == [2, 4]
    with pytest.raises(BadRequest, match="rising"):
        histogram([1.0], [1, 1])


def test_ten_million_scores_give_the_golden_values() -> None:
    rng = np.random.default_rng(0)
    impostor, genuine = rng.standard_normal(10_000_000), rng.normal(4.5, 1.2, 100_000)
    curve = Tradeoff.of(impostor, genuine)
    assert curve.eer().rate == pytest.approx(0.020541, abs=2e-6)
    assert list(curve.fnmr(curve.threshold_at([1e-3, 1e-4, 1e-5, 1e-6]))) == pytest.approx(
        [0.12035, 0.25892, 0.42305, 0.57621], abs=1e-5
    )
    assert float(curve.threshold_at(1e-4)) == pytest.approx(3.71823, abs=1e-5)
