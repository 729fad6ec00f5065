"""Audits of tables that auditors send: carried out in a process of its own, kept as a signed bundle and a report.

They lie in the data folder (mode 0600), each in a folder of its own; what was sent is deleted when the audit ends. That
one began, ended and was erased is in the ledger. The reports hold counts by group, and no row of the table.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from countenance.administration.journal import Journal
from countenance.audit.uploaded import MEMORY_BYTES, PROCESSOR_SECONDS, SENT, AuditOrder, write_order
from countenance.errors import Conflict, CountenanceError, LimitExceeded, NotFound
from countenance.ledger import Ledger

MOST_KEPT = 200
MOST_AT_ONCE = 2
AUDIT_FILES = ("about.json", "ended.json", "report.html", "bundle.zip")
"""What is left of an audit that has ended; without the last two where there is no report."""
_LONGEST_S = 2 * PROCESSOR_SECONDS
_AUDIT_ID = re.compile(r"audit-[0-9a-f]{12}")
_KEPT_VARIABLES = ("PATH", "LANG", "HOME", "TMPDIR", "NUMBA_CACHE_DIR", "PYTHONPATH")
log = logging.getLogger(__name__)

AuditState = Literal["running", "done", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """An audit that somebody asked for. at: when, UTC. stage: what is done now, "read", "computed" or "written".

    title, headline: of the report, empty before there is one. bundle: its hash. fault: why there is no report.
    preregistered: whether the plan was made before any score was there.
    """

    audit_id: str
    by: str
    at: datetime
    state: AuditState
    stage: str = ""
    title: str = ""
    headline: str = ""
    bundle: str = ""
    fault: str = ""
    preregistered: bool = False


class AuditReports:
    """The audits of one installation that were asked for in a browser. folder: where they lie; made on first use.

    key: the file of the key that signs audits, made on first use. now: the clock, UTC. environment: variables, of
    which the process that carries an audit out gets the few that it needs.
    """

    def __init__(
        self, folder: Path, key: Path, ledger: Ledger, now: Callable[[], datetime], environment: Mapping[str, str]
    ) -> None:
        self._folder = folder
        self._key = key
        self._journal = Journal(ledger, "audit")
        self._now = now
        self._environment = environment
        self._starting = threading.Lock()
        self._waiting: dict[str, threading.Thread] = {}

    def begin(self, by: str, scores: bytes, plan: bytes, labels: bytes, order: AuditOrder) -> AuditReport:
        """Begin an audit of a table. plan: a plan or a draft; empty: one is guessed. labels: a table of people that the
        plan reads; empty for none. `Conflict` while `MOST_AT_ONCE` run, `LimitExceeded` where `MOST_KEPT` are kept.
        """
        with self._starting:
            every = self.all()
            if len(every) >= MOST_KEPT:
                raise LimitExceeded(f"{MOST_KEPT} audits are kept: erase some first")
            if sum(each.state == "running" for each in every) >= MOST_AT_ONCE:
                raise Conflict(f"{MOST_AT_ONCE} audits are carried out at once: try again when one has ended")
            audit_id = f"audit-{secrets.token_hex(6)}"
            at = self._now()
            sent = {name: each for name, each in (("scores", scores), ("plan", plan), ("labels", labels)) if each}
            hashes = {name: hashlib.sha256(each).hexdigest() for name, each in sent.items()}
            self._journal.record("begun", {"audit": audit_id}, {"by": by, "title": order.title, **hashes})
            here = self._folder / audit_id
            self._folder.mkdir(mode=0o700, exist_ok=True)
            here.mkdir(mode=0o700)
            (here / SENT).mkdir(mode=0o700)
            for name, content in sent.items():
                _write(here / SENT / name, content)
            write_order(here, order)
            process = self._start(here)
            _write(here / "about.json", json.dumps({"by": by, "at": at.isoformat()}).encode())  # now others see it
        waiter = threading.Thread(target=self._wait, args=(audit_id, process), name=audit_id, daemon=True)
        self._waiting[audit_id] = waiter
        waiter.start()
        return self.show(audit_id)

    def _start(self, here: Path) -> subprocess.Popen[bytes]:
        """The process that carries it out. It alone holds the lock of the folder, until its end, whoever ends it."""
        kept = {name: value for name, value in self._environment.items() if name in _KEPT_VARIABLES}
        environment = {**kept, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "countenance.audit.uploaded", str(here), str(self._key)]
        with (here / "lock").open("wb") as lock, (here / "log").open("wb") as said:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return subprocess.Popen(  # noqa: S603  # our own module
                command,
                env=environment,
                pass_fds=(lock.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def _wait(self, audit_id: str, process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(_LONGEST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        try:
            ended = self.show(audit_id)
            if ended.state in ("failed", "interrupted"):
                log.error("%s: %s", audit_id, (self._folder / audit_id / "log").read_text(errors="replace")[-4000:])
            public = {"bundle": ended.bundle} if ended.bundle else {}
            self._journal.record("ended", {"audit": audit_id, "state": ended.state, **public})
        except (CountenanceError, OSError) as error:  # it was erased meanwhile, or the ledger cannot be written
            log.warning("the end of %s is not on record: %s", audit_id, type(error).__name__)
        finally:
            self._waiting.pop(audit_id, None)

    def wait(self, audit_id: str, seconds: float) -> None:
        """Wait until the audit has ended and that is on record, `seconds` at most."""
        waiter = self._waiting.get(audit_id)
        if waiter is not None:
            waiter.join(seconds)

    def all(self) -> list[AuditReport]:
        """All that are kept, the newest first."""
        names = [path.name for path in self._folder.glob("audit-*") if _AUDIT_ID.fullmatch(path.name)]
        every = []
        for name in names:
            with suppress(NotFound):
                every.append(self.show(name))
        return sorted(every, key=lambda each: (each.at, each.audit_id), reverse=True)

    def show(self, audit_id: str) -> AuditReport:
        """One audit as it stands; else `NotFound`."""
        here = self._at(audit_id)
        running = _locked(here / "lock")
        about, ended = _read(here / "about.json"), _read(here / "ended.json")
        if about is None:
            raise NotFound(f"no audit {audit_id}")
        by, at = str(about["by"]), datetime.fromisoformat(str(about["at"]))
        if ended is None and running:
            return AuditReport(audit_id, by, at, "running", _text(here / "stage") or "read")
        shutil.rmtree(here / SENT, ignore_errors=True)  # of one that was killed
        if ended is None:
            most = f"{PROCESSOR_SECONDS} s of processor time, {MEMORY_BYTES / 2**30:.0f} GiB of memory"
            fault = f"the audit was ended before it was done: it may take {most}"
            return AuditReport(audit_id, by, at, "interrupted", fault=fault)
        if "fault" in ended:
            return AuditReport(audit_id, by, at, "failed", fault=str(ended["fault"]))
        return AuditReport(
            audit_id,
            by,
            at,
            "done",
            title=str(ended["title"]),
            headline=str(ended["headline"]),
            bundle=str(ended["bundle"]),
            preregistered=ended["preregistered"] is True,
        )

    def report(self, audit_id: str) -> str:
        """The report, a page with styles of its own and no script; `Conflict` before there is one."""
        return self._made(audit_id, "report.html").decode()

    def bundle(self, audit_id: str) -> bytes:
        """The signed bundle, a .zip; `Conflict` before there is one."""
        return self._made(audit_id, "bundle.zip")

    def erase(self, audit_id: str, by: str | None) -> None:
        """Erase an audit with its report and bundle; `Conflict` while it runs."""
        if self.show(audit_id).state == "running":
            raise Conflict("the audit is being carried out: erase it when it has ended")
        self._journal.record("erased", {"audit": audit_id}, {"by": by})
        shutil.rmtree(self._at(audit_id), ignore_errors=True)

    def _made(self, audit_id: str, name: str) -> bytes:
        if self.show(audit_id).state != "done":
            raise Conflict("this audit has no report")
        try:
            return (self._at(audit_id) / name).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"no audit {audit_id}") from None

    def _at(self, audit_id: str) -> Path:
        if not _AUDIT_ID.fullmatch(audit_id):
            raise NotFound(f"no audit {audit_id[:50]}")
        return self._folder / audit_id


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _read(path: Path) -> Mapping[str, object] | None:
    text = _text(path)
    return json.loads(text) if text else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _locked(path: Path) -> bool:
    """Whether a process holds the lock."""
    try:
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    except FileNotFoundError:
        pass
    return False
