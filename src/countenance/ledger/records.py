"""The ledger as its database holds it, for reading."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Connection, Engine, bindparam, func, select, text

from countenance.binding import Fetch
from countenance.database import Direct, Transaction, place_in, reading
from countenance.errors import BadRequest, NotFound, StoreError
from countenance.ledger import merkle, tables
from countenance.ledger.checkpoint import SignedCheckpoint
from countenance.ledger.entries import AFTER_CHECKPOINT, Entry, Opening
from countenance.ledger.notes import NoteKey
from countenance.ledger.receipt import Receipt
from countenance.ledger.refusals import RefusedCount, refusals_in
from countenance.signing import JSON

PAGE = 1000


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A row of the ledger, unchecked. text: canonical JSON. leaf_hash: 32 bytes. signature: the receipt's, 64 bytes."""

    sequence: int
    text: str
    leaf_hash: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class End:
    """Where the stored ledger ends: its size, its last entry's stored hash (empty for none), its newest checkpoint."""

    size: int
    leaf_hash: bytes
    checkpointed: int


@dataclass(frozen=True, slots=True)
class LedgerSnapshot:
    """The state at one moment: how many entries, every checkpoint's note, and the decisions that are listed as open."""

    size: int
    notes: tuple[str, ...]
    open: frozenset[int]


