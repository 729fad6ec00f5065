"""`countenance policy matrix` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from countenance.cli.policy import policy
from countenance.errors import BadRequest, PolicyError


def run(*arguments: str) -> Result:
    return CliRunner().invoke(policy, ["matrix", *arguments])


OWN = """
[[actor]]
id = "sheriff"
title = "Sheriff (Montana)"
group = "us-police"
place = "US-MT"
party = { class_name = "sheriff", powers = ["arrest"], tier = "municipal" }

[[use]]
id = "rodeo"
title = "Find a rider at a rodeo"
facts = { operation = "identify", use = { purpose = "marketing", legal_basis = "consent" } }
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    return str(path)


def test_in_every_form(tmp_path: Path) -> None:
    drawn = run("--packs", "amazon-blog,house", "--use", "protest")
    assert drawn.exit_code == 0
    assert "amazon-blog: Amazon's moratorium, as announced" in drawn.stdout
    told = json.loads(run("--packs", "amazon-blog", "--format", "json", "--use", "protest").stdout)
    assert told["packs"][0]["name"] == "amazon-blog"
    target = tmp_path / "page.html"
    assert run("--packs", "google", "--format", "html", "--use", "gate", "-o", str(target)).exit_code == 0
    assert target.read_text().startswith("<!doctype html>")
    assert run("--packs", "google", "--format", "svg", "--use", "gate").stdout.startswith("<svg")


def test_the_terminals_marks_agree_with_the_json() -> None:
    chosen = ("--packs", "amazon-terms", "--use", "suspect-afterwards", "--place", "US-WA")
    told = json.loads(run(*chosen, "--format", "json").stdout)
    stopped = sum(cell["state"] == "stopped" for cell in told["cells"])
    (row,) = [line for line in run(*chosen).stdout.splitlines() if line.startswith("Search mugshots")]
    assert row.removeprefix("Search mugshots for a suspect").count("#") == stopped == 2


def test_one_actor_at_a_place() -> None:
    shown = run("--actor", "shop", "--use", "banned", "--place", "US-IL").stdout
    assert shown.startswith("Shop, in Illinois if nothing else is said")
    assert "only if            illinois: the people agreed in writing" in shown


def test_a_place_nobody_wrote_down_is_called_by_its_code() -> None:
    assert "in US-NV if nothing" in run("--packs", "google", "--use", "gate", "--place", "US-NV").stdout


def test_own_actors_and_uses(own: str) -> None:
    shown = run("--table", own, "--packs", "amazon-terms", "--place", "US-MT", "--use", "rodeo").stdout
    assert "Sheriff (Montana)" in shown
    assert "Find a rider at a rodeo" in shown


def test_what_is_not_there_or_no_toml_is_refused(own: str, tmp_path: Path) -> None:
    assert isinstance(run("--use", "rodeo").exception, PolicyError)
    assert isinstance(run("--actor", "sheriff").exception, PolicyError)
    assert isinstance(run("--place", "Montana").exception, PolicyError)
    (tmp_path / "bad.toml").write_text("[[actor")
    assert isinstance(run("--table", str(tmp_path / "bad.toml")).exception, BadRequest)
