"""Search among a million faces: the index with its bounds beside FAISS, a probe at a time or in batches, on all cores.

Exact is what computing every score in float64 and rounding once gives. It is found by one float32 product of every
probe with every row: rows whose float32 score reaches the last hit that the index gave, less the most that float32 can
be off, are computed again in float64. The index's hits are rows of the gallery, so no row of the exact answer is below.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks.search_rows import Faces, Rows, faces, longer, real_templates
from benchmarks.search_store import changes, start
from countenance.engine import load_manifests
from countenance.gallery.answers import SearchCounts
from countenance.gallery.search.bounded import BoundedSearch
from countenance.gallery.search.codes import CHANCE
from countenance.gallery.search.index import CODED, Hits, Index, IndexSnapshot, ranked, rounding
from countenance.gallery.search.threads import ThreadPool
from countenance.progress import track
from countenance.scoring.normaliser import load_normaliser

COUNT = int(os.environ.get("BENCH_FACES", "1000000"))
PROBES = int(os.environ.get("BENCH_PROBES", "10000"))
PEER_PROBES = 200
LONG_PROBES = 1000
LIMIT = 10
BATCH = 64
ANYTHING = -1e9
Search = Callable[[Rows], object]


def run() -> dict[str, Any]:
    """Measure, and say it as tables."""
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    real = real_templates()
    short = faces(real, COUNT, PROBES, 1)
    rows, quality = compared("128", short, {"PQ64x4fs,RFlat": 20, "PQ32x4fs,RFlat": 20}, None)
    tables = [
        {
            "title": f"Top {LIMIT} among {COUNT:,} faces of 128 numbers, one probe at a time",
            "note": f"{short.real:,} real templates, the rest fitted to them, look-alikes included. Milliseconds of "
            "wall clock, medians; the spread is the 10th to the 90th percentile. Equal: answers whose ids are those of "
            "the exact float32 search.",
            "rows": rows,
        },
    ]
    normalised = normalised_cost(short)
    batches = batched(short)
    filters = filtered(short)
    del short
    with tempfile.TemporaryDirectory(prefix="countenance-search-") as folder:
        stored = faces(real, COUNT, PROBES, 3).gallery
        started = start(Path(folder), stored)
        changed = changes(Path(folder), real[:1000])
    del stored
    long = faces(longer(real, 4), COUNT, LONG_PROBES, 5)
    long_rows, long_quality = compared("512", long, {"PQ128x4fs,RFlat": 100}, "SQ8bit")
    del long
    small = small_galleries(real)
    tables += [
        {
            "title": f"The same with {COUNT:,} faces of 512 numbers",
            "note": "No model of that length ships: each row is four real templates of different people side by "
            "side, or fitted to such. `reading the int8 codes` only adds up the bytes that an exact int8 scan has to "
            "read.",
            "rows": long_rows,
        },
        {
            "title": "How the bounds did",
            "note": f"By theorem the bounds make one search in {1 / CHANCE:,.0f} lack a hit, at most.",
            "rows": [quality, long_quality],
        },
        {
            "title": "What the normaliser costs a search",
            "note": "The same faces and probes, plain and as they are served, in turns.",
            "rows": normalised,
        },
        {"title": f"Batches of {BATCH}, milliseconds for each probe", "rows": batches},
        {
            "title": "Only faces that belong to users",
            "note": "The same million; a filter within the index, by share of the faces that pass it.",
            "rows": filters,
        },
        {"title": f"Small galleries: every score is computed below {CODED:,} faces", "rows": small},
        {
            "title": f"{COUNT:,} faces on disk (SQLite)",
            "note": "A new process: from opening the database to the first answer, Python's own start left out. Memory "
            "is how far that process's peak rose, for each face.",
            "rows": started,
        },
        {
            "title": "1,000 faces more, and 1,000 fewer",
            "note": "The store's own part makes them durable, and erased ones unreadable on the disk; then how much "
            "longer than usual the next search takes, which sees them.",
            "rows": changed,
        },
    ]
    return {"what": (__doc__ or "").partition("\n")[0], "faces": COUNT, "probes": PROBES, "tables": tables}


def compared(
    name: str, given: Faces, quantised: dict[str, int], scalar: str | None
) -> tuple[list[Any], dict[str, Any]]:
    """A row for each contender, and how the bounds did."""
    own, ours, counts = searched(given)
    exact = truth(given, own)
    peers = given.probes[:PEER_PROBES]
    flat = faiss.IndexFlatIP(given.gallery.shape[1])
    flat.add(given.gallery)
    rows = [row("Countenance", ours, ids(own), exact)]
    rows.append(peer("FAISS IndexFlatIP", flat.search, peers, exact))
    del flat
    for how, factor in quantised.items():
        index = faiss.index_factory(given.gallery.shape[1], how, faiss.METRIC_INNER_PRODUCT)
        index.train(given.gallery[:: max(1, len(given.gallery) // 100_000)])
        index.add(given.gallery)
        index.k_factor = factor  # type: ignore[attr-defined]
        rows.append(peer(f"FAISS {how}, k_factor {factor}", index.search, given.probes[:LONG_PROBES], exact))
        del index
    if scalar is not None:
        index = int8_scan(given.gallery)
        rows.append(peer("FAISS int8 scan (SQ8), a shard for each core", index.search, peers[:50], exact))
        del index
        rows.append(row("reading the int8 codes", reading_bytes(given.gallery.size), None, exact))
    usual = rows[1]["p50 ms"]
    told = [{**each, "of FAISS Flat's p50": each["p50 ms"] / usual} for each in rows]
    wrong = sum(tuple(hits) != tuple(right) for hits, right in zip(own, exact, strict=True))
    return told, {
        "numbers in a row": int(name),
        "probes": len(own),
        "scores or ids not exact": wrong,
        "rows looked at more finely, share": counts.refined / max(1, counts.searches) / len(given.gallery),
        "scores computed, share": counts.computed / max(1, counts.searches) / len(given.gallery),
        "searches that their bounds did not help": counts.fallbacks,
    }


def searched(given: Faces) -> tuple[list[Hits], list[float], SearchCounts]:
    """Every probe's answer by ours, how long each took, and how the bounds did."""
    snapshot, bounded = indexed(given.gallery), BoundedSearch(ThreadPool(0))
    for probe in given.probes[:50]:
        bounded.search(snapshot, probe, LIMIT, ANYTHING)
    bounded.counts = SearchCounts()
    own: list[Hits] = []
    took = [timed(lambda p=p: own.append(bounded.search(snapshot, p, LIMIT, ANYTHING))) for p in given.probes]  # type: ignore[misc]
    return own, took, bounded.counts


