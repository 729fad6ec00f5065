from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from countenance.metrics import max_over_geomean, max_over_min, plain_rate
from countenance.metrics.statistics.intervals import Rate
from countenance.metrics.statistics.spreads import AboveMean, Range, Seen, Spread

ERRORS = np.array([[50.0, 61.0, 42.0, 130.0, 90.0]])
TRIALS = np.array([[5000.0, 4000.0, 6000.0, 5000.0, 9000.0]])
SEEN = Seen(ERRORS, TRIALS)


def chi_square(deviate: float, freedom: int) -> float:
    """Wilson and Hilferty turned round."""
    part = 2 / (9 * freedom)
    return freedom * (deviate * math.sqrt(part) + 1 - part) ** 3


@pytest.mark.parametrize(("spread", "moved"), [(1.1, 2), (0.8, 4), (0.3, 4), (0.0, 5)])
def test_rates_are_moved_into_a_window_at_the_least_cost(spread: float, moved: int) -> None:
    def cost(low: float) -> float:
        expected = TRIALS * np.exp(np.clip(np.log(ERRORS / TRIALS), low, low + spread))
        return float(2 * (ERRORS * np.log(ERRORS / expected) - ERRORS + expected).sum())

    best = optimize.minimize_scalar(cost, bounds=(math.log(0.005), math.log(0.03)), method="bounded")
    found = chi_square(float(Range().surprise(SEEN, spread)[0]), moved - 1)
    assert found == pytest.approx(best.fun, rel=1e-4)


def test_groups_closer_than_stated_cost_the_cheapest_pair() -> None:
    found = chi_square(float(Range().surprise(SEEN, 1.6)[0]), 1)
    top, bottom, ratio = (130, 5000), (42, 6000), math.exp(1.6)
    low = (top[0] + bottom[0]) / (top[1] * ratio + bottom[1])
    expected = [(130, 5000 * low * ratio), (42, 6000 * low)]
    assert found == pytest.approx(2 * sum(k * math.log(k / m) - k + m for k, m in expected))
    assert found < chi_square(float(Range().surprise(SEEN, 1.7)[0]), 1)


@pytest.mark.parametrize("spread", [0.3, 0.45, 0.7, 1.0])
def test_the_mean_is_kept_at_the_least_cost(spread: float) -> None:
    x, weight = SEEN.logs[0], ERRORS[0]
    limits = [
        {"type": "ineq", "fun": lambda m, at=at: m.mean() + spread - m[at]} for at in range(5)
    ]  # no group further above the mean
    reach = [{"type": "ineq", "fun": lambda m: m.max() - m.mean() - spread}]
    start = x + np.where(np.arange(5) == 3, 0.1, 0.0)
    best = min(
        optimize.minimize(lambda m: (weight * (m - x) ** 2).sum(), s, constraints=[*limits, *reach], tol=1e-10).fun
        for s in (x, start)
    )
    moved, cost, held = AboveMean()._held(SEEN, spread)
    assert cost[0] == pytest.approx(best, rel=1e-3)
    assert moved[0].max() - moved[0].mean() == pytest.approx(spread)
    assert np.allclose(moved[0][held[0]], moved[0].max())


@pytest.mark.parametrize("spread", [Range(), AboveMean()])
@pytest.mark.parametrize("stated", [0.0, 0.2, 0.6, 1.2, 2.5])
def test_a_simulated_world_has_the_spread_that_was_asked_for(spread: Spread, stated: float) -> None:
    world = spread.world(SEEN, stated)
    assert float(spread.value(np.log(world))) == pytest.approx(stated, abs=1e-9)
    assert world.min() > 0 and world.max() <= 1


def test_given_how_many_moved_the_cost_is_chi_square() -> None:
    """The reason for the method: seven equal groups and one far off, where the ratio alone is biased."""
    rng = np.random.default_rng(0)
    truth, trials = np.array([0.01] * 7 + [0.1]), np.full((4000, 8), 20_000.0)
    errors = rng.binomial(20_000, truth, (4000, 8)).astype(float)
    deviates = Range().surprise(Seen.of(errors, trials), math.log(10))
    assert stats.norm.sf(deviates).mean() == pytest.approx(0.5, abs=0.05)
    assert (deviates > stats.norm.isf(0.05)).mean() == pytest.approx(0.05, abs=0.012)
    seen = np.log(errors.max(axis=1) / errors.min(axis=1))
    assert (seen > math.log(10)).mean() > 0.85


@pytest.mark.parametrize("contrast", [max_over_min, max_over_geomean])
def test_an_interval_holds_what_was_seen_and_starts_at_one_where_equality_is_not_rejected(
    contrast: Callable[..., Any],
) -> None:
    rng = np.random.default_rng(1)
    for truth in ([0.02] * 5, [0.02, 0.02, 0.03], [0.01, 0.05, 0.2, 0.2]):
        found = contrast([plain_rate(int(k), 800) for k in rng.binomial(800, truth)], 300, 0)
        assert found.interval.low <= found.ratio <= found.interval.high
        assert (found.interval.low == 1) == (found.p_value > 0.05)


def test_groups_more_alike_than_chance_are_not_said_to_be_equal() -> None:
    found = max_over_min([plain_rate(50, 1000)] * 4, 300, 0)
    assert (found.ratio, found.interval.low) == (1, 1)
    assert 1.2 < found.interval.high < 2


def test_variances_known_from_few_people_make_intervals_wider() -> None:
    sure = [plain_rate(k, 4000) for k in (40, 60, 120)]
    unsure = [Rate(r.errors, r.trials, 0, r.effective_trials, 8.0, r.level, r.method) for r in sure]
    known, guessed = (max_over_min(rates, 1000, 0).interval for rates in (sure, unsure))
    assert guessed.low < known.low < known.high < guessed.high


def test_many_groups_are_still_quick_and_small() -> None:
    found = max_over_min([plain_rate(30 + i % 17, 5000) for i in range(130)], 200, 0)
    assert found.interval.low == 1 and math.isfinite(found.interval.high)
