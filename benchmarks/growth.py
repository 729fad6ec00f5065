"""How galleries grow: what a search costs and what its answer is worth, from a million faces to a thousand million.

Measured here: searches of one and of two cores among up to BENCH_GROWTH faces; asking 1 to 16 Ray actors that hold
nothing; two shards that hold faces, asked at random moments; misses of people in LFW at low false match rates. The
rest is computed from these (`benchmarks.growth_model`), for a node that is named in the table. Needs the extra
`cluster`.

python -m benchmarks growth
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks.growth_model import (
    ClusterNode,
    Numbers,
    SearchCosts,
    line,
    most_searches_s,
    searches,
    shard_search_s,
)
from benchmarks.growth_page import write_page
from benchmarks.search import indexed, timed
from benchmarks.search_rows import Rows, faces, fairface_templates
from benchmarks.vision_pictures import data
from countenance.calibrate.fit import mated_pairs
from countenance.calibrate.labelled_pictures import Portraits, portraits, shots
from countenance.calibrate.people import few_of_each
from countenance.cluster.shard import ShardReply
from countenance.engine import Engine, load_manifests
from countenance.gallery.search.bounded import BoundedSearch
from countenance.gallery.search.index import Index, IndexSnapshot
from countenance.gallery.search.threads import ThreadPool
from countenance.metrics import Rate, expected_false_matches, fmr_for_chance, tally
from countenance.scoring import load_normaliser
from countenance.scoring.calibration import FLOOR, Calibration, digits_at
from countenance.scoring.normaliser import Normaliser
from countenance.settings import load

MOST = int(os.environ.get("BENCH_GROWTH", "3000000"))
PROBES, LIMIT, ANYTHING = 500, 10, -1e9
ACTORS, ASKED = (1, 2, 4, 8, 16), 400
SHARDS, SHARD_FACES, SHARE = 2, 300_000, (0.0, 0.4)
SIZES = (1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
NODE = ClusterNode(cores=16, bytes_s=100e9)
NODE_SAID = f"{NODE.cores} cores, {NODE.bytes_s / 1e9:.0f} GB/s of memory, 64 GB"
ROOM = 40e9  # bytes of a node's memory for codes
SHARDS_OF = {1_000_000: 1, 10_000_000: 1, 100_000_000: 1, 1_000_000_000: 4}
SIMILARITIES = (80.0, 90.0, 99.0, 99.9, 100.0)
CHANCE = 0.01
RESULTS = Path(__file__).with_name("results")


def run() -> dict[str, Any]:
    """Measure, plan, and write docs/growth.md."""
    scans, spread, code_bytes = _scans()
    gathers = asyncio.run(_gathers())
    fixed_s, face_s = line([n for n, _, _ in scans], [one for _, one, _ in scans])
    speed = scans[-1][1] / scans[-1][2]
    ask_s, shard_s = np.linalg.lstsq(
        np.stack([np.ones(len(gathers)), np.array([n for n, _ in gathers])], axis=1),
        np.array([took for _, took in gathers]),
    )[0]
    further = min(1.0, max(0.0, speed - 1))
    costs = SearchCosts(fixed_s, face_s, further, code_bytes, max(0.0, float(ask_s)), max(0.0, float(shard_s)), spread)
    checked = asyncio.run(_cluster(costs))
    result = {
        "what": "What a search among up to a thousand million faces would take, and what its answer would be worth.",
        "fitted": {
            "fixed_ms": 1000 * fixed_s, "ns_a_face": 1e9 * face_s, "further_core": costs.further,
            "code_bytes": code_bytes, "ask_ms": 1000 * costs.ask_s, "ms_a_shard": 1000 * costs.shard_s,
            "spread_p99": float(np.percentile(spread, 99)),
        },
        "node": NODE_SAID,
        "plans": _plans(costs),
        "curve": [_on_curve(int(n)) for n in np.geomspace(1e5, 1e9, 17)],
        "errors": _errors(),
        "tables": [
            {
                "title": "Measured: a search on one core and on two",
                "note": f"Median milliseconds of {PROBES} probes, faces of 128 numbers as they are served, all in "
                "memory. Fitted: what the line through the times on one core says.",
                "rows": [
                    {"faces": n, "one core": 1000 * one, "fitted": 1000 * (fixed_s + face_s * n),
                     "two cores": 1000 * two} for n, one, two in scans
                ],
            },
            {
                "title": "Measured: asking Ray actors that hold nothing",
                "note": "Median milliseconds until all have answered, all on this machine.",
                "rows": [{"actors": n, "ms": 1000 * took, "fitted": 1000 * (costs.ask_s + n * costs.shard_s)}
                         for n, took in gathers],
            },
            {
                "title": f"The model against {SHARDS} shards of {SHARD_FACES:,} faces",
                "note": "Ray actors on this machine with a thread each, asked one search after the other and at random "
                "moments. Nothing was fitted to these.",
                "rows": checked,
            },
        ],
    }  # fmt: skip
    write_page(result)
    return result


def _scans() -> tuple[list[tuple[int, float, float]], Numbers, float]:
    """Faces, median seconds on one core and on two; the spread around the median; bytes of codes that are read."""
    threadpool_limits(1, user_api="blas")
    given = faces(fairface_templates(), MOST, PROBES, 1)
    normaliser = _normaliser()
    probes = normaliser.probe_side(given.probes)
    index, done, told = Index(ThreadPool(0)), 0, []
    spread: Numbers = np.ones(1)
    for n in (n for n in (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000) if n <= MOST):
        for first in range(done, n, 100_000):
            some = normaliser.gallery_side(given.gallery[first : min(first + 100_000, n)])
            index.append(np.arange(first + 1, first + len(some) + 1), some)
        index.publish(0)
        done = n
        one, two = (_asked(index.snapshot, threads, probes) for threads in (1, 2))
        told.append((n, float(np.median(one)), float(np.median(two))))
        spread = one / np.median(one)
    return told, spread, _code_bytes(index.snapshot)


def _asked(snapshot: IndexSnapshot, threads: int, probes: Rows) -> Numbers:
    bounded = BoundedSearch(ThreadPool(threads))
    for probe in probes[:20]:
        bounded.search(snapshot, probe, LIMIT, ANYTHING)
    return np.array([timed(partial(bounded.search, snapshot, probe, LIMIT, ANYTHING)) for probe in probes])


def _normaliser() -> Normaliser:
    return load_normaliser(load_manifests()["sface"].model)


def _code_bytes(snapshot: IndexSnapshot) -> float:
    """Bytes of a face that every search reads: the brief code and what goes with it."""
    codes = [chunk.codes for chunk, _, coded in snapshot.chunks if coded and chunk.codes]
    rooms = sum(chunk.room for chunk, _, coded in snapshot.chunks if coded)
    return sum(each.brief.nbytes + each.facts.nbytes + each.scales.nbytes for each in codes) / rooms


class _ShardActor:
    """What a shard's actor costs, with as many made-up faces as are asked for."""

    def __init__(self, count: int, seed: int) -> None:
        threadpool_limits(1, user_api="blas")
        self._bounded = BoundedSearch(ThreadPool(1))
        self._snapshot: IndexSnapshot | None = None
        if count:
            rows = faces(fairface_templates(), count, 4, seed).gallery
            self._snapshot = indexed(_normaliser().gallery_side(rows))

    def find(self, probe: Rows) -> ShardReply:
        hits = [(0, 0.0)] * LIMIT
        if self._snapshot is not None:
            hits = self._bounded.search(self._snapshot, probe, LIMIT, ANYTHING)
        numbers, scores = zip(*hits, strict=True)
        return ShardReply(0, 0, ((np.array(numbers, np.int64), np.array(scores, np.float32)),))