def ids(answers: list[Hits]) -> list[list[int]]:
    """The numbers of the hits."""
    return [[number for number, _ in hits] for hits in answers]


def row(what: str, took: list[float], found: Sequence[Sequence[int]] | None, exact: list[Hits]) -> dict[str, Any]:
    """A contender's row: times, and how many of its answers hold the exact ids."""
    took = sorted(took)
    equal: object = ""
    if found is not None:
        right = sum(set(a) == {n for n, _ in b} for a, b in zip(found, exact[: len(found)], strict=True))
        equal = f"{right} of {len(found)}"
    return {
        "contender": what,
        "p50 ms": 1000 * statistics.median(took),
        "spread": f"{1000 * took[len(took) // 10]:.3g} to {1000 * took[len(took) * 9 // 10]:.3g}",
        "p99 ms": 1000 * took[int(len(took) * 0.99)],
        "equal": equal,
    }


def peer(what: str, search: Callable[[Rows, int], Any], probes: Rows, exact: list[Hits]) -> dict[str, Any]:
    """A FAISS index's row; its places are numbers less one."""
    for probe in probes[:5]:
        search(probe[None], LIMIT)
    found: list[list[int]] = []
    took = [timed(lambda p=p: found.append([int(i) + 1 for i in search(p[None], LIMIT)[1][0]])) for p in probes]  # type: ignore[misc]
    return row(what, took, found, exact)


