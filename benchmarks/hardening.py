"""Faults and attacks on real servers: what held, how long it took, and the figures that the tests measured.

    python -m benchmarks.hardening        (make hardening; about ten minutes on two cores)

Runs every test with the mark `hardening` and writes benchmarks/results/hardening.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

RESULT = Path(__file__).with_name("results") / "hardening.json"


def main() -> int:
    """Run, write, and give pytest's exit code."""
    began = time.monotonic()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        arguments = ["tests/integration", "-m", "hardening", "--timeout", "900", f"--junitxml={report}", *sys.argv[1:]]
        code = subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode
        suites = suites_of(ElementTree.parse(report).getroot())
    conditions = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load_average_before": round(load, 2),
    }
    whole = {"conditions": conditions, "seconds": round(time.monotonic() - began), "suites": suites}
    RESULT.write_text(json.dumps(whole, indent=1) + "\n")
    return code


def suites_of(report: ElementTree.Element) -> dict[str, dict[str, Any]]:
    """For each file of tests: how many passed, failed and were skipped, their seconds, and what they measured."""
    suites: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"passed": 0, "failed": 0, "skipped": 0, "seconds": 0.0, "measured": {}}
    )
    for case in report.iter("testcase"):
        suite = suites[case.get("classname", "").removeprefix("tests.").removeprefix("integration.")]
        ended = "skipped" if case.find("skipped") is not None else "passed"
        if case.find("failure") is not None or case.find("error") is not None:
            ended = "failed"
        suite[ended] += 1
        suite["seconds"] = round(suite["seconds"] + float(case.get("time", "0")), 1)
        suite["measured"] |= {each.get("name"): each.get("value") for each in case.iter("property")}
    return dict(suites)


if __name__ == "__main__":
    sys.exit(main())
