"""Several server processes on one database, SQLite and PostgreSQL side by side: requests per second by how many serve.

Two calls: SearchFacesByImage, most of which is vision, and DescribeCollection, most of which is the two entries of the
ledger. The latter shows what one writer at a time costs: within a process, entries of several calls share a commit;
between processes, each commit waits for the advisory lock (PostgreSQL) or the file's lock (SQLite).

All processes run throughout, started side by side; clients ask the first one, two or four of a database. Rounds of all
cases take turns. Clients and PostgreSQL, which waits for the disk as it does in service, run on the same cores.
"""

from __future__ import annotations

import http.client
import os
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.fakes.postgres import NO_SERVER, postgres_server, programs

from benchmarks.server import ask, pictures, prepare, serving, signed
from countenance import settings
from countenance.mandates import AccessKey
from countenance.progress import track

SERVERS = (1, 2, 4)
CLIENTS = 8
FACES = 2000
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
CALLS = ("SearchFacesByImage", "DescribeCollection")


def run() -> dict[str, Any]:
    """Measure, and say it as tables."""
    if programs() is None:
        raise SystemExit(NO_SERVER)
    photos = pictures(64)
    rates: dict[tuple[str, int, str], list[float]] = {}
    with ExitStack() as stack:
        postgres = stack.enter_context(postgres_server(fsync=True))
        places, servers = {}, []
        for number, (kind, url) in enumerate((("SQLite", None), ("PostgreSQL", postgres.new_database("empty")))):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="countenance-bench-"))
            own = settings.load({**os.environ})
            place = replace(own, home=Path(folder), weights=own.models_cache, database=url)
            key = prepare(place, photos, FACES)
            first = number * max(SERVERS)
            some = [serving(place, first + n) for n in range(max(SERVERS))]
            servers += some
            places[kind] = some, key
        for server in servers:
            server.start()
            stack.push(server)
        endpoints = {server: server.wait() for server in track(servers, "servers")}
        for some, key in places.values():  # galleries are read and rules compiled before it counts
            for server in some:
                at = [endpoints[server]]
                hammer(at, requests(CALLS[0], at, key, photos), 0.0)
        cases = [(call, count, kind) for _ in range(ROUNDS) for call in CALLS for count in SERVERS for kind in places]
        for call, count, kind in track(cases, "rounds", unit="cases"):
            some, key = places[kind]
            at = [endpoints[server] for server in some[:count]]
            rate = hammer(at, requests(call, at, key, photos), SECONDS)
            rates.setdefault((kind, count, call), []).append(rate)
    return {
        "what": "Several server processes on one database.",
        "clients": CLIENTS,
        "faces": FACES,
        "rates": [{"database": k, "servers": n, "call": c, "requests/s": each} for (k, n, c), each in rates.items()],
        "tables": [
            {
                "title": f"{call}: requests/s, {CLIENTS} clients, {ROUNDS} rounds of {SECONDS:g} s",
                "note": "Medians, and the spread between rounds. Against 1 server: of the same database.",
                "rows": [
                    {
                        "database": kind,
                        "servers": count,
                        "requests/s": statistics.median(each),
                        "spread": max(each) - min(each),
                        "against 1 server": statistics.median(each) / statistics.median(rates[kind, 1, call]),
                    }
                    for (kind, count, asked), each in rates.items()
                    if asked == call
                ],
            }
            for call in CALLS
        ],
    }


Request = tuple[dict[str, str], bytes]


def requests(call: str, endpoints: list[str], key: AccessKey, photos: list[bytes]) -> list[list[Request]]:
    """Signed requests for each of the `endpoints`."""
    if call == CALLS[0]:
        return [[signed(endpoint, key, photo) for photo in photos] for endpoint in endpoints]
    return [[signed(endpoint, key, None, call)] for endpoint in endpoints]


def hammer(endpoints: list[str], given: list[list[Request]], seconds: float) -> float:
    """Requests per second that CLIENTS threads were answered, in turn at the `endpoints`; each asks once at least."""
    began = time.perf_counter()
    done = [0] * CLIENTS

    def client(number: int) -> None:
        at = number % len(endpoints)
        connection = http.client.HTTPConnection(endpoints[at], timeout=120)
        while done[number] == 0 or time.perf_counter() < began + seconds:
            ask(connection, *given[at][(number + done[number]) % len(given[at])])
            done[number] += 1
        connection.close()

    threads = [threading.Thread(target=client, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - began)