def int8_scan(gallery: Rows) -> Any:
    """FAISS's scan of eight-bit codes. It takes a thread for a probe, so every core gets a part of the rows."""
    shards = faiss.IndexShards(gallery.shape[1], True, True)  # type: ignore[call-arg]
    for part in np.array_split(gallery, os.cpu_count() or 1):
        quantiser = faiss.ScalarQuantizer.QT_8bit
        shard = faiss.IndexScalarQuantizer(gallery.shape[1], quantiser, faiss.METRIC_INNER_PRODUCT)
        shard.train(gallery[:100_000])
        shard.add(part)
        shards.add_shard(shard)
    return shards


def indexed(gallery: Rows) -> IndexSnapshot:
    """The rows in an index of ours, numbered from one."""
    index = Index(ThreadPool(0))
    for first in range(0, len(gallery), 100_000):
        some = gallery[first : first + 100_000]
        index.append(np.arange(first + 1, first + len(some) + 1), some)
    index.publish(0)
    return index.snapshot


def truth(given: Faces, own: list[Hits]) -> list[Hits]:
    """The exact answer to every probe (see the module's text)."""
    step, block = 500, 65_536
    answers: list[Hits] = []
    for first in track(range(0, len(given.probes), step), "exact answers", unit="blocks"):
        probes = given.probes[first : first + step]
        slack = np.array([rounding(probe, 1.0 + 1e-5) for probe in probes], dtype=np.float32)
        floors = np.array([hits[-1][1] for hits in own[first : first + step]], dtype=np.float32) - slack
        near: list[list[int]] = [[] for _ in probes]
        for start_at in range(0, len(given.gallery), block):
            scores = probes @ given.gallery[start_at : start_at + block].T
            which, where = np.nonzero(scores >= floors[:, None])
            for i, place in zip(which, where, strict=True):
                near[i].append(start_at + int(place))
        for probe, places in zip(probes, near, strict=True):
            at = np.array(places, dtype=np.int64)
            answers.append(ranked(at + 1, given.gallery[at], probe, LIMIT, ANYTHING))
    return answers


