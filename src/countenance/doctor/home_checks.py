"""Checks of the data folder: whose it is, its keys, room on its disk, what was left behind in it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from datetime import timedelta

from cryptography.x509 import load_pem_x509_certificates
from sqlalchemy.exc import SQLAlchemyError

from countenance.api.connections import connections_within, files_for
from countenance.api.listening import Certificate, TlsFiles
from countenance.database import connect, reading_once
from countenance.database.sqlite import looking_into
from countenance.doctor.finding import Diagnosis, Severity, Surroundings
from countenance.errors import CountenanceError, Misconfigured, StoreError
from countenance.home import LEFT_OVER, open_to_others
from countenance.settings import Settings
from countenance.signing import secret_file

SCARCE, EXHAUSTED = 2 << 30, 128 << 20
"""Bytes free on the data folder's disk below which the doctor warns, and below which it calls it wrong."""
_RENEWED = timedelta(days=10)
"""How long before a certificate ends the doctor speaks of it: programs renew it a month before."""
_RESTORE = "restore it from a backup; a new key would not fit what is in the database"
_KEYS = {
    "ledger.key": ("ledger_entries", "1"),
    "mandates.key": ("mandates", "1"),
    "bindings.key": ("ledger_entries", """entry LIKE '%"kind":"state"%'"""),
    "custody.key": ("custody_holds", "sealed IS NOT NULL"),
    "casework.key": ("casework_records", "1"),
    "budgets.key": ("budget_charges", "1"),
    "console.key": ("console_accounts", "1"),
}
"""Each key, and the rows that are worth nothing without it."""


def check_home(own: Settings, _: Surroundings) -> Iterator[Diagnosis]:
    """The data folder is there, this user's, writable, and closed to others."""
    home = own.home
    if not home.is_dir():
        yield Diagnosis("home", Severity.WRONG, f"there is no data folder {home}", "name another with --home, or serve")
        return
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        yield Diagnosis("home", Severity.WRONG, f"this user may not write in {home}", "run as the user that owns it")
        return
    if wide := open_to_others(home):
        yield Diagnosis(
            "home",
            Severity.WRONG,
            f"other users of this machine may open {', '.join(path.name for path in wide)}",
            f"chmod -R go= {shlex.quote(str(home))} - and consider whether somebody read keys or templates before",
        )
    else:
        yield Diagnosis("home", Severity.WELL, f"{home} is its owner's alone")


def check_keys(own: Settings, _: Surroundings) -> Iterator[Diagnosis]:
    """Every key can be read, and none is missing that rows need."""
    wrong = False
    for path in sorted(own.keys.glob("*.key")):
        try:
            secret_file(path)
        except Misconfigured as error:
            wrong = True
            yield Diagnosis("keys", Severity.WRONG, str(error), _RESTORE)
    for name, (table, needed_by) in _KEYS.items():
        if not (own.keys / name).exists() and _any(own, table, needed_by):
            wrong = True
            yield Diagnosis("keys", Severity.WRONG, f"keys/{name} is missing, and rows of {table} need it", _RESTORE)
    if (own.keys / "ledger.next").exists():
        wrong = True
        yield Diagnosis(
            "keys",
            Severity.WARNING,
            "a change of the ledger's key was begun and not ended",
            "countenance ledger rotate",
        )
    if not wrong:
        count = len(list(own.keys.glob("*.key")))
        yield Diagnosis("keys", Severity.WELL, f"{count} keys can be read, and none that is needed is missing")


def check_disk(own: Settings, surroundings: Surroundings) -> Iterator[Diagnosis]:
    """There is room for what will be recorded."""
    if not own.home.is_dir():
        yield Diagnosis("disk", Severity.UNKNOWN, "there is no data folder")
        return
    free = surroundings.free_bytes(own.home)
    says = f"{free / (1 << 30):.1f} GiB are free on the disk of the data folder"
    if free >= SCARCE:
        yield Diagnosis("disk", Severity.WELL, says)
        return
    health = Severity.WARNING if free >= EXHAUSTED else Severity.WRONG
    yield Diagnosis("disk", health, says, "make room: what cannot be recorded is not answered")


def check_files(own: Settings, surroundings: Surroundings) -> Iterator[Diagnosis]:
    """The system lets a server open as many files as its connections may need."""
    allowed, needed = surroundings.open_files(), files_for(own.connections)
    possible = connections_within(allowed, own.connections)
    if allowed >= needed:
        yield Diagnosis("files", Severity.WELL, f"{needed} files may be open, as {own.connections} connections need")
        return
    yield Diagnosis(
        "files",
        Severity.WARNING if possible else Severity.WRONG,
        f"{allowed} files may be open, enough for {possible} connections and not for {own.connections}",
        f"raise `ulimit -Hn` (systemd: LimitNOFILE) to {needed}, or lower COUNTENANCE_CONNECTIONS",
    )


def check_tls(own: Settings, surroundings: Surroundings) -> Iterator[Diagnosis]:
    """The certificate that the settings name can be used, and does not end soon."""
    if own.tls_certificate is None or own.tls_key is None:
        return
    try:
        Certificate(TlsFiles(own.tls_certificate, own.tls_key))
    except Misconfigured as error:
        yield Diagnosis("tls", Severity.WRONG, str(error), "put the files right, readable by the user who runs this")
        return
    ends = min(each.not_valid_after_utc for each in load_pem_x509_certificates(own.tls_certificate.read_bytes()))
    left, renew = ends - surroundings.now(), "renew it; a server takes the new files within seconds"
    if left < timedelta(0):
        yield Diagnosis("tls", Severity.WRONG, f"the certificate ended on {ends:%Y-%m-%d}", renew)
    elif left < _RENEWED:
        yield Diagnosis("tls", Severity.WARNING, f"the certificate ends on {ends:%Y-%m-%d}", renew)
    else:
        yield Diagnosis("tls", Severity.WELL, f"certificate and key fit together, until {ends:%Y-%m-%d}")


def check_left_over(own: Settings, _: Surroundings) -> Iterator[Diagnosis]:
    """Nothing lies there that a backup or a restore left when it was killed."""
    left_over = sorted(path for pattern in LEFT_OVER for path in own.home.glob(pattern))
    for path in left_over:
        yield Diagnosis(
            "left-over",
            Severity.WARNING,
            f"{path.name} holds a copy of the database, of a backup or restore that was killed or still runs",
            f"when none runs: rm -r {shlex.quote(str(path))}",
        )
    if not left_over:
        yield Diagnosis("left-over", Severity.WELL, "no backup or restore left a copy behind")


def _any(own: Settings, table: str, condition: str) -> bool:
    """Whether such a row is there; not, where that cannot be told: the check of the database says why."""
    question = f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1"  # noqa: S608 - fixed words
    if own.database is not None:
        return _any_on_server(own.database, question)
    if not own.database_file.exists():
        return False
    try:
        with looking_into(own.database_file) as connection:
            return connection.execute(question).fetchone() is not None
    except StoreError:
        return False


def _any_on_server(url: str, question: str) -> bool:
    try:
        engine = connect(url)
        try:
            with reading_once(engine) as connection:
                return connection.exec_driver_sql(question.replace("%", "%%")).first() is not None
        finally:
            engine.dispose()
    except (CountenanceError, SQLAlchemyError):
        return False
