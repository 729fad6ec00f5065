"""The rotation, centre and stretch of one index.

Before they are turned, rows are stretched along dimensions in which they hardly differ, and probes shrunk in the same
measure: no inner product changes. A normaliser adds such dimensions (a one beside a probe's offset, say), and with
them a probe would be longer, and so every bound looser, for nothing.
"""

from __future__ import annotations

import numpy as np

from countenance.gallery import kernels
from countenance.gallery.codes import CodedProbe, Rows
from countenance.gallery.levels import LevelCodes

_SEED = 20_000  # any rotation is right; one seed makes searches repeatable
_STEP = 16  # what the turned rows' dimensions are a multiple of
_FLAT = 0.25  # a dimension is stretched if it varies less than this share of the median variance
_MOST_STRETCH = 100.0


class Coder:
    """How the rows of one index are coded. centre, variance: (d,), of many rows, never of a few people's."""

    def __init__(self, centre: Rows, variance: Rows) -> None:
        dimension = len(centre)
        self.padded = -(-dimension // _STEP) * _STEP
        square = np.random.default_rng(_SEED).standard_normal((self.padded, dimension))
        columns, triangle = np.linalg.qr(square)
        # with these signs every rotation is as likely as any other (Mezzadri 2007, section 5)
        rotation = (columns * np.sign(np.diag(triangle))).T  # (d, padded)
        stretch = _stretch(variance)[:, None]
        self.centre = centre
        self.for_rows: Rows = (rotation * stretch).astype(np.float32)
        self.for_probes: Rows = (rotation / stretch).astype(np.float32)

    def codes(self, room: int) -> LevelCodes:
        """Codes for up to `room` rows, a multiple of LANES."""
        return LevelCodes(room, self.padded, self.turned)

    def turned(self, rows: Rows) -> Rows:
        """y of the rows, (n, padded)."""
        return np.ascontiguousarray((rows - self.centre) @ self.for_rows)

    def probe(self, probe: Rows) -> CodedProbe:
        """The probe (d,), ready to be compared with codes."""
        turned = probe @ self.for_probes
        largest = float(np.abs(turned).max())
        scale = np.float32(largest / 127 if largest > 0 else 1.0)
        numbers = np.rint(turned / scale).astype(np.int8)
        norm = float(np.linalg.norm(turned.astype(np.float64)))
        base = float(probe.astype(np.float64) @ self.centre.astype(np.float64))
        return CodedProbe(
            numbers=numbers,
            scale=scale,
            shift=np.float32((kernels.LEVELS - 1) / 2 * int(numbers.sum(dtype=np.int64))),
            slack=np.float32(max(norm, 1e-30) * (1 + _lost_in_turning(self.padded))),
            base=base + 2.0**-21 * abs(base),  # for what float32 loses of it in the bound's last sum
            lost=float(np.linalg.norm(turned.astype(np.float64) - float(scale) * numbers)),
            rounding=4 * _lost_in_turning(self.padded) * norm,
        )


def _stretch(variance: Rows) -> Rows:
    """What to stretch each dimension by, 1 for most."""
    usual = float(np.median(variance))
    stretch = np.sqrt(usual / np.maximum(variance, usual / _MOST_STRETCH**2 + 1e-30))
    return np.where(variance < _FLAT * usual, stretch, 1.0).astype(np.float32)


def _lost_in_turning(dimension: int) -> float:
    """What float32 can lose in turning a row or probe, as a share of its norm.

    Higham, Accuracy and Stability of Numerical Algorithms, 3.5: a product with a d x d matrix is off by at most d u in
    each inner product of absolute values, so by d u sqrt(d) in norm. A bound loses it for the row, for the probe and,
    generously, twice more for its own sums.
    """
    return float(dimension**1.5 * 2.0**-24)
