"""A server that goes on writing while it is backed up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from countenance.app import Countenance
from countenance.mandates import Role
from countenance.settings import Settings


def ended_audit(own: Settings, audit_id: str) -> None:
    """An audit with its report, and what one that is killed leaves beside it."""
    folder = own.audits / audit_id
    folder.mkdir(parents=True)
    about = {"by": "eve", "at": "2026-11-29T10:00:00+00:00"}
    ended = {"title": "East gate", "headline": "as often", "bundle": "b" * 64, "preregistered": True}
    (folder / "about.json").write_text(json.dumps(about))
    (folder / "ended.json").write_text(json.dumps(ended))
    (folder / "report.html").write_text("<h1>East gate</h1>")
    (folder / "bundle.zip").write_bytes(b"signed")
    (folder / "log").write_text("not kept")


@contextmanager
def writing(app: Countenance) -> Iterator[None]:
    """Operators are entered one after the other until the end of the block; five of them before it begins."""
    ended, begun = threading.Event(), threading.Event()

    def write() -> None:
        n = 0
        while not ended.is_set():
            app.operators.add(f"person {n}", [Role.AUDIT], datetime.now(UTC) + timedelta(days=1))
            n += 1
            if n == 5:
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(60)
        yield
    finally:
        ended.set()
        writer.join()
