"""What is wrong with a score file, from plan to bundle: a clear error or a stated finding, never a plain number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.unit.audit.score_files import score_file

from countenance.audit.bundle import read_bundle
from countenance.audit.formats.results import Results
from countenance.cli.audit import audit
from countenance.errors import BadRequest

DRAFT = """
title = "Gate"
question = "Who is falsely accepted?"
[groups]
factors = ["gender"]
labelled_by = "made up"
[system]
name = "Gate"
[scores]
file = "scores.csv"
labels = "people.csv"
images = ["image_a", "image_b"]
[threshold]
"""
AT_FMR = 'rule = "fmr"\nvalue = 0.01\n'
FIXED = 'rule = "fixed"\nvalue = 2.0\n'
SIMILARITY = '[scores]\ndirection = "similarity"\n'
Rows = list[list[str]]
Change = Callable[[Rows], Rows]


def audited(folder: Path, change: Change = list, rule: str = AT_FMR, people: Change = list, said: str = "") -> Results:
    score_file(folder, gap=6.0)
    for name, how in (("scores.csv", change), ("people.csv", people)):
        table = [line.split(",") for line in (folder / name).read_text().splitlines()]
        (folder / name).write_text("".join(",".join(row) + "\n" for row in how(table)))
    (folder / "d.toml").write_text(DRAFT.replace("[scores]\n", said or "[scores]\n") + rule)
    key = ["--key", str(folder / "key")]
    for command in (["plan", "d.toml"], ["run", "d.plan.json", "-o", "b.zip", *key]):
        arguments = [str(folder / word) if "." in word else word for word in command]
        result = CliRunner().invoke(audit, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    return read_bundle(folder / "b.zip").results


def with_score(text: str) -> Change:
    return lambda table: [table[0], [text, *table[1][1:]], *table[2:]]


def turned_for_women(table: Rows) -> Rows:
    women = {f"p{i:03d}" for i in range(0, 60, 3)}
    return [table[0], *([str(-float(r[0])), *r[1:]] if r[2] in women else r for r in table[1:])]


ERRORS: list[tuple[str, Change, str]] = [
    ("a missing column", lambda t: [row[:-1] for row in t], "has no column 'image_b'"),
    ("mixed directions", turned_for_women, "directions are mixed: in the group"),
    (
        "NaN",
        with_score("nan"),
        r"1 comparisons of scores.csv have no score \(NaN or empty, the first is comparison 1\)",
    ),
    (
        "an empty score",
        with_score(""),
        r"1 comparisons of scores.csv have no score \(NaN or empty, the first is comparison 1\)",
    ),
    ("an infinite score", with_score("inf"), "column 'score' of scores.csv holds 1 infinite"),
    ("a pair with two scores", lambda t: [*t, ["9.5", *t[1][1:]]], "1 pairs of images .* two different scores"),
    ("one person marked as two", lambda t: [t[0], [t[1][0], "0", *t[1][2:]], *t[2:]], "say 'same' against"),
    ("one score for everybody", lambda t: [t[0], *(["0.5", *r[1:]] for r in t[1:])], "say in the plan, direction"),
    ("no impostors, direction not told", lambda t: [t[0], *(r for r in t[1:] if r[1] == "1")], "cannot be found"),
    ("no rows", lambda t: t[:1], "no subject of scores.csv is in people.csv"),
]


@pytest.mark.parametrize(("change", "words"), [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS])
def test_scores_that_cannot_be_right_are_an_error(tmp_path: Path, change: Change, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        audited(tmp_path, change)
    assert not (tmp_path / "b.zip").exists()


def test_a_person_in_two_groups_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"1 of 60 subjects in people.csv belong to two groups"):
        audited(tmp_path, people=lambda t: [*t, [t[1][0], "male"]])


def test_a_repeated_pair_counts_once_and_that_is_stated(tmp_path: Path) -> None:
    found = audited(tmp_path, lambda t: [*t, *t[1:6]])
    assert found.data.comparisons == 3060
    assert "5 rows of scores.csv repeat a pair of images; each pair counts once" in found.findings


def test_a_single_group_has_no_comparison_and_that_is_stated(tmp_path: Path) -> None:
    found = audited(tmp_path, people=lambda t: [t[0], *([row[0], "male"] for row in t[1:])])
    assert found.judged == ()
    assert "By gender, there is one group only: nothing can be compared." in found.untold


def test_without_impostors_there_is_no_false_match_rate_and_no_threshold_at_one(tmp_path: Path) -> None:
    def mated(table: Rows) -> Rows:
        return [table[0], *(row for row in table[1:] if row[1] == "1")]

    with pytest.raises(BadRequest):
        audited(tmp_path, mated, said=SIMILARITY)
    found = audited(tmp_path, mated, FIXED, said=SIMILARITY)
    assert found.faces is not None and not found.faces.fmr.known
    assert any(line.startswith("The false match rate is unknown for everybody") for line in found.untold)
