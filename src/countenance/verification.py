"""Whether an installation's database is what its ledger recorded: what commands, backups and the doctor ask alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine

from countenance.app import BOUND
from countenance.budgets import Budgets
from countenance.gallery import damaged_rows, miscounted
from countenance.key_files import BINDINGS, foreign_words
from countenance.ledger import Bindings, Entry, Ledger, Records, named_heads, verifier, verify_records
from countenance.ledger.export import Watch, unwatched
from countenance.settings import Settings
from countenance.signing import Signer, secret_file


@dataclass(frozen=True, slots=True)
class InstallationCheck:
    """What was found. report: the ledger's. damaged: rows of faces whose template is damaged. different: in words."""

    report: verifier.Report
    damaged: tuple[int, ...]
    different: tuple[str, ...]

    @property
    def wrong(self) -> list[str]:
        """Everything that is wrong, in words; empty where nothing is."""
        return [
            *(finding.text for finding in self.report.findings),
            *(damage(row) for row in self.damaged),
            *self.different,
        ]


def damage(row: int) -> str:
    """What to say about a damaged row of faces."""
    return f"faces, row {row}: the template is damaged; searches leave it out. Erase the face and enrol it anew"


def verify_installation(
    own: Settings,
    database: Engine,
    trusted: Sequence[verifier.Key] = (),
    since: Sequence[verifier.Checkpoint] = (),
    receipts: Sequence[verifier.Receipt] = (),
    watch: Watch = unwatched,
) -> InstallationCheck:
    """Check every entry, every template and every bound row of the installation `own`, whose `database` is open.

    trusted: keys of the ledger from elsewhere; none given, the installation's own, if it has one. No key is made.
    """
    report = verify_records(Records(database), trusted or own_key(own), since, receipts, watch)
    damaged = damaged_rows(database)
    return InstallationCheck(report, damaged, () if report.findings else tuple(row_differences(own, database)))


def own_key(own: Settings) -> list[verifier.Key]:
    """The key of this installation, if it has one. None is made."""
    path = own.keys / "ledger.key"
    return [verifier.Key(own.origin, Signer.from_file(path).public)] if path.exists() else []


def row_differences(own: Settings, database: Engine) -> list[str]:
    """What differs from the record in an installation whose entries verify, and that ever bound a row."""
    records = Records(database)
    if records.size and not records.notes():
        return ["ledger_checkpoints: every checkpoint was removed"]
    key = own.keys / BINDINGS
    if not key.exists():
        bound = bool(newest_entries(records, 1, "state"))
        return ["keys/bindings.key is missing: without it no row can be compared"] if bound else []
    log = Ledger(database, Signer.from_file(own.keys / "ledger.key"), own.origin, _now)
    try:
        bindings = Bindings(database, log, secret_file(key), BOUND)
        different = bindings.differences()
        if different and not bindings.key_fits():
            return [foreign_words([BINDINGS])]
    finally:
        log.close()
    account = own.keys / "budgets.key"
    known = secret_file(account) if account.exists() else bytes(32)
    spent = Budgets(database, known, _now, named_heads).differences()
    if spent and not account.exists():
        spent = ["keys/budgets.key is missing: without it no charge can be compared"]
    return different + miscounted(database) + spent


def newest_entries(records: Records, last: int, kind: str | None) -> list[Entry]:
    """The newest `last` entries of this kind, oldest first."""
    entries: list[Entry] = []
    end = records.size
    while end and len(entries) < last:
        start = max(0, end - 1000)
        page = [entry for entry in records.entries(start, end) if kind in (None, entry.kind)]
        entries = page + entries
        end = start
    return entries[-last:] if last > 0 else []


def _now() -> datetime:
    return datetime.now(UTC)
