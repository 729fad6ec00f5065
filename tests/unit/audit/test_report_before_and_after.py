"""A report beside an earlier one: every group before and after, in pictures and in tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.unit.audit import made_up

from countenance.audit.bundle import Bundle, read_bundle, write_bundle
from countenance.audit.findings.differences import compare_bundles
from countenance.audit.report.page import report_page
from countenance.cli import cli
from countenance.errors import BadRequest

LABELS = 'labels = { f = "Frauen" }\nlabelled_by'


def bundle(folder: Path, name: str) -> Bundle:
    write_bundle(folder / name, made_up.files())
    return read_bundle(folder / name)


def test_the_report_shows_every_group_before_and_after(tmp_path: Path) -> None:
    old, new = bundle(tmp_path, "old"), bundle(tmp_path, "new")
    page = report_page(new, old)
    assert "Before and after" in page and "Before and after" not in report_page(new)
    assert page.count("<svg") > report_page(new).count("<svg")
    faces = new.results.faces
    assert faces is not None
    part = page[page.index("<h2>Before and after") :]
    part = part[: part.index("<h2>", 4)]
    told = [g for a in faces.analyses for g in a.groups if g.fmr.known]
    assert told
    for group in told:
        assert f"{group.group}, before: " in part and f"{group.group}, after: " in part
    assert "Rings and upper bars: before" in part


def test_a_classifier_is_shown_before_and_after_without_rates_that_cannot_be(tmp_path: Path) -> None:
    """Nobody labelled f is truly "m": of f there is no share right when called "m"."""
    made = []
    for name, wrong in (("old", 60), ("new", 15)):
        (tmp_path / name).mkdir()
        rows = [f"{g},{g},{'mf'[g == 'm'] if at < wrong else g}" for g in "fm" for at in range(300)]
        (tmp_path / name / "o.csv").write_text("\n".join(["truth,grp,predicted", *rows]) + "\n")
        made.append(made_up.carried_out(tmp_path / name, made_up.OUTCOMES.replace("labelled_by", LABELS)))
    page = report_page(made[1], made[0])
    part = page[page.index("<h2>Before and after") :]
    part = part[: part.index("<h2>", 4)]
    assert "Wrongly classified, by grp, before and after" in part and "20.0 %" in part and "5.00 %" in part
    assert "Frauen, before: " in part and "f, before: " not in part.replace("Frauen", "")
    cells = {(c.measure, c.group) for c in compare_bundles(made[0], made[1]).changes}
    assert ("ppv of m", "m") in cells and ("ppv of m", "f") not in cells and ("fpr of m", "f") in cells


def test_an_earlier_bundle_that_was_altered_is_refused(tmp_path: Path) -> None:
    old, new = bundle(tmp_path, "old"), bundle(tmp_path, "new")
    with pytest.raises(BadRequest, match="not what was signed"):
        report_page(new, replace(old, problems=("a file was altered",)))


def test_the_command_takes_both(tmp_path: Path) -> None:
    bundle(tmp_path, "old")
    bundle(tmp_path, "new")
    args = ["audit", "report", str(tmp_path / "new"), "-o", str(tmp_path / "out"), "--before", str(tmp_path / "old")]
    done = CliRunner().invoke(cli, args)
    assert done.exit_code == 0, done.output
    assert "Before and after" in (tmp_path / "out" / "report.html").read_text()
