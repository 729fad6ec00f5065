"""A process that appends until it is killed, and prints each entry that was acknowledged: index, leaf hash, n.

    python appender.py DATABASE NAME [BYTES|again]

again: what is refused is asked for anew until the process is killed.

BYTES: no file may grow beyond this many bytes (as on a full disk); what was refused is printed as `refused`.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from countenance.database import open_database
from countenance.errors import NotRecorded
from countenance.ledger import Ledger
from countenance.signing import Signer

THREADS = 6


def main(place: str, name: str, limit: int | None, again: bool) -> None:
    ledger = Ledger(
        open_database(place if place.startswith("postgresql:") else Path(place)),
        Signer(bytes(32)),
        "log.example/faces",
        lambda: datetime.now(UTC),
        checkpoint_every_s=0.05,
    )
    os.write(1, b"ready\n")
    if limit is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    stop = threading.Event()

    def work(thread: int) -> None:
        n = 0
        while not stop.is_set():
            try:
                receipt = ledger.append({"kind": "decision", "by": name, "n": n, "thread": thread}, {"who": n}).wait()
            except NotRecorded:
                os.write(1, b"refused\n")
                if again:
                    time.sleep(0.05)
                    continue
                stop.set()
                return
            os.write(1, f"{receipt.index} {receipt.leaf_hash.hex()} {thread} {n}\n".encode())
            n += 1

    threads = [threading.Thread(target=work, args=[t]) for t in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    more = sys.argv[3] if len(sys.argv) > 3 else ""
    main(sys.argv[1], sys.argv[2], int(more) if more.isdigit() else None, more == "again")
