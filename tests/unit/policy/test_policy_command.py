"""`countenance policy`: every command answers, and says what it was asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from countenance.cli.policy import policy
from countenance.errors import BadRequest, PolicyError
from countenance.policy.fine_print.matrix import letter
from countenance.policy.packs.pack import SHIPPED, shipped

SCAN = """
operation = "identify"
jurisdictions = ["US"]
actor = { class_name = "immigration agency", powers = ["arrest", "deport"], tier = "national", jurisdictions = ["US"] }
use = { mode = "real_time", purpose = "immigration_enforcement", legal_basis = "public_task", statute = false }
space = { public = true }
"""


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(policy, list(arguments), input=stdin)


@pytest.fixture
def scan(tmp_path: Path) -> str:
    path = tmp_path / "scan.toml"
    path.write_text(SCAN)
    return str(path)


def test_packs_lists_every_pack_with_what_it_leaves_open() -> None:
    result = run("packs")
    assert result.exit_code == 0
    for name in shipped():
        assert f"\n{name}  " in f"\n{result.stdout}"
    assert "reviewed by nobody yet" in result.stdout
    assert {pack["name"] for pack in json.loads(run("packs", "--json").stdout)} == set(shipped())


def test_explain_names_clause_remedy_and_appeal(scan: str) -> None:
    result = run("explain", scan, "--packs", "house", "--now", "2026-11-22T12:00:00Z")
    assert result.exit_code == 0
    assert result.stdout.startswith("DENY")
    for part in ("house.statute", "Cite the statute", "use.statute = false", "Appeal:"):
        assert part in result.stdout


def test_explain_takes_json_from_stdin_and_gives_json(scan: str) -> None:
    described = {"operation": "detect", "actor": {"class_name": "x"}}
    result = run("explain", "-", "--packs", "house", "--json", stdin=json.dumps(described))
    assert json.loads(result.stdout)["verdict"] == "permit"


def test_explain_says_what_is_missing(tmp_path: Path) -> None:
    result = run("explain", "-", "--packs", "house", stdin='operation = "enrol"\nactor = { class_name = "x" }')
    assert result.stdout.startswith("UNDETERMINED")
    assert "use.purpose  (the purpose: criminal_investigation" in result.stdout


def test_explain_under_the_law_of_another_day(scan: str) -> None:
    described = SCAN.replace("national", "municipal")
    arguments = ("explain", "-", "--packs", "amazon-blog", "--now", "2026-11-22T12:00:00Z")
    assert run(*arguments, stdin=described).stdout.startswith("DENY")
    assert run(*arguments, "--as-of", "2020-06-09", stdin=described).stdout.startswith("PERMIT")


@pytest.mark.parametrize("text", ["operation =", "{", "operation = 'dance'"])
def test_explain_refuses_what_it_cannot_read(text: str) -> None:
    assert isinstance(run("explain", "-", "--packs", "house", stdin=text).exception, BadRequest)


def test_matrix_on_a_terminal_as_json_and_as_a_page(tmp_path: Path) -> None:
    drawn = run("matrix", "--packs", "amazon-blog,house")
    assert drawn.exit_code == 0
    assert "Immigration agency (US)" in drawn.stdout
    table = json.loads(run("matrix", "--packs", "amazon-blog", "--format", "json").stdout)
    assert table["packs"][0]["name"] == "amazon-blog"
    target = tmp_path / "page.html"
    assert run("matrix", "--packs", "google", "--format", "html", "-o", str(target)).exit_code == 0
    assert target.read_text().startswith("<!doctype html>")


def test_the_terminals_rows_agree_with_the_json() -> None:
    table = json.loads(run("matrix", "--packs", "amazon-terms", "--format", "json").stdout)
    stopped = sum(cell["verdict"] == "deny" for cell in table["cells"])
    last = run("matrix", "--packs", "amazon-terms").stdout.splitlines()[-1].split()
    assert last[:2] == ["amazon-terms", str(stopped)]


def test_the_terminal_names_for_each_use_every_clause_that_stops_it_and_whom() -> None:
    names = "amazon-blog,house"
    table = json.loads(run("matrix", "--packs", names, "--format", "json").stdout)
    titles = {use["title"]: use["id"] for use in table["uses"]}
    letters = {letter(n): actor["id"] for n, actor in enumerate(table["actors"])}
    shown = set()
    use = ""
    for line in run("matrix", "--packs", names).stdout.splitlines():
        use = titles.get(line, use)
        clause, *whom = line.split() or [""]
        if line.startswith("  ") and clause.startswith(("amazon-blog.", "house.")):
            shown |= {(use, letters[one], clause) for one in whom}
    assert shown == {
        (cell["use"], cell["actor"], clause)
        for cell in table["cells"]
        if cell["verdict"] != "permit"
        for clause in cell["clauses"]
    }


def test_diff_shows_the_cells_of_the_fine_print_that_turn() -> None:
    shown = run("diff", "amazon-blog", "amazon-terms").stdout
    assert "by detectives (arrest, municipal)" in shown
    protest = "fine print, Name the people in pictures of a protest, deny -> permit: City police (Detroit)"
    assert protest in shown
    found = json.loads(run("diff", "amazon-blog", "amazon-terms", "--json").stdout)
    assert {row["verdict"] for row in found["fine_print"]} == {"deny -> permit"}
    assert found["newly_permitted"][0]["facts"]["actor"]["powers"] == ["arrest"]


def test_diff_finds_what_a_change_permits(tmp_path: Path) -> None:
    for name in ("pack.toml", "clauses.cedar", "cases.toml"):
        text = (SHIPPED / "google" / name).read_text()
        target = tmp_path / "google" / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(text.replace('Action::"verify", ', ""))
    result = run("diff", "google", str(tmp_path / "google"))
    assert result.exit_code == 0
    assert "clause changed: general-purpose" in result.stdout
    assert "newly permitted: " in result.stdout
    assert "newly denied: no example found" in result.stdout
    found = json.loads(run("diff", "google", str(tmp_path / "google"), "--json").stdout)
    assert found["newly_permitted"][0]["after"]["verdict"] == "permit"


def test_show_words_corpus_and_check() -> None:
    assert "virginia.local-statute  permit  from 2026-07-01  in-force" in run("show", "virginia").stdout
    assert "amazon-blog.extended" not in run("show", "amazon-blog", "--as-of", "2021-01-01").stdout
    assert "authorisation.state" in run("words").stdout
    assert run("words", "--schema").stdout.startswith("entity Mandate;")
    told = run("corpus", "--packs", "amazon-blog").stdout
    assert "A wrongful arrest in Detroit" in told
    assert "# amazon-blog: deny." in told
    assert "google 1.0.0" in run("check", "google").stdout
    assert isinstance(run("check", "no-such").exception, PolicyError)
