"""The key files of an installation: all are made at once, and none is used that did not seal what the database holds.

Without this a server whose folder `keys/` lacks a file, or has that of another installation, would go on with a key of
its own: what one server sealed, the next could not open.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from sqlalchemy import Engine

from countenance.budgets import Budgets
from countenance.casework import CaseRecords
from countenance.custody import Custody
from countenance.mandates import AccountStore, Register
from countenance.signing import secret_file

LEDGER, BINDINGS, AUDIT = "ledger.key", "bindings.key", "audit.key"


class _Sealed(Protocol):
    def key_fits(self) -> bool: ...


def _now() -> datetime:
    return datetime.now(UTC)


_STORES: Mapping[str, Callable[[Engine, bytes], _Sealed]] = MappingProxyType(
    {
        "mandates.key": lambda database, key: Register(database, key, _now),
        "custody.key": lambda database, key: Custody(database, key, _now),
        "casework.key": lambda database, key: CaseRecords(database, key, _now),
        "budgets.key": lambda database, key: Budgets(database, key, _now),
        "console.key": lambda database, key: AccountStore(database, key, _now, os.urandom),
    }
)


def make_keys(keys: Path) -> None:
    """Make those that are not there, so that whoever copies the folder has all of them."""
    for name in (LEDGER, BINDINGS, AUDIT, *_STORES):
        secret_file(keys / name)


def foreign_keys(keys: Path, database: Engine) -> list[str]:
    """The names of the files in `keys` that are missing or did not seal what the database holds, as far as rows tell.

    The ledger refuses another `ledger.key` itself, and `Bindings.key_fits` tells of `bindings.key`.
    """
    return [name for name, store in _STORES.items() if not store(database, _key(keys / name)).key_fits()]


def _key(path: Path) -> bytes:
    return secret_file(path) if path.exists() else bytes(32)


def foreign_words(names: Sequence[str]) -> str:
    """What is wrong with keys of these names, in words."""
    files = " and ".join(f"keys/{name}" for name in names)
    what = "were sealed or recorded with another key of that name, or every row of it was changed"
    return f"{files}: the rows of the database {what}"


COPY_KEYS = "copy the whole folder keys/ of a server that has the right ones, or restore it from a backup"
"""What to do about that."""
