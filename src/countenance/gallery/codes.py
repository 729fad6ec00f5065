"""What short codes of rows are, and what of a probe they are compared with.

A row g is moved by a centre m and turned by a random rotation R, so that no dimension stands out: y = R (g - m). Codes
of y give an upper bound of p . g = p . m + Rp . y for every probe p (`levels`, `signs`). The lengths |y| and |p| are
those after `coder`'s stretching.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Places = NDArray[np.int64]
Turn = Callable[[Rows], Rows]
"""Makes y from rows: (n, d) to (n, padded)."""


@dataclass(frozen=True, slots=True, eq=False)
class SignProbe:
    """What bounds by signs need: sums of four of Rp's numbers, with the signs that the sixteen codes stand for.

    scale x (the sum of a row's entries - shift) is Rp . signs, give or take `lost`. reach: e of `signs`.
    """

    table: NDArray[np.uint8]
    scale: np.float32
    shift: np.float32
    lost: float
    reach: float


@dataclass(frozen=True, slots=True, eq=False)
class CodedProbe:
    """What the bounds of one probe need. numbers: (padded,) int8, Rp / scale. shift: what the levels' offset adds.

    slack: |p|. base: p . m or little more. lost: |Rp - scale x numbers|. rounding: more than float32 can lose, as a
    share of |y|. signs: None where there are no codes by sign.
    """

    numbers: NDArray[np.int8]
    scale: np.float32
    shift: np.float32
    slack: np.float32
    base: float
    lost: float
    rounding: float
    signs: SignProbe | None


class Codes(Protocol):
    """The codes of one chunk's rows."""

    def put(self, first: int, rows: Rows) -> None:
        """Code the rows (n, d) as those from place `first` on."""
        ...

    def living(self, places: Places, room: int) -> Codes:
        """The codes of those places, from the first place on, in as much room as told."""
        ...

    def erase(self, places: Places) -> None:
        """Overwrite the rows of those places; their bound is below everything."""
        ...

    def bounds(self, probe: CodedProbe, upper: Rows, tops: Rows) -> None:
        """Write every row's upper bound, -inf for a place without a row, and the largest of each group of LANES."""
        ...


class CloserCodes(Codes, Protocol):
    """Codes that know more of single rows than `bounds` uses."""

    def closer(self, probe: CodedProbe, places: Places, upper: Rows) -> None:
        """Write closer bounds of the rows of those places."""
        ...
