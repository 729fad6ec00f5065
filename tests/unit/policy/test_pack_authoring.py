"""Packs by others: what `new` lays down, what `check` finds, what `lint` lists."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from countenance.cli.policy import policy
from countenance.errors import BadRequest, PolicyError
from countenance.policy import Rules
from countenance.policy.authoring.lookups import stale
from countenance.policy.authoring.mutation import dropped_conditions
from countenance.policy.authoring.skeleton import skeleton
from countenance.policy.packs.pack import pack_of, read_pack


def run(*arguments: str) -> Result:
    return CliRunner().invoke(policy, list(arguments))


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    assert run("new", "ours", "--into", str(tmp_path)).exit_code == 0
    return tmp_path / "ours"


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def test_a_new_pack_passes_check_and_is_read_from_the_packs_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTENANCE_PACKS_DIR", str(tmp_path))
    made = run("new", "of-ours-2")
    assert "`countenance policy check " in made.stdout
    assert run("check", "of-ours-2").stdout.startswith("of-ours-2 0.1.0: 2 clauses, ")
    assert "Looked up: never" in run("show", "of-ours-2").stdout
    assert (tmp_path / "of-ours-2" / "pack.toml").read_text().count(datetime.now(UTC).date().isoformat()) == 1


def test_the_command_that_new_names_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COUNTENANCE_PACKS_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    (command,) = re.findall(r"`countenance policy ([^`]*)`", run("new", "ours").stdout)
    assert command == "check ./ours"
    assert run(*command.split()).exit_code == 0


def test_new_overwrites_nothing_and_takes_no_name_that_ships(ours: Path) -> None:
    edit(ours, "cases.toml", "permit = [", "permit = [ # mine")
    again = run("new", "ours", "--into", str(ours.parent))
    assert isinstance(again.exception, BadRequest)
    assert "# mine" in (ours / "cases.toml").read_text()
    for name in ("house", "../ours", "Ours", ""):
        assert isinstance(run("new", name, "--into", str(ours.parent)).exception, BadRequest), name


def test_check_fails_where_a_condition_of_the_scope_can_be_lost_one_line_each(ours: Path) -> None:
    edit(ours, "cases.toml", '  { use.mode = "real_time", jurisdictions = ["US-OR"] },\n', "")
    edit(ours, "cases.toml", '  { use.mode = "real_time", actor.tier = "national" },\n', "")
    found = run("check", str(ours))
    lost = 'ours.police: without ["municipal", "state"].contains(context.actor.tier)'
    assert found.stderr.splitlines()[:2] == [
        f"pack ours: no case notices this change: {lost}",
        'pack ours: no case notices this change: ours.police: without context.places.touched.contains("US-WA")',
    ]
    assert isinstance(found.exception, PolicyError)
    assert "2 changes would go unnoticed" in str(found.exception)
    assert ", good" not in found.stdout


def test_check_fails_where_a_whole_clause_can_be_lost(ours: Path) -> None:
    text = (ours / "clauses.cedar").read_text()
    twin = text[text.index('@id("ours.live")') :].replace("ours.live", "ours.twin")
    (ours / "clauses.cedar").write_text(
        text + twin.replace('[Action::"identify", Action::"track"]', '[Action::"enrol"]')
    )
    with (ours / "cases.toml").open("a") as cases:
        cases.write('[[clause]]\nid = "ours.twin"\nfree = [{}]\n')
    found = run("check", str(ours))
    assert "pack ours: no case notices this change: ours.twin dropped\n" in found.stderr
    assert "ours.live" not in found.stderr


def test_what_the_server_does_at_its_start_does_not_try_changes(ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(ours, "cases.toml", '  { use.mode = "real_time", jurisdictions = ["US-OR"] },\n', "")
    tried: list[str] = []
    monkeypatch.setattr("countenance.policy.authoring.mutation.survives", lambda *_: tried.append("x"))
    Rules.load(["ours"], ours.parent)
    assert tried == []
    assert run("check", "google").exit_code == 0
    assert tried == [], "the packs that ship are held by the project's own tests"
    assert run("check", "google", "--changes").exit_code == 0
    assert tried


def test_a_dropped_condition_is_named_as_it_is_written() -> None:
    said = [what for what, _ in dropped_conditions(read_pack("colorado"))]
    assert 'colorado.307: without context.use.mode == "real_time"' in said
    assert 'colorado.agency: without context.places.touched.contains("US-CO")' in said


def test_lint_lists_what_nobody_looked_up_or_not_for_a_year(ours: Path) -> None:
    found = run("lint", str(ours))
    assert found.exit_code == 1
    assert found.stdout.startswith("ours.live was never looked up: The text that was read")
    edit(ours, "clauses.cedar", '@status("unreviewed")', '@status("in-force")')
    assert run("lint", str(ours)).exit_code == 0, "looked up when the pack was read: today"
    edit(ours, "clauses.cedar", '@status("in-force")', '@status("in-force")\n@looked_up("2020-02-03")')
    assert "ours.live was last looked up on 2020-02-03" in run("lint", str(ours)).stdout
    told = run("lint", str(ours), "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)[0]["looked_up"] == "2020-02-03"
    assert run("lint", str(ours), "--days", "99999").exit_code == 0
    assert json.loads(run("lint", str(ours), "--days", "99999", "--json").stdout) == []


@pytest.mark.parametrize(("day", "count"), [("2027-01-01", 0), ("2027-01-02", 1)])
def test_a_year_is_365_days(day: str, count: int) -> None:
    files = skeleton("ours", date(2026, 1, 1))
    files["clauses.cedar"] = files["clauses.cedar"].replace("unreviewed", "in-force")
    pack = pack_of("ours", {name: text.encode() for name, text in files.items()})
    assert len(list(stale(pack, date.fromisoformat(day)))) == count


def test_real_cases_are_told_for_a_pack_of_ones_own_too(ours: Path) -> None:
    told = run("corpus", "--packs", str(ours))
    assert told.exit_code == 0
    assert "    . ours: permit. What this text does not forbid, it leaves open." in told.stdout
