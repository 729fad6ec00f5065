import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.multitest import multipletests

from countenance.errors import BadRequest
from countenance.metrics import (
    AuditVerdict,
    Correction,
    Hypothesis,
    Interval,
    Margin,
    Rate,
    RateDifference,
    StratifiedRatio,
    benjamini_hochberg,
    holm,
    judge,
    plain_rate,
    ratio,
    unknown_rate,
)

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(p_values)
def test_corrections_agree_with_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


@given(p_values)
def test_corrections_never_lower_a_p_value_or_change_the_order(p: list[float]) -> None:
    for corrected in (holm(p), benjamini_hochberg(p)):
        assert (corrected >= np.array(p) - 1e-15).all()
        assert (np.diff(corrected[np.argsort(p, kind="stable")]) >= 0).all()


def one(rate: Rate, reference: Rate, margin: float = 2.0, **how: object) -> object:
    return judge([Hypothesis("h", ratio(rate, reference))], margin, **how)[0]  # type: ignore[arg-type]


def test_each_of_the_four_verdicts_is_reached() -> None:
    shown = one(plain_rate(90, 1000), plain_rate(20, 1000))
    same = one(plain_rate(1000, 100_000), plain_rate(1020, 100_000))
    unsure = one(plain_rate(3, 100), plain_rate(1, 100))
    assert shown.verdict is AuditVerdict.DIFFERENCE_SHOWN  # type: ignore[attr-defined]
    assert shown.beyond_margin  # type: ignore[attr-defined]
    assert same.verdict is AuditVerdict.EQUIVALENCE_SHOWN  # type: ignore[attr-defined]
    assert not same.difference_shown  # type: ignore[attr-defined]
    assert unsure.verdict is AuditVerdict.INSUFFICIENT_EVIDENCE  # type: ignore[attr-defined]
    assert unsure.shows_margin > 2  # type: ignore[attr-defined]
    assert "can be ruled out" in unsure.reason  # type: ignore[attr-defined]


def test_a_real_but_small_difference_is_a_difference_and_never_equivalence() -> None:
    found = one(plain_rate(12_000, 1_000_000), plain_rate(10_000, 1_000_000))
    assert found.verdict is AuditVerdict.DIFFERENCE_WITHIN_MARGIN  # type: ignore[attr-defined]
    assert found.difference_shown  # type: ignore[attr-defined]
    assert "by less than a factor of 2" in found.reason  # type: ignore[attr-defined]
    stricter = one(plain_rate(12_000, 1_000_000), plain_rate(10_000, 1_000_000), margin=1.1)
    assert stricter.verdict is AuditVerdict.DIFFERENCE_SHOWN  # type: ignore[attr-defined]


def test_without_errors_or_trials_nothing_is_claimed() -> None:
    for rate in (plain_rate(0, 10**6), unknown_rate("nobody came")):
        found = one(rate, plain_rate(0, 10**6))
        assert found.verdict is AuditVerdict.INSUFFICIENT_EVIDENCE  # type: ignore[attr-defined]
        assert (found.p, found.equivalence_p) == (1, 1)  # type: ignore[attr-defined]
    assert "nobody came" in one(unknown_rate("nobody came"), plain_rate(1, 10)).reason  # type: ignore[attr-defined]


