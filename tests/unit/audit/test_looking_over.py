"""What is looked at before a plan has a hash, over the kinds of files that misled once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from countenance.audit import evidence
from countenance.audit.labelled.people import alike
from countenance.audit.labelled.tables import mixed_units, sentinels
from countenance.cli import cli
from countenance.errors import BadRequest

ROWS = [(f"{s}", f"{int(s > 5)}", "n" if s % 2 else "s") for s in range(1, 11)] * 30
TUTORIAL = Path(__file__).parents[3] / "examples/audit-tutorial/loans.csv"


def risks(folder: Path, text: str, more: str = "high_from = 5.0", encoding: str = "utf-8") -> Path:
    (folder / "r.csv").write_text(text, encoding=encoding)
    head = 'title = "t"\nquestion = "q"\n[system]\nname = "s"\n[groups]\nfactors = ["g"]\nlabelled_by = "x"\n'
    (folder / "d.toml").write_text(f'{head}[risks]\nfile = "r.csv"\n{more}\n')
    return folder / "d.toml"


def table(rows: Sequence[tuple[str, ...]] = ROWS, head: str = "score,outcome,g", by: str = ",") -> str:
    return "\n".join([head.replace(",", by), *(by.join(row) for row in rows)]) + "\n"


def check(folder: Path) -> str:
    arguments = ["audit", "check", str(folder / "r.csv"), str(folder / "d.toml")]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("by", [",", ";", "\t"])
def test_files_are_read_however_they_are_written(tmp_path: Path, encoding: str, by: str) -> None:
    rows = [(s, o, {"n": "männlich", "s": "weiblich"}[g]) for s, o, g in ROWS]
    risks(tmp_path, table(rows, by=by), encoding=encoding)
    said = check(tmp_path)
    assert "männlich (150)" in said
    assert ("not UTF-8" in said) == (encoding in ("utf-16", "utf-16-le", "cp1252"))


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (("женщины", "мужчины"), "cp1251"),
        (("γυναίκες", "άνδρες"), "cp1253"),
        (("女性", "男性"), "shift_jis"),
        (("女性", "男性"), "gbk"),
        (("여성", "남성"), "euc_kr"),
        (("نساء", "رجال"), "cp1256"),
    ],
)
def test_letters_of_an_alphabet_that_nobody_named_are_not_guessed(
    tmp_path: Path, words: tuple[str, str], encoding: str
) -> None:
    """Read as Western letters, the groups of a report would have names like æåíùèíû."""
    risks(tmp_path, table([(s, o, words[g == "s"]) for s, o, g in ROWS]), encoding=encoding)
    with pytest.raises(BadRequest, match="Write it as CSV in UTF-8"):
        check(tmp_path)


def test_one_broken_letter_does_not_garble_all_others(tmp_path: Path) -> None:
    risks(tmp_path, table([(s, o, {"n": "Männer", "s": "Süße"}[g]) for s, o, g in ROWS]))
    file = tmp_path / "r.csv"
    file.write_bytes(file.read_bytes().replace("ü".encode(), b"\xc3", 1))
    with pytest.raises(BadRequest, match="neither UTF-8 nor in Western letters"):
        check(tmp_path)


@pytest.mark.parametrize("end", [b"\r", b"\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_lines_may_end_as_they_did_on_old_machines(tmp_path: Path, end: bytes, encoding: str) -> None:
    rows = [(s, o, {"n": "Mönch", "s": "Nonne"}[g]) for s, o, g in ROWS]
    (tmp_path / "r.csv").write_text("")
    risks(tmp_path, table(rows, by=";"))
    text = (tmp_path / "r.csv").read_text().replace("\n", end.decode())
    (tmp_path / "r.csv").write_bytes(text.encode(encoding))
    assert "Mönch (150)" in check(tmp_path)


def test_two_columns_of_one_name_must_say_the_same(tmp_path: Path) -> None:
    risks(tmp_path, table([(*row, row[0]) for row in ROWS], "score,outcome,g,score"))
    assert "has the column 'score' more than once, with the same values" in check(tmp_path)
    risks(tmp_path, table([(*row, "3") for row in ROWS], "score,outcome,g,score"))
    with pytest.raises(BadRequest, match="differ: row 2 says '1' and '3'"):
        check(tmp_path)


@pytest.mark.parametrize(
    ("rows", "words", "remedy"),
    [
        ([(s, o, g.upper() if s == "3" else g) for s, o, g in ROWS], "'N' .* and 'n'", ""),
        ([("-1" if s == "1" else s, o, g) for s, o, g in ROWS], "30 of 300 scores of r.csv are -1",
         'no_score = [-1]\nmissing = "set aside"'),
        ([("999" if s == "1" else s, o, g) for s, o, g in ROWS], "30 of 300 scores of r.csv are 999",
         'limits = [0, 999]\nunit = "as given"'),
        ([(f"{float(s) / (100 if g == 'n' else 1)}", o, g) for s, o, g in ROWS], "two units", 'unit = "as given"'),
    ],
)  # fmt: skip
def test_what_would_change_the_result_is_refused_until_the_plan_says(
    tmp_path: Path, rows: list[tuple[str, ...]], words: str, remedy: str
) -> None:
    risks(tmp_path, table(rows))
    with pytest.raises(BadRequest, match=words):
        check(tmp_path)
    if remedy:
        risks(tmp_path, table(rows), f"high_from = 5.0\n{remedy}")
        assert check(tmp_path).endswith("ok\n")


def test_a_cut_off_has_no_default(tmp_path: Path) -> None:
    risks(tmp_path, table(), "")
    with pytest.raises(BadRequest, match="lacks the field 'high_from'"):
        check(tmp_path)


def test_scores_against_the_outcome_are_stated(tmp_path: Path) -> None:
    risks(tmp_path, table([(s, str(1 - int(o)), g) for s, o, g in ROWS]))
    said = check(tmp_path)
    assert "run against the outcome (AUC 0.00, under 0.5)" in said


def test_one_letter_is_one_however_unicode_writes_it(tmp_path: Path) -> None:
    """Two groups "É" that look the same on every page."""
    words = ("É", "E\u0301", "È", "E\u0300")
    rows = [(s, o, words[at % 2 + 2 * (g == "s")]) for at, (s, o, g) in enumerate(ROWS)]
    risks(tmp_path, table(rows))
    said = check(tmp_path)
    assert "É (150)" in said and "È (150)" in said and "spellings" not in said


def test_names_that_may_be_one() -> None:
    assert alike(["White", "WHITE", "Black"]) == [("White", "WHITE")]
    assert alike(["north_east", "North East"]) == [("north_east", "North East")]
    assert alike(["male", "M", "F"]) == [("male", "M")]
    assert alike(["10-19", "20-29", "-1", "1", "A", "AB"]) == []


def test_codes_stand_apart_and_ordinary_scores_do_not() -> None:
    scores = np.random.default_rng(0).normal(size=1000)
    assert sentinels(scores) == ()
    assert sentinels(np.append(scores, -999.0)) == (-999.0,)
    assert sentinels(np.append(np.abs(scores), -1.0)) == (-1.0,)
    credit = (300 + np.arange(1000) * 37 % 550).astype(np.float64)
    assert sentinels(credit) == () and sentinels(np.append(credit, 0.0)) == (0.0,)
    assert sentinels(np.append(np.arange(1.0, 11.0).repeat(30), 0.0)) == ()
    assert sentinels(np.append(np.linspace(0.05, 1.0, 500), 0.0)) == ()


def test_fractions_beside_percentages_in_one_group() -> None:
    random = np.random.default_rng(0)
    shares = random.random(400)
    positive = random.random(400) < shares
    mixed = np.where(np.arange(400) % 3 == 0, shares, 100 * shares)
    assert "percentages" in mixed_units(mixed, positive, {})
    assert mixed_units(100 * shares, positive, {}) == ""


def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    out = tmp_path / "out"
    arguments = ["audit", "quick", str(TUTORIAL), "--high-from", "7", "--yes", "-o", str(out)]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert {"draft.toml", "plan.json", "bundle.zip", "report.html"} <= {path.name for path in out.iterdir()}
    assert "exploratory" in result.output


HEAVY = ("numpy", "scipy", "pyarrow", "cv2", "openvino", "numba", "sqlalchemy", "boto3", "botocore", "PIL", "pandas")
EVIDENCE = Path(evidence.__file__).with_name("shipped") / "sface.fmr-0.001.evidence.json"


BUNDLES = [EVIDENCE.with_name(f"sface.{data}.fmr-0.001.zip") for data in ("lfw", "fairface")]


@pytest.mark.parametrize(
    ("command", "absent"),
    [
        (["audit", "--help"], HEAVY),
        (["audit", "adapter", "list"], HEAVY),
        (["audit", "adapter", "show", "luxand"], HEAVY),
        (["audit", "plan", "--example", "risks"], HEAVY),
        (["audit", "evidence", "verify", str(EVIDENCE)], HEAVY),
        (["audit", "verify", str(EVIDENCE.with_name("sface.lfw.fmr-0.001.zip"))], HEAVY),
        (["audit", "diff", *map(str, BUNDLES)], ("scipy", "pyarrow", "openvino", "countenance.engine", "pandas")),
        (["audit", "planner", "--fmr", "1e-4", "--ratio", "2"], (*HEAVY[2:], "jinja2")),
        (["audit", "explain-search", "--gallery", "9", "--probes", "90", "--matched", "20"], (*HEAVY[2:], "jinja2")),
        (["audit", "check", str(TUTORIAL)], ("scipy", "openvino", "countenance.engine", "pandas")),
    ],
)
def test_commands_that_read_import_little(command: list[str], absent: tuple[str, ...]) -> None:
    code = f"import sys; sys.argv = ['countenance', *{command!r}]\nfrom countenance.cli import main\n"
    code += f"try:\n    main()\nexcept SystemExit:\n    pass\nprint([n for n in {absent!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (("1.0", "0.0"), r'classes = \{ "0.0" = "0", "1.0" = "1" \}'),
        (("True", "False"), r'classes = \{ "False" = "0", "True" = "1" \}'),
        (("ja", "nein"), r'"ja" = '),
    ],
)
def test_classes_that_never_meet_are_an_error_with_a_start_of_what_they_mean(
    tmp_path: Path, said: tuple[str, str], words: str
) -> None:
    rows = [f"{at % 2},{said[0] if at % 2 else said[1]},{'ab'[at % 4 < 2]}" for at in range(200)]
    (tmp_path / "r.csv").write_text("\n".join(["truth,predicted,g", *rows]) + "\n")
    risks_head = 'title = "t"\nquestion = "q"\n[system]\nname = "s"\n[groups]\nfactors = ["g"]\nlabelled_by = "x"\n'
    (tmp_path / "d.toml").write_text(f'{risks_head}[outcomes]\nfile = "r.csv"\n')
    with pytest.raises(BadRequest, match=words):
        check(tmp_path)
