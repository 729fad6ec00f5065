"""What `audit quick` guesses is shown and in the report, what it cannot guess is asked for; missing answers count."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.unit.audit.made_up import NOW, OUTCOMES, carried_out
from tests.unit.audit.test_report import Page

from countenance.audit.bundle import read_bundle
from countenance.audit.labelled.tables import repeated_rows
from countenance.audit.planning.guessing import seen
from countenance.audit.planning.plans import plan_of_draft
from countenance.audit.report.page import report_page
from countenance.cli.audit import audit

ROWS = [f"{'ab'[at % 2]},{at % 10},{int(at % 10 > 5 + at % 3)}" for at in range(400)]


@pytest.fixture
def loans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    (tmp_path / "loans.csv").write_text("\n".join(["race,v_decile_score,two_year_recid", *ROWS]) + "\n")
    return tmp_path / "loans.csv"


def quick(file: Path, *options: str, said: str = "") -> tuple[str, str]:
    out = file.with_name("out")
    result = CliRunner().invoke(
        audit, ["quick", str(file), "-o", str(out), *options], input=said, catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.output, Page((out / "report.html").read_text()).text


def test_with_yes_the_report_says_what_was_guessed_and_what_nobody_stated(loans: Path) -> None:
    for told in quick(loans, "--yes", "--high-from", "5"):
        assert "score is 'v_decile_score', outcome is 'two_year_recid'; groups are 'race'" in told
        assert "nobody stated what 'two_year_recid' really measures" in told
        assert "nobody stated how the labels of groups came about" in told


def test_without_yes_it_asks_what_cannot_be_guessed(loans: Path) -> None:
    said, page = quick(loans, said="5\narrests only\nself-reported\ny\n")
    assert "what does two_year_recid really measure" in said and "how did the labels of groups come about" in said
    assert "What the outcome measures: arrests only" in page and "Labels are self-reported" in page
    assert "nobody stated" not in page and "guessed from names and values" in page


def test_options_answer_for_who_is_not_asked(loans: Path) -> None:
    options = ("--yes", "--high-from", "5", "--by", "race", "--label-warning", "arrests", "--labelled-by", "a register")
    _, page = quick(loans, *options)
    assert "What the outcome measures: arrests" in page and "nobody stated" not in page
    assert "groups are 'race'" not in page  # that was told, not guessed


def test_what_must_be_decided_is_told_before_the_plan(loans: Path) -> None:
    loans.write_text(loans.read_text().replace("\na,4", "\nA ,4"))
    result = CliRunner().invoke(audit, ["quick", str(loans), "--yes", "--high-from", "5"])
    assert "decide  race: 'A' and 'a' may be one group" in result.output


@pytest.mark.parametrize(
    ("column", "kind"), [("v_decile_score", "risks"), ("gate similarity", "risks"), ("scorecard", "unknown")]
)
def test_a_column_that_ends_in_a_known_word_is_found(tmp_path: Path, column: str, kind: str) -> None:
    (tmp_path / "r.csv").write_text("\n".join([f"race,{column},outcome", *ROWS]) + "\n")
    assert seen(tmp_path / "r.csv").kind == kind


def measured(folder: Path, silent: int) -> list[str]:
    rows = ["truth,predicted,race"]
    for group in "ab":
        rows += [f"m,{'' if group == 'b' and at < silent else 'm'},{group}" for at in range(200)]
        rows += [f"f,{'m' if at < 9 else 'f'},{group}" for at in range(200)]
    (folder / "o.csv").write_text("\n".join(rows) + "\n")
    return [h.measure for h in carried_out(folder, OUTCOMES.replace("grp", "race")).plan.hypotheses]


def test_missing_answers_are_asked_about_and_drawn_where_there_are_any(tmp_path: Path) -> None:
    assert measured(tmp_path, 60) == ["error", "fte"]
    bundle = read_bundle(tmp_path / "b")
    judged = [j for j in bundle.results.judged if j.declared and j.measure == "fte"]
    assert [j.verdict for j in judged] == ["difference shown"]
    assert "gives no answer" in bundle.results.headline
    page = Page(report_page(bundle)).text
    assert "Who gets no answer? By race" in page and "0 of 400, at most" in page


def test_where_every_row_has_an_answer_no_question_is_wasted_on_it(tmp_path: Path) -> None:
    assert measured(tmp_path, 0) == ["error"]
    assert "Every row has an answer (0 of 800 without" in Page(report_page(read_bundle(tmp_path / "b"))).text
    (tmp_path / "o.csv").unlink()
    assert [h.measure for h in plan_of_draft(tmp_path / "d.toml", NOW).hypotheses] == ["error", "fte"]


def test_rows_that_must_repeat_are_no_finding_and_a_file_that_holds_itself_twice_is_one(tmp_path: Path) -> None:
    measured(tmp_path, 0)
    alike = "are the same as an earlier row"
    assert alike not in " ".join(read_bundle(tmp_path / "b").results.findings)
    (tmp_path / "n.csv").write_text("\n".join(["a,b", *(f"{at % 9},{at % 11}" for at in range(80)), "1,1", "1,1"]))
    assert not repeated_rows(tmp_path / "n.csv", None)  # 2 of 82, and nothing in a row tells one person from another
    (tmp_path / "n.csv").write_text("\n".join(["a,picture", *(f"{at % 9},{at}.jpg" for at in range(80)), "1,1.jpg"]))
    assert alike in repeated_rows(tmp_path / "n.csv", None)[0]
    rows = [f"{at % 100 / 100},{int(at % 7 == 0)},{'ab'[at % 2]}" for at in range(90)]
    (tmp_path / "r.csv").write_text("\n".join(["score,outcome,race", *rows, *rows]) + "\n")
    (tmp_path / "e.toml").write_text(
        OUTCOMES.replace("grp", "race").replace("[outcomes]", "[risks]").replace("o.csv", "r.csv") + "high_from = 0.5\n"
    )
    found: list[str] = []
    plan_of_draft(tmp_path / "e.toml", NOW, found.append)
    assert alike in " ".join(found) and "2 times or a multiple" in " ".join(found)
