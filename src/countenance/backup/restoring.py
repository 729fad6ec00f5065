"""Restoring a backup: unpacked aside, verified, and only then put in place; never over an installation."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO, cast

from sqlalchemy import literal, select

from countenance.backup.contents import CONTENTS, BackupContents
from countenance.backup.later import ErasedAgain, erase_again, read_later
from countenance.backup.sealed import SealedReader
from countenance.database import MOVED, MOVING, changing, connect, open_database, reading, shown, version_in
from countenance.database.copying import copy_all, tables_of
from countenance.errors import AlreadyExists, BadRequest, Misconfigured, StoreError
from countenance.home import private_home
from countenance.ledger import Ledger, Records, verifier
from countenance.settings import DATABASE, Settings
from countenance.signing import JSON, Signer
from countenance.verification import InstallationCheck, own_key, verify_installation

_FOLDERS = ("keys", "calibration", "audits")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place. contents: what the backup says of itself. newer: of the checkpoints given, in words.

    again: what was erased again, where an export told.
    """

    contents: BackupContents
    verification: InstallationCheck
    newer: tuple[str, ...]
    again: ErasedAgain | None = None


def restore(
    own: Settings,
    file: Path,
    passphrase: str,
    now: Callable[[], datetime],
    since: Sequence[verifier.Checkpoint] = (),
    despite: str | None = None,
    erasures: Path | None = None,
) -> Restored:
    """Put the backup `file` in place as the installation `own`; an entry of its ledger records that.

    since: checkpoints of that ledger from elsewhere. One that is older than the backup must be of the same ledger; one
    that is newer tells which entries are lost. despite: a reason to put it in place although rows differ from what the
    ledger recorded; a ledger that was altered is never put in place. erasures: a newer export of that ledger;
    what it says was erased or ended after the backup is erased and ended again before anything is in place.

    Where `own` names a PostgreSQL database, all rows are copied there in one transaction and compared.

    `AlreadyExists` where the data folder or that database holds an installation or parts of one; `BadRequest` where the
    file is no backup, is damaged, was sealed with another passphrase, or a checkpoint is of another ledger;
    `Misconfigured` where what it holds does not verify; `Conflict` where PostgreSQL cannot keep a row. After any of
    them data folder and database are as they were.
    """
    _demand_empty(own)
    try:
        with file.open("rb") as source:
            reader = SealedReader(source, passphrase, file.name)
            private_home(own.home)
            scratch = Path(tempfile.mkdtemp(prefix="restoring-", dir=own.home))
            try:
                contents = _unpack(reader, scratch, file.name)
                aside = replace(own, home=scratch, database=None, origin=contents.origin or own.origin)
                verification, newer = _verified(aside, contents, file.name, now, since, despite)
                again = None if erasures is None else _without(aside, contents, erasures)
                _demand_empty(own)
                if own.database is None:
                    last = sorted(scratch.iterdir(), key=lambda path: path.name.startswith(DATABASE))
                    _put_in_place(last, own.home)  # the database last: without it there is no installation
                else:
                    _put_on_server(scratch, own.home, own.database)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise StoreError(f"{file} could not be restored: {error.strerror or error}") from error
    return Restored(contents, verification, newer, again)


def _without(aside: Settings, contents: BackupContents, export: Path) -> ErasedAgain:
    """Take out what the export says was erased after the backup."""
    if not contents.entries:
        raise BadRequest("the backup holds no ledger, so that nothing can continue it")
    database = open_database(aside.database_file)
    try:
        later = read_later(export, Records(database), contents.entries, own_key(aside))
    finally:
        database.dispose()
    return erase_again(aside, later)


def _demand_empty(own: Settings) -> None:
    for path in (own.database_file, Path(f"{own.database_file}-wal"), own.keys, own.calibration, own.audits):
        if path.exists() and (path.is_file() or any(path.iterdir())):
            raise AlreadyExists(
                f"{path.name!r} lies in {own.home} already; a backup is restored into a folder without an "
                "installation: name another with --home"
            )
    if own.database is None:
        return
    server = connect(own.database)
    try:
        with reading(server) as connection:
            if version_in(connection) in (MOVING, MOVED) or any(
                connection.execute(select(literal(1)).select_from(table).limit(1)).first()
                for table in tables_of(connection)
            ):
                raise AlreadyExists(f"{shown(own.database)} holds something already; restore into an empty database")
    finally:
        server.dispose()


