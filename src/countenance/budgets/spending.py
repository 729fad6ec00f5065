"""What was spent of budgets, in the one database: counted by all processes together, and kept when a process ends.

One write transaction reads the clock, sums up, compares and adds, so that two processes cannot spend the same
remainder. It does not wait for the disk: the result's entry, without which no answer leaves, is synced after it in the
same log.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import numpy as np
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from countenance.budgets.budget import Budget
from countenance.budgets.sketch import MOST_APART, Sketcher, apart
from countenance.budgets.tables import clock, sketches, spent
from countenance.database import Direct, Transaction, writing
from countenance.errors import BudgetSpent, Misconfigured

ALIKE_COST = 5
"""The cost of a comparison whose probe is a near-duplicate of a recent one."""

_SECOND_US = 1_000_000
_MINUTE, _DAY = 60 * _SECOND_US, 24 * 3600 * _SECOND_US
_SLOTS = {_MINUTE: 10 * _SECOND_US, _DAY: 3600 * _SECOND_US}  # times in one slot are counted as one
_REALMS = 64  # whose sketches are kept unsealed in memory

_CLOCK = Direct(sa.select(clock.c.at_us))
_TICK = Direct(
    sa.text("INSERT INTO budget_clock (one, at_us) VALUES (1, :at) ON CONFLICT (one) DO UPDATE SET at_us = :at")
)
_SUM = Direct(
    sa.select(sa.func.coalesce(sa.func.sum(spent.c.spent), 0)).where(
        spent.c.scope == sa.bindparam("scope"), spent.c.ends_us > sa.bindparam("now")
    )
)
_ADD = Direct(
    sa.text(
        "INSERT INTO budget_spent (scope, slot, spent, ends_us) VALUES (:scope, :slot, :more, :ends) "
        "ON CONFLICT (scope, slot) DO UPDATE SET spent = budget_spent.spent + :more"
    )
)
_NEW = Direct(
    sa.select(sketches.c.number, sketches.c.sealed, sketches.c.ends_us)
    .where(sketches.c.realm == sa.bindparam("realm"), sketches.c.number > sa.bindparam("last"))
    .order_by(sketches.c.number)
)
_KEEP = Direct(sa.text("INSERT INTO budget_sketches (realm, sealed, ends_us) VALUES (:realm, :sealed, :ends)"))
_OLD = tuple(
    Direct(sa.text(f"DELETE FROM {name} WHERE ends_us <= :now"))  # noqa: S608  # fixed names
    for name in ("budget_spent", "budget_sketches")
)


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
    """What is left after a charged call, under the names of `Budget`; and how many probes were near-duplicates."""

    left: Mapping[str, int]
    alike: int

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


class _Realm:
    """The recent sketches of one realm, unsealed: what this process has read so far."""

    def __init__(self) -> None:
        self.last = 0
        self.words = np.zeros((0, 4), np.uint64)
        self.marks: list[bytes] = []
        self.clusters: list[bytes] = []
        self.ends = np.zeros(0, np.int64)

    def forget(self, now_us: int) -> None:
        keep = np.flatnonzero(self.ends > now_us)
        if len(keep) < len(self.ends):
            self.words, self.ends = self.words[keep], self.ends[keep]
            self.marks, self.clusters = [self.marks[n] for n in keep], [self.clusters[n] for n in keep]

    def add(
        self, words: NDArray[np.uint64], marks: Iterable[bytes], clusters: Iterable[bytes], ends: Sequence[int]
    ) -> None:
        self.words = np.concatenate([self.words, words])
        self.marks += marks
        self.clusters += clusters
        self.ends = np.concatenate([self.ends, np.array(ends, np.int64)])


class Budgets:
    """The account of comparisons. key: 32 secret bytes that seal sketches and names. now: the clock, UTC."""

    def __init__(self, engine: sa.Engine, key: bytes, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._key = key
        self._seal = AESGCM(hashlib.sha256(b"sketches" + key).digest())
        self._sketcher = Sketcher(key)
        self._now = now
        self._realms: dict[str, _Realm] = {}
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
        words = marks = None
        if len(spending.probes):
            words = self._sketcher.sketch(spending.probes)
            marks = [self._sketcher.mark(vector) for vector in spending.probes]
        with self._lock, writing(self._engine, synced=False) as transaction:
            now_us = self._tick(transaction)
            alike: list[bytes] = []
            people: list[tuple[str, str]] = []
            cost, noticed = spending.comparisons, 0
            if words is not None and marks is not None:
                if keep_sketches:
                    clusters, alike = self._place(transaction, realm, words, marks, now_us)
                    noticed = len(alike)
                    people = [("probe", cluster.hex()) for cluster in clusters]
                else:
                    noticed = len(marks)
                    people = [("mark", mark.hex()) for mark in marks]
                cost += noticed * (ALIKE_COST - 1)
            charges: dict[str, tuple[str, int, int]] = {}  # scope -> (which, window, amount)

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
                charge("alike", _DAY, 1, realm, cluster.hex())
            left = self._charge(transaction, budget, charges, now_us)
            if noticed:
                self._add(transaction, self._name("noticed", mandate_id), _DAY, noticed, now_us)
        return Left(left, noticed)

    def state(self, mandate_id: str, budget: Budget) -> BudgetState:
        """What a mandate with that budget may still do now."""
        now_us = _us(self._now())

        def used(*names: str) -> int:
            return int(_SUM.rows(self._engine, scope=self._name(*names), now=now_us)[0][0])

        return BudgetState(
            budget,
            max(0, budget.minute - used("minute", str(_MINUTE), mandate_id)),
            max(0, budget.day - used("day", str(_DAY), mandate_id)),
            used("noticed", mandate_id),
        )

    def sweep(self) -> None:
        """Delete sums and sketches whose time is over."""
        with self._lock, writing(self._engine, synced=False) as transaction:
            self._delete_old(transaction, _us(self._now()))

    def _tick(self, transaction: Transaction) -> int:
        """The time, read while no other process can write; `BudgetSpent` if the clock was put back."""
        now_us = _us(self._now())
        seen = transaction.rows(_CLOCK)
        if seen and now_us < seen[0][0]:
            raise BudgetSpent(
                "the clock of this server went back, so budgets cannot be counted until it has caught up",
                "clock",
            )
        transaction.many(_TICK, [{"at": now_us}])
        if not seen or now_us // _MINUTE > seen[0][0] // _MINUTE:
            self._delete_old(transaction, now_us)
        return now_us

    def _delete_old(self, transaction: Transaction, now_us: int) -> None:
        for statement in _OLD:
            transaction.many(statement, [{"now": now_us}])

    def _charge(
        self, transaction: Transaction, budget: Budget, charges: Mapping[str, tuple[str, int, int]], now_us: int
    ) -> dict[str, int]:
        left: dict[str, int] = {}
        for scope, (which, window, amount) in charges.items():
            most = getattr(budget, which)
            rest = most - transaction.rows(_SUM, scope=scope, now=now_us)[0][0] - amount
            if rest < 0:
                raise BudgetSpent(_said(which, most), which, 60 if window == _MINUTE else 3600)
            left[which] = min(rest, left.get(which, rest))
        for scope, (_, window, amount) in charges.items():
            self._add(transaction, scope, window, amount, now_us)
        return left

    def _add(self, transaction: Transaction, scope: str, window: int, more: int, now_us: int) -> None:
        slot = now_us // _SLOTS[window]
        ends = (slot + 1) * _SLOTS[window] + window
        transaction.many(_ADD, [{"scope": scope, "slot": slot, "more": more, "ends": ends}])

    def _place(
        self, transaction: Transaction, realm: str, words: NDArray[np.uint64], marks: Sequence[bytes], now_us: int
    ) -> tuple[list[bytes], list[bytes]]:
        """The cluster of each probe, and the clusters of those that are near-duplicates, not repetitions, of others."""
        known = self._known(transaction, realm, now_us)
        near = _Realm()  # of this call only: notes of a transaction that is rolled back must not stay
        clusters, alike = [], []
        ends = now_us + _DAY
        for word, mark in zip(words, marks, strict=True):
            cluster, repeated = None, False
            for each in (known, near):
                if len(each.marks):
                    distance = apart(word, each.words)
                    nearest = int(distance.argmin())
                    if distance[nearest] <= MOST_APART:
                        cluster = cluster or each.clusters[nearest]
                        repeated = repeated or any(
                            each.marks[n] == mark for n in np.flatnonzero(distance == distance[nearest])
                        )
            if cluster is not None and not repeated:
                alike.append(cluster)
            cluster = cluster or os.urandom(8)
            clusters.append(cluster)
            if not repeated:
                near.add(word[None, :], [mark], [cluster], [ends])
        rows = []
        for word, mark, cluster in zip(near.words, near.marks, near.clusters, strict=True):
            nonce = os.urandom(12)
            sealed = nonce + self._seal.encrypt(nonce, word.tobytes() + mark + cluster, realm.encode())
            rows.append({"realm": realm, "sealed": sealed, "ends": ends})
        transaction.many(_KEEP, rows)
        return clusters, alike

    def _known(self, transaction: Transaction, realm: str, now_us: int) -> _Realm:
        """The sketches of a realm. Those read before are kept in memory; no number is reused."""
        known = self._realms.pop(realm, None) or _Realm()
        self._realms[realm] = known  # ordered by last use
        if len(self._realms) > _REALMS:
            del self._realms[next(iter(self._realms))]
        known.forget(now_us)
        rows = transaction.rows(_NEW, realm=realm, last=known.last)
        if rows:
            try:
                texts = [self._seal.decrypt(sealed[:12], sealed[12:], realm.encode()) for _, sealed, _ in rows]
            except InvalidTag as error:
                raise Misconfigured("sketches of probes were sealed by another installation's key file") from error
            words = np.frombuffer(b"".join(text[:32] for text in texts), np.uint64).reshape(-1, 4)
            known.add(words, [text[32:40] for text in texts], [text[40:48] for text in texts], [row[2] for row in rows])
            known.last = rows[-1][0]
        return known

    def _name(self, *parts: str) -> str:
        text = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
        return hashlib.blake2b(text, key=self._key, digest_size=16).hexdigest()


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


def _us(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * _SECOND_US)
