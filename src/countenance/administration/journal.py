"""The journal of administration: every change is an entry of the ledger before it is in force."""

from __future__ import annotations

from collections.abc import Mapping

from countenance.ledger import Ledger
from countenance.signing import JSON


class Journal:
    """Records changes of one kind (mandate, operator, custody, moratorium) in the ledger."""

    def __init__(self, ledger: Ledger, kind: str) -> None:
        self._ledger = ledger
        self._kind = kind

    def record(self, change: str, public: Mapping[str, JSON], private: Mapping[str, JSON | None] | None = None) -> None:
        """Enter `change` and wait until the entry is on the disk; `NotRecorded` where that fails.

        public: what the entry shows. private: what it commits to without showing it; values of None are left out.
        """
        entry: dict[str, JSON] = {"kind": self._kind, "change": change, **public}
        self._ledger.append(entry, {name: value for name, value in (private or {}).items() if value is not None}).wait()