counts = st.integers(20, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def inside(interval: Interval, low: float, high: float) -> bool:
    return low < interval.low and interval.high < high


@given(counts, counts, st.floats(1.05, 10))
def test_within_a_ratio_both_the_rates_and_their_complements_lie_within_it(
    a: tuple[int, int], b: tuple[int, int], margin: float
) -> None:
    found = ratio(plain_rate(*a), plain_rate(*b))
    judged = judge([Hypothesis("h", found)], margin, correction="none")[0]
    if abs(judged.equivalence_p - 0.05) > 1e-6:
        both = (found, found.of_the_rest)
        within = all(r.known and inside(r.at(0.9), 1 / margin, margin) for r in both)
        assert (judged.verdict in ALIKE) == within
        assert (judged.verdict is AuditVerdict.EQUIVALENCE_SHOWN) == (within and not judged.difference_shown)


ALIKE = (AuditVerdict.EQUIVALENCE_SHOWN, AuditVerdict.DIFFERENCE_WITHIN_MARGIN)


@given(counts, counts, st.floats(0.01, 0.5))
def test_within_points_the_difference_lies_within_them(a: tuple[int, int], b: tuple[int, int], points: float) -> None:
    rates = plain_rate(*a), plain_rate(*b)
    judged = judge([Hypothesis("h", ratio(*rates), Margin("difference", points))], correction="none")[0]
    if abs(judged.equivalence_p - 0.05) > 1e-6:
        assert (judged.verdict in ALIKE) == inside(RateDifference(*rates).at(0.9), -points, points)


@given(counts, counts)
def test_without_a_margin_nobody_is_equivalent(a: tuple[int, int], b: tuple[int, int]) -> None:
    judged = judge([Hypothesis("h", ratio(plain_rate(*a), plain_rate(*b)))])[0]
    assert judged.verdict not in ALIKE and judged.equivalence_p == 1 and not judged.beyond_margin


@pytest.mark.parametrize("margin", [Margin("ratio", 2.0), Margin("difference", 0.1), Margin("four fifths", 0.8)])
def test_55_against_99_of_a_hundred_is_within_no_margin_in_use(margin: Margin) -> None:
    for one_, other in ((5500, 9900), (4500, 100)):
        found = judge([Hypothesis("h", ratio(plain_rate(one_, 10_000), plain_rate(other, 10_000)))], margin)[0]
        assert found.verdict is AuditVerdict.DIFFERENCE_SHOWN and found.beyond_margin


def test_four_fifths_may_be_of_the_decisions_that_a_rate_leaves() -> None:
    called = ratio(plain_rate(800, 10_000), plain_rate(200, 10_000))  # 92 % and 98 % are left alone
    of_rest, of_called = (Margin("four fifths of the rest", 0.8), Margin("four fifths", 0.8))
    assert judge([Hypothesis("h", called, of_rest)])[0].verdict is AuditVerdict.DIFFERENCE_WITHIN_MARGIN
    assert judge([Hypothesis("h", called, of_called)])[0].verdict is AuditVerdict.DIFFERENCE_SHOWN


def test_a_difference_as_large_as_can_be_seen_is_shown_four_times_in_five() -> None:
    rng = np.random.default_rng(1)
    seen = judge([Hypothesis("h", ratio(plain_rate(100, 2000), plain_rate(100, 2000)))])[0]
    apart = seen.sees_difference
    shown = 0
    for _ in range(400):
        high, low = rng.binomial(2000, 0.05 + apart / 2), rng.binomial(2000, 0.05 - apart / 2)
        found = judge([Hypothesis("h", ratio(plain_rate(int(high), 2000), plain_rate(int(low), 2000)))])[0]
        shown += found.difference_shown
    assert 0.74 < shown / 400 < 0.87
    assert seen.sees_ratio == pytest.approx(np.exp(apart / 0.05), rel=0.05)


def test_one_ratio_over_strata_is_that_of_mantel_and_haenszel() -> None:
    tables = [np.array([[12, 88], [20, 280]]), np.array([[40, 60], [55, 145]])]
    strata = tuple(
        (plain_rate(int(t[0, 0]), int(t[0].sum())), plain_rate(int(t[1, 0]), int(t[1].sum()))) for t in tables
    )
    found = StratifiedRatio((*strata, (unknown_rate("nobody"), plain_rate(3, 10))))
    table = StratifiedTable(tables)
    assert found.estimate == pytest.approx(float(table.riskratio_pooled))
    assert found.at(0.95).holds(found.estimate) and found.p_value() < 0.05
    turned = StratifiedRatio(tuple((b, a) for a, b in strata))
    assert turned.estimate == pytest.approx(1 / found.estimate) and turned.p_value() == pytest.approx(found.p_value())


def test_equal_groups_over_strata_are_rarely_told_apart() -> None:
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(500):
        strata = []
        for share, n, m in ((0.1, 150, 400), (0.3, 200, 200), (0.6, 300, 90)):
            strata.append((plain_rate(int(rng.binomial(n, share)), n), plain_rate(int(rng.binomial(m, share)), m)))
        alarms += StratifiedRatio(tuple(strata)).p_value() <= 0.05
    assert 0.02 < alarms / 500 < 0.08


@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=6))
def test_swapping_the_two_groups_changes_no_verdict(pairs: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    forth = [Hypothesis(str(i), ratio(plain_rate(*a), plain_rate(*b))) for i, (a, b) in enumerate(pairs)]
    back = [Hypothesis(str(i), ratio(plain_rate(*b), plain_rate(*a))) for i, (a, b) in enumerate(pairs)]
    assert [j.verdict for j in judge(forth, 2.0)] == [j.verdict for j in judge(back, 2.0)]


def test_a_larger_family_needs_more_to_show_anything() -> None:
    borderline = ratio(plain_rate(35, 1000), plain_rate(18, 1000))
    alone = judge([Hypothesis("h", borderline)], 2.0)[0]
    crowd = [Hypothesis("h", borderline)] + [
        Hypothesis(str(i), ratio(plain_rate(5, 100), plain_rate(5, 100))) for i in range(9)
    ]
    corrections: tuple[Correction, ...] = ("holm", "benjamini-hochberg")
    for correction in corrections:
        assert judge(crowd, 2.0, correction=correction)[0].verdict is AuditVerdict.INSUFFICIENT_EVIDENCE
    assert alone.verdict is AuditVerdict.DIFFERENCE_SHOWN
    assert judge(crowd, 2.0, correction="none")[0].verdict is AuditVerdict.DIFFERENCE_SHOWN


def test_false_alarms_over_a_whole_family_are_rare() -> None:
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(300):
        reference = plain_rate(int(rng.binomial(4000, 0.02)), 4000)
        family = [
            Hypothesis(str(g), ratio(plain_rate(int(rng.binomial(4000, 0.02)), 4000), reference)) for g in range(6)
        ]
        alarms += any(
            j.verdict is AuditVerdict.DIFFERENCE_SHOWN for j in judge(family, 10.0) if not j.equivalence_p <= 0.05
        )
        alarms += any(j.difference_shown for j in judge(family, 1.01))
    assert alarms / 300 < 0.09


def test_families_that_were_not_thought_through_are_refused() -> None:
    h = Hypothesis("h", ratio(plain_rate(1, 10), plain_rate(1, 10)))
    with pytest.raises(BadRequest, match="declared twice"):
        judge([h, h], 2.0)
    with pytest.raises(BadRequest, match="above 1"):
        judge([h], 1.0)
    with pytest.raises(BadRequest, match="alpha"):
        judge([h], 2.0, alpha=0.7)
    with pytest.raises(BadRequest, match="correction"):
        judge([h], 2.0, correction="bonferroni")  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match="p-values"):
        holm([1.5])
    assert judge([], 2.0) == ()
