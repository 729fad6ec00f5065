"""Durable appends and proofs of the ledger.

Peer for appends: a plain SQLite table with the same pragmas on the same disk, one commit for each entry, without tree,
signature or commitments: what durability alone costs whoever does not share it. Peer for proofs: pymerkle 7, a tree of
the same entries in memory. Rounds of both sides alternate in one run; medians are shown, with the extremes beside them.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pymerkle

from countenance.database import open_database
from countenance.ledger import Checkpoint, Ledger, Records, merkle, verify_records
from countenance.ledger.checkpoint import sign_checkpoint
from countenance.progress import track
from countenance.signing import JSON, Signer

CALLERS = (1, 8, 64)
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_LEDGER_SECONDS", "2"))
ENTRIES = int(os.environ.get("BENCH_LEDGER_ENTRIES", "100000"))
PROOFS = 500
ORIGIN, SIGNER = "bench.local/ledger", Signer(bytes(32))
PUBLIC: dict[str, JSON] = {
    "kind": "decision",
    "mandate": "mandate-0123456789ab",
    "powers": [],
    "purpose": "find-own-pictures",
    "operation": "search",
    "asks": ["identify"],
    "min_similarity": 90.0,
    "model": "0" * 64,
    "verdict": "permit",
    "clauses": ["house/permit"],
    "packs": {"house": "0" * 64},
}
PRIVATE: dict[str, JSON] = {"gallery": "family", "image": "0" * 64}


def run() -> dict[str, Any]:
    """Measure, and say it as tables."""
    with tempfile.TemporaryDirectory(prefix="countenance-bench-") as folder:
        appends = [measured_appends(Path(folder), callers) for callers in CALLERS]
        written = Path(folder) / "written.sqlite"
        filled = fill(written)
        proofs, rest = measured_proofs(written)
    return {
        "what": __doc__.partition("\n")[0] if __doc__ else "",
        "rounds": ROUNDS,
        "tables": [
            {
                "title": "Durable appends per second",
                "note": "Each caller waits for its entry to be on the disk before it asks for the next. "
                "An entry is a decision of the usual size with two private values.",
                "rows": appends,
            },
            {
                "title": f"Proofs at {ENTRIES:,} entries",
                "note": "The ledger's proofs are read from the database and verified before they are handed out; "
                "pymerkle's come from a tree in memory.",
                "rows": proofs,
            },
            {"title": f"A ledger of {ENTRIES:,} entries", "rows": [filled, *rest]},
        ],
    }


def measured_appends(folder: Path, callers: int) -> dict[str, Any]:
    ours, latencies, theirs = [], [], []
    for n in track(range(ROUNDS), f"appends, {callers} callers", ROUNDS, "rounds"):
        rate, waits = through_the_ledger(folder / f"ours-{callers}-{n}.sqlite", callers)
        ours.append(rate)
        latencies += waits
        theirs.append(one_commit_each(folder / f"theirs-{callers}-{n}.sqlite", callers))
    latencies.sort()
    return {
        "callers": callers,
        "ledger, entries/s": statistics.median(ours),
        "lowest": min(ours),
        "highest": max(ours),
        "p50 ms": 1000 * latencies[len(latencies) // 2],
        "p99 ms": 1000 * latencies[len(latencies) * 99 // 100],
        "one commit each, entries/s": statistics.median(theirs),
        "ratio": statistics.median(ours) / statistics.median(theirs),
    }


def through_the_ledger(path: Path, callers: int) -> tuple[float, list[float]]:
    engine = open_database(path)
    ledger = Ledger(engine, SIGNER, ORIGIN, lambda: datetime.now(UTC))
    ledger.append(PUBLIC, PRIVATE).wait()
    rate, waits = hammer(callers, lambda: lambda: ledger.append(PUBLIC, PRIVATE).wait())
    ledger.close()
    engine.dispose()
    return rate, waits


def one_commit_each(path: Path, callers: int) -> float:
    def opened() -> Callable[[], object]:
        connection = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        return lambda: connection.execute("INSERT INTO entries (entry) VALUES (?)", [entry])

    entry = "x" * 700
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE entries (sequence INTEGER PRIMARY KEY, entry TEXT NOT NULL)")
    return hammer(callers, opened)[0]


def hammer(callers: int, make: Callable[[], Callable[[], object]]) -> tuple[float, list[float]]:
    """Calls per second and each call's seconds, from `callers` threads that each wait for their own call."""
    waits: list[list[float]] = [[] for _ in range(callers)]
    start = threading.Barrier(callers + 1)

    def work(mine: list[float]) -> None:
        call = make()
        start.wait()
        end = time.perf_counter() + SECONDS
        while (began := time.perf_counter()) < end:
            call()
            mine.append(time.perf_counter() - began)

    threads = [threading.Thread(target=work, args=[mine]) for mine in waits]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    everything = [wait for mine in waits for wait in mine]
    return len(everything) / took, everything


