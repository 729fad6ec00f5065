"""Whether what the database holds as a template is one: a damaged row must not take its gallery with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def undamaged(stored: Sequence[object], dimension: int) -> NDArray[np.bool_]:
    """Which of the stored values are `dimension` finite little-endian float32 numbers, not all zero, (n,)."""
    size = 4 * dimension
    whole = np.array([isinstance(each, bytes) and len(each) == size > 0 for each in stored], dtype=bool)
    some = b"".join(each for each, good in zip(stored, whole, strict=True) if good and isinstance(each, bytes))
    numbers = np.frombuffer(some, dtype="<f4").reshape(-1, dimension or 1)
    if whole.any():
        whole[whole] = np.isfinite(numbers).all(axis=1) & numbers.any(axis=1)
    return whole
