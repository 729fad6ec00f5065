"""Which rows are as they were recorded: the ledger's entries hold commitments to them, made with a key beside the
database.

A change of bound rows is one transaction with its entry of kind "state", whose `bound` holds the commitments of the
rows as they are now and `released` those of the rows as they were, by table. So the entries say which rows are bound
now; a row without such a commitment, and a commitment without its row, are differences. A commitment is an HMAC-SHA256
of table and values, cut to 128 bits: without the key nobody can make one, or test a guess about a row.

All entries up to the newest checkpoint are hashed when they are read and must give its root; a later one that binds
rows must carry the signature of its receipt.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from threading import RLock
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Engine, bindparam, func, select

from countenance.binding import BoundChange, BoundRow, Fetch, Lister, Value
from countenance.database import Direct, Transaction, place_in, reading
from countenance.errors import NotAsRecorded, StoreError
from countenance.ledger import merkle, tables
from countenance.ledger.batch import Batch
from countenance.ledger.entries import Draft
from countenance.ledger.erasure import erase_about
from countenance.ledger.ledger import Ledger
from countenance.ledger.opened import opening_differences
from countenance.ledger.receipt import Receipt
from countenance.ledger.records import lost_checkpoints
from countenance.signing import JSON

T = TypeVar("T")
Commits = Mapping[str, Sequence[str]]
_PER_ENTRY = 1000
_LISTED_FIRST = 4  # listers that there were when entries did not say how many
_PAGE = 5000
_E = tables.entries.c
_SIZE = Direct(select(func.max(_E.sequence)))
_FROM = bindparam("start", type_=BigInteger)
_STOP = bindparam("stop", type_=BigInteger)
_ALL = Direct(
    select(_E.sequence, _E.entry, _E.leaf_hash, _E.signature)
    .where(_E.sequence >= _FROM, _E.sequence < _STOP)
    .order_by(_E.sequence)
)
_BINDING = Direct(
    select(_E.sequence, _E.entry, _E.leaf_hash, _E.signature)
    .where(_E.sequence >= _FROM, _E.sequence < _STOP, place_in(_E.entry, '"kind":"state"') > 0)
    .order_by(_E.sequence)
)


class Bindings:
    """The rows that stand, as the entries of `ledger` in `engine`'s database say.

    key: 32 bytes, secret. listers: all bound rows there are; later versions add theirs at the end. Rows older than the
    binding of their table are bound on first use, in entries that say so (`adopted`). erase_too: erases what else is
    kept of erased faces (ids), or of a gallery (id), in the same transaction, and gives the bound rows that it made.
    Safe to use from several threads, and beside other processes.
    """

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger,
        key: bytes,
        listers: Sequence[Lister],
        erase_too: Callable[[Transaction, Sequence[str], str | None], Sequence[BoundRow]] | None = None,
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._key = key
        self._listers = listers
        self._erase_too = erase_too
        self._standing: dict[str, dict[str, int]] = {}
        self._size = 0
        self._adopted = 0  # of the listers: those whose rows were bound
        self._lock = RLock()
        self._remembered = lru_cache(maxsize=4096)(self.commitment)

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
        committed = self.commitment if once else self._remembered
        made = [(row.table, committed(row)) for row in rows]
        with self._lock:
            self._ready()
            return [i for i, (table, commitment) in enumerate(made) if commitment not in self._of(table)]

    def complete(self, table: str, rows: Collection[BoundRow]) -> bool:
        """See `Recorder.complete`."""
        made = {self._remembered(row) for row in rows}
        with self._lock:
            self._ready()
            return made == self._of(table).keys()

    def missing(self, row: BoundRow) -> bool:
        """See `Recorder.missing`."""
        return not self.differing([row])

    def differences(self) -> list[str]:
        """A sentence for each row and opening that is altered or missing; none holds a private value."""
        differences: list[str] = []
        if self._ledger.lost_checkpoints:
            differences.append("ledger_checkpoints: every checkpoint was removed")
        seen: dict[str, set[str]] = {}
        with self._lock:
            self._ready()
            with reading(self._engine) as connection:  # the rows and the commitments are read in one transaction
                cursor = connection.connection.cursor()
                self._catch_up(lambda statement, **values: statement.fetch(cursor, self._engine.dialect, values))
                if not self._ledger.lost_checkpoints:
                    gone_at = lost_checkpoints(connection)
                    differences += [f"ledger_checkpoints: that of {size} entries was removed" for size in gone_at]
                for row, name in self._rows(connection):
                    commitment = self.commitment(row)
                    seen.setdefault(row.table, set()).add(commitment)
                    if commitment not in self._of(row.table):
                        differences.append(f"{name} is not as it was recorded")
            for table, standing in self._standing.items():
                gone = sorted(at for commitment, at in standing.items() if commitment not in seen.get(table, ()))
                differences += [f"a row of {table} that entry {at} recorded is gone, or was changed" for at in gone]
        return differences + opening_differences(self._engine)

    def accept(self, reason: str, also: Callable[[Transaction], tuple[int, str]]) -> int:
        """Bind the rows as they are now, with `reason` on record; returns how many differences that settled.

        also: does the same for the account of budgets; how many differences that settled, and its head.
        """
        self._ready()
        ended = 0

        def job(batch: Batch, transaction: Transaction) -> None:
            nonlocal ended
            there: dict[str, set[str]] = {}
            for row, _ in self._rows(transaction.connection):
                there.setdefault(row.table, set()).add(self.commitment(row))
            with self._lock:
                self._catch_up(transaction.rows)
                names = sorted(there.keys() | self._standing.keys())
                made = {name: sorted(there.get(name, set()) - self._of(name).keys()) for name in names}
                gone = {name: sorted(self._of(name).keys() - there.get(name, set())) for name in names}
            settled, head = also(transaction)
            ended = settled + sum(map(len, made.values())) + sum(map(len, gone.values()))
            _add(batch, made, gone, (), {"accepted": reason, "charged": head}, always=True)

        self._ledger.carry_out(job)
        self._ledger.lost_checkpoints = False
        return ended

    def _rows(self, connection: Any) -> Iterable[tuple[BoundRow, str]]:
        for lister in self._listers:
            yield from lister(connection)

    def _check(self, batch: Batch, transaction: Transaction, unmade: Commits) -> None:
        """`NotAsRecorded` unless all of `unmade` stand, by what is on the disk or in the same transaction."""
        with self._lock:
            self._catch_up(transaction.rows)
            for table, commitments in unmade.items():
                for each in commitments:
                    stands = each in self._of(table) and (table, each) not in batch.released
                    if not stands and (table, each) not in batch.bound:
                        raise _not_as_recorded(table)

    def _ready(self) -> None:
        """Read everything on the disk; bind the rows that are older than their table's binding."""
        with self._lock:
            self._catch_up(self._fetch)
            if self._adopted < len(self._listers):
                self._ledger.carry_out(self._adopt)
                self._catch_up(self._fetch)

    def _adopt(self, batch: Batch, transaction: Transaction) -> None:
        self._catch_up(transaction.rows)
        if self._adopted >= len(self._listers) or batch.bound:
            return
        new = self._listers[self._adopted :]
        made = self._commitments(row for lister in new for row, _ in lister(transaction.connection))
        more: dict[str, JSON] = {"adopted": sum(map(len, made.values())), "listed": len(self._listers)}
        _add(batch, made, {}, (), more, always=True)

    def _fetch(self, statement: Direct, **values: object) -> list[tuple[Any, ...]]:
        return statement.rows(self._engine, **values)

    def _catch_up(self, fetch: Fetch) -> None:
        ((last,),) = fetch(_SIZE)
        end = 0 if last is None else int(last) + 1
        if end == self._size:
            return
        if end < self._size:
            raise StoreError(f"the database holds {end} entries; {self._size} were read before")
        if self._size == 0:
            self._read_proven(fetch)
        for row in fetch(_BINDING, start=self._size, stop=end):
            self._take_signed(*row)
        self._size = max(end, self._size)

    def _read_proven(self, fetch: Fetch) -> None:
        """All entries that the newest checkpoint covers; their root must be its root."""
        newest = self._ledger.last_checkpoint()
        self._standing.clear()
        if newest is None:  # they were removed: then every entry that binds must be signed by itself
            return
        if not newest.signed_by(self._ledger.verifier_key):
            raise StoreError("no checkpoint by this installation's key speaks for the entries in the database")
        size = newest.size
        frontier = merkle.Frontier()
        for start in range(0, size, _PAGE):
            for sequence, entry, _, _ in fetch(_ALL, start=start, stop=min(start + _PAGE, size)):
                if sequence != frontier.size:
                    raise StoreError(f"entry {frontier.size} is missing")
                frontier, _ = frontier.grown(merkle.leaf_hash(entry.encode()))
                if '"kind":"state"' in entry:
                    self._take(sequence, entry)
        if frontier.size != size or frontier.root() != newest.root:
            raise StoreError(
                f"the entries are not those that were signed at {newest.size}; run `countenance ledger verify`"
            )
        self._size = size

    def _take_signed(self, sequence: int, entry: str, leaf: bytes, signature: bytes) -> None:
        key = self._ledger.verifier_key
        hashed = merkle.leaf_hash(entry.encode())
        if leaf != hashed or not Receipt(key.name, sequence, hashed, signature).signed_by(key.public):
            raise StoreError(f"entry {sequence} is not one that this ledger's key signed")
        self._take(sequence, entry)

    def _take(self, sequence: int, entry: str) -> None:
        fields = json.loads(entry)
        if fields.get("kind") != "state":
            return
        self._adopted = max(self._adopted, int(fields.get("listed", _LISTED_FIRST)))
        for table in fields.get("dropped", ()):
            self._standing.pop(table, None)
        for table, commitments in fields.get("released", {}).items():
            standing = self._of(table)
            for each in commitments:
                standing.pop(each, None)
        for table, commitments in fields.get("bound", {}).items():
            self._standing.setdefault(table, {}).update(dict.fromkeys(commitments, sequence))

    def _of(self, table: str) -> dict[str, int]:
        return self._standing.get(table, {})

    def _commitments(self, rows: Iterable[BoundRow]) -> dict[str, list[str]]:
        by_table: dict[str, list[str]] = {}
        for row in rows:
            by_table.setdefault(row.table, []).append(self.commitment(row))
        return by_table

    def commitment(self, row: BoundRow) -> str:
        """The commitment to that row, as entries name it: 32 hex digits."""
        content = json.dumps([row.table, *map(_plain, row.values)], separators=(",", ":"))
        return hmac.digest(self._key, content.encode(), "sha256")[:16].hex()


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