def _actors(number: int, count: int) -> list[Any]:
    try:
        import ray
    except ImportError:
        raise SystemExit("growth needs Ray: install requirements/cluster.txt, as `make cluster` does") from None
    if not ray.is_initialized():
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        ray.init("local", num_cpus=max(ACTORS), include_dashboard=False, log_to_driver=False)
    kind = ray.remote(_ShardActor)
    return [kind.options(num_cpus=1).remote(count, i) for i in range(number)]


def _end(actors: list[Any]) -> None:
    import ray

    for actor in actors:
        ray.kill(actor)


async def _gathers() -> list[tuple[int, float]]:
    """Actors, and median seconds until all have answered."""
    probe, told = np.ones(130, np.float32), []
    for number in ACTORS:
        actors = _actors(number, 0)
        took = []
        for _ in range(ASKED + 20):
            began = time.perf_counter()
            await asyncio.gather(*(actor.find.remote(probe) for actor in actors))
            took.append(time.perf_counter() - began)
        _end(actors)
        told.append((number, statistics.median(took[20:])))
    return told


async def _cluster(costs: SearchCosts) -> list[dict[str, Any]]:
    """Shards that hold faces, and what the model says of them."""
    actors, alone = _actors(SHARDS, SHARD_FACES), ClusterNode(1, float("inf"))
    probes = _normaliser().probe_side(faces(fairface_templates(), 4, PROBES, 9).probes)
    for probe in probes[:20]:
        await asyncio.gather(*(actor.find.remote(probe) for actor in actors))
    told = []
    for share in SHARE:
        rate = share * most_searches_s(costs, alone, SHARDS * SHARD_FACES, SHARDS)
        took = await _timed(actors, probes, rate)
        said = searches(costs, alone, SHARDS * SHARD_FACES, SHARDS, rate, 1)
        told.append(
            {
                "searches a second": rate or "one at a time",
                "measured p50 ms": 1000 * float(np.median(took)),
                "model p50 ms": 1000 * said.p50,
                "measured p99 ms": 1000 * float(np.percentile(took, 99)),
                "model p99 ms": 1000 * said.p99,
            }
        )
    _end(actors)
    return told


