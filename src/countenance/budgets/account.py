"""The account: what calls were charged, as a chain of sealed rows whose heads the ledger's result entries name.

A row is sealed together with its number, its own random link and the link of the row before, so that without the key
none can be made, altered, moved or taken out from between others. Rows taken from the end are missed by the entries:
each call's result names the row of its charge (`charged`), is written only where that row is there, in the same
transaction, and no answer leaves before that entry is on the disk. A row that no entry names yet may be lost, as with
the power, and its call has no answer then.

When the time of rows is over they are deleted, but for the last one, which is emptied and sealed as the first of the
chain. Only somebody with the key can do that, so that whoever deletes the first rows by hand is noticed.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countenance.binding import Fetch, NamedHeads
from countenance.budgets.tables import charges
from countenance.database import Direct, Transaction
from countenance.errors import NotAsRecorded

_LINK = 16
_FIRST = bytes(_LINK)  # in place of the link before, in the first row
_NUMBER = struct.Struct(">q")
_HEAD = struct.Struct(">qI")  # the time; how many sums are charged
_SUM = struct.Struct(">16s?q")  # which; whether by the day; how much
_SKETCH = 16 + 48
HOUR_US = 3600 * 1_000_000

_ROWS = Direct(sa.select(charges).where(charges.c.number >= sa.bindparam("start")).order_by(charges.c.number))
_LINK_OF = Direct(sa.select(charges.c.link).where(charges.c.number == sa.bindparam("number")))
_ADD = Direct(sa.insert(charges))
_EMPTY = Direct(sa.text("UPDATE budget_charges SET sealed = :sealed WHERE number = :last"))
_DROP = Direct(sa.text("DELETE FROM budget_charges WHERE number < :last"))
_CLEAR = Direct(sa.text("DELETE FROM budget_charges WHERE number >= :zero"))


@dataclass(frozen=True, slots=True)
class Charge:
    """What one call was charged. at_us: when, in microseconds since 1970.

    sums: (16 bytes that say of what, whether it counts for a day rather than a minute, how much). sketches: (16 bytes
    that say where, 48 bytes) of each probe that is kept.
    """

    at_us: int
    sums: Sequence[tuple[bytes, bool, int]] = ()
    sketches: Sequence[tuple[bytes, bytes]] = ()

    def packed(self) -> bytes:
        """As bytes, for `read`."""
        parts = [_HEAD.pack(self.at_us, len(self.sums)), *(_SUM.pack(*each) for each in self.sums)]
        return b"".join([*parts, *(where + sketch for where, sketch in self.sketches)])

    @classmethod
    def read(cls, packed: bytes) -> Charge:
        """What `packed` gave."""
        at_us, count = _HEAD.unpack_from(packed)
        end = _HEAD.size + count * _SUM.size
        sums = list(_SUM.iter_unpack(packed[_HEAD.size : end]))
        parts = (packed[start : start + _SKETCH] for start in range(end, len(packed), _SKETCH))
        return cls(at_us, sums, [(part[:16], part[16:]) for part in parts])


@dataclass(slots=True)
class _Chain:
    """The rows that this process has read. links: 16 bytes of each, from number `first` on.

    hours: the last row of each hour since 1970, and when that was.
    """

    first: int = 0
    last: int = 0
    links: bytearray = field(default_factory=bytearray)
    hours: dict[int, tuple[int, int]] = field(default_factory=dict)

    def link(self, number: int) -> bytes:
        at = (number - self.first) * _LINK
        return bytes(self.links[at : at + _LINK])

    @property
    def last_link(self) -> bytes:
        return self.link(self.last) if self.links else _FIRST

    def add(self, number: int, link: bytes, at_us: int) -> None:
        if not self.links:
            self.first = number
        self.links += link
        self.last = number
        self.hours[at_us // HOUR_US] = number, at_us

    def forget_before(self, number: int) -> None:
        del self.links[: (number - self.first) * _LINK]
        self.first = max(number, self.first)


class Account:
    """The chain in one database, as far as this process has read it. Not safe to use from several threads.

    key: 32 bytes, secret. named: the heads that the ledger's entries name.
    """

    def __init__(self, key: bytes, named: NamedHeads) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"charges" + key).digest())
        self._named = named
        self._chain = _Chain()
        self._entries = 0  # how many were looked at for heads

    def news(self, fetch: Fetch) -> tuple[bool, list[Charge]]:
        """The charges since the last time; and whether they are all there are, so that what was read before is void.

        `NotAsRecorded` where the rows are not those that were charged.
        """
        entries, heads = self._named(fetch, self._entries)  # before the rows, so that each head's row is there
        chain = self._chain
        rows = fetch(_ROWS, start=chain.last)
        anew = not (chain.links and rows and rows[0][:2] == (chain.last, chain.last_link))
        if anew:  # nothing was read yet; or others deleted what is over, or lost what no entry names
            entries, heads = self._named(fetch, 0)
            chain, rows = _Chain(), fetch(_ROWS, start=0)
        self._chain = _Chain()  # unless all of it is right
        charges_ = []
        for number, link, sealed in rows if anew else rows[1:]:
            charge = self._opened(number, link, chain.last_link, sealed)
            if charge is None or (chain.links and number != chain.last + 1):
                raise _not_as_recorded()
            chain.add(number, link, charge.at_us)
            charges_.append(charge)
        if next(_missed(chain, heads), None) is not None:
            raise _not_as_recorded()
        self._chain, self._entries = chain, entries
        return anew, charges_

    def add(self, transaction: Transaction, charge: Charge) -> str:
        """Write a charge after those read in this transaction; its head, for the result's entry."""
        return self._write(transaction, [charge], self._chain.last, self._chain.last_link)

    def check(self, head: str, transaction: Transaction) -> None:
        """`NotAsRecorded` unless the row of that head is there; a result that names it is written in `transaction`."""
        number, _, link = head.partition(":")
        if transaction.rows(_LINK_OF, number=int(number)) != [(bytes.fromhex(link),)]:
            raise NotAsRecorded(
                "what this call was charged was removed before its result was recorded; it has no answer"
            )

    def drop(self, transaction: Transaction, before_us: int) -> None:
        """Delete the rows of hours that ended before that time, in the transaction in which they were read."""
        over = [hour for hour in self._chain.hours if (hour + 1) * HOUR_US <= before_us]
        if over:
            last, at_us = self._chain.hours[over[-1]]
            emptied = self._sealed(last, self._chain.link(last), _FIRST, Charge(at_us))
            transaction.many(_EMPTY, [{"last": last, "sealed": emptied}])
            transaction.many(_DROP, [{"last": last}])
            self._chain.forget_before(last)
            for hour in over:
                del self._chain.hours[hour]

    def differences(self, fetch: Fetch) -> Iterator[str]:
        """A sentence for each row that is not as it was charged, or gone."""
        _, heads = self._named(fetch, 0)
        chain = _Chain()
        for number, link, sealed in fetch(_ROWS, start=0):
            charge = self._opened(number, link, chain.last_link, sealed)
            gap = number - chain.last - 1 if chain.links else 0
            if gap:
                yield f"budget_charges, rows {chain.last + 1} to {number - 1} are gone"
            elif charge is None and chain.links:
                yield f"budget_charges, row {number} is not as it was charged"
            elif charge is None:
                yield f"budget_charges, row {number} is not as it was charged, or rows before it are gone"
            chain.links += bytes(_LINK * gap)
            chain.add(number, link if isinstance(link, bytes) and len(link) == _LINK else bytes(_LINK), 0)
        for entry, head in _missed(chain, heads):
            yield f"budget_charges, row {head.partition(':')[0]}, which entry {entry} recorded, is gone or another"

    def key_fits(self, fetch: Fetch) -> bool:
        """Whether any of the rows was sealed with this key; True where there is none."""
        charges_ = self._read(fetch(_ROWS, start=0))
        return not charges_ or any(charge is not None for charge in charges_)

    def accept(self, transaction: Transaction) -> tuple[int, str]:
        """Make a new chain of the charges that can be read; how many differences that ended, and its head."""
        ended = sum(1 for _ in self.differences(transaction.rows))
        rows = transaction.rows(_ROWS, start=0)
        kept = [charge for charge in self._read(rows) if charge is not None]
        _, heads = self._named(transaction.rows, 0)
        numbers = [row[0] for row in rows] + [int(head.partition(":")[0]) for _, head in heads]
        transaction.many(_CLEAR, [{"zero": 0}])
        first = Charge(kept[0].at_us if kept else 0)
        return ended, self._write(transaction, [first, *kept], max(numbers, default=0), _FIRST)

    def _write(self, transaction: Transaction, charges_: Iterable[Charge], number: int, link: bytes) -> str:
        """Rows that follow row `number` with that link."""
        for charge in charges_:
            before, link, number = link, os.urandom(_LINK), number + 1
            sealed = self._sealed(number, link, before, charge)
            transaction.many(_ADD, [{"number": number, "link": link, "sealed": sealed}])
        return f"{number}:{link.hex()}"

    def _sealed(self, number: int, link: bytes, before: bytes, charge: Charge) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, charge.packed(), _NUMBER.pack(number) + before + link)

    def _read(self, rows: Sequence[Any]) -> list[Charge | None]:
        """The charges of all rows, in order; None for one that does not open after the row before it."""
        befores = [_FIRST, *(row[1] for row in rows)]
        return [self._opened(row[0], row[1], before, row[2]) for row, before in zip(rows, befores, strict=False)]

    def _opened(self, number: int, link: bytes, before: bytes, sealed: bytes) -> Charge | None:
        """The charge of a row; None where it is not one that was written after the row of that link."""
        try:
            place = _NUMBER.pack(number) + before + link
            return Charge.read(self._cipher.decrypt(sealed[:12], sealed[12:], place))
        except (InvalidTag, ValueError, TypeError):  # TypeError: SQLite keeps a text or a number in any column
            return None


def _missed(chain: _Chain, heads: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Those of `heads`, the newest first, whose row is not in `chain`; (entry, head)."""
    for entry, head in heads:
        number = int(head.partition(":")[0])
        if number < chain.first:
            return  # its time was over
        if number > chain.last or head != f"{number}:{chain.link(number).hex()}":
            yield entry, head


def _not_as_recorded() -> NotAsRecorded:
    return NotAsRecorded(
        "what budgets have counted is not as the ledger recorded it, so nothing is compared; "
        "`countenance ledger verify` names the row"
    )
