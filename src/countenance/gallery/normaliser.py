"""The step between search and calibration: it changes what two templates score, never which two are compared.

A normaliser turns each side of a comparison into one row, so that the comparison score stays one inner product:

    score(a, b) = probe_side(a) . gallery_side(b)

A gallery's rows are computed once, at enrolment; an exact or approximate inner-product index ranks by the normalised
score without knowing that there is one.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from countenance.faces import ModelId

Rows = NDArray[np.float32]
"""Templates or sides, one per row: (n, d) float32."""

RAW = "raw"
"""The identity of the normaliser that changes nothing."""


class Normaliser(Protocol):
    """What a gallery and a comparison need of a score normalisation."""

    @property
    def identity(self) -> str:
        """sha256 of the data file that holds it, or "raw". Rows made under another identity are of another space."""
        ...

    def gallery_side(self, vectors: Rows) -> Rows:
        """Rows for enrolled faces: (n, d) templates to (n, d2)."""
        ...

    def probe_side(self, vectors: Rows) -> Rows:
        """Rows for faces that are looked up: (n, d) templates to (n, d2)."""
        ...


class RawCosine:
    """No normalisation: the score is the cosine of two templates."""

    @property
    def identity(self) -> str:
        """Always "raw"."""
        return RAW

    def gallery_side(self, vectors: Rows) -> Rows:
        """The templates themselves, (n, d)."""
        return np.ascontiguousarray(vectors, dtype=np.float32)

    def probe_side(self, vectors: Rows) -> Rows:
        """The templates themselves, (n, d)."""
        return np.ascontiguousarray(vectors, dtype=np.float32)


def load_normaliser(model: ModelId) -> Normaliser:
    """The normaliser that ships for `model`, else `RawCosine`."""
    return RawCosine()
