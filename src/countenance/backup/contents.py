"""What a backup says of itself, inside its seal."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from countenance.database.sqlite import looking_into
from countenance.errors import BadRequest, StoreError
from countenance.signing import canonical

CONTENTS = "contents.json"
"""The first file of a backup."""


@dataclass(frozen=True, slots=True)
class BackupContents:
    """made_at: UTC, ISO 8601. version: of the Countenance that made it. origin: the ledger's, empty for an empty one.

    entries: of the ledger. last_entry_at: the time that the last of them says, empty for none.
    """

    made_at: str
    version: str
    origin: str
    entries: int
    last_entry_at: str

    def line(self) -> bytes:
        """As canonical JSON."""
        return canonical(asdict(self))

    @classmethod
    def parse(cls, line: bytes, name: str) -> BackupContents:
        """From canonical JSON; `BadRequest` naming the file `name` where it is something else."""
        try:
            fields = json.loads(line)
            made = cls(**{key: fields[key] for key in cls.__dataclass_fields__})
        except (ValueError, KeyError, TypeError) as error:
            raise BadRequest(f"{name} does not say what is in it: {type(error).__name__}") from error
        return made


def contents_of(copy: Path, now: datetime) -> BackupContents:
    """What to say of the database file `copy`; it is read and not changed. `StoreError` where it cannot be read."""
    try:
        with looking_into(copy, alone=True) as connection:
            first = connection.execute("SELECT entry FROM ledger_entries WHERE sequence = 0").fetchone()
            last = connection.execute(
                "SELECT sequence, entry FROM ledger_entries ORDER BY sequence DESC LIMIT 1"
            ).fetchone()
        origin = str(json.loads(first[0]).get("key", "")).partition("+")[0] if first else ""
        at = str(json.loads(last[1]).get("time", "")) if last else ""
    except ValueError as error:
        raise StoreError(f"the ledger in the database cannot be read: {error}") from error
    return BackupContents(
        made_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        version=version("countenance"),
        origin=origin,
        entries=last[0] + 1 if last else 0,
        last_entry_at=at,
    )
