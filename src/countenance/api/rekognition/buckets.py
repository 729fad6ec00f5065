"""Folders that stand for S3 buckets. Nothing outside them can be reached. POSIX only (openat)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from countenance.errors import ImageTooLarge, NoSuchObject

MAX_OBJECT_BYTES = 15 * 1024 * 1024
"""The largest S3 object that Rekognition accepts: 15 MiB."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # non-blocking: a FIFO must not hold the opener


@dataclass(slots=True)
class OpenedFile:
    """A file of a folder, open for reading. size: its bytes when it was opened."""

    size: int
    stream: BinaryIO

    def close(self) -> None:
        """Close it."""
        self.stream.close()


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object of a bucket. size: bytes. stamp: changes with its content."""

    name: str
    size: int
    stamp: str


class Buckets:
    """One folder per bucket name.

    An object's name is a path of plain parts below the folder. Each part is opened relative to the one before it and
    without following links, so no name and no race leads out of the folder: `..`, absolute names, empty parts, NUL,
    links of any kind (even those that stay inside), folders, devices and pipes all count as "not there". The folder
    itself may be a link.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = dict(folders)

    def __contains__(self, bucket: object) -> bool:
        return bucket in self._folders

    def open(self, bucket: str, name: str) -> OpenedFile:
        """The object `name` in `bucket`, open for reading; close it.

        Raises:
            NoSuchObject: no such bucket, or no such object; the message does not say which part of the name was wrong.
        """
        folder = self._folders.get(bucket)
        if folder is None:
            raise NoSuchObject("no folder is configured for this bucket")
        parts = name.split("/")
        if "\0" in name or any(part in ("", ".", "..") for part in parts):
            raise NoSuchObject("the object's name is not a plain path below its bucket")
        with ExitStack() as handles:
            try:
                place = _open(handles, os.fspath(folder), _FOLDER & ~os.O_NOFOLLOW, None)
                for part in parts[:-1]:
                    place = _open(handles, part, _FOLDER, place)
                return _opened(_open(handles, parts[-1], _FILE, place))
            except (OSError, ValueError) as error:  # ValueError: a name that this file system cannot encode
                raise NoSuchObject("the bucket holds no such object") from error

    def listed(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """The objects whose names begin with `prefix`, in order within each folder. `NoSuchObject`: no such bucket."""
        folder = self._folders.get(bucket)
        if folder is None or not folder.is_dir():
            raise NoSuchObject("no folder is there for this bucket")
        for where, folders, files in os.walk(folder):
            folders.sort()
            for file in sorted(files):
                path = Path(where, file)
                name = path.relative_to(folder).as_posix()
                if not name.startswith(prefix):
                    continue
                about = path.lstat()
                if stat.S_ISREG(about.st_mode):
                    yield ListedObject(name, about.st_size, f"{about.st_size}:{about.st_mtime_ns}")

    def read(self, bucket: str, name: str, max_bytes: int = MAX_OBJECT_BYTES) -> bytes:
        """The bytes of the object `name` in `bucket`; `NoSuchObject` as for `open`.

        Raises:
            ImageTooLarge: more than `max_bytes`; found from its size, before anything is read.
        """
        opened = self.open(bucket, name)
        try:
            content = b"" if opened.size > max_bytes else opened.stream.read(max_bytes + 1)
        except OSError as error:
            raise NoSuchObject("the bucket holds no such object") from error
        finally:
            opened.close()
        if opened.size > max_bytes or len(content) > max_bytes:  # the second condition: it grew meanwhile
            raise ImageTooLarge(f"the object holds more than {max_bytes} bytes")
        return content


def _open(handles: ExitStack, path: str, flags: int, folder: int | None) -> int:
    handle = os.open(path, flags, dir_fd=folder)
    handles.callback(os.close, handle)
    return handle


def _opened(file: int) -> OpenedFile:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise NoSuchObject("the bucket holds no such object")
    return OpenedFile(status.st_size, os.fdopen(os.dup(file), "rb"))