def timed(call: Callable[[], object]) -> float:
    """Wall clock of one call, seconds."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def reading_bytes(count: int) -> list[float]:
    """How long every core together takes to read `count` bytes once."""
    pool = ThreadPool(0)
    parts = np.array_split(np.ones(count // 8, dtype=np.int64), 4 * pool.threads)

    def read() -> None:
        pool.each(lambda i: parts[i].sum(), len(parts))

    read()
    return [timed(read) for _ in range(20)]


def normalised_cost(given: Faces) -> list[dict[str, Any]]:
    """Plain rows and rows as served, asked in turns."""
    normaliser = load_normaliser(load_manifests()["sface"].model)
    sides = {
        "plain": (given.gallery, given.probes[:1000]),
        "normalised": (normaliser.gallery_side(given.gallery), normaliser.probe_side(given.probes[:1000])),
    }
    contenders = {
        name: (indexed(gallery), BoundedSearch(ThreadPool(0)), probes) for name, (gallery, probes) in sides.items()
    }
    took: dict[str, list[float]] = {name: [] for name in contenders}
    for i in range(1000):
        for name, (snapshot, bounded, probes) in contenders.items():
            took[name].append(timed(lambda: bounded.search(snapshot, probes[i], LIMIT, ANYTHING)))  # noqa: B023
    medians = {name: statistics.median(each[50:]) for name, each in took.items()}
    probe = [timed(lambda p=p: normaliser.probe_side(p[None])) for p in given.probes[:1000]]  # type: ignore[misc]
    return [
        {"rows": name, "p50 ms": 1000 * median, "times plain": median / medians["plain"]}
        for name, median in medians.items()
    ] + [{"rows": "the probe's own side", "p50 ms": 1000 * statistics.median(probe)}]


def filtered(given: Faces) -> list[dict[str, Any]]:
    """A search among all, then among those that belong to users, fewer and fewer."""
    index = Index(ThreadPool(0))
    numbers = np.arange(1, len(given.gallery) + 1)
    index.append(numbers, given.gallery)
    index.publish(0)
    bounded, rng, usual = BoundedSearch(ThreadPool(0)), np.random.default_rng(6), 1.0
    rows = []
    for share in (None, 1.0, 0.5, 0.1, 0.01):
        if share is not None:
            index.own(numbers, False)
            index.own(numbers[rng.random(len(numbers)) < share], True)
            index.publish(0)
        took, found, owned = [], [], share is not None
        for probe in given.probes[:LONG_PROBES]:
            began = time.perf_counter()
            found.append(bounded.search(index.snapshot, probe, LIMIT, ANYTHING, owned=owned))
            took.append(time.perf_counter() - began)
        few = range(0, len(found), 20)
        right = sum(found[i] == index.snapshot.search(given.probes[i], LIMIT, ANYTHING, owned=owned) for i in few)
        usual = statistics.median(took) if share is None else usual
        took = sorted(took[10:])
        rows.append(
            {
                "faces that pass": "all, no filter" if share is None else f"{share:.0%}",
                "p50 ms": 1000 * statistics.median(took),
                "spread": f"{1000 * took[len(took) // 10]:.3g} to {1000 * took[len(took) * 9 // 10]:.3g}",
                "of no filter": statistics.median(took) / usual,
                "equal to computing all": f"{right} of {len(few)}",
            }
        )
    return rows


def batched(given: Faces) -> list[dict[str, Any]]:
    """Batches of probes by ours and by FAISS Flat, in turns."""
    snapshot, bounded = indexed(given.gallery), BoundedSearch(ThreadPool(0))
    flat = faiss.IndexFlatIP(given.gallery.shape[1])
    flat.add(given.gallery)
    calls: dict[str, Search] = {
        "Countenance": lambda probes: bounded.search_many(snapshot, probes, LIMIT, ANYTHING),
        "FAISS IndexFlatIP": lambda probes: flat.search(probes, LIMIT),
    }
    took: dict[str, list[float]] = {name: [] for name in calls}
    for i in range(6):
        probes = given.probes[i * BATCH : (i + 1) * BATCH]
        for name, call in calls.items():
            took[name].append(timed(lambda: call(probes)) / BATCH)  # noqa: B023
    return [
        {
            "contender": n,
            "ms": 1000 * statistics.median(t[1:]),
            "spread": f"{1000 * min(t[1:]):.3g} to {1000 * max(t[1:]):.3g}",
        }
        for n, t in took.items()
    ]


def small_galleries(real: Rows) -> list[dict[str, Any]]:
    """Below the size from which on there are codes, and right above."""
    rows = []
    threadpool_limits(1, user_api="blas")  # as the server has it
    for count in (1000, 10_000, CODED - 1, CODED):
        given = faces(real, count, 1000, 6)
        snapshot, bounded = indexed(given.gallery), BoundedSearch(ThreadPool(0))
        flat = faiss.IndexFlatIP(given.gallery.shape[1])
        flat.add(given.gallery)
        took: dict[str, list[float]] = {"own": [], "flat": []}
        for probe in given.probes:
            if snapshot.coder is None:
                took["own"].append(timed(lambda: snapshot.search(probe, LIMIT, ANYTHING)))  # noqa: B023
            else:
                took["own"].append(timed(lambda: bounded.search(snapshot, probe, LIMIT, ANYTHING)))  # noqa: B023
            took["flat"].append(timed(lambda: flat.search(probe[None], LIMIT)))  # noqa: B023
        medians = {name: 1000 * statistics.median(each[50:]) for name, each in took.items()}
        rows.append(
            {
                "faces": count,
                "codes": snapshot.coder is not None,
                "p50 ms": medians["own"],
                "FAISS IndexFlatIP p50 ms": medians["flat"],
                "ratio": medians["own"] / medians["flat"],
            }
        )
    return rows


if __name__ == "__main__":
    print(json.dumps(run(), indent=1), file=sys.stdout)