class Records:
    """What the ledger in the database behind `engine` holds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def size(self) -> int:
        """How many entries there are."""
        with reading(self._engine) as connection:
            return size_of(connection)

    @property
    def key(self) -> NoteKey | None:
        """The key that the ledger was started under, whose name is its origin; None while the ledger is empty."""
        with reading(self._engine) as connection:
            first = next(stored(connection, 0, 1), None)
        if first is None:
            return None
        try:
            return NoteKey.parse(str(Entry.parse(first.text).fields.get("key", "")))
        except BadRequest as error:
            raise StoreError(f"the ledger's first entry names no key: {error}") from error

    def entry(self, index: int) -> Entry:
        """Entry number `index`, from 0; else `NotFound`."""
        return Entry.parse(self._stored(index).text)

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Entries start <= index < stop (None: all that exist now), in order."""
        return (Entry.parse(row.text) for row in self.stored(start, stop))

    def stored(self, start: int = 0, stop: int | None = None) -> Iterator[StoredEntry]:
        """The rows of `entries`, unchecked, read page by page so that a long walk holds nothing open."""
        end = self.size if stop is None else stop
        for page in range(start, end, PAGE):
            with reading(self._engine) as connection:
                rows = list(stored(connection, page, min(page + PAGE, end)))
            yield from rows

    def newest(self, kind: str, start: int, stop: int) -> Entry | None:
        """The last entry of that kind at start <= index < stop; reads all entries there, so let `start` be late."""
        entries = tables.entries.c
        query = (
            select(entries.entry)
            .where(entries.sequence >= start, entries.sequence < stop)
            .where(place_in(entries.entry, f'"kind":"{kind}"') > 0)
            .order_by(entries.sequence.desc())
        )
        with reading(self._engine) as connection:
            every = (Entry.parse(text) for text in connection.execute(query).scalars())
            return next((entry for entry in every if entry.kind == kind), None)

    def receipt(self, index: int) -> Receipt:
        """The receipt of entry `index`, as it was given out; else `NotFound`."""
        row, key = self._stored(index), self.key
        if key is None:
            raise NotFound(f"no entry {index}")
        return Receipt(key.name, index, row.leaf_hash, row.signature)

    def openings(self, index: int) -> dict[str, JSON]:
        """The private values of entry `index` that are not erased, by name."""
        return {opening.name: json.loads(opening.value) for opening in self.stored_openings(index)}

    def stored_openings(self, index: int) -> list[Opening]:
        """The openings of entry `index` that are not erased."""
        query = select(tables.openings).where(tables.openings.c.sequence == index).order_by(tables.openings.c.name)
        with reading(self._engine) as connection:
            return [Opening(row.name, row.salt, row.value) for row in connection.execute(query)]

    def open_decisions(self) -> list[Entry]:
        """Decisions other than denials that no result has followed: calls that began and have no recorded end."""
        query = (
            select(tables.entries.c.entry)
            .join(tables.open_decisions, tables.entries.c.sequence == tables.open_decisions.c.sequence)
            .order_by(tables.entries.c.sequence)
        )
        with reading(self._engine) as connection:
            return [Entry.parse(entry) for entry in connection.execute(query).scalars()]

    def refusals(self, since: datetime) -> list[RefusedCount]:
        """Operations refused at or after `since` (aware), by mandate, operation and cause, the most frequent first."""
        with reading(self._engine) as connection:
            return refusals_in(connection, size_of(connection), since)

    def last_checkpoint(self) -> SignedCheckpoint | None:
        """The newest checkpoint that was signed, if any."""
        with reading(self._engine) as connection:
            return newest_checkpoint(connection)

    def notes(self) -> list[str]:
        """Every checkpoint that was signed, the smallest first, as stored and unchecked."""
        query = select(tables.checkpoints.c.note).order_by(tables.checkpoints.c.size)
        with reading(self._engine) as connection:
            return [str(note) for note in connection.execute(query).scalars()]

    def snapshot(self) -> LedgerSnapshot:
        """What is there at one moment, while others may go on writing."""
        with reading(self._engine) as connection:
            notes = connection.execute(select(tables.checkpoints.c.note).order_by(tables.checkpoints.c.size)).scalars()
            listed = connection.execute(select(tables.open_decisions.c.sequence)).scalars()
            return LedgerSnapshot(size_of(connection), tuple(map(str, notes)), frozenset(map(int, listed)))

    def nodes(self, wanted: set[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """The stored hashes of those complete subtrees (level, position) that the database has, unchecked."""
        with reading(self._engine) as connection:
            return stored_nodes(connection, wanted)

    def inclusion(self, index: int, checkpoint: SignedCheckpoint) -> list[bytes]:
        """The proof that entry `index` is in the tree of `checkpoint`: hashes, the lowest first.

        `NotFound` if it has no such entry, `StoreError` if the stored tree does not give the proof.
        """
        if not 0 <= index < checkpoint.size:
            raise NotFound(f"no entry {index} in a checkpoint of {checkpoint.size} entries")
        proof = self._prove(lambda subtree: merkle.inclusion_proof(index, checkpoint.size, subtree))
        leaf = merkle.leaf_hash(self._stored(index).text.encode())
        if not merkle.verify_inclusion(leaf, index, checkpoint.size, proof, checkpoint.root):
            raise StoreError(f"entry {index} does not lead to the signed root; run `countenance ledger verify`")
        return proof

    def consistency(self, old: SignedCheckpoint, new: SignedCheckpoint) -> list[bytes]:
        """The proof that the tree of `old` is a prefix of that of `new`: hashes, in the order of RFC 6962.

        `BadRequest` if `old` is the larger; `StoreError` if the stored tree gives no such proof: then one of the two is
        of another ledger, or the ledger was altered between them.
        """
        if old.size > new.size:
            raise BadRequest(f"the older checkpoint speaks for {old.size} entries, the newer for {new.size}")
        proof = self._prove(lambda subtree: merkle.consistency_proof(old.size, new.size, subtree))
        if not merkle.verify_consistency(old.size, new.size, old.root, new.root, proof):
            raise StoreError(
                f"the checkpoints of {old.size} and {new.size} entries are not of one ledger; "
                "run `countenance ledger verify --since` with the older one"
            )
        return proof

    def _stored(self, index: int) -> StoredEntry:
        with reading(self._engine) as connection:
            row = next(stored(connection, index, index + 1), None)
        if row is None:
            raise NotFound(f"no entry {index}")
        return row

    def _prove(self, prove: Callable[[merkle.Subtree], list[bytes]]) -> list[bytes]:
        """Run `prove` once to learn which nodes it needs, fetch them together, and run it on them."""
        needed: set[tuple[int, int]] = set()

        def note_down(level: int, position: int) -> bytes:
            needed.add((level, position))
            return b""

        prove(merkle.subtree_of(note_down))
        with reading(self._engine) as connection:
            lookup = lookup_in(connection, needed)
        return prove(merkle.subtree_of(lookup))


def size_of(connection: Connection) -> int:
    """How many entries there are: one more than the last one's index."""
    last = connection.execute(select(func.max(tables.entries.c.sequence))).scalar()
    return 0 if last is None else int(last) + 1


_E = tables.entries.c
_END = Direct(
    select(
        select(_E.sequence).order_by(_E.sequence.desc()).limit(1).scalar_subquery(),
        select(_E.leaf_hash).order_by(_E.sequence.desc()).limit(1).scalar_subquery(),
        select(func.max(tables.checkpoints.c.size)).scalar_subquery(),
    )
)


def end_in(transaction: Transaction) -> End:
    """Where the ledger ends, in one query, since every transaction needs it."""
    ((last, leaf, checkpointed),) = transaction.rows(_END)
    return End(0 if last is None else last + 1, leaf or b"", checkpointed or 0)


def stored(connection: Connection, start: int, stop: int) -> Iterator[StoredEntry]:
    """The rows start <= sequence < stop."""
    column = tables.entries.c.sequence
    query = select(tables.entries).where(column >= start, column < stop).order_by(column)
    return (StoredEntry(row.sequence, row.entry, row.leaf_hash, row.signature) for row in connection.execute(query))


def newest_checkpoint(connection: Connection) -> SignedCheckpoint | None:
    """The checkpoint of the largest size; `StoreError` if it cannot be read."""
    query = select(tables.checkpoints.c.note).order_by(tables.checkpoints.c.size.desc()).limit(1)
    note = connection.execute(query).scalar()
    try:
        return None if note is None else SignedCheckpoint.parse(note)
    except BadRequest as error:
        raise StoreError(f"the newest checkpoint cannot be read: {error}") from error


_LEAVES = {
    "sqlite": text(
        "SELECT e.sequence, e.leaf_hash FROM json_each(:wanted) AS w "
        "CROSS JOIN ledger_entries AS e ON e.sequence = w.value"
    ),
    "postgresql": text(
        "SELECT e.sequence, e.leaf_hash FROM json_array_elements_text(CAST(:wanted AS json)) AS w (value) "
        "JOIN ledger_entries AS e ON e.sequence = CAST(w.value AS bigint)"
    ),
}
_NODES = {
    "sqlite": text(
        "SELECT n.level, n.position, n.hash FROM json_each(:wanted) AS w CROSS JOIN ledger_nodes AS n "
        "ON n.level = json_extract(w.value, '$[0]') AND n.position = json_extract(w.value, '$[1]')"
    ),
    "postgresql": text(
        "SELECT n.level, n.position, n.hash FROM json_array_elements(CAST(:wanted AS json)) AS w (value) "
        "JOIN ledger_nodes AS n "
        "ON n.level = CAST(w.value ->> 0 AS bigint) AND n.position = CAST(w.value ->> 1 AS bigint)"
    ),
}
"""One look-up by primary key for each of any number of nodes, in one statement that is prepared once."""


def stored_nodes(connection: Connection, wanted: set[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """The hashes of those of the nodes (level, position) that exist."""
    leaves = json.dumps([position for level, position in wanted if level == 0])
    upper = json.dumps([node for node in wanted if node[0] > 0])
    name = connection.dialect.name
    nodes = {(0, position): value for position, value in connection.execute(_LEAVES[name], {"wanted": leaves})}
    return nodes | {(level, at): value for level, at, value in connection.execute(_NODES[name], {"wanted": upper})}


def lookup_in(connection: Connection, wanted: set[tuple[int, int]]) -> merkle.Lookup:
    """The hashes of all nodes (level, position) in `wanted`; `StoreError` if one is missing."""
    nodes = stored_nodes(connection, wanted)
    if missing := wanted - nodes.keys():
        raise StoreError(f"the stored tree lacks node {min(missing)}; run `countenance ledger verify`")
    return lambda level, position: nodes[level, position]


def lost_checkpoints(connection: Connection) -> list[int]:
    """The sizes of the checkpoints that an entry was written after, and that are no longer there."""
    c = tables.entries.c
    there = select(tables.checkpoints.c.size).where(tables.checkpoints.c.size == c.sequence)
    query = select(c.sequence).where(place_in(c.entry, AFTER_CHECKPOINT) > 0, ~there.exists()).order_by(c.sequence)
    return list(connection.execute(query).scalars())


_CHARGED = Direct(
    select(_E.sequence, _E.entry)
    .where(
        _E.sequence >= bindparam("start", type_=BigInteger),
        _E.sequence < bindparam("stop", type_=BigInteger),
        place_in(_E.entry, '"charged":"') > 0,
    )
    .order_by(_E.sequence.desc())
)
_LAST = Direct(select(func.max(_E.sequence)))


def named_heads(fetch: Fetch, start: int) -> tuple[int, Iterator[tuple[int, str]]]:
    """See `countenance.binding.NamedHeads`."""
    ((last,),) = fetch(_LAST)
    size = 0 if last is None else int(last) + 1
    return size, _heads(fetch, start, size)


def _heads(fetch: Fetch, start: int, size: int) -> Iterator[tuple[int, str]]:
    for stop in range(size, start, -PAGE):
        for sequence, entry in fetch(_CHARGED, start=max(start, stop - PAGE), stop=stop):
            head = json.loads(entry).get("charged")
            if isinstance(head, str):
                yield sequence, head
