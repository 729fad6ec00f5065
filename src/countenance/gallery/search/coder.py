"""The rotation and centre of one index.

A normaliser adds columns in which rows hardly differ: the constant 1 and the row's own offset. Rotating them with the
others would lengthen every probe, and so loosen every bound, without need. Columns that are the same in all rows are
left out, and one that varies little is not rotated: a row's value in it is stored with its codes. A last column that is
never negative, as of a reserve, is left out as well: probes have nothing positive there, so that it only lowers scores,
and a bound without it stays a bound.
"""

from __future__ import annotations

import math

import numpy as np

from countenance.gallery.search import kernels
from countenance.gallery.search.codes import CodedProbe, Codes, Rows, Turned
from countenance.gallery.search.intrinsics import WIDTH

_FLAT = 0.25  # a column is not rotated if it varies less than this share of the median variance


class Coder:
    """How the rows of one index are coded. centre, variance: (d,), of many rows, never of a few people's. lowering:
    whether the last column is never negative in any of them.

    The rotation is drawn again each time, so that nobody can know which faces a bound would miss.
    """

    def __init__(self, centre: Rows, variance: Rows, lowering: bool = False) -> None:
        columns = np.arange(len(centre))
        self._lowering = columns[-1:] if lowering and variance[-1] > 0 else columns[:0]
        flat = np.setdiff1d(np.flatnonzero(variance < _FLAT * np.median(variance)), self._lowering)
        self._same, varying = flat[variance[flat] == 0], flat[variance[flat] > 0]
        self.staying = varying[:1]
        turned = np.setdiff1d(columns, np.concatenate([self._same, self.staying, self._lowering]))
        dimension = len(turned)
        self.padded = -(-dimension // WIDTH) * WIDTH
        self._chance = np.random.default_rng()
        square = self._chance.standard_normal((self.padded, dimension))
        orthogonal, triangle = np.linalg.qr(square)
        # with these signs every rotation is as likely as any other (Mezzadri 2007, section 5)
        rotation = (orthogonal * np.sign(np.diag(triangle))).T  # (d, padded)
        self.centre = centre.astype(np.float64)
        self.centre[self._lowering] = 0.0
        self.rotation: Rows = np.zeros((len(centre), self.padded), dtype=np.float32)
        self.rotation[turned] = rotation

    def codes(self, room: int) -> Codes:
        """Codes for up to `room` rows, a multiple of LANES."""
        return Codes(room, self.padded, len(self.staying), self.turned)

    def turned(self, rows: Rows) -> Turned:
        """The rows (n, d), turned."""
        moved = rows - self.centre.astype(np.float32)
        lowering = moved[:, self._lowering]
        strange = moved[:, self._same].any(axis=1) | ((lowering < 0) | (lowering > 1)).any(axis=1)
        return Turned(np.ascontiguousarray(moved @ self.rotation), moved[:, self.staying], np.flatnonzero(strange))

    def probe(self, probe: Rows) -> CodedProbe:
        """The probe (d,), ready to be compared with codes; each number is rounded up or down at random."""
        numbers = np.empty(self.padded, dtype=np.int8)
        scale, turned, left, base, exact = kernels.round_probe(
            probe, self.rotation, self.centre, self._chance.random(self.padded, dtype=np.float32), numbers
        )
        lost = _lost_in_turning(self.padded)
        base += float(np.maximum(probe[self._lowering], 0).sum())  # rows are at most 1 there
        return CodedProbe(
            numbers=numbers,
            scale=scale,
            staying=probe[self.staying],
            norm=max(math.sqrt(turned) * (1 + lost), 1e-30),
            base=base + 2.0**-21 * abs(base),  # to allow for what float32 loses in the bound's last sum
            lost=math.sqrt(left) * (1 + 1e-6),
            rounding=4 * lost * math.sqrt(exact),
        )


def _lost_in_turning(dimension: int) -> float:
    """What float32 can lose in turning a row or a probe, as a share of its norm.

    Higham, Accuracy and Stability of Numerical Algorithms, 3.5: a product with a d x d matrix is off by at most d u in
    each inner product of absolute values, so by d u sqrt(d) in norm. A bound loses it for the row, for the probe and,
    generously, twice more for its own sums.
    """
    return float(dimension**1.5 * 2.0**-24)
