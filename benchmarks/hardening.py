"""Faults and attacks on real servers: what held, how long it took, and the figures that the tests measured.

    python -m benchmarks.hardening [FILE ...]      (make hardening; about ten minutes on two cores that are free)

Runs every file of tests with the mark `hardening`, or those named, each as a stage with a time limit, and writes
benchmarks/results/hardening.json after each. Stages that were not run this time stay as they were.
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
from xml.etree import ElementTree

RESULT = Path(__file__).with_name("results") / "hardening.json"
TESTS = Path(__file__).parents[1] / "tests"
STAGE_S, SLOW_STAGE_S = 300, 900
"""Seconds that one stage may take, and one with slow tests; then its processes are ended, and the result says so."""


def main(names: Sequence[str]) -> int:
    """Run, write, and give 1 where a stage failed or did not end in time."""
    stages = [Path(name).resolve() for name in names] or marked()
    whole: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() and names else {}
    suites = whole.setdefault("suites", {})
    for stage in stages:
        name = ".".join(stage.relative_to(TESTS).with_suffix("").parts).removeprefix("integration.")
        suites[name] = ran(stage)
        print(
            name, json.dumps({key: suites[name][key] for key in ("ended", "passed", "failed", "skipped")}), flush=True
        )
        whole["seconds"] = round(sum(each["seconds"] for each in suites.values()))
        limits = {"stage_limit_s": STAGE_S, "slow_stage_limit_s": SLOW_STAGE_S}
        RESULT.write_text(json.dumps({**whole, **limits}, indent=1) + "\n")
    return int(any(each["failed"] or each["ended"] == "late" for each in suites.values()))


def marked() -> list[Path]:
    """The files of tests that have the mark."""
    return sorted(path for path in TESTS.rglob("test_*.py") if "mark.hardening" in path.read_text())


def ran(stage: Path) -> dict[str, Any]:
    """What became of one file of tests, and on what."""
    began, load = time.monotonic(), os.getloadavg()[0]
    limit_s = SLOW_STAGE_S if "mark.slow" in stage.read_text() else STAGE_S
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-m", "hardening", "--timeout", str(limit_s), f"--junitxml={report}"]
        with subprocess.Popen(
            [sys.executable, "-m", "pytest", str(stage), *options], start_new_session=True
        ) as running:
            try:
                running.wait(limit_s)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)  # with the servers that it started
        found = counted(ElementTree.parse(report).getroot()) if report.exists() else None
    return {
        "ended": "late" if found is None else "in time",
        **(found or {"passed": 0, "failed": 0, "skipped": 0, "measured": {}}),
        "seconds": round(time.monotonic() - began),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load_average_before": round(load, 2),
    }


def counted(report: ElementTree.Element) -> dict[str, Any]:
    """How many tests of a report passed, failed and were skipped, and what they measured."""
    suite: dict[str, Any] = {"passed": 0, "failed": 0, "skipped": 0, "measured": {}}
    for case in report.iter("testcase"):
        ended = "skipped" if case.find("skipped") is not None else "passed"
        if case.find("failure") is not None or case.find("error") is not None:
            ended = "failed"
        suite[ended] += 1
        suite["measured"] |= {each.get("name"): each.get("value") for each in case.iter("property")}
    return suite


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
