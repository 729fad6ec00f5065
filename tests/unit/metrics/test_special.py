"""Student's t is computed without scipy, since diff and report of bundles only need that of it."""

import math

import pytest
from scipy import stats

from countenance.metrics.special import student_quantile, student_tail

FREEDOM = (0.3, 1.0, 1.5, 2.0, 4.0, 9.3, 21.08, 62.0, 199.9, 200.1, 360.3, 1000.5, 12345.6, 1e6)


@pytest.mark.parametrize("freedom", FREEDOM)
def test_quantiles_and_tails_are_scipys(freedom: float) -> None:
    for tail in (0.49, 0.3, 0.1, 0.025, 1e-3, 1e-6, 5e-13):
        value = student_quantile(freedom, 1 - tail)
        assert value == pytest.approx(float(stats.t.isf(1 - (1 - tail), freedom)), rel=1e-8)
        assert student_tail(freedom, value) == pytest.approx(float(stats.t.sf(value, freedom)), rel=1e-8)


def test_the_ends_of_the_scale() -> None:
    assert student_quantile(4.0, 0.5) == 0.0
    assert student_quantile(4.0, 0.5 + 5e-10) == pytest.approx(4 / 3 * 1e-9, rel=1e-6)  # the density at 0 is 3/8
    assert student_quantile(1e-3, 1 - 5e-13) == pytest.approx(math.exp(300))
    assert student_tail(9.0, 1e300) == 0.0
