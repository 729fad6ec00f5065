"""A ledger in memory: the shape of `countenance.ledger.Ledger`, with real receipts and checkpoints and no disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from countenance.errors import NotFound, NotRecorded
from countenance.ledger import Checkpoint, Entry, Pending, Receipt, SignedCheckpoint, merkle
from countenance.ledger.checkpoint import sign_checkpoint
from countenance.ledger.entries import Opening, compose, draft, timestamp
from countenance.ledger.receipt import sign_receipt
from countenance.signing import JSON, Signer

ORIGIN = "ledger.test"


class FakeLedger:
    """Set `refuses` and every later append's `wait` raises `NotRecorded`, as on a full disk."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self.origin = ORIGIN
        self.refuses = False
        self.hastened = 0
        self._now = now
        self._signer = Signer(bytes(32))
        self._entries: list[Entry] = []
        self._receipts: list[Receipt] = []
        self._openings: dict[int, dict[str, JSON]] = {}

    def append(
        self, public: Mapping[str, JSON], private: Mapping[str, JSON] | None = None, check: object = None
    ) -> Pending:
        drafted = draft(public, private)
        if self.refuses:
            return Pending(_full)
        index = len(self._entries)
        openings = [Opening(name, index.to_bytes(32), value) for name, value in drafted.private.items()]
        commitments = {opening.name: opening.commitment for opening in openings}
        text = compose(drafted, commitments, index, timestamp(self._now()))
        self._entries.append(Entry.parse(text))
        self._receipts.append(sign_receipt(ORIGIN, index, merkle.leaf_hash(text.encode()), self._signer))
        self._openings[index] = {opening.name: json.loads(opening.value) for opening in openings}
        return Pending(lambda _: self._receipts[index], self._hasten)

    def _hasten(self) -> None:
        self.hastened += 1

    @property
    def size(self) -> int:
        return len(self._entries)

    def entry(self, index: int) -> Entry:
        if not 0 <= index < len(self._entries):
            raise NotFound(f"no entry {index}")
        return self._entries[index]

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        return iter(self._entries[start:stop])

    def receipt(self, index: int) -> Receipt:
        self.entry(index)
        return self._receipts[index]

    def openings(self, index: int) -> dict[str, JSON]:
        return dict(self._openings.get(index, {}))

    def open_decisions(self) -> list[Entry]:
        closed = {entry.fields.get("decision") for entry in self._entries if entry.kind == "result"}
        return [
            entry
            for entry in self._entries
            if entry.kind == "decision"
            and entry.fields.get("verdict", "permit") == "permit"
            and entry.sequence not in closed
        ]

    def checkpoint(self) -> SignedCheckpoint:
        root = merkle.tree_hash([receipt.leaf_hash for receipt in self._receipts])
        return sign_checkpoint(Checkpoint(ORIGIN, len(self._entries), root), self._signer)

    def erase_openings(self, index: int) -> int:
        return len(self._openings.pop(index, {}))

    def close(self) -> None:
        self.refuses = True


def _full(_: float) -> Receipt:
    raise NotRecorded("the ledger could not be written: the disk is full")