def fill(path: Path) -> dict[str, Any]:
    engine = open_database(path)
    ledger = Ledger(engine, SIGNER, ORIGIN, lambda: datetime.now(UTC), capacity=ENTRIES)
    began = time.perf_counter()
    last = ledger.append(PUBLIC, PRIVATE)
    for _ in track(range(ENTRIES - 2), "fill", ENTRIES - 2, "entries"):
        last = ledger.append(PUBLIC, PRIVATE)
    last.wait(3600)
    took = time.perf_counter() - began
    ledger.close()
    engine.dispose()
    return {"what": "appended without waiting for each", "entries/s": ENTRIES / took, "s": took}


def measured_proofs(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    began = time.perf_counter()
    engine = open_database(path)
    opened = time.perf_counter()
    ledger = Ledger(engine, SIGNER, ORIGIN, lambda: datetime.now(UTC))
    ready = time.perf_counter()
    checkpoint = ledger.checkpoint()
    texts = [row.text.encode() for row in ledger.stored()]
    tree = pymerkle.InmemoryTree.init_from_entries(texts)
    indexes = [i * checkpoint.size // PROOFS for i in range(PROOFS)]
    leaves = {i: merkle.leaf_hash(texts[i]) for i in indexes}
    proofs = {i: ledger.inclusion(i, checkpoint) for i in indexes}
    theirs = {i: tree.prove_inclusion(i + 1) for i in indexes}
    older = {size: sign_checkpoint(Checkpoint(ORIGIN, size, tree.get_root(size)), SIGNER) for size in indexes if size}
    rows = [
        proof_row(
            "proof of inclusion",
            lambda i: ledger.inclusion(i, checkpoint),
            lambda i: tree.prove_inclusion(i + 1),
            indexes,
        ),
        proof_row(
            "proof of consistency",
            lambda size: ledger.consistency(older[size], checkpoint),
            lambda size: tree.prove_consistency(size, checkpoint.size),
            list(older),
        ),
        proof_row(
            "inclusion verified",
            lambda i: merkle.verify_inclusion(leaves[i], i, checkpoint.size, proofs[i], checkpoint.root),
            lambda i: pymerkle.verify_inclusion(leaves[i], checkpoint.root, theirs[i]),
            indexes,
        ),
    ]
    ledger.close()
    start = time.perf_counter()
    report = verify_records(Records(engine))
    took = time.perf_counter() - start
    assert not report.findings
    engine.dispose()
    return rows, [
        {"what": "opened, tail checked against the newest checkpoint", "s": ready - opened},
        {"what": "database opened and migrations looked at", "s": opened - began},
        {"what": "verified, every signature and hash", "entries/s": ENTRIES / took, "s": took},
    ]


def proof_row(
    what: str, ours: Callable[[int], object], theirs: Callable[[int], object], over: list[int]
) -> dict[str, Any]:
    """How often each side does it in a second, over the same indexes, in alternating rounds."""
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for rate, call in zip(rates, (ours, theirs), strict=True):
            began = time.perf_counter()
            for index in over:
                call(index)
            rate.append(len(over) / (time.perf_counter() - began))
    mine, peer = map(statistics.median, rates)
    return {
        "what": what,
        "ledger, /s": mine,
        "lowest": min(rates[0]),
        "highest": max(rates[0]),
        "pymerkle, /s": peer,
    }
