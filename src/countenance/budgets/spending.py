"""What was spent of budgets, in the one database: counted by all processes together, and kept when a process ends.

One write transaction reads the clock and what other processes charged, compares and adds, so that two processes cannot
spend the same remainder. It does not wait for the disk: the result's entry, which names the charge and without which no
answer leaves, is synced after it in the same log. Sums and sketches of the last day are in memory, read from the
account.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from countenance.binding import Fetch, NamedHeads, no_heads
from countenance.budgets.account import HOUR_US, Account, Charge
from countenance.budgets.budget import Budget
from countenance.budgets.sketch import MOST_APART, Sketcher, apart
from countenance.database import Transaction, reading, writing
from countenance.errors import BudgetSpent

ALIKE_COST = 5
"""The cost of a comparison whose probe is a near-duplicate of a recent one."""

_SECOND_US = 1_000_000
_MINUTE, _DAY = 60 * _SECOND_US, 24 * HOUR_US
_SLOTS = {_MINUTE: 10 * _SECOND_US, _DAY: HOUR_US}  # times in one slot are counted as one


@dataclass(frozen=True, slots=True)
class Spending:
    """What one call is to be charged for.

    comparisons: of a probe with a gallery, a user or a face. probes: their templates, (n, d), n <= comparisons.
    subjects: enrolled faces or users that the probe is compared with, such as ("user", "u-1"); each is charged one
    comparison for each time it is named. by_probe: whether the people in the probes are subjects as well.
    """

    comparisons: int
    probes: NDArray[Any] = field(default_factory=lambda: np.zeros((0, 1), np.float32))
    subjects: tuple[tuple[str, str], ...] = ()
    by_probe: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """What is left after a charged call, under the names of `Budget`; and how many probes were near-duplicates.

    charged: what the result's entry says of the charge.
    """

    left: Mapping[str, int]
    alike: int
    charged: str

    def header(self) -> str:
        """As text for an answer's header."""
        return ", ".join(f"{name}={number}" for name, number in self.left.items())


@dataclass(frozen=True, slots=True)
class BudgetState:
    """What a mandate may still do now. minute, day: comparisons left. alike: near-duplicate probes in 24 hours."""

    budget: Budget
    minute: int
    day: int
    alike: int


class _Sketches:
    """The recent sketches of one realm. words: (n, 6): four of the sketch, its template's mark, its cluster."""

    def __init__(self) -> None:
        self.words = np.zeros((0, 6), np.uint64)
        self.ends = np.zeros(0, np.int64)

    def forget(self, now_us: int) -> None:
        keep = self.ends > now_us
        if not keep.all():
            self.words, self.ends = self.words[keep], self.ends[keep]

    def add(self, words: NDArray[np.uint64], ends_us: int) -> None:
        self.words = np.concatenate([self.words, words])
        self.ends = np.append(self.ends, np.full(len(words), ends_us))

    def nearest(self, sketch: NDArray[np.uint64], mark: np.uint64) -> tuple[np.uint64 | None, bool]:
        """The cluster of the nearest near-duplicate, if any; whether one as near has that mark."""
        if not len(self.words):
            return None, False
        distance = apart(sketch, self.words[:, :4])
        nearest = int(distance.argmin())
        if distance[nearest] > MOST_APART:
            return None, False
        return self.words[nearest, 5], bool((self.words[distance == distance[nearest], 4] == mark).any())


