"""A block of rows, which grows at its end only and whose rows never move within it."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from countenance.gallery.search.row_file import RowFile, SealedRows

if TYPE_CHECKING:
    from countenance.gallery.search.coder import Coder
    from countenance.gallery.search.codes import Codes

Numbers = NDArray[np.int64]
Rows = NDArray[np.float32]

_CODED_AT_ONCE = 1024  # rows; intermediate results of so many stay in a core's cache
_ROUND = 32  # capacity is a multiple of this, `intrinsics.LANES`, which would import numba


class Chunk:
    """Room for rows of `dimension` numbers. numbers, rows, alive, owned: arrays, filled up to `filled`.

    rows: in memory, or of a full chunk in a file. owned: which rows are alive and belong to a user. longest: an upper
    bound of the rows' L2 norms. codes: of the rows up to `coded`, whole groups, if there are any.
    """

    __slots__ = ("alive", "coded", "codes", "dead", "filled", "longest", "numbers", "owned", "rows")

    def __init__(self, room: int, dimension: int) -> None:
        self.numbers: Numbers = np.zeros(room, dtype=np.int64)
        self.rows: Rows | SealedRows = np.zeros((room, dimension), dtype=np.float32)
        self.alive: NDArray[np.bool_] = np.zeros(room, dtype=np.bool_)
        self.owned: NDArray[np.bool_] = np.zeros(room, dtype=np.bool_)
        self.filled = 0
        self.dead = 0
        self.longest = 0.0
        self.codes: Codes | None = None
        self.coded = 0

    @property
    def room(self) -> int:
        """How many rows fit in all."""
        return len(self.numbers)

    @property
    def living(self) -> int:
        """How many rows are not erased."""
        return self.filled - self.dead

    @property
    def lacks_codes(self) -> bool:
        """Whether a whole group of its rows has no codes yet, or none were ever made."""
        return self.codes is None or self.coded + _ROUND <= self.filled

    def counting(self, owned: bool) -> NDArray[np.bool_]:
        """Which rows count: all living ones, or only those that belong to users."""
        return self.owned if owned else self.alive

    def append(self, numbers: Numbers, rows: Rows) -> None:
        """Append rows, in memory; there must be room for them."""
        assert isinstance(self.rows, np.ndarray)
        start, end = self.filled, self.filled + len(numbers)
        self.numbers[start:end] = numbers
        self.rows[start:end] = rows
        self.alive[start:end] = True
        self.longest = max(self.longest, float(np.linalg.norm(rows, axis=1).max(initial=0.0)))
        self.filled = end

    def code(self, coder: Coder) -> None:
        """Code the rows that have no codes, in whole groups: a group's codes never change while somebody reads them."""
        self.codes = self.codes or coder.codes(self.room)
        end = self.filled - self.filled % _ROUND
        for start in range(self.coded, end, _CODED_AT_ONCE):
            self.codes.put(start, self.rows[start : min(start + _CODED_AT_ONCE, end)])
        self.codes.erase(self.coded + np.flatnonzero(~self.alive[self.coded : end]))
        self.coded = end

    def in_file(self, file: RowFile) -> Chunk:
        """This chunk with its rows in that file. It shares all else with this one, which may be searched but must not
        be changed any more.
        """
        assert isinstance(self.rows, np.ndarray)
        other: Chunk = copy(self)
        other.rows = SealedRows(file, self.rows[: self.filled], self.alive, self.room)
        return other

    def erase(self, numbers: Numbers) -> None:
        """Mark and zero those of the sorted `numbers` that are here."""
        places = self._living(numbers)
        self.alive[places] = self.owned[places] = False  # first: who cannot read a row asks whether it is alive
        self.rows[places] = 0
        if self.codes:
            self.codes.erase(places[places < self.coded])
        self.dead += len(places)

    def own(self, numbers: Numbers, owned: bool) -> None:
        """Set whether those of the sorted `numbers` that are here and living belong to a user."""
        self.owned[self._living(numbers)] = owned

    def _living(self, numbers: Numbers) -> Numbers:
        """The places of those of the sorted `numbers` that are here and living."""
        places = np.searchsorted(self.numbers[: self.filled], numbers)
        numbers, places = numbers[places < self.filled], places[places < self.filled]
        return np.asarray(places[(self.numbers[places] == numbers) & self.alive[places]])

    def without_dead(self, room: int) -> Chunk:
        """A new chunk with the living rows and room for at least `room`; it has no codes yet."""
        other = Chunk(-(-room // _ROUND) * _ROUND, self.rows.shape[1])
        alive = np.flatnonzero(self.alive[: self.filled])
        other.append(self.numbers[alive], self.rows[alive])
        other.owned[: other.filled] = self.owned[alive]
        return other
