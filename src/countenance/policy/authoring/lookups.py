"""Which clauses nobody held against their text lately: a law changes, and its pack goes on saying the old one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from countenance.policy.packs.pack import Pack

A_YEAR = 365
"""Days after which a clause is to be looked up again."""


@dataclass(frozen=True, slots=True)
class StaleClause:
    """A clause to be looked up. looked_up: the last day on which somebody did, None if nobody has."""

    pack: str
    clause: str
    source: str
    cite: str
    looked_up: date | None

    def sentence(self) -> str:
        """One line."""
        when = f"was last looked up on {self.looked_up}" if self.looked_up else "was never looked up"
        return f"{self.clause} {when}: {self.source}; {self.cite}"

    def record(self) -> dict[str, str | None]:
        """As plain JSON values."""
        day = self.looked_up.isoformat() if self.looked_up else None
        return {"pack": self.pack, "clause": self.clause, "source": self.source, "cite": self.cite, "looked_up": day}


def stale(pack: Pack, today: date, days: int = A_YEAR) -> Iterator[StaleClause]:
    """The clauses of `pack` that were not looked up in the `days` before `today`, or never."""
    for clause in pack.clauses:
        if clause.id == f"{pack.name}.open":
            continue
        if clause.looked_up is None or (today - clause.looked_up).days > days:
            yield StaleClause(pack.name, clause.id, clause.source, clause.cite, clause.looked_up)
