"""Folders that stand for S3 buckets. Nothing outside them can be reached. POSIX only (openat)."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from countenance.errors import ImageTooLarge, NoSuchObject

MAX_OBJECT_BYTES = 15 * 1024 * 1024
"""What Rekognition takes as an S3 object: 15 MiB."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # non-blocking: a FIFO must not hold the opener


class Buckets:
    """One folder per bucket name.

    An object's name is a path of plain parts below the folder. Each part is handles relative to the one before it and
    without following links, so no name and no race leads out: `..`, absolute names, empty parts, NUL, links of any
    kind (also those that stay inside), folders, devices and pipes are all "not there". The folder itself may be a link.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = dict(folders)

    def read(self, bucket: str, name: str, max_bytes: int = MAX_OBJECT_BYTES) -> bytes:
        """The bytes of the object `name` in `bucket`.

        Raises:
            NoSuchObject: no such bucket, or no such object; the message does not say which part of the name was wrong.
            ImageTooLarge: more than `max_bytes`; found from its size, before anything is read.
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
                file = _open(handles, parts[-1], _FILE, place)
                return _content(file, max_bytes)
            except (OSError, ValueError) as error:  # ValueError: a name that this file system cannot encode
                raise NoSuchObject("the bucket holds no such object") from error


def _open(handles: ExitStack, path: str, flags: int, folder: int | None) -> int:
    handle = os.open(path, flags, dir_fd=folder)
    handles.callback(os.close, handle)
    return handle


def _content(file: int, max_bytes: int) -> bytes:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise NoSuchObject("the bucket holds no such object")
    if status.st_size > max_bytes:
        raise ImageTooLarge(f"the object holds more than {max_bytes} bytes")
    with os.fdopen(os.dup(file), "rb") as stream:
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:  # it grew meanwhile
        raise ImageTooLarge(f"the object holds more than {max_bytes} bytes")
    return content
