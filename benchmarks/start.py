"""From starting `countenance serve` to its first answered search: without compiled kernels, and with those kept before.

The gallery is large enough that its search is compiled code. Starts take turns: the folder of kernels is emptied before
every other one. Models lie there, and the pages of all files were read before.
"""

from __future__ import annotations

import http.client
import os
import shutil
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.server import ask, pictures, prepare, serving, signed
from countenance import settings
from countenance.mandates import AccessKey
from countenance.progress import track

FACES = int(os.environ.get("BENCH_FACES", "20000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
TICKS = os.sysconf("SC_CLK_TCK")


def run() -> dict[str, Any]:
    """Measure, and say it as a table."""
    photos = pictures(64)
    took: dict[str, list[tuple[float, float]]] = {"first: nothing compiled": [], "second: kernels kept": []}
    with tempfile.TemporaryDirectory(prefix="countenance-bench-") as folder:
        own = settings.load({**os.environ})
        place = replace(own, home=Path(folder), weights=own.models_cache)
        key = prepare(place, photos, FACES)
        started(place, key, photos[0])  # not counted: pages are read and bytecode is written
        for _ in track(range(ROUNDS), "starts, both kinds", unit="rounds"):
            shutil.rmtree(place.home / settings.KERNELS, ignore_errors=True)
            for each in took.values():
                each.append(started(place, key, photos[0]))
        kept = list((place.home / settings.KERNELS).rglob("*.nbc"))
    first, second = ([cpu for _, cpu in each] for each in took.values())
    return {
        "what": "From `serve` to the first answered search.",
        "faces": FACES,
        "kernels_kept": len(kept),
        "seconds": {start: [wall for wall, _ in each] for start, each in took.items()},
        "processor_seconds": {start: [cpu for _, cpu in each] for start, each in took.items()},
        "saved_processor_seconds": statistics.median(first) - statistics.median(second),
        "tables": [
            {
                "title": f"From `serve` to the first answered search, {FACES} faces",
                "note": f"Medians and spreads of {ROUNDS} starts each, in turn. Processor time is that of the server.",
                "rows": [
                    {
                        "start": start,
                        "s": statistics.median(wall for wall, _ in each),
                        "spread s": max(wall for wall, _ in each) - min(wall for wall, _ in each),
                        "processor s": statistics.median(cpu for _, cpu in each),
                        "spread processor s": max(cpu for _, cpu in each) - min(cpu for _, cpu in each),
                    }
                    for start, each in took.items()
                ],
            }
        ],
    }


def started(place: settings.Settings, key: AccessKey, photo: bytes) -> tuple[float, float]:
    """Seconds from starting the process to the first search answered, and seconds of processor time until then."""
    server = serving(place)
    began = time.perf_counter()
    with server as endpoint:
        ask(http.client.HTTPConnection(endpoint, timeout=120), *signed(endpoint, key, photo))
        wall = time.perf_counter() - began
        fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
        return wall, (int(fields[11]) + int(fields[12])) / TICKS
