"""Which rows are as they were recorded: the ledger's entries hold commitments to them, made with a key beside the
database.

A change of bound rows is one transaction with its entry of kind "state", whose `bound` holds the commitments of the
rows as they are now and `released` those of the rows as they were, by table. So the entries say which rows are bound
now; a row without such a commitment, and a commitment without its row, are differences. A commitment is an HMAC-SHA256
of table and values, cut to 128 bits: without the key nobody can make one, or test a guess about a row. What stands is
read from the entries by `countenance.ledger.standing`.
"""

from __future__ import annotations

import hmac
import json
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from threading import RLock
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from countenance.binding import BoundChange, BoundRow, Lister, Value
from countenance.database import Direct, Transaction, reading
from countenance.errors import NotAsRecorded
from countenance.ledger.batch import Batch
from countenance.ledger.entries import Draft
from countenance.ledger.erasure import erase_about
from countenance.ledger.ledger import Ledger
from countenance.ledger.opened import opening_differences
from countenance.ledger.records import lost_checkpoints
from countenance.ledger.standing import Standing, mark
from countenance.signing import JSON

T = TypeVar("T")
Commits = Mapping[str, Sequence[str]]
_PER_ENTRY = 1000


class Bindings:
    """The rows that stand, as the entries of `ledger` in `engine`'s database say.

    key: 32 bytes, secret. listers: all bound rows there are; later versions add theirs at the end. Rows older than the
    binding of their table are bound on first use, in entries that say so (`adopted`). erase_too: erases what else is
    kept of erased faces (ids), or of a gallery (id), in the same transaction, and gives the bound rows that it made.
    unheld: the first words of tables whose rows are made and deleted only, and compared by `differences` alone: what
    stands of them is not kept in memory, and one that was edited can be deleted, which leaves a difference.
    Safe to use from several threads, and beside other processes.
    """

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger,
        key: bytes,
        listers: Sequence[Lister],
        erase_too: Callable[[Transaction, Sequence[str], str | None], Sequence[BoundRow]] | None = None,
        unheld: Collection[str] = (),
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._key = key
        self._listers = listers
        self._erase_too = erase_too
        self._unheld = unheld
        self._standing = Standing(ledger, unheld)
        self._lock = RLock()
        self._remembered = lru_cache(maxsize=4096)(self._marked)

    def change(self, work: Callable[[Transaction], BoundChange[T]]) -> T:
        """See `Recorder.change`."""
        self._ready()
        changes: list[BoundChange[T]] = []

        def job(batch: Batch, transaction: Transaction) -> None:
            batch.check_clock()
            with transaction.undone_on_error():
                change = work(transaction)
                made, unmade = self._commitments(change.made), self._commitments(change.unmade)
                self._check(batch, transaction, unmade)
            _add(batch, made, unmade, change.dropped)
            if change.faces or change.gallery is not None:
                erase_about(batch, transaction, change.faces, change.gallery)
                if self._erase_too is not None:
                    more = self._erase_too(transaction, change.faces, change.gallery)
                    _add(batch, self._commitments(more), {}, ())
            changes.append(change)

        self._ledger.carry_out(job)
        (change,) = changes
        return change.result

    def differing(self, rows: Iterable[BoundRow], *, once: bool = False) -> list[int]:
        """See `Recorder.differing`."""
        marked = self._marked if once else self._remembered
        made = [(row.table, marked(row)) for row in rows]
        with self._lock:
            self._ready()
            return [i for i, (table, number) in enumerate(made) if number not in self._standing.of(table)]

    def complete(self, table: str, rows: Collection[BoundRow]) -> bool:
        """See `Recorder.complete`."""
        made = frozenset(map(self._remembered, rows))
        with self._lock:
            self._ready()
            return self._standing.of(table).equals(made)

    def missing(self, *rows: BoundRow) -> bool:
        """See `Recorder.missing`."""
        return len(self.differing(rows)) < len(rows)

    def differences(self) -> list[str]:
        """A sentence for each row and opening that is altered or missing; none holds a private value."""
        differences: list[str] = []
        if self._ledger.lost_checkpoints:
            differences.append("ledger_checkpoints: every checkpoint was removed")
        with self._lock:
            self._standing = Standing(self._ledger)  # of all tables, until this is done
            try:
                self._ready()
                with reading(self._engine) as connection:  # rows and entries are read in one transaction
                    differences += self._different_rows(connection)
            finally:
                self._standing.hold_no_more(self._unheld)
        return differences + opening_differences(self._engine)

    def _different_rows(self, connection: Connection) -> Iterator[str]:
        cursor = connection.connection.cursor()

        def fetch(statement: Direct, **values: object) -> list[tuple[Any, ...]]:
            return statement.fetch(cursor, self._engine.dialect, values)

        self._standing.catch_up(fetch)
        if not self._ledger.lost_checkpoints:
            for size in lost_checkpoints(connection):
                yield f"ledger_checkpoints: that of {size} entries was removed"
        there: dict[str, array[int]] = {}
        unread: list[str] = []
        for row, name in self._readable_rows(connection, unread):
            number = self._marked(row)
            there.setdefault(row.table, array("Q")).append(number)
            if number not in self._standing.of(row.table):
                yield f"{name} is not as it was recorded"
        yield from unread
        gone = _gone(self._standing, there)
        if any(gone.values()):
            recorded = self._standing.recorded(fetch, gone)
            for table, numbers in gone.items():
                for at in sorted(recorded[table, number][0] for number in numbers):
                    yield f"a row of {table} that entry {at} recorded is gone, or was changed"

    def key_fits(self) -> bool:
        """Whether a row is as it was recorded, which none is with another key.

        True where there are fewer than two to tell by: a single one may have been changed.
        """
        with self._lock:
            self._ready()
            with reading(self._engine) as connection:
                rows = (row for row, _ in self._rows(connection) if self._standing.holds(row.table))
                found = (self._marked(row) in self._standing.of(row.table) for row in rows)
                some = list(islice(found, 2))
                return len(some) < 2 or any(some) or any(found)

    def accept(self, reason: str, also: Callable[[Transaction], tuple[int, str]]) -> int:
        """Bind the rows as they are now, with `reason` on record; returns how many differences that settled.

        also: does the same for the account of budgets; how many differences that settled, and its head.
        """
        self._ready()
        ended = 0

        def job(batch: Batch, transaction: Transaction) -> None:
            nonlocal ended
            standing = Standing(self._ledger)
            standing.catch_up(transaction.rows)
            made: dict[str, list[str]] = {}
            unmade: dict[str, list[str]] = {}
            there: dict[str, array[int]] = {}
            for row, _ in self._rows(transaction.connection):
                commitment = self.commitment(row)
                there.setdefault(row.table, array("Q")).append(mark(commitment))
                if mark(commitment) not in standing.of(row.table):
                    made.setdefault(row.table, []).append(commitment)
            recorded = standing.recorded(transaction.rows, _gone(standing, there))
            for (table, _), (_, commitment) in recorded.items():
                unmade.setdefault(table, []).append(commitment)
            settled, head = also(transaction)
            ended = settled + sum(map(len, made.values())) + sum(map(len, unmade.values()))
            _add(batch, made, unmade, (), {"accepted": reason, "charged": head}, always=True)

        self._ledger.carry_out(job)
        self._ledger.lost_checkpoints = False
        return ended

    def _rows(self, connection: Any) -> Iterable[tuple[BoundRow, str]]:
        for lister in self._listers:
            yield from lister(connection)

    def _readable_rows(self, connection: Connection, unread: list[str]) -> Iterator[tuple[BoundRow, str]]:
        """As `_rows`; where a value is of a kind that no column of that table holds, a sentence in `unread`."""
        for lister in self._listers:
            try:
                yield from lister(connection)
            except (ValueError, TypeError, ArithmeticError) as error:
                what = lister.__name__.removesuffix("_rows")
                unread.append(f"{what} rows: one holds a value that cannot be read ({type(error).__name__})")

    def _check(self, batch: Batch, transaction: Transaction, unmade: Commits) -> None:
        """`NotAsRecorded` unless all of `unmade` stand, by what is on the disk or in the same transaction."""
        with self._lock:
            self._standing.catch_up(transaction.rows)
            for table, commitments in unmade.items():
                if not self._standing.holds(table):
                    continue
                for each in commitments:
                    stands = mark(each) in self._standing.of(table) and (table, each) not in batch.released
                    if not stands and (table, each) not in batch.bound:
                        raise _not_as_recorded(table)

    def _ready(self) -> None:
        """Read everything on the disk; bind the rows that are older than their table's binding."""
        with self._lock:
            self._standing.catch_up(self._fetch)
            if self._standing.adopted < len(self._listers):
                self._ledger.carry_out(self._adopt)
                self._standing.catch_up(self._fetch)

    def _adopt(self, batch: Batch, transaction: Transaction) -> None:
        self._standing.catch_up(transaction.rows)
        if self._standing.adopted >= len(self._listers) or batch.bound:
            return
        new = self._listers[self._standing.adopted :]
        made = self._commitments(row for lister in new for row, _ in lister(transaction.connection))
        more: dict[str, JSON] = {"adopted": sum(map(len, made.values())), "listed": len(self._listers)}
        _add(batch, made, {}, (), more, always=True)

    def _fetch(self, statement: Direct, **values: object) -> list[tuple[Any, ...]]:
        return statement.rows(self._engine, **values)

    def _commitments(self, rows: Iterable[BoundRow]) -> dict[str, list[str]]:
        by_table: dict[str, list[str]] = {}
        for row in rows:
            by_table.setdefault(row.table, []).append(self.commitment(row))
        return by_table

    def _marked(self, row: BoundRow) -> int:
        return mark(self.commitment(row))

    def commitment(self, row: BoundRow) -> str:
        """The commitment to that row, as entries name it: 32 hex digits."""
        content = json.dumps([row.table, *map(_plain, row.values)], separators=(",", ":"))
        return hmac.digest(self._key, content.encode(), "sha256")[:16].hex()


