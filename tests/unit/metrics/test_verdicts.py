import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from countenance.errors import BadRequest
from countenance.metrics import (
    AuditVerdict,
    Hypothesis,
    Rate,
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


def test_each_of_the_three_verdicts_is_reached() -> None:
    shown = one(plain_rate(90, 1000), plain_rate(20, 1000))
    same = one(plain_rate(1000, 100_000), plain_rate(1020, 100_000))
    unsure = one(plain_rate(3, 100), plain_rate(1, 100))
    assert shown.verdict is AuditVerdict.DISPARITY_SHOWN  # type: ignore[attr-defined]
    assert shown.beyond_margin  # type: ignore[attr-defined]
    assert same.verdict is AuditVerdict.EQUIVALENCE_SHOWN  # type: ignore[attr-defined]
    assert not same.difference_shown  # type: ignore[attr-defined]
    assert unsure.verdict is AuditVerdict.INSUFFICIENT_EVIDENCE  # type: ignore[attr-defined]
    assert unsure.shows_margin > 2  # type: ignore[attr-defined]
    assert "can be ruled out" in unsure.reason  # type: ignore[attr-defined]


def test_a_real_but_small_difference_is_equivalence_and_says_so() -> None:
    found = one(plain_rate(12_000, 1_000_000), plain_rate(10_000, 1_000_000))
    assert found.verdict is AuditVerdict.EQUIVALENCE_SHOWN  # type: ignore[attr-defined]
    assert found.difference_shown  # type: ignore[attr-defined]
    assert "though not 1" in found.reason  # type: ignore[attr-defined]
    stricter = one(plain_rate(12_000, 1_000_000), plain_rate(10_000, 1_000_000), margin=1.1)
    assert stricter.verdict is AuditVerdict.DISPARITY_SHOWN  # type: ignore[attr-defined]


def test_without_errors_or_trials_nothing_is_claimed() -> None:
    for rate in (plain_rate(0, 10**6), unknown_rate("nobody came")):
        found = one(rate, plain_rate(0, 10**6))
        assert found.verdict is AuditVerdict.INSUFFICIENT_EVIDENCE  # type: ignore[attr-defined]
        assert (found.p, found.equivalence_p) == (1, 1)  # type: ignore[attr-defined]
    assert "nobody came" in one(unknown_rate("nobody came"), plain_rate(1, 10)).reason  # type: ignore[attr-defined]


counts = st.integers(20, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts, st.floats(1.05, 10))
def test_equivalence_is_the_inner_interval_within_the_margin(
    a: tuple[int, int], b: tuple[int, int], margin: float
) -> None:
    found = ratio(plain_rate(*a), plain_rate(*b))
    judged = judge([Hypothesis("h", found)], margin, correction="none")[0]
    inner = found.at(0.9)
    if abs(judged.equivalence_p - 0.05) > 1e-6:
        inside = found.known and 1 / margin < inner.low and inner.high < margin
        assert (judged.verdict is AuditVerdict.EQUIVALENCE_SHOWN) == inside


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
    for correction in ("holm", "benjamini-hochberg"):
        assert judge(crowd, 2.0, correction=correction)[0].verdict is AuditVerdict.INSUFFICIENT_EVIDENCE  # type: ignore[arg-type]
    assert alone.verdict is AuditVerdict.DISPARITY_SHOWN
    assert judge(crowd, 2.0, correction="none")[0].verdict is AuditVerdict.DISPARITY_SHOWN


def test_false_alarms_over_a_whole_family_are_rare() -> None:
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(300):
        reference = plain_rate(int(rng.binomial(4000, 0.02)), 4000)
        family = [
            Hypothesis(str(g), ratio(plain_rate(int(rng.binomial(4000, 0.02)), 4000), reference)) for g in range(6)
        ]
        alarms += any(
            j.verdict is AuditVerdict.DISPARITY_SHOWN for j in judge(family, 10.0) if not j.equivalence_p <= 0.05
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
