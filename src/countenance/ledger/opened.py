"""Whether the openings beside the ledger are those of its commitments: none edited, none missing without an erasure."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, select

from countenance.database import reading
from countenance.ledger import tables
from countenance.ledger.entries import Entry, Opening
from countenance.ledger.records import PAGE, size_of, stored


def opening_differences(engine: Engine) -> list[str]:
    """A sentence for each opening that opens no commitment or is missing but not erased; none holds a private value."""
    wrong: list[str] = []
    missing: set[tuple[int, str]] = set()
    erased: set[tuple[int, str]] = set()
    c = tables.openings.c
    with reading(engine) as connection:
        size = size_of(connection)
        for start in range(0, size, PAGE):
            stop = min(start + PAGE, size)
            rows = connection.execute(select(tables.openings).where(c.sequence >= start, c.sequence < stop))
            kept = {(row.sequence, row.name): (Opening(row.name, row.salt, row.value), row.time) for row in rows}
            for row in stored(connection, start, stop):
                if '"commitments":' not in row.text and '"erasure"' not in row.text:
                    continue
                entry = Entry.parse(row.text)
                if entry.kind == "erasure":
                    listed: Any = entry.fields.get("erased", [])
                    erased |= {(at, name) for at, name in listed}
                for name, commitment in entry.commitments.items():
                    opening, time = kept.pop((row.sequence, name), (None, None))
                    if opening is None:
                        missing.add((row.sequence, name))
                    elif opening.commitment != commitment:
                        wrong.append(f"ledger_openings, {name} of entry {row.sequence}: not what the entry commits to")
                    elif time != entry.time:  # by which it is erased when its term is over
                        wrong.append(f"ledger_openings, {name} of entry {row.sequence}: its time is not the entry's")
            wrong += [f"ledger_openings, {name} of entry {at}: the entry commits to none" for at, name in sorted(kept)]
        beyond = connection.execute(select(c.sequence, c.name).where((c.sequence < 0) | (c.sequence >= size))).all()
    wrong += [f"ledger_openings, {name} of entry {at}: there is no such entry" for at, name in beyond]
    gone = sorted(missing - erased)
    return wrong + [f"ledger_openings, {name} of entry {at}: gone, and not erased on record" for at, name in gone]
