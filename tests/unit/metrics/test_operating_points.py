import math

import numpy as np
import pytest

from countenance.errors import BadRequest
from countenance.metrics import Comparisons, Tradeoff, det_band, group_thresholds, operating_points, verify


def simulated(seed: int = 0, rows: int = 20_000, people: int = 150) -> Comparisons:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, people, (2, rows))
    b[:2000] = a[:2000]
    group = np.arange(people) % 2
    lift = 0.8 * ((group[a] == 1) & (group[b] == 1))
    score = rng.standard_normal(rows) + 4 * (a == b) + lift + 0.4 * (rng.standard_normal(people)[a] * (a == b))
    return Comparisons.of(
        score, a == b, first=a, second=b, first_group=group[a], second_group=group[b], groups=["x", "y"]
    )


def test_an_operating_point_is_the_curves_with_clustered_bounds() -> None:
    data = simulated()
    curve = Tradeoff.among(data)
    for target, point in zip((1e-2, 1e-3), operating_points(data, [1e-2, 1e-3]), strict=True):
        assert point.threshold == float(curve.threshold_at(target))
        assert point.fnmr.estimate == pytest.approx(float(curve.fnmr(curve.threshold_at(target))))
        assert point.fnmr == verify(data, point.threshold).fnmr
        assert point.fmr.estimate <= target
        assert point.threshold_interval.low <= point.threshold <= point.threshold_interval.high
        plain = point.fnmr.interval
        assert point.interval.low <= plain.low
        assert point.interval.high >= plain.high, "the threshold's own uncertainty comes on top"
    assert [p.enough for p in operating_points(data, [1e-2, 1e-3])] == [True, False]


def test_the_interval_at_a_target_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    from scipy.special import ndtr, ndtri

    truth = float(ndtr(-ndtri(1e-2) - 3))
    held = 0
    for _ in range(300):
        people = np.arange(60)
        i, j = np.triu_indices(60, 1)
        score = np.r_[rng.standard_normal(len(i)), rng.normal(3, 1, 240)]
        who = np.repeat(people, 4)
        data = Comparisons.of(
            score,
            np.r_[np.zeros(len(i)), np.ones(240)],
            first=np.r_[i, who],
            second=np.r_[j, who],
            larger_is_more_alike=True,
        )
        held += operating_points(data, [1e-2])[0].interval.holds(truth)
    assert held / 300 >= 0.92


def test_a_band_holds_its_curve() -> None:
    band = det_band(simulated(), points=20)
    assert (band.fmr_low <= band.fmr).all()
    assert (band.fmr <= band.fmr_high).all()
    assert (band.fnmr_low <= band.fnmr).all()
    assert (band.fnmr <= band.fnmr_high).all()
    assert band.level == 0.95


def test_groups_need_other_thresholds_and_get_other_rates_at_the_global_one() -> None:
    data = simulated()
    found = group_thresholds(data, 1e-2)
    x, y = found.groups
    assert y.threshold > found.global_threshold > x.threshold
    assert y.effective_fmr.estimate > 2 * x.effective_fmr.estimate
    assert found.largest == pytest.approx(max(abs(g.threshold - found.global_threshold) for g in (x, y)))
    assert x.effective_fmr == verify(data, found.global_threshold).groups[0].fmr
    assert x.enough


def test_a_group_without_impostors_has_no_threshold() -> None:
    data = Comparisons.of(
        [0.9, 0.1, 0.2], [1, 0, 0], first_group=["x", "x", "x"], groups=["x", "y"], larger_is_more_alike=True
    )
    found = group_thresholds(data, 0.5)
    assert math.isnan(found.groups[1].threshold)
    assert not found.groups[1].effective_fmr.known
    assert found.largest == 0


@pytest.mark.parametrize("target", [0.0, 1.0, -1.0])
def test_targets_that_are_no_rates_are_refused(target: float) -> None:
    with pytest.raises(BadRequest, match="between 0 and 1"):
        operating_points(simulated(), [target])
    with pytest.raises(BadRequest, match="between 0 and 1"):
        group_thresholds(simulated(), target)
