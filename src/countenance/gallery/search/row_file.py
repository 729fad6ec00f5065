"""Rows in a file in place of memory: of one process, without a name, and readable with keys in its memory only.

The file is made anew from the database by every process and read by no other. When the process ends, however it ends,
the file and the keys are gone: so nothing in it is ever out of date or half written, processes cannot meet in it, and
what it leaves on the disk, of erased faces too, cannot be read. Each row has a checksum; a row that was damaged or
cannot be read is `RowsLost`, never a wrong score.

The file is read, not mapped: then an error of the disk is an error of one search and not the end of the process, and
its pages are the system's cache, not this process's memory.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Places = NDArray[np.int64]

IN_MEMORY = 2**30
"""Bytes of rows that a gallery keeps in memory where nobody says otherwise: two million rows of 130 numbers."""

_AT_ONCE = 4096  # rows that are sealed and written together


class RowsLost(Exception):
    """Rows in a file cannot be read, or not as they were written; the index has to be made again."""


@dataclass(frozen=True, slots=True)
class RowsOnDisk:
    """In which folder galleries keep their rows that take more than `beyond` bytes."""

    folder: Path
    beyond: int = IN_MEMORY


class RowFile:
    """A file of rows, mode 600, that vanishes with this object. One writer at a time; `OSError` if none can be made."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(  # noqa: SIM115 - open as long as this object is there
            dir=folder, prefix="rows-", buffering=0
        )
        self.number = self._file.fileno()
        self._end = 0
        self._free: dict[int, list[int]] = {}
        if hasattr(os, "posix_fadvise"):  # else each row that is read brings many others
            os.posix_fadvise(self.number, 0, 0, os.POSIX_FADV_RANDOM)

    def take(self, size: int) -> int:
        """Where `size` bytes may be written."""
        free = self._free.setdefault(size, [])
        if free:
            return free.pop()
        at, self._end = self._end, self._end + size
        return at

    def give_back(self, at: int, size: int) -> None:
        """Let those bytes be written again."""
        self._free[size].append(at)

    def write(self, at: int, data: bytes) -> None:
        """Write all of it from that byte on; `OSError` if the disk is full."""
        view = memoryview(data)
        while view:
            done = os.pwrite(self.number, view, at)
            view, at = view[done:], at + done


class SealedRows:
    """Rows (room, d) in a file, to be read like an array. They can be set to zero only.

    alive: which of them are not erased; an erased one reads as zero. `OSError` if they cannot be written.
    """

    def __init__(self, file: RowFile, rows: Rows, alive: NDArray[np.bool_], room: int) -> None:
        from countenance.gallery.search import kernels  # imports numba, which small galleries do not need

        self.file, self._alive = file, alive
        self.shape: tuple[int, int] = (len(rows), rows.shape[1])
        self.key: NDArray[np.uint32] = np.frombuffer(os.urandom(32), dtype=np.uint32)
        self._size = 4 * (rows.shape[1] + 1)
        self.at = file.take(room * self._size)
        weakref.finalize(self, file.give_back, self.at, room * self._size).atexit = False
        self._read: Callable[..., None] = kernels.read_rows
        for first in range(0, len(rows), _AT_ONCE):
            some = rows[first : first + _AT_ONCE]
            words = np.empty((len(some), rows.shape[1] + 1), dtype=np.uint32)
            kernels.seal(some, self.key, first, words)
            file.write(self.at + first * self._size, words.tobytes())

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which: slice | Places) -> Rows:
        places = np.arange(len(self))[which] if isinstance(which, slice) else np.asarray(which)
        rows, lost = np.empty((len(places), self.shape[1]), dtype=np.float32), np.empty(len(places), dtype=np.bool_)
        self._read(self.file.number, self.at, self.key, places, rows, lost)
        if (lost & self._alive[places]).any():
            raise RowsLost("rows of a gallery could not be read from their file")
        rows[lost] = 0
        return rows

    def __setitem__(self, places: Places, nothing: int) -> None:
        assert nothing == 0
        for place in places.tolist():
            self.file.write(self.at + place * self._size, bytes(self._size))
