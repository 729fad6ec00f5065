from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.unit.audit import made_up
from tests.unit.audit.score_files import score_file

from countenance.audit.bundle import read_bundle, write_bundle
from countenance.cli.audit import audit
from countenance.errors import BadRequest, CountenanceError

DRAFT = """
title = "Gate"
question = "Who is falsely accepted?"
[system]
name = "Gate"
[groups]
factors = ["gender"]
labelled_by = "made up"
[scores]
file = "scores.csv"
labels = "people.csv"
[threshold]
rule = "fmr"
value = 0.01
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))


def invoke(*arguments: object, code: int = 0) -> str:
    result: Result = CliRunner().invoke(audit, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    """A plan made before there were any scores, and the scores that came after."""
    (tmp_path / "d.toml").write_text(DRAFT)
    said = invoke("plan", tmp_path / "d.toml")
    assert "sha256" in said and "fmr by gender, fnmr by gender" in said and "exploratory" not in said
    score_file(tmp_path, people=150, impostors=20_000, wolf=1.0)
    return tmp_path


def test_from_draft_to_pages(planned: Path) -> None:
    said = invoke("run", planned / "d.plan.json", "-o", planned / "b.zip")
    assert "takes strangers for the same person" in said and "difference shown: " in said
    checked = invoke("verify", planned / "b.zip")
    assert "preregistered" in checked and "ok: it is what was signed" in checked
    pages = invoke("report", planned / "b.zip", "-o", planned / "pages").split()
    assert {Path(p).name for p in pages} == {"report.html", "card.html", "leaflet.html", "counts.csv", "results.json"}
    assert json.loads((planned / "pages" / "results.json").read_text())["format"] == "countenance-audit-results/2"
    assert (planned / "home" / "keys" / "audit.key").stat().st_mode & 0o077 == 0


def test_a_run_that_leaves_its_plan_says_so(planned: Path) -> None:
    said = invoke("run", planned / "d.plan.json", "-o", planned / "b", "--set", "threshold.value=0.02")
    assert "deviation: threshold.value: planned 0.01, done 0.02" in said
    assert "exploratory" in invoke("verify", planned / "b")
    with pytest.raises(BadRequest, match=r"no field 'threshold\.colour'"):
        invoke("run", planned / "d.plan.json", "-o", planned / "c", "--set", "threshold.colour=1")


def test_labels_changed_after_the_plan_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text(DRAFT)
    score_file(tmp_path)
    (tmp_path / "scores.csv").rename(tmp_path / "later.csv")
    invoke("plan", tmp_path / "d.toml")
    (tmp_path / "later.csv").rename(tmp_path / "scores.csv")
    (tmp_path / "people.csv").write_text((tmp_path / "people.csv").read_text().replace("female", "woman"))
    said = invoke("run", tmp_path / "d.plan.json", "-o", tmp_path / "b.zip")
    assert "deviation: inputs.people.csv" in said


def test_an_altered_bundle_fails_with_exit_code_one(planned: Path) -> None:
    invoke("run", planned / "d.plan.json", "-o", planned / "b")
    results = planned / "b" / "results.json"
    results.write_bytes(results.read_bytes().replace(b"difference shown", b"equivalence shown"))
    said = invoke("verify", planned / "b", code=1)
    assert "wrong: results.json was changed after signing" in said


def test_the_signer_asked_for_must_have_signed(planned: Path) -> None:
    invoke("run", planned / "d.plan.json", "-o", planned / "b")
    signer = read_bundle(planned / "b").signer
    assert "ok" in invoke("verify", planned / "b", "--signer", signer)
    assert "not with the key asked for" in invoke("verify", planned / "b", "--signer", "0" * 64, code=1)


def test_a_plan_lies_beside_its_draft(planned: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(BadRequest, match="in the folder of its draft"):
        invoke("plan", planned / "d.toml", "-o", tmp_path / "elsewhere" / "p.json")


def test_two_versions_are_compared(planned: Path) -> None:
    invoke("run", planned / "d.plan.json", "-o", planned / "old.zip")
    score_file(planned, people=150, impostors=20_000, wolf=0.0, seed=1)
    invoke("run", planned / "d.plan.json", "-o", planned / "new.zip")
    said = invoke("diff", planned / "old.zip", planned / "new.zip")
    assert "Input files differ: scores.csv" in said
    women = next(
        line for line in said.splitlines() if line.startswith("gender") and " fmr " in line and "female" in line
    )
    assert "better" in women
    as_json = json.loads(invoke("diff", planned / "old.zip", planned / "new.zip", "--json"))
    assert as_json["same_plan"] is True


def test_evidence_is_issued_and_verified(tmp_path: Path) -> None:
    write_bundle(tmp_path / "b.zip", made_up.files())
    out = tmp_path / "m.evidence.json"
    said = invoke(
        "evidence", "issue", tmp_path / "b.zip", "-o", out, "--threshold-fmr", "0.001", "--calibration", "c" * 64
    )
    assert "covers group=women, darker" in said
    checked = invoke("evidence", "verify", out, "--bundle", tmp_path / "b.zip")
    assert made_up.MODEL in checked and "cannot show  no children took part" in checked
    assert "not by the key asked for" in invoke("evidence", "verify", out, "--issuer", "0" * 64, code=1)
    expired = invoke("evidence", "issue", tmp_path / "b.zip", "-o", out, "--threshold-fmr", "0.001", "--days", "1")
    assert "until" in expired


def test_questions_before_an_audit() -> None:
    assert "769 people per group show a ratio of 2" in invoke("planner", "--fmr", "1e-4", "--ratio", "2")
    said = invoke("planner", "--fmr", "1e-4", "--subjects", "400")
    assert "400 people per group can show a ratio of 3.3" in said
    assert "tell a miss rate of 2.00 % from 1.00 %" in invoke("planner", "--fnmr", "0.01", "--worse-fnmr", "0.02")
    assert "ask something" in invoke("planner", code=2)


def test_questions_after_an_audit(tmp_path: Path) -> None:
    write_bundle(tmp_path / "b.zip", made_up.files())
    assert "threshold 0." in invoke("advise", tmp_path / "b.zip", "--gallery", "100", "--fpir", "0.5")
    none = invoke("advise", tmp_path / "b.zip", "--gallery", "100000000", "--fpir", "0.001")
    assert "no threshold of this audit holds" in none
    said = invoke("explain-search", "--bundle", tmp_path / "b.zip", "--gallery", "10000", "--html", tmp_path / "l.html")
    assert "women, darker" in said and (tmp_path / "l.html").is_file()
    aclu = invoke("explain-search", "--gallery", "25000", "--probes", "535", "--matched", "28")
    assert "about 52 name somebody all the same" in aclu
    with pytest.raises(BadRequest, match="where the rates come from"):
        invoke("explain-search", "--gallery", "100")


def test_examples_are_printed() -> None:
    assert invoke("plan", "--example", "scores").startswith("# An audit of scores")
    assert "name a draft" in invoke("plan", code=2)


@pytest.mark.parametrize("arguments", [["verify", "nothing.zip"], ["run", "no.json", "-o", "b"], ["plan", "no.toml"]])
def test_what_is_not_there_is_an_error_of_ours(arguments: list[str]) -> None:
    with pytest.raises(CountenanceError, match="there is no"):
        invoke(*arguments)


def test_gender_shades_prints_what_was_published_beside_what_comes_out(tmp_path: Path) -> None:
    said = invoke("gender-shades", "-o", tmp_path / "gs.zip")
    assert "darker · female: 34.7 % [29.3 % to 40.5 %] 94 of 271; published 34.7 %" in said
    assert read_bundle(tmp_path / "gs-ibm.zip").problems == ()
