"""People who occur many times: what few of them do is never told as if many had."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from tests.unit.audit.made_up import OUTCOMES, carried_out

from countenance.audit.planning.guessing import seen
from countenance.cli.audit import audit
from countenance.errors import BadRequest
from countenance.metrics import assess_risk
from countenance.metrics.decisions.risk import auc_delong

RISKS = OUTCOMES.replace("[outcomes]", "[risks]").replace("o.csv", "r.csv") + 'high_from = 5\nlabel_warning = "x"\n'
WRONG = {"Red": 14, "Blue": 10}
"""Of 40 people in each group, so many are called high risk, every time: 14 against 10 tells nothing."""


def visits(times: int = 20) -> list[list[object]]:
    """Person, group, score, outcome and the number of the visit."""
    rows: list[list[object]] = []
    for group, wrong in WRONG.items():
        for at in range(40):
            rows += [[f"{group} {at}", group, 9 if at < wrong else 2, 0, visit] for visit in range(times)]
            rows += [[f"{group} {at} too", group, 9 if at % 2 else 2, 1, visit] for visit in range(times)]
    return rows


def written(file: Path, who: str) -> None:
    with file.open("w", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow([who, "grp", "score", "outcome", "visit"])
        table.writerows(visits())


def first_said(file: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], str]:
    monkeypatch.setenv("COUNTENANCE_HOME", str(file.with_name("home")))
    command = ["quick", str(file), "--yes", "--high-from", "5", "-o", str(file.with_name("out"))]
    printed = CliRunner().invoke(audit, command, catch_exceptions=False).output
    with zipfile.ZipFile(file.with_name("out") / "bundle.zip") as bundle:
        return json.loads(bundle.read("results.json")), printed


def test_a_few_people_on_many_rows_are_a_few_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "r.csv", "participant_id")
    results, printed = first_said(tmp_path / "r.csv", monkeypatch)
    assert 'subject = "participant_id"' in printed
    assert results["headline"].startswith("This data cannot tell whether"), results["headline"]
    assert results["data"]["people"] == 160


def test_a_plan_that_names_nobody_says_that_rows_are_of_the_same_people(tmp_path: Path) -> None:
    written(tmp_path / "r.csv", "participant_id")
    findings = " ".join(carried_out(tmp_path, RISKS).results.findings)
    assert "'participant_id' of r.csv names 160 different in 3,200 rows, and the plan does not use it" in findings


def test_a_group_of_few_people_is_small_however_many_rows_it_has(tmp_path: Path) -> None:
    lines = ["who,grp,score,outcome"]
    for group, people in (("a", 60), ("b", 60), ("c", 3)):
        lines += [f"{group}{at % people},{group},{1 + at % 9},{at % 2}" for at in range(300)]
    (tmp_path / "r.csv").write_text("\n".join(lines) + "\n")
    (analysis,) = carried_out(tmp_path, RISKS + 'subject = "who"\n').results.risks.analyses  # type: ignore[union-attr]
    assert [group.group for group in analysis.groups] == ["a", "b"]


def test_a_row_that_names_nobody_is_refused_where_others_do(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("who,grp,score,outcome\nx,a,9,1\n,a,2,0\ny,b,9,0\n")
    with pytest.raises(BadRequest, match=r"column 'who' of r.csv has 1 empty cells, the first in row 3"):
        carried_out(tmp_path, RISKS + 'subject = "who"\n')


def test_ids_that_name_everybody_once_leave_a_draft_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("person_id,grp,score,outcome\n1,a,9,1\n2,a,2,0\n3,b,9,0\n4,b,2,1\n")
    assert "subject" not in seen(tmp_path / "r.csv").roles


def test_copies_of_a_table_change_no_interval_where_subjects_are_named() -> None:
    random = np.random.default_rng(3)
    score, outcome = random.integers(1, 11, 400), random.random(400) < 0.4
    group, who = np.array(["a", "b"])[np.arange(400) % 2], np.arange(400)
    one = assess_risk(score, outcome, group, 6, people=who)
    ten = assess_risk(np.tile(score, 10), np.tile(outcome, 10), np.tile(group, 10), 6, people=np.tile(who, 10))
    for few, many in zip(one.groups, ten.groups, strict=True):
        assert (many.auc_interval.low, many.auc_interval.high) == pytest.approx(
            (few.auc_interval.low, few.auc_interval.high), abs=0.003
        )
        assert (many.fpr.interval.low, many.fpr.interval.high) == pytest.approx(
            (few.fpr.interval.low, few.fpr.interval.high), abs=0.01
        )
    assert [line.p_value for line in ten.four_fifths] == pytest.approx(
        [line.p_value for line in one.four_fifths], abs=0.1
    )


def test_the_clustered_interval_of_the_auc_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    held = plain = 0
    for _ in range(400):
        own = random.normal(0, 1, 80)
        who = np.repeat(np.arange(80), 5)
        yes = np.arange(80) % 2 == 0
        scores = (own + yes * 1.0)[who] + random.normal(0, 0.3, 400)
        high, low = scores[yes[who]], scores[~yes[who]]
        truth = 0.7511  # P(N(1, 2 * (1 + 0.09)) > 0)
        held += auc_delong(high, low, 0.95, (who[yes[who]], who[~yes[who]]))[1].holds(truth)
        plain += auc_delong(high, low)[1].holds(truth)
    assert held >= 370 and plain < 320
