"""Two vendors side by side, live: planned, priced, killed on the way, resumed, replayed and reported.

The vendors are two servers of this project's Rekognition dialect on loopback, asked through its shipped description.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.contract.rekognition.rekognition_fakes import (
    ACCESS_KEY,
    REGION,
    SECRET,
    FakeGuard,
    people_in,
    picture,
    serving,
)

from countenance.audit.bundle import read_bundle
from countenance.audit.sources.live.adapter.description import FOLDER
from countenance.cli.audit import audit
from countenance.operations import Detect, Detected

pytestmark = pytest.mark.slow
DRAFT = """
title = "Two vendors"
question = "Whom does each vendor fail to see?"
[groups]
factors = ["gender"]
labelled_by = "made up"
labels = {{ f = "women", m = "men" }}
[threshold]
rule = "fixed"
value = 80.0
[[hypotheses]]
measure = "fte"
factor = "gender"
[[between]]
measure = "fte"
factor = "gender"
"""
SYSTEM = """
[[systems]]
name = "{name}"
[systems.api]
client = "own.toml"
endpoint = "{url}"
folder = "p"
labels = "l.csv"
genuine_per_subject = 1
impostors_per_group = 40
impostors_across = 40
calls_per_second = {speed}
"""
PEOPLE = 60
UNSEEN = 25


class Blind(FakeGuard):
    """Sees no face of the first women."""

    def Detect(self, ask: Detect) -> Detected:
        name = next(iter(people_in(ask.image)), "").split()[0]
        if name.startswith("f") and int(name[1:]) < UNSEEN:
            return Detected((), 640, 480)
        return super().Detect(ask)


def data(folder: Path) -> None:
    (folder / "p").mkdir()
    lines = ["file,subject,gender"]
    for name in [f"{g}{at}" for g in "fm" for at in range(PEOPLE)]:
        for shot in range(2):
            (folder / "p" / f"{name}-{shot}.jpg").write_bytes(picture(f"{name} {'x' * shot}"))
            lines.append(f"{name}-{shot}.jpg,{name},{name[0]}")
    (folder / "l.csv").write_text("\n".join(lines) + "\n")
    described = (FOLDER / "rekognition-dialect.toml").read_text().replace("us-east-1", REGION)
    (folder / "own.toml").write_text(described.replace("calls_per_second = 10.0", "calls_per_second = 100000.0"))


def invoke(*arguments: object) -> str:
    result = CliRunner().invoke(audit, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def kept(folder: Path) -> list[str]:
    """Questions on all cassettes, without their headers."""
    lines = [line for tape in sorted(folder.glob("*.jsonl")) for line in tape.read_text().splitlines()]
    return [line for line in lines if "question" in json.loads(line)]


def test_two_vendors_live_from_the_plan_to_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    data(tmp_path)
    blind, seeing = Blind(), FakeGuard()
    with serving(blind) as first, serving(seeing) as second:
        systems = [("Blind", first, 50.0), ("Seeing", second, 1000.0)]
        drafted = DRAFT.format() + "".join(SYSTEM.format(name=n, url=u, speed=s) for n, u, s in systems)
        (tmp_path / "d.toml").write_text(drafted)
        said = invoke("plan", tmp_path / "d.toml")
        assert "systems Blind, Seeing" in said
        assert not blind.asked and not seeing.asked  # a plan asks nothing
        plan = tmp_path / "d.plan.json"
        refused = CliRunner().invoke(audit, ["run", str(plan), "-o", str(tmp_path / "out")], input="n\n")
        assert refused.exit_code != 0 and "Blind: " in refused.output and "go on?" in refused.output
        assert not blind.asked and not seeing.asked  # the cost is told first

        command = [
            sys.executable,
            "-c",
            "from countenance.cli import main; main()",
            "audit",
            "run",
            str(plan),
            "-o",
            str(tmp_path / "out"),
            "--yes",
        ]
        running = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 300
        while len(blind.asked) < 40 and running.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        running.send_signal(signal.SIGKILL)
        running.wait(60)
        assert len(blind.asked) >= 40 and not (tmp_path / "out" / "blind.zip").exists()
        before = len(kept(tmp_path))
        assert len(blind.asked) - 1 <= before <= len(blind.asked)

        invoke("run", plan, "-o", tmp_path / "out", "--yes")
        known = kept(tmp_path)
        assert len(known) == len(set(known)) > before
        assert len(known) <= len(blind.asked) + len(seeing.asked) <= len(known) + 1  # what was in flight, once more
        asked = len(blind.asked) + len(seeing.asked)
    invoke("run", plan, "-o", tmp_path / "again", "--replay")  # the servers are gone
    assert asked == len(blind.asked) + len(seeing.asked)
    for name in ("blind", "seeing"):
        one, two = (read_bundle(tmp_path / folder / f"{name}.zip") for folder in ("out", "again"))
        assert one.results.faces == two.results.faces and not one.problems
    invoke("report", tmp_path / "again" / "blind.zip", tmp_path / "again" / "seeing.zip", "-o", tmp_path / "pages")
    page = (tmp_path / "pages" / "systems.html").read_text()
    found = json.loads((tmp_path / "pages" / "systems.json").read_text())
    assert "women" in found["headline"] and found["headline"].startswith("Blind finds no face")
    assert page.index("No face found") < page.index("What could not be told") < page.index("Systems against each other")
    assert {system["name"] for system in found["systems"]} == {"Blind", "Seeing"}