def _unpack(reader: SealedReader, scratch: Path, name: str) -> BackupContents:
    """Write the files of the backup below `scratch`; what it says of itself."""
    contents: BackupContents | None = None
    try:
        with tarfile.open(fileobj=cast("BinaryIO", reader), mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    raise BadRequest(f"{name} holds {member.name!r}, which is no file")
                if contents is None:
                    if member.name != CONTENTS:
                        raise BadRequest(f"{name} does not begin with {CONTENTS}")
                    contents = BackupContents.parse(content.read(), name)
                elif member.name == DATABASE or _belongs(member.name):
                    _write(scratch / member.name, content)
                else:
                    raise BadRequest(f"{name} holds {member.name!r}, which belongs to no installation")
    except tarfile.TarError as error:
        raise BadRequest(f"{name} holds no archive: {error}") from error
    reader.drain(lambda _: None)
    if contents is None or not (scratch / DATABASE).is_file():
        raise BadRequest(f"{name} holds no database")
    return contents


def _belongs(name: str) -> bool:
    """Whether this is a path below one of the folders that a backup holds."""
    first, *others = name.split("/")
    return first in _FOLDERS and bool(others) and not {"", ".", ".."} & set(others)


def _write(path: Path, content: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as target:
        shutil.copyfileobj(content, target, 1 << 20)
        target.flush()
        os.fsync(target.fileno())


def _verified(
    aside: Settings,
    contents: BackupContents,
    name: str,
    now: Callable[[], datetime],
    since: Sequence[verifier.Checkpoint],
    despite: str | None,
) -> tuple[InstallationCheck, tuple[str, ...]]:
    """Check all that was unpacked, and record the restoring in its ledger."""
    if contents.entries and not own_key(aside):
        raise Misconfigured(f"{name} holds a ledger and not the key that signs it")
    known = [each for each in since if each.size <= contents.entries]
    newer = tuple(_lost(each, contents, own_key(aside)) for each in since if each.size > contents.entries)
    database = open_database(aside.database_file)
    try:
        checked = verify_installation(aside, database, since=known)
        wrong = checked.wrong
        if wrong and (checked.report.findings or despite is None):
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            way_out = "" if checked.report.findings else "; --despite REASON restores it all the same, on record"
            raise Misconfigured(f"{name} is not what its ledger recorded: {wrong[0]}{more}{way_out}")
        if contents.entries:
            entry: dict[str, JSON] = {"kind": "alarm", "what": "restored from a backup", "made_at": contents.made_at}
            if wrong:
                entry |= {"differences": len(wrong), "reason": despite}
            log = Ledger(database, Signer.from_file(aside.keys / "ledger.key"), aside.origin, now)
            try:
                log.append(entry).wait()
            finally:
                log.close()
    finally:
        database.dispose()
    return checked, newer


def _lost(checkpoint: verifier.Checkpoint, contents: BackupContents, keys: Sequence[verifier.Key]) -> str:
    if not any(checkpoint.signed_by(key) for key in keys):
        raise BadRequest(f"the checkpoint of {checkpoint.size} entries is not signed by the key in this backup")
    lost = checkpoint.size - contents.entries
    span = f"entry {contents.entries}" if lost == 1 else f"entries {contents.entries} to {checkpoint.size - 1}"
    return f"{span} were recorded after this backup and are not in it"


def _put_on_server(scratch: Path, home: Path, url: str) -> None:
    """Copy the rows of the unpacked file into the database at `url`, and move the folders beside it into `home`."""
    folders = [path for path in scratch.iterdir() if path.name in _FOLDERS]
    with ExitStack() as stack:
        server, file = open_database(url), connect(scratch / DATABASE)
        stack.callback(server.dispose)
        stack.callback(file.dispose)
        try:
            with changing(server) as target, reading(file) as source:
                copy_all(source, target)
                _put_in_place(folders, home)  # before the commit: without keys the rows are worth nothing
        except BaseException:
            for folder in folders:
                if not folder.exists():
                    (home / folder.name).rename(folder)
            raise


def _put_in_place(paths: Iterable[Path], home: Path) -> None:
    """Move what was unpacked into `home`, in that order."""
    for path in paths:
        target = home / path.name
        if target.is_dir():
            target.rmdir()  # it is empty
        path.rename(target)
    folder = os.open(home, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
