"""Run the benchmarks one after the other, keep what they measured as JSON, and write the tables in docs/benchmarks.md.

python -m benchmarks [NAME ...]                 all of them, or those named
python -m benchmarks equal_error --sample N     of N people of each data set, on a small machine: printed, not kept
"""

from __future__ import annotations

import importlib
import json
import math
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.tables import write_tables

RESULTS = Path(__file__).with_name("results")
EVERY = (
    "vision",
    "search",
    "rows_on_disk",
    "growth",
    "gpu",
    "server",
    "servers",
    "start",
    "bulk",
    "ledger",
    "policy",
    "accuracy",
    "equal_error",
    "recognisability",
    "pictures",
    "promise",
    "sizes",
    "turns",
    "quality",
    "redaction",
    "occlusion",
    "video",
    "audit",
    "climbing",
    "pages",
    "before_after",
)
LIBRARIES = ("numpy", "openvino", "opencv-python-headless", "onnxruntime", "faiss-cpu", "cedarpy", "scikit-learn")


def conditions() -> dict[str, object]:
    """What the numbers were measured on; the load average before says how quiet the machine was."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_average_before": round(os.getloadavg()[0], 2),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def told(value: Any) -> Any:
    """A result as JSON can hold it: infinity, which a ratio to nothing is, becomes a word."""
    if isinstance(value, dict):
        return {name: told(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [told(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def main(names: list[str]) -> None:
    unknown = sorted(set(names) - set(EVERY))
    if unknown:
        sys.exit(f"no benchmark {unknown[0]}; there are {', '.join(EVERY)}")
    for name in names or EVERY:
        print(f"== {name}", flush=True)
        module = importlib.import_module(f"benchmarks.{name}")
        before = conditions()
        result = {"conditions": before, **module.run()}
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(told(result), indent=1, allow_nan=False) + "\n")
    write_tables()


def sampled(number: str) -> None:
    """Print what `equal_error` measures on `number` people of each data set."""
    from benchmarks import equal_error

    print(json.dumps(told({"conditions": conditions(), **equal_error.run(int(number))}), indent=1, allow_nan=False))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["equal_error", "--sample", number]:
            sampled(number)
        case names:
            main(names)
