"""Files as other people's programs write them: read as they mean, or refused with the row and the value."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.unit.audit.made_up import OUTCOMES, audited, carried_out, pairs

from countenance.audit.bundle import counts_csv
from countenance.audit.planning.guessing import seen
from countenance.cli.audit import audit
from countenance.errors import BadRequest

HIGHER = {"North": 4, "South": 8}
"""Of 10 people without the outcome in each group, so many have a score of 9, all others 2."""


def scored(north: str = "North", south: str = "South", score: str = "{}") -> list[list[str]]:
    """Region, score and outcome of 400 people."""
    rows = []
    for at in range(400):
        happened, high = at % 20 < 5, at % 10 < HIGHER["South" if at % 2 else "North"]
        rows.append([(north, south)[at % 2], score.format(9 if happened or high else 2), str(int(happened))])
    return rows


def written(file: Path, head: str, rows: list[list[str]], before: str = "", delimiter: str = ",") -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        out.write(f"{before}{head}\n")
        csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)


def headline(file: Path, monkeypatch: pytest.MonkeyPatch, high_from: str = "5") -> tuple[str, str]:
    """What `quick` says first, and everything that it prints."""
    monkeypatch.setenv("COUNTENANCE_HOME", str(file.with_name("home")))
    out = file.with_name("out")
    command = ["quick", str(file), "--yes", "--high-from", high_from, "-o", str(out)]
    result = CliRunner().invoke(audit, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    with zipfile.ZipFile(out / "bundle.zip") as bundle:
        return json.loads(bundle.read("results.json"))["headline"], result.output


WORSE = "The system wrongly calls people labelled South high risk"


@pytest.mark.parametrize(
    ("before", "delimiter", "score", "high_from", "finding"),
    [
        ("# Survey 2024\n# exported; do not edit\n", ",", "{}", "5", "has 2 lines above its header"),
        ("Cases of 2024\n\n", ",", "{}", "5", "has 2 lines above its header"),
        ("sep=;\n", ";", "{}", "5", "divided by a semicolon"),
        ("Fälle 2024;;\n", ";", "{},25", "5", "has 1 line above its header"),
        ("", ",", "{}0 %", "50", "is read as percentages"),
        ("", ";", "{}0,5%", "50", "with a comma before the decimals"),
    ],
)
def test_a_file_is_read_as_it_is_meant(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    delimiter: str,
    score: str,
    high_from: str,
    finding: str,
) -> None:
    file = tmp_path / "f.csv"
    written(file, delimiter.join(("region", "score", "outcome")), scored(score=score), before, delimiter)
    said, printed = headline(file, monkeypatch, high_from)
    assert said.startswith(WORSE) and finding in printed


def test_a_header_is_no_line_above_a_header(tmp_path: Path) -> None:
    written(tmp_path / "f.csv", "#region,score,outcome", scored())
    assert [column.name for column in seen(tmp_path / "f.csv").columns] == ["#region", "score", "outcome"]
    written(tmp_path / "g.csv", "score,", [["1", "a"], ["2", "b"]])
    assert [column.name for column in seen(tmp_path / "g.csv").columns] == ["score", "column 2"]


@pytest.mark.parametrize(
    ("score", "outcome", "told"),
    [
        ("{},000", "{}", "'9,000' in row 2, which may be a thousand or a fraction"),
        ("{}'000", "{}", 'no number: "9\'000" in row 2'),
        ("2024-01-0{}", "{}", "no number: '2024-01-09' in row 2"),
        ("{}", "a{}", "outcome says 'a0', 'a1'; what can happen or not is written as 1 and 0"),
        ("{}", "1", "outcome says '1'; what can happen"),
    ],
)
def test_a_column_that_says_something_else_than_its_name_is_told_with_row_and_value(
    tmp_path: Path, score: str, outcome: str, told: str
) -> None:
    rows = [[region, value, outcome.format(happened)] for region, value, happened in scored(score=score)]
    written(tmp_path / "f.csv", "region,score,outcome", rows)
    result = CliRunner().invoke(audit, ["quick", str(tmp_path / "f.csv"), "--yes"])
    assert isinstance(result.exception, BadRequest) and told in str(result.exception)
    assert f"decide  {result.exception}".partition(": ")[2] in result.output


def test_a_sign_of_percent_in_some_rows_is_refused(tmp_path: Path) -> None:
    rows = scored(score="{}0%")
    rows[7][1] = "0.4"
    written(tmp_path / "f.csv", "region,score,outcome", rows)
    assert (
        "'90%' in row 2 and '0.4' in row 9: write all numbers with the sign or none"
        in seen(tmp_path / "f.csv").doubts[0]
    )


def test_a_line_break_in_a_name_breaks_no_headline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "f.csv", "region,score,outcome", scored("North\nwing", 'South,\n"old" town'))
    said, _ = headline(tmp_path / "f.csv", monkeypatch)
    assert said.startswith('The system wrongly calls people labelled South, "old" town high risk') and "\n" not in said


def test_a_column_that_should_say_who_is_one_and_does_not_is_told(tmp_path: Path) -> None:
    rows = [[f"p{at % 9}", f"p{at % 7}", str(1 if at % 9 == at % 7 else -1), "0.5"] for at in range(60)]
    written(tmp_path / "f.csv", "subject_a,subject_b,same,score", rows)
    assert (
        "same says '1', '-1'; what can happen or not is written as 1 and 0, or yes and no"
        in seen(tmp_path / "f.csv").doubts
    )


def test_names_that_begin_alike_are_told_apart_in_the_headline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "people of a district that somebody described at length in a form without a limit, namely the "
    written(tmp_path / "f.csv", "region,score,outcome", scored(f"{long} north of it all", f"{long} south of it all"))
    said, _ = headline(tmp_path / "f.csv", monkeypatch)
    assert "…limit, namely the south… high risk" in said and said.endswith("as …limit, namely the north….")


def test_na_is_a_group_only_where_the_plan_says_so(tmp_path: Path) -> None:
    rows = [*pairs("a", 60, 6, [(0, 0)], 0), *pairs("NA", 60, 30, [(0, 0)], 0)]
    with pytest.raises(BadRequest, match=r'says .NA., which may mean that nothing was told.*"NA" = ""'):
        audited(tmp_path, rows)


def outcomes(folder: Path, truth: str, extra: str = "", groups: str = "ab") -> str:
    rows = ["truth,predicted,grp"]
    for at in range(400):
        said = "N/A" if at % 10 == 0 else "m"
        rows.append(f"{truth if at % 10 == 1 else 'm'},{said},{groups[at % 2]}")
        rows.append(f"f,f,{groups[at % 2]}")
    (folder / "o.csv").write_text("\n".join(rows) + "\n")
    return OUTCOMES + extra


def test_a_prediction_of_na_is_no_answer_and_a_true_class_of_it_is_asked_about(tmp_path: Path) -> None:
    found = carried_out(tmp_path, outcomes(tmp_path, "m")).results
    assert found.outcomes is not None and found.outcomes.analyses[0].groups[0].no_answer.errors == 40
    assert "predictions of 'N/A' in o.csv are read as no answer" in found.findings
    (tmp_path / "b").rename(tmp_path / "first")
    with pytest.raises(BadRequest, match=r'40 rows without a true class, the first is row 4.*"NA" = "NA"'):
        carried_out(tmp_path, outcomes(tmp_path, "NA"))
    told = carried_out(tmp_path, outcomes(tmp_path, "NA", 'classes = { "NA" = "NA" }\n')).results
    assert told.outcomes is not None and {line.label for line in told.outcomes.analyses[0].groups[1].classes} >= {"NA"}


def test_no_cell_of_counts_csv_is_a_formula(tmp_path: Path) -> None:
    formula = '=HYPERLINK("http://x";"y")'
    folder = tmp_path / "o.csv"
    draft = outcomes(tmp_path, "m")
    folder.write_text(folder.read_text().replace(",a\n", f',"{formula.replace(chr(34), chr(34) * 2)}"\n'))
    counts = counts_csv(carried_out(tmp_path, draft).results).decode()
    groups = {line["group"] for line in csv.DictReader(counts.splitlines())}
    assert groups == {"everybody", f"'{formula}", "b"}
