"""How many files a reader passes who follows one row from `countenance audit run` to the report's page."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
from click.testing import CliRunner

import countenance
from countenance.cli.audit import audit

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "audit-your-csv"
MOST = 32


def carried_out(*arguments: str) -> None:
    done = CliRunner().invoke(audit, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output


def walked(work: Callable[[], None]) -> set[str]:
    """The files of the auditor in which a function ran while `work` did; what runs at import does not count."""
    package = Path(countenance.__file__).parent
    seen: set[str] = set()

    def called(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_flags & inspect.CO_OPTIMIZED and code.co_filename.endswith(".py"):
            seen.add(code.co_filename)

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(before)
    parts = (package / "audit", package / "cli" / "audit")
    return {str(Path(f).relative_to(package)) for f in seen if any(Path(f).is_relative_to(part) for part in parts)}


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

    files = walked(audited)
    assert {"cli/audit/audits.py", "audit/running.py", "audit/report/page.py"} <= files
    assert len(files) <= MOST, "\n".join(sorted(files))
    written = " ".join((ROOT / "docs" / "architecture.md").read_text().split())
    assert f"{MOST} files" in written
