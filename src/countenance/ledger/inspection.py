"""Verification of the ledger in its database: the entries as an outsider checks them, and the tables beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from countenance.errors import StoreError
from countenance.ledger import merkle, verifier
from countenance.ledger.export import Watch, line_of, unwatched
from countenance.ledger.records import PAGE, Records, StoredEntry
from countenance.ledger.verifier import Checkpoint, Finding, Key, Receipt, Report


def verify_records(
    records: Records,
    trusted: Sequence[Key] = (),
    since: Sequence[Checkpoint] = (),
    receipts: Sequence[Receipt] = (),
    watch: Watch = unwatched,
) -> Report:
    """Check everything in the database; `Report.findings` says what is wrong, the first altered entry first.

    Everything that `verifier.py` finds in an export is found here too, and beside it: stored hashes that are not those
    of the entries, and a list of open decisions that does not follow from them. Without `trusted`, the key that the
    first entry names is taken as genuine.
    """
    now = records.snapshot()
    if not (now.size or now.notes or since or receipts):
        return Report("empty ledger", 0, [], [])
    try:
        checkpoints = [verifier.read_checkpoint(note.encode()) for note in now.notes]
        key = _own_key(records) or next(iter(trusted), None)
    except (StoreError, verifier.Unreadable) as error:
        return Report("", 0, [Finding("changed", 0, str(error))], [])
    if key is None:
        return Report("", 0, [Finding("removed", 0, "entry 0 was removed: nothing says whose ledger this is")], [])
    hashes = _StoredHashes(records)
    lines = (line_of(row) for row in hashes.compared(watch(records.stored(0, now.size), now.size)))
    report = verifier.examine(lines, [*checkpoints, *since], key, trusted=trusted, receipts=receipts, live=True)
    if report.findings:
        return report
    return replace(report, findings=[*hashes.findings, *_open(now.open, report)])


def _own_key(records: Records) -> Key | None:
    key = records.key
    return None if key is None else Key(key.name, key.public)


def _open(listed: frozenset[int], report: Report) -> list[Finding]:
    wrong = sorted(listed.symmetric_difference(report.open))
    return [Finding("store", i, f"the list of open decisions is wrong about entry {i}") for i in wrong[:1]]


class _StoredHashes:
    """Compares the stored hashes with those of the entries that pass through; keeps the first difference."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.findings: list[Finding] = []

    def compared(self, rows: Iterable[StoredEntry]) -> Iterator[StoredEntry]:
        """The same rows."""
        frontier = merkle.Frontier()
        made: dict[tuple[int, int], bytes] = {}
        for row in rows:
            frontier, nodes = frontier.grown(merkle.leaf_hash(row.text.encode()))
            made |= {(node.level, node.position): node.hash for node in nodes}
            if frontier.size % PAGE == 0:
                self._compare(made)
                made = {}
            yield row
        self._compare(made)

    def _compare(self, made: dict[tuple[int, int], bytes]) -> None:
        if self.findings or not made:
            return
        held = self._records.nodes(set(made))
        wrong = sorted(
            (position << level, level)
            for (level, position), value in made.items()
            if held.get((level, position)) != value
        )
        for index, level in wrong[:1]:
            what = "hash" if level == 0 else f"tree node of level {level}"
            self.findings.append(
                Finding("store", index, f"the stored {what} over entry {index} is not that of the entries")
            )
