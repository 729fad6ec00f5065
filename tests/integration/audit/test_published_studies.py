"""ProPublica's study of COMPAS from its own file. Needs the folder of evaluation data."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from countenance.audit.running import run_audit
from countenance.audit.studies.compas import compas_study
from countenance.audit.studies.published import published_compas

DATA = Path(os.environ.get("COUNTENANCE_DATA", Path(__file__).parents[4] / "shared" / "data"))
FILE = DATA / "compas" / "compas-scores-two-years.csv"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="the evaluation data (COUNTENANCE_DATA) is not here")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_propublicas_figures_come_out_to_the_last_digit() -> None:
    plan, loaded = compas_study(FILE, NOW)
    results = run_audit(plan, plan, loaded, lambda: NOW)
    assert results.risks is not None
    groups = {group.group: group for group in results.risks.analyses[0].groups}
    published = published_compas()
    assert results.data.rows == published.rows
    for name, was in published.groups.items():
        found = groups[name]
        assert found.rows == was.n
        assert found.fpr.estimate is not None and found.fnr.estimate is not None
        assert round(100 * found.fpr.estimate, 2) == was.fpr_pct
        assert round(100 * found.fnr.estimate, 2) == was.fnr_pct
    black, white = groups["African-American"], groups["Caucasian"]
    assert (black.fpr.errors, black.fnr.errors) == (805, 532)
    assert (white.fpr.errors, white.fnr.errors) == (349, 461)
    for found in (black, white):
        assert found.identity is not None
        assert found.identity.implied == pytest.approx(found.identity.fpr, abs=1e-12)


def test_small_groups_are_told_about_only_where_ten_people_stand_behind_a_rate() -> None:
    plan, loaded = compas_study(FILE, NOW)
    results = run_audit(plan, plan, loaded, lambda: NOW)
    assert results.risks is not None
    for group in results.risks.analyses[0].groups:
        for rate in (group.fpr, group.fnr, group.ppv, group.npv):
            assert rate.trials is None or rate.trials >= 10 or not rate.trials
