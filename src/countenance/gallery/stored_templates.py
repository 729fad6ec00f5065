"""Whether a stored template is a valid one: a damaged row must not make its gallery unusable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from countenance import faces

NORM_TOLERANCE = 2 * faces.NORM_TOLERANCE
"""How far a stored template's L2 norm may be from 1: more than at enrolment, since norms are summed in any order.

A longer template would score above every genuine one.
"""


def undamaged(stored: Sequence[object], dimension: int, unseen: Sequence[object] = ()) -> NDArray[np.bool_]:
    """Which of the stored values are templates, (n,).

    A template is `dimension` finite little-endian float32 numbers whose L2 norm is 1, to within `NORM_TOLERANCE`.
    unseen: what is stored beside each; if given, it has to be a share, 0..1.
    """
    size = 4 * dimension
    whole = np.array([isinstance(each, bytes) and len(each) == size > 0 for each in stored], dtype=bool)
    some = b"".join(each for each, good in zip(stored, whole, strict=True) if good and isinstance(each, bytes))
    rows = np.frombuffer(some, dtype="<f4").reshape(-1, dimension or 1)
    # summed in float64 without a copy of all rows: the square of a float32 cannot overflow; NaN compares as false
    with np.errstate(invalid="ignore"):
        norms = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
        whole[whole] = np.abs(norms - 1) <= NORM_TOLERANCE
    if unseen:
        whole &= [isinstance(share, (int, float)) and 0 <= share <= 1 for share in unseen]
    return whole
