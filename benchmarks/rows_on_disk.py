"""Exact search among more faces than fit in memory: codes in memory, rows on disk, beside the form in memory and FAISS.

Ten million faces (BENCH_FACES_ON_DISK) are written straight into the tables: enrolling them one picture after the other
would take most of the run and is measured by `search`. Every contender runs in a process of its own. Its memory is what
that process holds more than before it opened anything, without pages that the system may drop at any time. Exact is
what `benchmarks.search` calls so. BENCH_FOLDER keeps what was made and measured, so that a run that was stopped goes
on; else it is deleted.

python -m benchmarks rows_on_disk
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks.search import LIMIT, truth
from benchmarks.search_rows import Faces, Rows, faces, fairface_templates
from countenance.database import open_database
from countenance.engine import load_manifests
from countenance.faces import Template
from countenance.gallery import Gallery
from countenance.gallery.search.row_file import RowsOnDisk
from countenance.progress import track
from countenance.scoring import load_normaliser

COUNT = int(os.environ.get("BENCH_FACES_ON_DISK", "10000000"))
FEWER = COUNT // 10
PROBES = int(os.environ.get("BENCH_PROBES", "1000"))
COLD = int(os.environ.get("BENCH_COLD", "100"))
PEERS = os.environ.get(
    "BENCH_PEERS", "Flat Flat:disk PQ64x4fs,RFlat PQ64x4fs,RFlat:disk IVF1024,PQ64x4fs,RFlat"
).split()
"""FAISS's index descriptions; `:disk`: the rows lie in a file that FAISS maps, the codes stay in memory."""
ON_DISK = ":disk"
PEER_PROBES, PEER_COLD = 50, 10
K_FACTOR = 20
NAME = "many"
ANYTHING = -9.0
_PER_PICTURE, _PER_TRANSACTION = 2000, 100_000
_TIMES_LARGER = 10


def run() -> dict[str, Any]:
    """Measure, and say it as tables."""
    with _folder() as folder:
        given = _made(folder)
        ours = []
        for what, count, form in (
            ("all in memory", FEWER, "memory"),
            ("rows on disk", FEWER, "disk"),
            ("rows on disk", COUNT, "disk"),
        ):
            ours.append(_contender(f"Countenance, {what}", "own", folder, count, form))
        peers = [
            _contender(f"FAISS {how.replace(ON_DISK, ', rows on disk')}", "peer", folder, COUNT, how) for how in PEERS
        ]
        told = [_row(each, given) for each in (*ours, *peers)]
    largest = ours[-1]
    return {
        "what": (__doc__ or "").partition("\n")[0],
        "faces": COUNT,
        "tables": [
            {
                "title": f"Top {LIMIT} among up to {COUNT:,} faces of 128 numbers, one probe at a time",
                "note": f"{given.real:,} real templates, the rest fitted to them. Milliseconds of wall clock. Ours are "
                "whole searches of the gallery, with the look-up of the hits; FAISS's are of its index. Warm: what is "
                "read of the file is in the system's cache. Cold: nothing is. Equal: answers whose ids are exact. "
                f"Recall: the share of the exact {LIMIT} that is found, on average."
                + ("" if PEERS else " FAISS was left out of this run."),
                "rows": told,
            },
            {
                "title": f"What {_TIMES_LARGER * COUNT:,} faces would take",
                "note": f"Computed from the {COUNT:,}: memory, files and times grow with the faces.",
                "rows": [_larger(largest)],
            },
        ],
    }


