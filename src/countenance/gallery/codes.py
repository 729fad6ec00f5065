"""What short codes of rows are, and what of a probe they are compared with.

A row g is moved by a centre m and turned by a random rotation R, so that no dimension stands out: y = R (g - m). Codes
of y give an upper bound of p . g = p . m + Rp . y for every probe p (`levels`). The lengths |y| and |p| are
those after `coder`'s stretching.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Places = NDArray[np.int64]
Turn = Callable[[Rows], Rows]
"""Makes y from rows: (n, d) to (n, padded)."""


@dataclass(frozen=True, slots=True, eq=False)
class CodedProbe:
    """What the bounds of one probe need. numbers: (padded,) int8, Rp / scale. shift: what the levels' offset adds.

    slack: |p|. base: p . m or little more. lost: |Rp - scale x numbers|. rounding: more than float32 can lose, as a
    share of |y|.
    """

    numbers: NDArray[np.int8]
    scale: np.float32
    shift: np.float32
    slack: np.float32
    base: float
    lost: float
    rounding: float
