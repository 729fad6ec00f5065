"""One transaction's worth of new entries: numbered, committed to, hashed and signed on top of a known tail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from sqlalchemy import Connection, bindparam, delete, insert

from countenance.database import Direct, Transaction
from countenance.errors import ClockBack, Conflict, StoreError
from countenance.ledger import merkle, records, tables
from countenance.ledger.checkpoint import Checkpoint, SignedCheckpoint, sign_checkpoint
from countenance.ledger.entries import SALT_BYTES, Draft, Entry, commitment, compose
from countenance.ledger.notes import NoteKey
from countenance.ledger.receipt import Receipt, promise
from countenance.signing import Signer

Promised: TypeAlias = Callable[[], Receipt]
"""The receipt of an entry that was added, for when its transaction is durable."""
_Row: TypeAlias = dict[str, Any]

# Every transaction uses these statements, so they are built once.
_ENTRIES, _NODES, _OPENINGS, _OPENED, _CHECKPOINTS = (
    Direct(insert(table))
    for table in (tables.entries, tables.nodes, tables.openings, tables.open_decisions, tables.checkpoints)
)
_CLOSE = Direct(delete(tables.open_decisions).where(tables.open_decisions.c.sequence == bindparam("index")))


@dataclass(frozen=True, slots=True)
class LogTail:
    """The end of the ledger as hashed by this process. time and leaf: of the last entry (empty for an empty ledger).
    checkpoint: the newest one that was signed.
    """

    frontier: merkle.Frontier = field(default_factory=merkle.Frontier)
    time: str = ""
    leaf: bytes = b""
    checkpoint: SignedCheckpoint | None = None

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self.frontier.size

    @property
    def end(self) -> records.End:
        """The end that the database shows if nobody else has written since."""
        return records.End(self.size, self.leaf, 0 if self.checkpoint is None else self.checkpoint.size)

    @property
    def checkpointed(self) -> bool:
        """Whether a checkpoint covers all of them."""
        return self.checkpoint is not None and self.checkpoint.size == self.size


def follow(connection: Connection, tail: LogTail, key: NoteKey) -> LogTail:
    """`tail` moved past what other processes have appended since; every new entry is hashed here.

    From an empty tail it starts at the newest checkpoint, which `key` must have signed, instead of at the beginning.
    `StoreError` says what is wrong if the database does not hold what it should.
    """
    checkpoint = records.newest_checkpoint(connection)
    if tail.size == 0 and checkpoint is not None:
        tail = _resume(connection, checkpoint, key)
    size = records.size_of(connection)
    if size < tail.size:
        raise StoreError(f"the database holds {size} entries; {tail.size} were recorded or signed for")
    if tail.size and [row.leaf_hash for row in records.stored(connection, tail.size - 1, tail.size)] != [tail.leaf]:
        raise StoreError(f"entry {tail.size - 1} is no longer the one that was recorded")
    frontier = tail.frontier
    for row in records.stored(connection, tail.size, size):
        leaf = merkle.leaf_hash(row.text.encode())
        if row.sequence != frontier.size or row.leaf_hash != leaf:
            raise StoreError(f"entry {frontier.size} is missing or not as it was recorded")
        last = Entry.parse(row.text)
        if last.kind == "key" and last.fields.get("key") != str(key):
            raise StoreError(
                f"since entry {row.sequence} the ledger is signed by another key; open it again with that one"
            )
        frontier, _ = frontier.grown(leaf)
        tail = LogTail(frontier, last.time, leaf)
    return replace(tail, checkpoint=checkpoint)


def _resume(connection: Connection, checkpoint: SignedCheckpoint, key: NoteKey) -> LogTail:
    if not checkpoint.signed_by(key):
        raise StoreError(
            f"the newest checkpoint is of the ledger {checkpoint.checkpoint.origin!r} and not signed by this "
            f"installation's ledger key {key.key_id.hex()}"
        )
    size = checkpoint.size
    wanted = {(level, (size >> level) - 1) for level in range(size.bit_length()) if size >> level & 1}
    frontier = merkle.Frontier.of(size, records.lookup_in(connection, wanted))
    if frontier.root() != checkpoint.root:
        raise StoreError(f"the stored tree is not the one that was signed at {size} entries")
    last = next(records.stored(connection, size - 1, size), None)
    if last is None or last.leaf_hash != merkle.leaf_hash(last.text.encode()):
        raise StoreError(f"entry {size - 1} is missing or not as it was recorded")
    return LogTail(frontier, Entry.parse(last.text).time, last.leaf_hash, checkpoint)


class Batch:
    """Entries to follow `tail`, all with the time `time`; `write` puts them into an open transaction.

    Each is numbered and put into words as it is added; all are hashed into the tree and signed together, which takes
    less of the processor than one by one: signing and Python's own work each need its caches.

    tail: the end as hashed so far. bound, released: (table, commitment) that its entries bind and release; see
    `countenance.ledger.bindings`.
    """

    def __init__(self, tail: LogTail, time: str, origin: str, signer: Signer, entropy: Callable[[int], bytes]) -> None:
        self.tail = tail
        self._time = time
        self._latest = tail.time
        self._origin = origin
        self.signer = signer
        self._entropy = entropy
        self._added: list[_Row] = []
        self._entries: list[_Row] = []
        self._nodes: list[_Row] = []
        self._openings: list[_Row] = []
        self._opened: set[int] = set()
        self._closed: set[int] = set()
        self._checkpoints: list[SignedCheckpoint] = []
        self.bound: set[tuple[str, str]] = set()
        self.released: set[tuple[str, str]] = set()
        if tail.size == 0:
            self.add(Draft.of({"kind": "key", "key": str(NoteKey(origin, signer.public))}))

    def check_clock(self) -> None:
        """`ClockBack` if the clock is behind the last entry's time."""
        if self._time < self._latest:
            raise ClockBack(
                f"the clock reads {self._time}, and the last entry was written at {self._latest}; nothing is "
                "answered until that moment is past. If the clock is right now, record the step with `countenance "
                "ledger clock`"
            )

    def add(self, draft: Draft) -> Promised:
        """Append one entry; `ClockBack` if the clock went backwards. The receipt is there once it is written."""
        self.check_clock()
        return self._add(draft)

    def add_clock_step(self, reason: str) -> Promised:
        """Append the entry that records that the clock was put back, and why. `Conflict` if it was not."""
        if self._time >= self._latest:
            raise Conflict(f"the clock is not behind the last entry, which was written at {self._latest}")
        return self._add(Draft.of({"kind": "clock", "previous": self._latest, "reason": reason}))

    def checkpoint(self) -> SignedCheckpoint:
        """A signed checkpoint of everything up to here; the stored one, if it already covers everything."""
        self._sign()
        if not self.tail.checkpointed:
            checkpoint = Checkpoint(self._origin, self.tail.size, self.tail.frontier.root())
            signed = sign_checkpoint(checkpoint, self.signer)
            self._checkpoints.append(signed)
            self.tail = replace(self.tail, checkpoint=signed)
        assert self.tail.checkpoint is not None
        return self.tail.checkpoint

    def hand_over(self, successor: Signer) -> Promised:
        """Append the entry, signed by the key so far, that names the key which signs everything after it."""
        receipt = self.add(Draft.of({"kind": "key", "key": str(NoteKey(self._origin, successor.public))}))
        self._sign()
        self.signer = successor
        return receipt

    def write(self, transaction: Transaction) -> None:
        """Put everything into `transaction`."""
        self._sign()
        transaction.many(_ENTRIES, self._entries)
        transaction.many(_NODES, self._nodes)
        transaction.many(_OPENINGS, self._openings)
        transaction.many(_OPENED, [{"sequence": index} for index in sorted(self._opened)])
        transaction.many(_CLOSE, [{"index": index} for index in sorted(self._closed)])
        transaction.many(_CHECKPOINTS, [{"size": each.size, "note": str(each)} for each in self._checkpoints])

    def _add(self, draft: Draft) -> Promised:
        index, time, origin = self.tail.size + len(self._added), self._time, self._origin
        salts = self._entropy(SALT_BYTES * len(draft.private))
        commitments = {}
        for at, (name, value) in enumerate(draft.private.items()):
            salt = salts[at * SALT_BYTES :][:SALT_BYTES]
            commitments[name] = commitment(salt, value)
            self._openings.append({"sequence": index, "name": name, "time": time, "salt": salt, "value": value})
        after_checkpoint = not self._added and self.tail.checkpointed
        text = compose(draft, commitments, index, time, after_checkpoint=after_checkpoint)
        row: _Row = {"sequence": index, "entry": text, "leaf_hash": merkle.leaf_hash(text.encode())}
        self._added.append(row)
        self._latest = time
        if draft.opens:
            self._opened.add(index)
        if draft.closes is not None:
            self._closed.add(draft.closes)
        return lambda: Receipt(origin, index, row["leaf_hash"], row["signature"])  # outlives openings

    def _sign(self) -> None:
        """Hash into the tree and sign what was added since the last time."""
        if not self._added:
            return
        frontier = self.tail.frontier
        for row in self._added:
            frontier, nodes = frontier.grown(row["leaf_hash"])
            self._nodes += [{"level": n.level, "position": n.position, "hash": n.hash} for n in nodes[1:]]
        for row in self._added:
            row["signature"] = self.signer.sign(promise(self._origin, row["sequence"], row["leaf_hash"]))
        self.tail = LogTail(frontier, self._time, self._added[-1]["leaf_hash"], self.tail.checkpoint)
        self._entries += self._added
        self._added = []


def followed(transaction: Transaction, tail: LogTail, key: NoteKey) -> LogTail:
    """As `follow`, in a write transaction; one query suffices if nobody else has written."""
    if tail.size and records.end_in(transaction) == tail.end:
        return tail
    return follow(transaction.connection, tail, key)
