"""The auditor asks a server of this project through boto3, as it asks Amazon's; only what stands behind is a fake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.contract.rekognition.rekognition_fakes import ACCESS_KEY, REGION, SECRET, FakeGuard, picture, serving

from countenance.audit.bundle import read_bundle
from countenance.cli.audit import audit
from countenance.errors import Denied, Unauthenticated

DRAFT = """
title = "Our own server"
question = "Does an audit of our own server work like one of Amazon's?"
[system]
name = "Countenance"
[groups]
factors = ["gender"]
labelled_by = "made up"
[api]
client = "rekognition"
endpoint = "{url}"
region = "{region}"
folder = "p"
labels = "l.csv"
genuine_per_subject = 1
impostors_per_group = 25
impostors_across = 25
calls_per_second = 1000.0
threshold = 50.0
[threshold]
rule = "fixed"
value = 80.0
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    (tmp_path / "p").mkdir()
    lines = ["file,subject,gender"]
    for at, name in enumerate("abcdefghijklmnopqrstuvwx"):
        for shot in range(2):
            nobody = name == "c" and shot == 1
            (tmp_path / "p" / f"{name}{shot}.jpg").write_bytes(picture() if nobody else picture(f"{name} {'x' * shot}"))
            lines.append(f"{name}{shot}.jpg,{name},{'f' if at % 2 else 'm'}")
    (tmp_path / "l.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def invoke(*arguments: object) -> str:
    result = CliRunner().invoke(audit, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_an_audit_of_our_own_server_runs_is_kept_and_can_be_replayed(folder: Path) -> None:
    guard = FakeGuard()
    with serving(guard) as url:
        (folder / "d.toml").write_text(DRAFT.format(url=url, region=REGION))
        invoke("plan", folder / "d.toml")
        said = invoke("run", folder / "d.plan.json", "-o", folder / "one.zip", "--yes")
        asked = len(guard.asked)
        assert asked > 60
        invoke("run", folder / "d.plan.json", "-o", folder / "two.zip", "--yes")
        assert len(guard.asked) == asked
    assert "answers go to d.plan.cassette.jsonl" in said
    invoke("run", folder / "d.plan.json", "-o", folder / "three.zip", "--replay")
    one, three = (read_bundle(folder / f"{name}.zip") for name in ("one", "three"))
    assert one.problems == three.problems == ()
    assert one.results.faces == three.results.faces
    assert one.results.preregistered
    faces = one.results.faces
    assert faces is not None
    assert (faces.failures.errors, faces.failures.trials) == (1, 48)
    assert (faces.fmr.errors, faces.fnmr.errors) == (0, 0)
    assert faces.censored_below == 50.0
    assert {m.name for m in one.environment.models} >= {"boto3", "botocore"}
    tape = (folder / "d.plan.cassette.jsonl").read_bytes()
    assert b"Bytes" not in tape and b"xff" not in tape
    assert all(json.loads(line) for line in tape.splitlines())


def test_what_calls_cost_is_asked_about_before_the_first_one(folder: Path) -> None:
    guard = FakeGuard()
    with serving(guard) as url:
        (folder / "d.toml").write_text(DRAFT.format(url=url, region=REGION))
        invoke("plan", folder / "d.toml")
        result = CliRunner().invoke(
            audit, ["run", str(folder / "d.plan.json"), "-o", str(folder / "x.zip")], input="n\n"
        )
    assert result.exit_code == 1
    assert "calls (48 detections" in result.output and "go on?" in result.output
    assert guard.asked == []


def test_a_server_that_says_no_stops_the_audit_with_its_reason(folder: Path) -> None:
    guard = FakeGuard(fail=Denied("no mandate for this"))
    with serving(guard) as url:
        (folder / "d.toml").write_text(DRAFT.format(url=url, region=REGION))
        invoke("plan", folder / "d.toml")
        with pytest.raises(Denied, match="AccessDeniedException"):
            invoke("run", folder / "d.plan.json", "-o", folder / "x.zip", "--yes")


def test_wrong_credentials_are_told_apart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with serving(FakeGuard()) as url:
        (folder / "d.toml").write_text(DRAFT.format(url=url, region=REGION))
        invoke("plan", folder / "d.toml")
        with pytest.raises(Unauthenticated):
            invoke("run", folder / "d.plan.json", "-o", folder / "x.zip", "--yes")


def test_the_first_page_names_what_was_asked_and_not_the_maker_of_its_language(folder: Path) -> None:
    theirs = DRAFT.replace('name = "Countenance"', 'name = "Amazon Rekognition"\nprovider = "Amazon Web Services"')
    with serving(FakeGuard()) as url:
        (folder / "d.toml").write_text(theirs.format(url=url, region=REGION))
        planned = invoke("plan", folder / "d.toml")
        said = invoke("run", folder / "d.plan.json", "-o", folder / "one.zip", "--yes")
    host = url.removeprefix("http://")
    assert f"asked was {host}, which is not the maker's" in planned
    assert f"asked: a server that speaks the language of Amazon Rekognition, at {host}" in said
    invoke("report", folder / "one.zip", "-o", folder / "pages")
    for name in ("report.html", "card.html"):
        page = (folder / "pages" / name).read_text()
        assert host in page and "speaks the language of Amazon Rekognition" in page
        assert "Amazon Web Services." not in page and "<dd>Amazon Web Services" not in page
    first = (folder / "pages" / "report.html").read_text().partition("What could not be told")[0]
    assert f"The server at {host}" in first and "its model: not told by the service" in first.lower()
    assert read_bundle(folder / "one.zip").results.preregistered
