"""Where the rows and codes of a snapshot lie in memory: passed to the kernels at once and not array by array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from countenance.gallery.search import kernels

if TYPE_CHECKING:
    from countenance.gallery.search.chunk import Chunk

_PART = 16_384  # rows that a thread takes at a time, a multiple of LANES


@dataclass(frozen=True, slots=True)
class Layout:
    """chunks: (c, 14) int64, columns as in `kernels`. Places count rows through all rooms, a chunk's from START.

    owned: the same, but only rows that belong to users count. parts: (n, 3) int64: chunk, first row
    and the one after the last. codes_longest: as `Codes.longest`, of all chunks. longest: of all rows. The addresses
    are valid as long as the chunks are referenced.
    """

    chunks: NDArray[np.int64]
    owned: NDArray[np.int64]
    parts: NDArray[np.int64]
    codes_longest: NDArray[np.float64]
    longest: float


def layout(chunks: Sequence[tuple[Chunk, int, int]]) -> Layout:
    """The layout of chunks, given how many rows of each are filled and how many of these are coded."""
    table = np.empty((len(chunks), kernels.FEW + 1), dtype=np.int64)
    parts, start = [], 0
    for i, (chunk, filled, coded) in enumerate(chunks):
        assert chunk.codes is not None
        codes, rows = chunk.codes, chunk.rows
        arrays: list[NDArray[Any]] = [codes.brief, codes.facts, codes.scales, codes.fine]
        table[i, : kernels.ROWS] = [array.ctypes.data for array in arrays]
        if isinstance(rows, np.ndarray):
            table[i, [kernels.ROWS, kernels.KEY, kernels.FILE, kernels.AT]] = rows.ctypes.data, 0, -1, 0
        else:
            table[i, [kernels.ROWS, kernels.KEY]] = 0, rows.key.ctypes.data
            table[i, [kernels.FILE, kernels.AT]] = rows.file.number, rows.at
        table[i, [kernels.NUMBERS, kernels.COUNTING]] = chunk.numbers.ctypes.data, chunk.alive.ctypes.data
        table[i, [kernels.ROOM, kernels.START, kernels.CODED, kernels.FEW]] = chunk.room, start, coded, 0
        parts += [(i, first, min(first + _PART, filled)) for first in range(0, filled, _PART)]
        start += chunk.room
    owned = table.copy()
    owned[:, kernels.COUNTING] = [chunk.owned.ctypes.data for chunk, _, _ in chunks]
    owned[:, kernels.FEW] = 1
    return Layout(
        table,
        owned,
        np.array(parts, dtype=np.int64).reshape(-1, 3),
        np.max([chunk.codes.longest for chunk, _, _ in chunks if chunk.codes], axis=0),
        max(chunk.longest for chunk, _, _ in chunks),
    )
