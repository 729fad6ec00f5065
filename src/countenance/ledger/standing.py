"""Which commitments to rows stand, as the entries of a ledger say.

All entries up to the newest checkpoint are hashed when they are read and must give its root; a later one that binds
rows must carry the signature of its receipt. In memory is the first half of each commitment, 64 bits. Nobody without
the key can make a row for one of them: of n rows that stand, one that is made up hits one in n / 2**64 tries.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, select

from countenance.binding import Fetch
from countenance.database import Direct, place_in
from countenance.errors import StoreError
from countenance.ledger import merkle, tables
from countenance.ledger.fingerprints import Fingerprints
from countenance.ledger.ledger import Ledger
from countenance.ledger.receipt import Receipt

_LISTED_FIRST = 4  # listers that there were when entries did not say how many
_PAGE = 100  # entries read at once; one that binds many rows is 40 kB long
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
_NONE = Fingerprints()


def mark(commitment: str) -> int:
    """What is kept of a commitment of 32 hex digits."""
    return int(commitment[:16], 16)


class Standing:
    """The commitments that stand after the entries that were read. Not safe to use from several threads.

    unheld: the first words of tables whose commitments are not kept. size: how many entries were read. adopted: of how
    many listers the rows were bound.
    """

    def __init__(self, ledger: Ledger, unheld: Collection[str] = ()) -> None:
        self._ledger = ledger
        self._unheld = frozenset(unheld)
        self._tables: dict[str, Fingerprints] = {}
        self.size = 0
        self.adopted = 0

    def of(self, table: str) -> Fingerprints:
        """Those of the rows of that table, by `mark`. They change with the next entries."""
        return self._tables.get(table, _NONE)

    def holds(self, table: str) -> bool:
        """Whether commitments to rows of that table are kept."""
        return table.partition(" ")[0] not in self._unheld

    def names(self) -> list[str]:
        """The tables that had rows, in the order in which they came."""
        return list(self._tables)

    def hold_no_more(self, unheld: Collection[str]) -> None:
        """Drop what is kept of those tables, and keep nothing of them from now on."""
        self._unheld = frozenset(unheld)
        self._tables = {table: some for table, some in self._tables.items() if self.holds(table)}

    def catch_up(self, fetch: Fetch) -> None:
        """Read what was appended since. `StoreError` where that is not what this ledger's key signed."""
        ((last,),) = fetch(_SIZE)
        end = 0 if last is None else int(last) + 1
        if end == self.size:
            return
        if end < self.size:
            raise StoreError(f"the database holds {end} entries; {self.size} were read before")
        if self.size == 0:
            self._read_proven(fetch)
        for start in range(self.size, end, _PAGE):
            for row in fetch(_BINDING, start=start, stop=min(start + _PAGE, end)):
                self._take_signed(*row)
        self.size = max(end, self.size)

    def recorded(self, fetch: Fetch, wanted: Mapping[str, frozenset[int]]) -> dict[tuple[str, int], tuple[int, str]]:
        """Of commitments, by table and mark: the last of the entries read that bound each, and the whole of it."""
        found: dict[tuple[str, int], tuple[int, str]] = {}
        for sequence, bound in _bound_in(fetch, self.size):
            for table in bound.keys() & wanted.keys():
                for each in bound[table]:
                    if (number := mark(each)) in wanted[table]:
                        found[table, number] = sequence, each
        return found

    def _read_proven(self, fetch: Fetch) -> None:
        """All entries that the newest checkpoint covers; their root must be its root."""
        newest = self._ledger.last_checkpoint()
        self._tables.clear()
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
                    self._take(entry)
        if frontier.size != size or frontier.root() != newest.root:
            raise StoreError(
                f"the entries are not those that were signed at {newest.size}; run `countenance ledger verify`"
            )
        self.size = size

    def _take_signed(self, sequence: int, entry: str, leaf: bytes, signature: bytes) -> None:
        key = self._ledger.verifier_key
        hashed = merkle.leaf_hash(entry.encode())
        if leaf != hashed or not Receipt(key.name, sequence, hashed, signature).signed_by(key.public):
            raise StoreError(f"entry {sequence} is not one that this ledger's key signed")
        self._take(entry)

    def _take(self, entry: str) -> None:
        try:
            fields = json.loads(entry)
        except ValueError:
            raise StoreError("an entry is no longer JSON; run `countenance ledger verify`") from None
        if fields.get("kind") != "state":
            return
        self.adopted = max(self.adopted, int(fields.get("listed", _LISTED_FIRST)))
        for table in fields.get("dropped", ()):
            self._tables.pop(table, None)
        for table, commitments in fields.get("released", {}).items():
            if table in self._tables:
                self._tables[table].remove(map(mark, commitments))
        for table, commitments in fields.get("bound", {}).items():
            if self.holds(table):
                self._tables.setdefault(table, Fingerprints()).add(map(mark, commitments))


def _bound_in(fetch: Fetch, size: int) -> Iterator[tuple[int, dict[str, Any]]]:
    for start in range(0, size, _PAGE):
        for sequence, entry, _, _ in fetch(_BINDING, start=start, stop=min(start + _PAGE, size)):
            yield sequence, json.loads(entry).get("bound", {})
