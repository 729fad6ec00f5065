"""What it costs that rows are bound to ledger entries: a mandate looked up with and without, side by side; and a start.

.venv/bin/python -m benchmarks.bindings          writes benchmarks/results/bindings.json

In short, to see that it runs: BENCH_ROUNDS=3 BENCH_BINDINGS_CALLS=50 BENCH_BINDINGS_ENTRIES=8000.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from countenance.app import Countenance
from countenance.mandates import Holder, MoratoriumStore, Register, Terms
from countenance.settings import load
from countenance.signing import secret_file

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "20"))
CALLS = int(os.environ.get("BENCH_BINDINGS_CALLS", "500"))
ENTRIES = int(os.environ.get("BENCH_BINDINGS_ENTRIES", "100000"))
RESULT = Path(__file__).parent / "results" / "bindings.json"


def now() -> datetime:
    return datetime.now(UTC)


def microseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(CALLS):
        call()
    return 1e6 * (time.perf_counter() - began) / CALLS


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        app = Countenance.open(load({"COUNTENANCE_HOME": home}))
        terms = Terms("photo_library", "consent", ("*",), ("identify",))
        until = now() + timedelta(days=1)
        asked = app.mandates.request(Holder("A"), terms, requested_by="ann", expires_at=until)
        app.mandates.approve(asked.mandate_id, approved_by="ben")
        key = app.mandates.issue_key(asked.mandate_id, to="ann").access_key
        bare = Register(app.database, secret_file(app.settings.keys / "mandates.key"), now)
        bound_store, bare_store = MoratoriumStore(app.database, app.bindings), MoratoriumStore(app.database)
        with_checks, without = [], []
        for _ in range(ROUNDS):  # in turns, so that what else the machine does meets both
            with_checks.append(microseconds(lambda: (app.register.mandate_of(key), bound_store.all())))
            without.append(microseconds(lambda: (bare.mandate_of(key), bare_store.all())))
        for _ in range(ENTRIES // 4000):
            pending = [app.ledger.append({"kind": "decision", "verdict": "deny", "n": n}) for n in range(4000)]
            pending[-1].wait()
        app.close()
        again = Countenance.open(load({"COUNTENANCE_HOME": home}))
        began = time.perf_counter()
        again.check_state()
        start_s = time.perf_counter() - began
        again.close()
    result = {
        "us_with_checks": round(statistics.median(with_checks), 1),
        "us_without": round(statistics.median(without), 1),
        "entries": ENTRIES,
        "start_check_s": round(start_s, 2),
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
