"""Making a backup: one moment of the database, the keys and calibration that belong to it, and audits that have ended,
sealed into one file.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

from countenance.administration import AUDIT_FILES
from countenance.backup.contents import CONTENTS, BackupContents, contents_of
from countenance.backup.sealed import SealedReader, SealedWriter
from countenance.database import (
    MOVED,
    MOVING,
    changing,
    connect,
    kind_of,
    migrate,
    reading,
    shown,
    version_in,
)
from countenance.database.copying import copy_all
from countenance.database.sqlite import copy_file
from countenance.errors import AlreadyExists, Conflict, NotFound, StoreError
from countenance.settings import DATABASE, Settings

_TRIES = 3


def back_up(own: Settings, file: Path, passphrase: str, now: datetime) -> BackupContents:
    """Write the installation `own` to `file`, which may not exist yet; what is in it.

    The database is copied in one read transaction, so that servers go on serving and the copy is of one moment: by
    SQLite's online backup, or row by row from PostgreSQL into a SQLite file with the same tables, which is compared
    with it. What was written is read again and compared. The file is its owner's alone (mode 600). `NotFound` without
    an installation, `AlreadyExists` where `file` does, `BadRequest` for a passphrase that is too short, `Conflict`
    where the database is being moved, `StoreError` where it cannot be copied or the file cannot be written.
    """
    if own.database is None and not own.database_file.exists():
        raise NotFound(f"there is no installation in {own.home}: {DATABASE} is not there")
    if file.exists():
        raise _is_there(file)
    try:
        with tempfile.TemporaryDirectory(prefix="backing-up-", dir=own.home, ignore_cleanup_errors=True) as scratch:
            copy = Path(scratch) / DATABASE
            files = _consistent(own, copy)
            contents = contents_of(copy, now)
            with copy.open("rb") as database:
                copy.unlink()  # its blocks go when it is closed, even if this process is killed
                _write(file, passphrase, contents, chain(files.items(), _audits(own)), database)
    except OSError as error:
        raise StoreError(f"the backup could not be written to {file}: {error.strerror or error}") from error
    return contents


def _consistent(own: Settings, copy: Path) -> dict[str, bytes]:
    """Copy the database, and return the other files as they were before and after: keys change at a rotation only."""
    for _ in range(_TRIES):
        files = dict(_files(own))
        copy.unlink(missing_ok=True)
        if own.database is None:
            copy_file(own.database_file, copy)
        else:
            _copy_server(own.database, copy)
        if dict(_files(own)) == files:
            return files
    raise Conflict("keys or calibration were changed while they were copied; try again when that is done")


def _files(own: Settings) -> Iterator[tuple[str, bytes]]:
    for folder in (own.keys, own.calibration):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(own.home).as_posix(), path.read_bytes()


def _audits(own: Settings) -> Iterator[tuple[str, bytes]]:
    """The files of the audits that have ended, which never change; one that is erased meanwhile is left out whole."""
    for folder in sorted(own.audits.glob("audit-*")):
        if (folder / "ended.json").is_file():
            paths = [folder / name for name in AUDIT_FILES]
            with suppress(FileNotFoundError):
                yield from [
                    (path.relative_to(own.home).as_posix(), path.read_bytes()) for path in paths if path.is_file()
                ]


def _copy_server(url: str, target: Path) -> None:
    """Copy a PostgreSQL database, as it is at one moment, into a new SQLite file with the same tables."""
    with ExitStack() as stack:
        server, file = connect(url), connect(target)
        stack.callback(server.dispose)
        stack.callback(file.dispose)
        with reading(server) as source:
            version = version_in(source)
            if version is None:
                raise NotFound(f"there is no installation in {shown(url)}: it has no tables")
            if version in (MOVING, MOVED):
                raise Conflict(f"an installation is being moved into {shown(url)}, or was moved from it")
            migrate(file, version)
            with changing(file) as copy:
                copy_all(source, copy)
        if not kind_of(file).scrub(file):
            raise StoreError(f"the copy of {shown(url)} could not be written to its end")


def _write(
    file: Path, passphrase: str, contents: BackupContents, files: Iterable[tuple[str, bytes]], database: BinaryIO
) -> None:
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise _is_there(file) from None
    try:
        with os.fdopen(handle, "w+b") as target:
            written = hashlib.sha256()
            sealed = SealedWriter(target, passphrase)
            with tarfile.open(fileobj=cast("BinaryIO", _Watched(sealed, written)), mode="w|") as archive:
                _add(archive, CONTENTS, contents.line())
                for name, content in files:
                    _add(archive, name, content)
                about = tarfile.TarInfo(DATABASE)
                about.size = os.fstat(database.fileno()).st_size
                archive.addfile(about, database)
            sealed.finish()
            target.flush()
            os.fsync(target.fileno())
            target.seek(0)
            again = hashlib.sha256()
            SealedReader(target, passphrase, file.name).drain(again.update)
            if again.digest() != written.digest():
                raise StoreError(f"{file} does not read as it was written: mistrust that disk")
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _is_there(file: Path) -> AlreadyExists:
    return AlreadyExists(f"{file} is there already; a backup is never written over a file")


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    about = tarfile.TarInfo(name)
    about.size = len(content)
    archive.addfile(about, io.BytesIO(content))


class _Watched:
    """Hands on what is written, and hashes it."""

    def __init__(self, target: SealedWriter, written: hashlib._Hash) -> None:
        self._target = target
        self._written = written

    def write(self, content: bytes) -> int:
        self._written.update(content)
        return self._target.write(content)
