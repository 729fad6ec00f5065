"""`countenance policy`: every command answers, and says what it was asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from countenance.cli.policy import policy
from countenance.errors import BadRequest, PolicyError
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


def test_diff_shows_the_cells_of_the_fine_print_that_turn() -> None:
    shown = run("diff", "amazon-blog", "amazon-terms").stdout
    assert "by detectives (arrest, municipal)" in shown
    assert "fine print, Name the people in pictures of a protest, stopped -> left open: City police, State" in shown
    found = json.loads(run("diff", "amazon-blog", "amazon-terms", "--json").stdout)
    assert {row["state"] for row in found["fine_print"]} == {"stopped -> left open", "stopped -> not about this"}
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
    shown = run("show", "virginia").stdout
    assert "virginia.local-statute  permit  from 2026-07-01  in-force" in shown
    assert "    Binds: police of the state, its counties and cities, and whoever acts for it\n" in shown
    assert "    Looked up: 2026-" in shown
    assert "    Looked up: never\n" in run("show", "maine").stdout
    assert "amazon-blog.extended" not in run("show", "amazon-blog", "--as-of", "2021-01-01").stdout
    assert "authorisation.state" in run("words").stdout
    assert run("words", "--schema").stdout.startswith("entity Mandate;")
    told = run("corpus", "--packs", "amazon-blog").stdout
    assert "A wrongful arrest in Detroit" in told
    assert "# amazon-blog: deny." in told
    assert "google 1.0.0" in run("check", "google").stdout
    assert isinstance(run("check", "no-such").exception, PolicyError)
