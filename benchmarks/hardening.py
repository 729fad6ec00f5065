"""Faults and attacks on real servers: what held, how long it took, and the figures that the tests measured.

    python -m benchmarks.hardening [FILE ...]      (make hardening; about fifteen minutes on two cores that are free)

Runs every file of tests with the mark `hardening`, or those named, each as a stage with a time limit, and writes
benchmarks/results/hardening.json after each, also of a stage that was ended: what its tests had shown until then.
With HARDENING_LONG=1 in the environment there are a hundred kills, twice the pictures and ten minutes of soak, about
half an hour in all, and the limits are up to four times as long. Stages that were not run this time stay as they were.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

RESULT = Path(__file__).with_name("results") / "hardening.json"
TESTS = Path(__file__).parents[1] / "tests"
LONG = os.environ.get("HARDENING_LONG") == "1"
STAGE_S, SLOW_STAGE_S, WHOLE_S = (3600, 7200, 14_400) if LONG else (900, 1800, 5400)
"""Seconds that one stage may take, one with slow tests, and all together; then its processes are ended, and the result
says so. Many times what they take on cores that are free: a busy machine alone must fail no stage.
"""
REPORT = "HARDENING_REPORT"
"""The variable that names the file which the tests of a stage write as they end, one line of JSON each."""


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write how a part of a test ended. Stages load this module as a plugin of pytest."""
    outcome = "begun" if report.when == "setup" and report.passed else report.outcome
    line = {"test": report.nodeid, "ended": outcome, "measured": dict(report.user_properties)}
    with Path(os.environ[REPORT]).open("a") as file:
        file.write(json.dumps(line) + "\n")


def _stop(_signal: int, _frame: object) -> None:
    """Leave as by Ctrl+C: the stage's processes are ended and what they had shown is written."""
    raise KeyboardInterrupt


def main(names: Sequence[str]) -> int:
    """Run, write, and give 1 where a stage failed or did not end in time."""
    signal.signal(signal.SIGTERM, _stop)
    stages = [Path(name).resolve() for name in names] or marked()
    whole: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() and names else {}
    suites = whole.setdefault("suites", {})
    end = time.monotonic() + WHOLE_S
    for number, stage in enumerate(stages, 1):
        name = ".".join(stage.relative_to(TESTS).with_suffix("").parts).removeprefix("integration.")
        print(f"stage {number} of {len(stages)}: {name}", flush=True)
        suites[name] = ran(stage, end - time.monotonic())
        print(
            name,
            json.dumps({key: suites[name][key] for key in ("ended", "passed", "failed", "skipped", "unended")}),
            flush=True,
        )
        whole["seconds"] = round(sum(each["seconds"] for each in suites.values()))
        limits = {"stage_limit_s": STAGE_S, "slow_stage_limit_s": SLOW_STAGE_S, "limit_s": WHOLE_S}
        RESULT.write_text(json.dumps({**whole, **limits}, indent=1) + "\n")
        if suites[name]["ended"] == "stopped":
            return 1
    return int(any(each["failed"] or each["ended"] == "late" for each in suites.values()))


def marked() -> list[Path]:
    """The files of tests that have the mark."""
    return sorted(path for path in TESTS.rglob("test_*.py") if "mark.hardening" in path.read_text())


def ran(stage: Path, left_s: float) -> dict[str, Any]:
    """What became of one file of tests, and on what. left_s: seconds left of the whole, at most which it may take."""
    began, load = time.monotonic(), os.getloadavg()[0]
    limit_s = max(0.0, min(left_s, SLOW_STAGE_S if "mark.slow" in stage.read_text() else STAGE_S))
    how = "in time"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.jsonl"
        report.touch()
        options = ["-v", "-m", "hardening", "--timeout", str(limit_s), "-p", "benchmarks.hardening"]
        with subprocess.Popen(
            [sys.executable, "-m", "pytest", str(stage), *options],
            start_new_session=True,
            env={**os.environ, REPORT: str(report)},
        ) as running:
            try:
                running.wait(limit_s)
            except (subprocess.TimeoutExpired, KeyboardInterrupt) as why:
                how = "stopped" if isinstance(why, KeyboardInterrupt) else "late"
                os.killpg(running.pid, signal.SIGKILL)  # with the servers that it started
        found = counted(report.read_text())
    if how == "in time" and running.returncode not in (0, 1, 5):  # pytest itself failed: no test was run
        found["failed"] += 1
    return {
        "ended": how,
        **found,
        "long": LONG,
        "seconds": round(time.monotonic() - began),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load_average_before": round(load, 2),
    }


def counted(report: str) -> dict[str, Any]:
    """How many tests of a report passed, failed and were skipped, which were begun and did not end, and what they
    measured.
    """
    tests: dict[str, str] = {}
    measured: dict[str, Any] = {}
    for line in report.splitlines(keepends=True):
        if not line.endswith("\n"):  # the stage was ended while it wrote this
            break
        part = json.loads(line)
        if tests.get(part["test"]) not in ("failed", "skipped"):
            tests[part["test"]] = part["ended"]
        measured |= part["measured"]
    numbers = {ended: list(tests.values()).count(ended) for ended in ("passed", "failed", "skipped")}
    return {**numbers, "unended": [name for name, ended in tests.items() if ended == "begun"], "measured": measured}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