def _row(told: dict[str, Any], given: Faces) -> dict[str, Any]:
    """A contender's row."""
    right = _exact(given, told)
    equal = sum(set(a) == set(b) for a, b in zip(told["found"], right, strict=False))
    warm, cold = sorted(told["warm"]), sorted(told["cold"])
    return {
        "contender": told["what"],
        "faces": told["faces"],
        "bytes of memory a face": told["bytes"] / told["faces"],
        "s to the first answer": told["start"],
        "warm p50 ms": 1000 * statistics.median(warm),
        "warm p99 ms": 1000 * warm[int(len(warm) * 0.99)],
        "cold p50 ms": 1000 * statistics.median(cold) if cold else "",
        "cold p99 ms": 1000 * cold[int(len(cold) * 0.99)] if cold else "",
        "rows computed": told["computed"],
        "equal": f"{equal} of {len(right)}",
        "recall": statistics.mean(len(set(a) & set(b)) / len(b) for a, b in zip(told["found"], right, strict=False)),
        "load average": told["load"],
    }


def _exact(given: Faces, told: dict[str, Any]) -> list[list[int]]:
    """The exact ids for the first probes among that many faces; made from what a contender of ours found there."""
    kept = Path(told["folder"]) / f"exact {told['faces']}.json"
    if not kept.is_file():
        part = np.load(_rows_file(Path(told["folder"])), mmap_mode="r")[: told["faces"]]
        probes = load_normaliser(_model()).probe_side(given.probes[: len(told["hits"])])
        own = [[(number, score) for number, score in hits] for hits in told["hits"]]
        exact = truth(Faces(_Served(part), probes, 0), own)  # type: ignore[arg-type]
        kept.write_text(json.dumps([[number for number, _ in hits] for hits in exact]))
    return list(json.loads(kept.read_text()))


class _Served:
    """Templates as they are searched, made when they are asked for."""

    def __init__(self, templates: Rows) -> None:
        self._templates, self._side = templates, load_normaliser(_model()).gallery_side

    def __len__(self) -> int:
        return len(self._templates)

    def __getitem__(self, which: Any) -> Rows:
        return self._side(np.ascontiguousarray(self._templates[which], dtype=np.float32))


def _larger(told: dict[str, Any]) -> dict[str, Any]:
    """The same with many times the faces."""
    row = _TIMES_LARGER * told["faces"]
    return {
        "faces": row,
        "memory, GB": row * told["bytes"] / told["faces"] / 1e9,
        "rows on disk, GB": _TIMES_LARGER * told["file"] / 1e9,
        "database, GB": _TIMES_LARGER * told["database"] / 1e9,
        "s to the first answer": _TIMES_LARGER * told["start"],
        "warm p50 ms": 1000 * _TIMES_LARGER * statistics.median(told["warm"]),
        "cold p50 ms": 1000 * _TIMES_LARGER * statistics.median(told["cold"] or [0.0]),
    }


# what is made for the run


@contextmanager
def _folder() -> Iterator[Path]:
    kept = os.environ.get("BENCH_FOLDER")
    if kept:
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory(prefix="countenance-rows-") as folder:
        yield Path(folder)


def _rows_file(folder: Path) -> Path:
    return folder / "rows.npy"


def _made(folder: Path) -> Faces:
    """The templates in a file, and in one database for each number of faces; the probes."""
    probes, place = folder / "probes.npy", _rows_file(folder)
    real = fairface_templates()
    if not probes.is_file():
        space = np.lib.format.open_memmap(place, mode="w+", dtype=np.float32, shape=(COUNT, real.shape[1]))
        made = faces(real, COUNT, PROBES, 1, space)
        space.flush()
        np.save(probes, made.probes)
    rows = np.load(place, mmap_mode="r")
    for count in (FEWER, COUNT):
        _stored(folder / str(count), rows[:count])
    return Faces(rows, np.load(probes), min(COUNT, len(real)))