async def _timed(actors: list[Any], probes: Rows, rate: float) -> Numbers:
    """Seconds of a search for each probe, from the moment at which it was to come."""
    took: list[float] = []
    rng, due, waiting = np.random.default_rng(2), time.perf_counter(), []

    async def ask(probe: Rows, since: float) -> None:
        await asyncio.gather(*(actor.find.remote(probe) for actor in actors))
        took.append(time.perf_counter() - since)

    for probe in probes:
        if not rate:
            await ask(probe, time.perf_counter())
            continue
        due += rng.exponential(1 / rate)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        waiting.append(asyncio.create_task(ask(probe, due)))
    await asyncio.gather(*waiting)
    return np.array(took)


def _plans(costs: SearchCosts) -> list[dict[str, Any]]:
    """What it would take to search each number of faces; memory and files by the benchmark of rows on disk."""
    measured, computed = (table["rows"] for table in json.loads((RESULTS / "rows_on_disk.json").read_text())["tables"])
    memory = min(row["bytes of memory a face"] for row in measured)
    return [_plan(costs, n, memory, computed[0]) for n in SIZES]


def _plan(costs: SearchCosts, n: int, memory: float, largest: Mapping[str, float]) -> dict[str, Any]:
    """memory: bytes a face. largest: what so many faces would take on one machine."""
    shards = SHARDS_OF[n]
    most = most_searches_s(costs, NODE, n, shards)
    idle, half = (searches(costs, NODE, n, shards, rate, 1) for rate in (0.0, most / 2))
    assert n * memory / shards <= ROOM, "the codes do not fit"
    return {
        "faces": n,
        "shards": shards,
        "memory_gb": n * memory / 1e9,
        "rows_gb": n * largest["rows on disk, GB"] / largest["faces"],
        "database_gb": n * largest["database, GB"] / largest["faces"],
        "alone_ms": 1000 * shard_search_s(costs, NODE, n // shards),
        "idle_p50_ms": 1000 * idle.p50,
        "idle_p99_ms": 1000 * idle.p99,
        "half_p50_ms": 1000 * half.p50,
        "half_p99_ms": 1000 * half.p99,
        "most_s": most,
        "read_again_s": n / shards * largest["s to the first answer"] / largest["faces"],
    }


def _on_curve(n: int) -> dict[str, float]:
    return {"faces": n, **{f"expected {s:g}": expected(n, s) for s in SIMILARITIES}}


def expected(n: int, similarity: float) -> float:
    """Innocent people of a gallery of `n` strangers expected at that similarity or more."""
    return float(expected_false_matches(10.0 ** -digits_at(similarity), n))


def _errors() -> list[dict[str, Any]]:
    """For each size: the rate that an answer needs, and who is missed there."""
    engine = Engine.open((place := load()).models_cache, place.detector, place.model)
    wanted = shots(data())["press"]
    pictures = Counter(shot.person for shot in wanted)
    several = few_of_each([shot for shot in wanted if pictures[shot.person] > 1])
    press = portraits(several, engine, place.home / "calibrating", 2)
    normaliser = load_normaliser(engine.model)
    calibration = Calibration.load(engine.model, normaliser.identity)
    engine.close()
    told = []
    for n in SIZES:
        needed = float(fmr_for_chance(CHANCE, n))
        reachable = needed >= FLOOR
        score = calibration.score_at_fmr(max(needed, FLOOR))
        missed = _missed(press, normaliser, score)
        told.append(
            {
                "faces": n,
                "fmr": needed,
                "similarity": calibration.similarity(score) if reachable else None,
                "missed": missed.estimate, "missed_low": missed.interval.low, "missed_high": missed.interval.high,
                "pairs": missed.trials,
                "expected": {f"{s:g}": expected(n, s) for s in SIMILARITIES},
            }
        )  # fmt: skip
    return told


def _missed(press: Portraits, normaliser: Normaliser, score: float) -> Rate:
    """The share of pairs of one person in LFW that score less; people as the unit."""
    pairs = mated_pairs(press)
    probe, gallery = normaliser.probe_side(press.vectors), normaliser.gallery_side(press.vectors)
    scores = np.einsum("ij,ij->i", probe[pairs.first], gallery[pairs.second])
    person = np.unique(press.person, return_inverse=True)[1][pairs.first]
    return tally(person, person, scores < score).rate()
