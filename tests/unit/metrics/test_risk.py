import csv
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy.stats import fisher_exact as scipy_fisher
from sklearn.metrics import roc_auc_score

from countenance.errors import BadRequest
from countenance.metrics import assess_risk
from countenance.metrics.decisions.risk import Risk, auc_delong, fisher_exact

DATA = Path(os.environ.get("COUNTENANCE_DATA", Path(__file__).parents[5] / "shared" / "data"))


def compas() -> Risk:
    file = DATA / "compas" / "compas-scores-two-years.csv"
    if not file.exists():
        pytest.skip("no evaluation data: set COUNTENANCE_DATA")
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    score, outcome = ([int(r[c]) for r in rows] for c in ("decile_score", "two_year_recid"))
    return assess_risk(score, outcome, [r["race"] for r in rows], cutoff=5)


@pytest.mark.parametrize(
    ("group", "counts", "percent"),
    [
        ("African-American", (3696, 1369, 805, 532, 990), (44.85, 27.99, 62.97, 65.05, 51.43)),
        ("Caucasian", (2454, 505, 349, 461, 1139), (23.45, 47.72, 59.13, 71.19, 39.36)),
    ],
)
def test_the_published_figures_of_compas(group: str, counts: tuple[int, ...], percent: tuple[float, ...]) -> None:
    table = next(g for g in compas().groups if g.group == group)
    assert (
        table.rows,
        table.true_positives,
        table.false_positives,
        table.false_negatives,
        table.true_negatives,
    ) == counts
    rates = (table.fpr, table.fnr, table.ppv, table.npv, table.prevalence)
    assert [round(100 * r.estimate, 2) for r in rates] == list(percent)
    assert all(r.interval.holds(p / 100) for r, p in zip(rates, percent, strict=True))


def test_the_impossibility_identity_holds_with_the_audits_own_numbers() -> None:
    found = compas()
    for table in (found.everybody, *found.groups):
        assert table.identity is not None
        assert table.identity.implied == pytest.approx(table.identity.fpr, abs=1e-12)
        assert table.identity.fpr == table.fpr.estimate
    assert (found.everybody.true_negatives, found.everybody.false_positives) == (2681, 1282)
    assert (found.everybody.false_negatives, found.everybody.true_positives) == (1216, 2035)
    assert len(found.calibration) == len(found.groups) * 10, "one bin for each decile"


cells = st.integers(1, 40)


@given(cells, cells, cells, cells)
def test_the_identity_holds_for_every_table(tp: int, fp: int, fn: int, tn: int) -> None:
    score = [1] * (tp + fp) + [0] * (fn + tn)
    outcome = [1] * tp + [0] * fp + [1] * fn + [0] * tn
    identity = assess_risk(score, outcome, ["x"] * len(score), 0.5).groups[0].identity
    assert identity is not None
    assert identity.implied == pytest.approx(identity.fpr)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_fishers_test_agrees_with_scipy(a: int, b: int, c: int, d: int) -> None:
    if min(a + b, c + d):
        assert fisher_exact(a, a + b, c, c + d) == pytest.approx(scipy_fisher([[a, b], [c, d]]).pvalue, abs=1e-9)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=40), st.lists(st.integers(0, 9), min_size=2, max_size=40))
def test_the_auc_agrees_with_sklearn_and_lies_in_its_interval(yes: list[int], no: list[int]) -> None:
    auc, interval = auc_delong(yes, no)
    assert auc == pytest.approx(roc_auc_score([1] * len(yes) + [0] * len(no), yes + no))
    assert 0 <= interval.low <= auc <= interval.high <= 1


def test_the_auc_holds_its_level() -> None:
    rng = np.random.default_rng(0)
    truth = 0.7602499389  # P(N(1,1) > N(0,1)) = ndtr(1/sqrt 2)
    held = sum(auc_delong(rng.normal(1, 1, 60), rng.normal(0, 1, 80))[1].holds(truth) for _ in range(600))
    assert 0.92 <= held / 600 <= 0.98


def four_fifths(low: int, of: int, best: int, among: int, *, high_is_favourable: bool) -> object:
    score = [1] * low + [0] * (of - low) + [1] * best + [0] * (among - best)
    if not high_is_favourable:
        score = [1 - s for s in score]
    group = ["x"] * of + ["y"] * among
    outcome = np.arange(of + among) % 2
    return assess_risk(score, outcome, group, 0.5, high_is_favourable=high_is_favourable).four_fifths[0]


@pytest.mark.parametrize("high_is_favourable", [True, False])
@given(low=st.integers(0, 60), best=st.integers(30, 60))
def test_flips_are_the_fewest_decisions_that_make_four_fifths(low: int, best: int, high_is_favourable: bool) -> None:
    if low / 60 > best / 60:
        return
    found = four_fifths(low, 60, best, 60, high_is_favourable=high_is_favourable)
    needed = 0.8 * best
    assert found.flips == max(int(np.ceil(needed - 1e-9)) - low, 0)  # type: ignore[attr-defined]
    assert found.passes == (found.flips == 0)  # type: ignore[attr-defined]
    assert found.favourable.errors == low  # type: ignore[attr-defined]


def test_groups_without_rows_or_with_one_outcome_are_said() -> None:
    found = assess_risk([1, 2, 3, 4], [0, 1, 1, 1], ["x", "x", "y", "y"], 3, groups=["x", "y", "z"])
    assert {f.kind for f in found.findings} == {"empty-groups", "single-outcome", "no-identity"}
    y = found.groups[1]
    assert y.identity is None
    assert not y.fpr.known
    assert np.isnan(y.auc)
    assert not found.groups[2].selected.known
    assert [f.group for f in found.four_fifths] == ["x", "y"]


def test_calibration_bins_hold_everybody_once() -> None:
    rng = np.random.default_rng(0)
    score = rng.random(500)
    outcome = rng.random(500) < score
    found = assess_risk(score, outcome, ["x"] * 500, 0.5)
    assert sum(c.observed.trials for c in found.calibration) == 500
    assert len(found.calibration) == 10
    assert all(c.observed.interval.holds((c.low + c.high) / 2) for c in found.calibration)
    own = assess_risk(score, outcome, ["x"] * 500, 0.5, calibration_edges=[0.25, 0.5, 0.75])
    assert [c.observed.trials for c in own.calibration] == [(score < 0.5).sum(), (score >= 0.5).sum()]


@pytest.mark.parametrize(
    ("score", "outcome", "group", "cutoff", "message"),
    [
        ([], [], [], 1, "no scored row"),
        ([1, np.nan], [0, 1], ["x", "x"], 1, "finite"),
        ([1, 2], [0, 1], ["x", "x"], np.nan, "finite"),
        ([1, 2], [0, 2], ["x", "x"], 1, "0 or 1"),
        ([1, 2], [0, 1], ["x", ""], 1, "no label"),
        (["high", "low"], [0, 1], ["x", "x"], 1, "a number in every row"),
    ],
)
def test_bad_tables_are_clear_errors(
    score: ArrayLike, outcome: ArrayLike, group: ArrayLike, cutoff: float, message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        assess_risk(score, outcome, group, cutoff)