def _stored(folder: Path, rows: Rows) -> None:
    """A database with one gallery of those templates, as enrolling would have left it."""
    if (folder / "done").is_file():
        return
    folder.mkdir(exist_ok=True)
    gallery = opened(folder, None)
    gallery.create(NAME, _model(), "1", {})
    with sqlite3.connect(folder / "faces.sqlite", isolation_level=None) as database:
        database.execute("PRAGMA synchronous=OFF")
        for first in track(range(0, len(rows), _PER_TRANSACTION), "storing", unit="parts"):
            some = rows[first : first + _PER_TRANSACTION]
            database.execute("BEGIN")
            database.executemany(
                "INSERT INTO images (number, gallery, image_id, image_digest, external_id) VALUES (?, 1, ?, ?, '')",
                (
                    (i + 1, f"i{i}", f"d{i}")
                    for i in range(first // _PER_PICTURE, -(-(first + len(some)) // _PER_PICTURE))
                ),
            )
            database.executemany(
                "INSERT INTO faces (number, gallery, image, face_id, box_left, box_top, box_width, box_height, "
                "confidence, enrolled_us, template) VALUES (?, 1, ?, ?, 0.1, 0.1, 0.5, 0.5, 99.0, 0, ?)",
                ((i + 1, i // _PER_PICTURE + 1, f"{i:036d}", row.tobytes()) for i, row in enumerate(some, first)),
            )
            database.execute("COMMIT")
        database.execute("UPDATE galleries SET faces = ?, dimension = ?, revision = 1", (len(rows), rows.shape[1]))
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (folder / "done").touch()


def opened(folder: Path, on_disk: RowsOnDisk | None) -> Gallery:
    """The gallery of the database in `folder`."""
    return Gallery(
        open_database(folder / "faces.sqlite"), load_normaliser(_model()), lambda: datetime.now(UTC),
        lambda: str(uuid.uuid4()), on_disk=on_disk,
    )  # fmt: skip


def _model() -> Any:
    return load_manifests()["sface"].model


# one contender, in a process of its own


def _contender(what: str, kind: str, folder: Path, count: int, form: str) -> dict[str, Any]:
    ask = [sys.executable, "-m", "benchmarks.rows_on_disk", kind, str(folder), str(count), form]
    print(f"   {what}, {count:,} faces", flush=True)
    kept = folder / f"{kind} {count} {form}.json"
    if not kept.is_file():
        kept.write_bytes(subprocess.run(ask, stdout=subprocess.PIPE, check=True).stdout)
    told = json.loads(kept.read_text())
    return {"what": what, "faces": count, "own": kind == "own", "folder": str(folder), **told}


def _own(folder: Path, count: int, form: str) -> dict[str, Any]:
    """Start, then ask warm and cold."""
    threadpool_limits(1, user_api="blas")  # as the server has it
    home, probes = folder / str(count), np.load(folder / "probes.npy")[:PROBES]
    model, load = _model(), os.getloadavg()[0]
    before, began = _held(), time.perf_counter()
    gallery = opened(home, RowsOnDisk(home, 0) if form == "disk" else None)

    def ask(probe: Rows) -> list[tuple[int, float]]:
        found = gallery.search(NAME, Template(probe, model), limit=LIMIT, min_score=ANYTHING)
        return [(int(face.face_id) + 1, score) for face, score in found.hits]

    ask(probes[0])
    start, held = time.perf_counter() - began, _held() - before
    for probe in probes[:50]:
        ask(probe)
    computed = gallery.search_counts().computed
    hits: list[list[tuple[int, float]]] = []
    warm = [_timed(lambda p=p: hits.append(ask(p))) for p in probes]  # type: ignore[misc]
    counts = gallery.search_counts()
    held = max(held, _held() - before)
    file = next((each for each in Path("/proc/self/fd").iterdir() if _is_rows(each, home)), None)
    cold = []
    if file:
        os.fsync(int(file.name))  # pages that are not written yet cannot be dropped
    for probe in probes[:COLD] if file else ():
        os.posix_fadvise(int(file.name), 0, 0, os.POSIX_FADV_DONTNEED)  # type: ignore[union-attr]
        cold.append(_timed(lambda p=probe: ask(p)))  # type: ignore[misc]
    return {
        "start": start, "bytes": held, "warm": warm, "cold": cold, "hits": hits[:PEER_PROBES],
        "found": [[number for number, _ in each] for each in hits[:PEER_PROBES]], "load": load,
        "computed": round((counts.computed - computed) / len(probes)), "fallbacks": counts.fallbacks,
        "file": file.stat().st_size if file else 0, "database": (home / "faces.sqlite").stat().st_size,
    }  # fmt: skip


def _is_rows(descriptor: Path, home: Path) -> bool:
    """Whether it is of a file without a name in `home`."""
    try:
        name = str(descriptor.readlink())
    except OSError:
        return False
    return name.startswith(f"{home}/") and name.endswith("(deleted)")


def _peer(folder: Path, count: int, form: str) -> dict[str, Any]:
    """A FAISS index over the rows as they are searched; its places are numbers less one."""
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    rows = _Served(np.load(_rows_file(folder), mmap_mode="r")[:count])
    probes = load_normaliser(_model()).probe_side(np.load(folder / "probes.npy")[:PEER_PROBES])
    what, mapped = form.removesuffix(ON_DISK), form.endswith(ON_DISK)
    load, before, began = os.getloadavg()[0], _held(), time.perf_counter()
    extra = -probes.shape[1] % 64 if "PQ" in what else 0  # PQ needs dimensions that its parts divide
    index = _built(what.removesuffix(",RFlat") if mapped else what, rows, probes.shape[1], extra)
    file = folder / f"faiss {count} {extra}.index"
    if mapped:
        codes = index if what.endswith(",RFlat") else None
        if codes is not None:
            index = _built("Flat", rows, probes.shape[1], extra)
        faiss.write_index(index, str(file))
        del index
        index = _over_file(file, codes)
    asked = _wider(probes, extra)
    index.search(asked[:1], LIMIT)
    start, held = time.perf_counter() - began, _held() - before
    found: list[list[int]] = []
    warm = [_timed(lambda p=p: found.append([int(i) + 1 for i in index.search(p[None], LIMIT)[1][0]])) for p in asked]  # type: ignore[misc]
    held = max(held, _held() - before)
    size, cold = file.stat().st_size if mapped else 0, list[float]()
    for probe in asked[: PEER_COLD if mapped else 0]:
        del index  # what is mapped cannot be dropped
        with file.open("rb") as opened_file:
            os.fsync(opened_file.fileno())
            os.posix_fadvise(opened_file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        index = _over_file(file, codes)
        cold.append(_timed(lambda p=probe, i=index: i.search(p[None], LIMIT)))  # type: ignore[misc]
    file.unlink(missing_ok=True)
    return {
        "start": start, "bytes": held, "warm": warm, "cold": cold, "found": found, "load": load, "computed": "",
        "hits": [], "file": size,
    }  # fmt: skip


def _built(what: str, rows: _Served, width: int, extra: int) -> Any:
    """A FAISS index of these rows."""
    index = faiss.index_factory(width + extra, what, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        index.train(_wider(rows[:: max(1, len(rows) // 100_000)], extra))
    for first in range(0, len(rows), 100_000):
        index.add(_wider(rows[first : first + 100_000], extra))
    if "RFlat" in what:
        index.k_factor = K_FACTOR  # type: ignore[attr-defined]
    if "IVF" in what:
        faiss.extract_index_ivf(index).nprobe = 32
    return index


def _over_file(file: Path, codes: Any) -> Any:
    """The rows in a file that is mapped, searched by `codes` first where there are any."""
    rows = faiss.read_index(str(file), faiss.IO_FLAG_MMAP_IFC)
    if codes is None:
        return rows
    index = faiss.IndexRefine(codes, rows)
    index.k_factor = K_FACTOR
    return index


def _wider(rows: Rows, extra: int) -> Rows:
    return np.ascontiguousarray(np.pad(rows, ((0, 0), (0, extra))))


def _held() -> int:
    """Bytes of memory that this process holds: not pages of files, which the system may drop."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "RssShmem:")))


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    _, kind_, folder_, count_, form_ = sys.argv
    print(json.dumps({"own": _own, "peer": _peer}[kind_](Path(folder_), int(count_), form_)))