class Budgets:
    """The account of comparisons. key: 32 secret bytes that seal it. now: the clock, UTC.

    named: the charges that the ledger's entries name. Every call that charges asks whether what it reads is as it was
    charged, `NotAsRecorded` if it is not.
    """

    def __init__(
        self, engine: sa.Engine, key: bytes, now: Callable[[], datetime], named: NamedHeads = no_heads
    ) -> None:
        self._engine = engine
        self._key = key
        self._account = Account(key, named)
        self._sketcher = Sketcher(key)
        self._now = now
        self._spent: dict[bytes, dict[int, int]] = {}  # of what -> until when -> how much
        self._sketches: dict[bytes, _Sketches] = defaultdict(_Sketches)
        self._latest_us = 0
        self._lock = Lock()

    def spend(
        self,
        mandate_id: str,
        access_key: str,
        gallery_id: str | None,
        budget: Budget,
        spending: Spending,
        *,
        keep_sketches: bool = True,
    ) -> Left:
        """Charge a call. `BudgetSpent`, and nothing charged, if that is more than is left or the clock went back.

        keep_sketches: False if no trace of a probe may be kept: then each counts as a near-duplicate.
        """
        realm = self._name("realm", mandate_id, "" if gallery_id is None else f"g:{gallery_id}")
        probes = np.zeros((0, 5), np.uint64)
        if len(spending.probes):
            marks = [np.frombuffer(self._sketcher.mark(vector), np.uint64) for vector in spending.probes]
            probes = np.hstack([self._sketcher.sketch(spending.probes), np.stack(marks)])
        with self._lock, writing(self._engine, synced=False) as transaction:
            now_us = self._tick(transaction)
            kept = np.zeros((0, 6), np.uint64)
            alike: list[np.uint64] = []
            if keep_sketches:
                clusters, alike, kept = self._place(realm, probes, now_us)
                noticed = len(alike)
                people = [("probe", f"{cluster:016x}") for cluster in clusters]
            else:
                noticed = len(probes)
                people = [("mark", f"{mark:016x}") for mark in probes[:, 4]]
            cost = spending.comparisons + noticed * (ALIKE_COST - 1)
            charges: dict[bytes, tuple[str, int, int]] = {}  # of what -> (which, window, amount)

            def charge(which: str, window: int, amount: int, *names: str) -> None:
                if amount:
                    scope = self._name(which, str(window), mandate_id, *names)
                    charges[scope] = (which, window, amount + charges.get(scope, ("", 0, 0))[2])

            charge("minute", _MINUTE, cost)
            charge("day", _DAY, cost)
            charge("key", _DAY, cost, access_key)
            if gallery_id is not None:
                charge("gallery", _DAY, cost, gallery_id)
            for kind, name in (*spending.subjects, *(people if spending.by_probe else ())):
                charge("subject", _DAY, 1, gallery_id or "", kind, name)
            for cluster in alike:
                charge("alike", _DAY, 1, realm.hex(), f"{cluster:016x}")
            left = self._left(budget, charges, now_us)
            sums = [(scope, window == _DAY, amount) for scope, (_, window, amount) in charges.items()]
            if noticed:
                sums.append((self._name("noticed", mandate_id), True, noticed))
            charged = self._account.add(transaction, Charge(now_us, sums, [(realm, each.tobytes()) for each in kept]))
        return Left(left, noticed, charged)

    def state(self, mandate_id: str, budget: Budget) -> BudgetState:
        """What a mandate with that budget may still do now."""
        now_us = _us(self._now())
        with self._lock:
            self._read(lambda statement, **values: statement.rows(self._engine, **values))

            def used(*names: str) -> int:
                return self._used(self._name(*names), now_us)

            return BudgetState(
                budget,
                max(0, budget.minute - used("minute", str(_MINUTE), mandate_id)),
                max(0, budget.day - used("day", str(_DAY), mandate_id)),
                used("noticed", mandate_id),
            )

    def check_charge(self, charged: str, transaction: Transaction) -> None:
        """`NotAsRecorded` where the row of a charge is gone or another; charged: what `Left.charged` says."""
        self._account.check(charged, transaction)

    def sweep(self) -> None:
        """Delete charges whose time is over."""
        with self._lock, writing(self._engine, synced=False) as transaction:
            self._read(transaction.rows)
            self._forget(transaction, _us(self._now()))

    def differences(self) -> list[str]:
        """A sentence for each row of the account that is not as it was charged, or gone."""
        with reading(self._engine) as connection:
            cursor = connection.connection.cursor()
            return list(
                self._account.differences(
                    lambda statement, **values: statement.fetch(cursor, self._engine.dialect, values)
                )
            )

    def key_fits(self) -> bool:
        """Whether charges were sealed with this key; True where there is none to tell by."""
        return self._account.key_fits(lambda statement, **values: statement.rows(self._engine, **values))

    def accept(self, transaction: Transaction) -> tuple[int, str]:
        """Begin a new account with the charges that can be read; how many differences that ended, and what the entry
        that records it says of it.
        """
        return self._account.accept(transaction)

    def _tick(self, transaction: Transaction) -> int:
        """The time, read while no other process can write; `BudgetSpent` if the clock was put back."""
        now_us = _us(self._now())
        before_us = self._latest_us
        self._read(transaction.rows)
        if now_us < self._latest_us:
            raise BudgetSpent(
                "the clock of this server went back, so budgets cannot be counted until it has caught up",
                "clock",
            )
        if now_us // HOUR_US > before_us // HOUR_US:
            self._forget(transaction, now_us)
        return now_us

    def _read(self, fetch: Fetch) -> None:
        """Take up what was charged since the last time, by this process or another."""
        anew, charges = self._account.news(fetch)
        if anew:
            self._spent.clear()
            self._sketches.clear()
            self._latest_us = 0
        for charge in charges:
            for scope, daily, amount in charge.sums:
                window = _DAY if daily else _MINUTE
                ends = (charge.at_us // _SLOTS[window] + 1) * _SLOTS[window] + window
                of = self._spent.setdefault(scope, {})
                of[ends] = of.get(ends, 0) + amount
            for realm, words in charge.sketches:
                self._sketches[realm].add(np.frombuffer(words, np.uint64)[None], charge.at_us + _DAY)
            self._latest_us = charge.at_us

    def _forget(self, transaction: Transaction, now_us: int) -> None:
        self._account.drop(transaction, now_us - _DAY)
        for scope, of in list(self._spent.items()):
            for ends in [ends for ends in of if ends <= now_us]:
                del of[ends]
            if not of:
                del self._spent[scope]
        for realm, sketches in list(self._sketches.items()):
            sketches.forget(now_us)
            if not len(sketches.words):
                del self._sketches[realm]

    def _used(self, scope: bytes, now_us: int) -> int:
        return sum(amount for ends, amount in self._spent.get(scope, {}).items() if ends > now_us)

    def _left(self, budget: Budget, charges: Mapping[bytes, tuple[str, int, int]], now_us: int) -> dict[str, int]:
        left: dict[str, int] = {}
        for which, _, amount in charges.values():
            if amount > getattr(budget, which):
                raise BudgetSpent(_beyond(which, amount, getattr(budget, which)), which, None)
        for scope, (which, window, amount) in charges.items():
            most = getattr(budget, which)
            rest = most - self._used(scope, now_us) - amount
            if rest < 0:
                raise BudgetSpent(_said(which, most), which, 60 if window == _MINUTE else 3600)
            left[which] = min(rest, left.get(which, rest))
        return left

    def _place(
        self, realm: bytes, probes: NDArray[np.uint64], now_us: int
    ) -> tuple[list[np.uint64], list[np.uint64], NDArray[np.uint64]]:
        """The cluster of each probe; the clusters of those that are near-duplicates, not repetitions, of others; and
        the sketches to keep.
        """
        known = self._sketches[realm] if realm in self._sketches else _Sketches()
        known.forget(now_us)
        near = _Sketches()  # of this call only
        clusters, alike = [], []
        for probe in probes:
            found = [each.nearest(probe[:4], probe[4]) for each in (known, near)]
            repeated = any(same for _, same in found)
            cluster = next((each for each, _ in found if each is not None), None)
            if cluster is None:
                cluster = np.uint64(int.from_bytes(os.urandom(8)))
            elif not repeated:
                alike.append(cluster)
            clusters.append(cluster)
            if not repeated:
                near.add(np.append(probe, cluster)[None], 0)
        return clusters, alike, near.words

    def _name(self, *parts: str) -> bytes:
        text = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
        return hashlib.blake2b(text, key=self._key, digest_size=16).digest()


_WORDS = {
    "minute": "{} comparisons a minute under this mandate",
    "day": "{} comparisons in 24 hours under this mandate",
    "key": "{} comparisons in 24 hours with this access key",
    "gallery": "{} comparisons in 24 hours in this gallery",
    "subject": "{} comparisons in 24 hours with one person",
    "alike": "{} near-duplicates in 24 hours of one picture",
}


def _said(which: str, most: int) -> str:
    return f"the budget of {_WORDS[which].format(most)} is spent; see docs/budgets.md"


def _beyond(which: str, amount: int, most: int) -> str:
    return (
        f"this call alone counts as {amount} and the whole budget is {_WORDS[which].format(most)}, so waiting does not "
        f"help: send calls that count as {most} at most, with fewer faces each, or have the mandate's budget raised; "
        "see docs/budgets.md"
    )


def _us(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * _SECOND_US)
