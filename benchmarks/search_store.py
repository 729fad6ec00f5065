"""A million faces in a database: starting from it, its memory, and changes that the next search sees."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from countenance.database import open_database
from countenance.engine import load_manifests
from countenance.faces import BoundingBox, DetectedFace, Landmarks, ModelId, Point, Pose, Quality, Template
from countenance.gallery import Gallery
from countenance.progress import track
from countenance.scoring import load_normaliser

Rows = NDArray[np.float32]
NAME = "million"
ROUNDS = 5
_POINT = Point(0.5, 0.5)
_FACE = DetectedFace(
    BoundingBox(0.1, 0.1, 0.5, 0.5), Landmarks(*[_POINT] * 5), Pose(0, 0, 0), Quality(50, 50, 100), 99.0
)


def opened(folder: Path) -> Gallery:
    """The gallery of the database in `folder`."""
    return Gallery(
        open_database(folder / "faces.sqlite"),
        load_normaliser(_model()),
        lambda: datetime.now(UTC),
        lambda: str(uuid.uuid4()),
    )


def start(folder: Path, rows: Rows) -> list[dict[str, Any]]:
    """Enrol every row, then start new processes on it."""
    gallery = opened(folder)
    gallery.create(NAME, _model(), "1", {})
    began = time.perf_counter()
    for first in track(range(0, len(rows), 2000), "enrolling", unit="batches"):
        enrol(gallery, rows[first : first + 2000], str(first))
    enrolled_s = time.perf_counter() - began
    ask = [sys.executable, "-m", "benchmarks.search_store", str(folder)]
    told = [json.loads(subprocess.run(ask, capture_output=True, check=True).stdout) for _ in range(ROUNDS)]
    size = (folder / "faces.sqlite").stat().st_size
    return [
        {
            "faces": len(rows),
            "median s to the first answer": statistics.median(each["s"] for each in told),
            "extremes": f"{min(each['s'] for each in told):.3g} to {max(each['s'] for each in told):.3g}",
            "bytes of memory a face": statistics.median(each["bytes"] for each in told) / len(rows),
            "bytes on disk a face": size / len(rows),
            "faces enrolled /s, 2,000 at a time": len(rows) / enrolled_s,
        }
    ]


def changes(folder: Path, rows: Rows) -> list[dict[str, Any]]:
    """Add 1,000 faces and take them away again, in turns."""
    gallery = opened(folder)
    probe = Template(rows[0], _model())
    usual = statistics.median(_searched(gallery, probe) for _ in range(50))
    added, erased = [], []
    for i in range(ROUNDS):
        began = time.perf_counter()
        ids = enrol(gallery, rows, f"more {i}")
        stored = time.perf_counter() - began
        added.append((stored, _searched(gallery, probe) - usual))
        began = time.perf_counter()
        gallery.erase(NAME, ids)
        stored = time.perf_counter() - began
        erased.append((stored, _searched(gallery, probe) - usual))
    return [
        {
            "change": name,
            "stored, ms": 1000 * statistics.median(a for a, _ in each),
            "seen by the next search, ms more than usual": 1000 * statistics.median(b for _, b in each),
            "extremes": f"{1000 * min(b for _, b in each):.3g} to {1000 * max(b for _, b in each):.3g}",
        }
        for name, each in (("added", added), ("erased", erased))
    ]


def enrol(gallery: Gallery, rows: Rows, picture: str) -> list[str]:
    """Enrol rows as the faces of one picture; their ids."""
    faces = [(boxed(i), Template(row, _model())) for i, row in enumerate(rows)]
    return [face.face_id for face in gallery.enrol(NAME, picture, None, faces)]


def boxed(i: int) -> DetectedFace:
    """The detection of face number `i` of one made-up picture."""
    return replace(_FACE, box=BoundingBox((i % 50) / 100, (i // 50) / 100, 0.005, 0.005))


@cache
def _model() -> ModelId:
    return load_manifests()["sface"].model


def _searched(gallery: Gallery, probe: Template) -> float:
    began = time.perf_counter()
    gallery.search(NAME, probe, limit=10, min_score=-9)
    return time.perf_counter() - began


def _peak_bytes() -> int:
    """This program's own peak; getrusage would tell that of whoever started it, too."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


def _first_answer(folder: Path) -> dict[str, float]:
    probe = Template(np.eye(1, 128, dtype=np.float32)[0], _model())
    threadpool_limits(1, user_api="blas")  # as the server has it
    before, began = _peak_bytes(), time.perf_counter()
    _searched(opened(folder), probe)
    return {"s": time.perf_counter() - began, "bytes": _peak_bytes() - before}


if __name__ == "__main__":
    print(json.dumps(_first_answer(Path(sys.argv[1]))))
