import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.errors import BadRequest
from countenance.metrics import (
    fdr,
    garbe,
    gini,
    inequity,
    plain_rate,
    rank_disagreement,
    rule_of_three,
    summarise,
    unknown_rate,
)

rates = st.lists(st.floats(0, 1), min_size=2, max_size=9)


@given(rates)
def test_the_gini_is_its_definition(x: list[float]) -> None:
    n, most = len(x), max(x)
    if most == 0:
        assert gini(x) == 0
        return
    y = [a / most for a in x]
    by_hand = n / (n - 1) * sum(abs(a - b) for a in y for b in y) / (2 * n * sum(y))
    assert gini(x) == pytest.approx(by_hand)
    assert -1e-12 <= gini(x) <= 1 + 1e-12


@given(st.floats(0.001, 1), st.integers(2, 8), st.floats(0, 1))
def test_equal_rates_are_fair_by_every_figure(rate: float, groups: int, weight: float) -> None:
    same = [rate] * groups
    assert fdr(same, same, weight) == pytest.approx(1)
    assert inequity(same, same, weight) == pytest.approx(1)
    assert garbe(same, same, weight) == pytest.approx(0, abs=1e-12)


def test_known_values() -> None:
    fmr, fnmr = [0.001, 0.003], [0.02, 0.05]
    assert fdr(fmr, fnmr) == pytest.approx(1 - 0.5 * (0.002 + 0.03))
    assert inequity(fmr, fnmr) == pytest.approx(math.sqrt(3 * 2.5))
    assert garbe(fmr, fnmr) == pytest.approx((gini(fmr) + gini(fnmr)) / 2)
    assert gini([0.0, 1.0]) == pytest.approx(1.0)
    assert math.isinf(inequity([0, 0.1], fnmr))
    assert inequity([0, 0], [0.1, 0.1]) == 1


def test_fdr_hardly_sees_a_fiftyfold_ratio_at_low_rates() -> None:
    assert fdr([1e-4, 5e-3], [0.02, 0.02]) > 0.997
    assert inequity([1e-4, 5e-3], [0.02, 0.02]) > 7


def test_all_summaries_of_measured_groups() -> None:
    fmr = [plain_rate(10, 10_000), plain_rate(40, 10_000), unknown_rate("nobody")]
    fnmr = [plain_rate(20, 1000), plain_rate(30, 1000), plain_rate(25, 1000)]
    found = summarise(fmr, fnmr)
    assert found.fmr_max_over_min.value == pytest.approx(4)
    assert found.fnmr_max_over_min.value == pytest.approx(1.5)
    assert found.fmr_max_over_geomean.value == pytest.approx(2)
    assert found.fdr.value == pytest.approx(fdr([0.001, 0.004], [0.02, 0.03, 0.025]))
    assert all(not s.reason and not s.zeros for s in found.all())


def test_zero_counts_have_a_policy_that_is_said() -> None:
    fmr, fnmr = [plain_rate(0, 3000), plain_rate(30, 3000)], [plain_rate(20, 1000), plain_rate(30, 1000)]
    found = summarise(fmr, fnmr)
    assert found.fmr_max_over_min.value == pytest.approx(0.01 / rule_of_three(3000))
    assert "lower bound" in found.fmr_max_over_min.zeros
    assert "FMR: 1 zero" in found.inequity.zeros
    assert "shrunk" in found.fmr_max_over_geomean.zeros
    assert math.isfinite(found.inequity.value)
    assert not found.fdr.zeros


def test_what_cannot_be_summed_up_is_a_reason() -> None:
    one = summarise([plain_rate(1, 10)], [])
    assert all(s.reason and math.isnan(s.value) for s in one.all())
    clean = summarise([plain_rate(0, 10)] * 2, [plain_rate(0, 10)] * 2)
    assert "no error" in clean.fmr_max_over_min.reason
    assert clean.garbe.value == 0
    with pytest.raises(BadRequest, match="weight"):
        summarise([], [], weight=2)
    with pytest.raises(BadRequest, match="two groups"):
        gini([0.1])


def test_figures_that_order_systems_differently_are_named() -> None:
    def system(fmr: tuple[int, int], fnmr: tuple[int, int]) -> object:
        return summarise([plain_rate(k, 100_000) for k in fmr], [plain_rate(k, 1000) for k in fnmr])

    found = rank_disagreement({"a": system((10, 500), (20, 20)), "b": system((100, 100), (20, 40))})  # type: ignore[dict-item]
    named = {frozenset((d.first, d.second)) for d in found}
    assert frozenset(("FDR", "inequity rate")) in named
    assert all(d.pairs == d.of == 1 and d.kendall == -1 for d in found)
    assert rank_disagreement({"a": system((10, 500), (20, 20))}) == ()  # type: ignore[dict-item]