def _gone(standing: Standing, there: Mapping[str, Sequence[int]]) -> dict[str, frozenset[int]]:
    """What stands of each table and is not of the rows that are there, by `mark`."""
    import numpy as np  # slow to import, and what only shows a ledger does without

    gone = {}
    for table in standing.names():
        numbers = standing.of(table).numbers()
        gone[table] = frozenset(numbers[~np.isin(numbers, np.array(there.get(table, ()), np.uint64))].tolist())
    return gone


def _plain(value: Value) -> object:
    return [value.hex()] if isinstance(value, bytes) else value


def _not_as_recorded(table: str) -> NotAsRecorded:
    return NotAsRecorded(
        f"a row of {table} is not as the ledger recorded it; `countenance ledger verify` names it, and nothing is done"
    )


def _add(
    batch: Batch,
    made: Commits,
    unmade: Commits,
    dropped: Sequence[str],
    more: Mapping[str, JSON] | None = None,
    *,
    always: bool = False,
) -> None:
    """Append the entries that say so: as many as their length needs, none where there is nothing to say."""
    changes = [("released", t, c) for t, some in unmade.items() for c in some]
    changes += [("bound", t, c) for t, some in made.items() for c in some]
    parts = iter(changes)
    first: dict[str, JSON] = {"dropped": list(dropped)} if dropped else {}
    while (some := list(islice(parts, _PER_ENTRY))) or first or always:
        entry: dict[str, Any] = {"kind": "state", **(more or {}), **first}
        for which, table, commitment in some:
            entry.setdefault(which, {}).setdefault(table, []).append(commitment)
        batch.add(Draft.of(entry))
        first, always = {}, False
    for which, table, commitment in changes:
        now, before = (batch.bound, batch.released) if which == "bound" else (batch.released, batch.bound)
        now.add((table, commitment))
        before.discard((table, commitment))
