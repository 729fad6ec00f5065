"""Which files a reader passes who follows one row from `countenance audit run` to the report, and how often upwards."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType

import pytest
from click.testing import CliRunner

import countenance
from countenance.cli.audit import audit

ROOT = Path(__file__).parents[3]
PACKAGE = Path(countenance.__file__).parent
EXAMPLE = ROOT / "examples" / "audit-your-csv"
MOST = 24
ROOMS = (
    "cli/audit",
    "audit/running.py",
    "audit/report",
    "audit/findings",
    "audit/bundle.py",
    "audit/sources",
    "audit/analysis",
    "audit/labelled",
    "audit/formats",
)
"""The rooms on the way, each above those that it may import."""
CLIMBS = {("audit/findings", "audit/running.py", "as_planned")}
"""Calls from a room to one above it: the verdicts ask the run which comparisons are as planned."""


def carried_out(*arguments: str) -> None:
    done = CliRunner().invoke(audit, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output


@cache
def room_of(file: str) -> int | None:
    """The place of a file's room in `ROOMS`; None: it belongs to none."""
    relative = Path(file)
    if not relative.is_relative_to(PACKAGE):
        return None
    relative = relative.relative_to(PACKAGE)
    return next((at for at, room in enumerate(ROOMS) if relative.is_relative_to(room)), None)


def walked(work: Callable[[], None]) -> tuple[set[str], set[tuple[str, str, str]]]:
    """The files of the auditor in which a function ran while `work` did, and calls from a room to one above it.

    What runs at import does not count. Of a call through other code, the nearest caller in the auditor counts.
    """
    seen: set[str] = set()
    climbs: set[tuple[str, str, str]] = set()

    def called(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_flags & inspect.CO_OPTIMIZED or not code.co_filename.endswith(".py"):
            return
        room = room_of(code.co_filename)
        if room is None:
            return
        seen.add(str(Path(code.co_filename).relative_to(PACKAGE)))
        caller, below = frame.f_back, None
        while caller is not None and below is None:
            below, caller = room_of(caller.f_code.co_filename), caller.f_back
        if below is not None and room < below:
            climbs.add((ROOMS[below], ROOMS[room], code.co_name))

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(before)
    return seen, climbs


def test_a_row_goes_from_the_command_to_the_page_through_few_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder)
    subprocess.run([sys.executable, "make_scores.py"], cwd=folder, check=True)
    monkeypatch.chdir(folder)
    carried_out("plan", "draft.toml", "-o", "plan.json")

    def audited() -> None:
        carried_out("run", "plan.json", "-o", "bundle.zip", "--key", "key")
        carried_out("report", "bundle.zip", "-o", "pages")

    files, climbs = walked(audited)
    assert {"cli/audit/audits.py", "audit/running.py", "audit/report/page.py"} <= files
    assert len(files) <= MOST, "\n".join(sorted(files))
    written = " ".join((ROOT / "docs" / "architecture.md").read_text().split())
    assert f"{MOST} files" in written
    assert climbs == CLIMBS
