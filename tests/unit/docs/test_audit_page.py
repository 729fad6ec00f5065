"""The program on the auditor's page runs as it stands there."""

from __future__ import annotations

import html
import re
import runpy
import shutil
from pathlib import Path

import pytest

from countenance.audit import read_bundle, read_plan

ROOT = Path(__file__).parents[3]


def test_the_program_on_the_auditors_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example = tmp_path / "example"
    shutil.copytree(ROOT / "examples" / "audit-your-csv", example)
    monkeypatch.chdir(example)
    runpy.run_path("make_scores.py", run_name="__main__")
    (program,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "docs" / "audit.md").read_text(), re.DOTALL | re.MULTILINE
    )
    (example / "program.py").write_text(program)
    runpy.run_path("program.py")
    bundle = read_bundle(Path("bundle.zip"))
    assert bundle.problems == ()
    said = capsys.readouterr().out
    assert said.splitlines()[0] == read_plan(Path("plan.json")).hash == bundle.plan.hash
    assert bundle.results.headline in said
    assert bundle.results.title in html.unescape(Path("report.html").read_text())
