"""Codes of sixteen levels per dimension.

Each number of y becomes one of sixteen evenly spaced levels c, and y = gain c + r with the residual r. So

    Rp . y = gain (Rp . c) + Rp . r <= gain (Rp . c) + |p| |r|

by Cauchy and Schwarz. Rp is rounded to eight bits, which adds at most |Rp - rounded| |gain c|, and |gain c| <= |y|. The
bound is a proof, not an estimate: a row whose bound is below some score has a lower score.
"""

from __future__ import annotations

import numpy as np

from countenance.gallery import kernels
from countenance.gallery.codes import CodedProbe, Places, Rows, Turn

CLIP = 2.65
"""Range of the levels in root mean squares: the least residual for sixteen even levels of normal numbers."""


class LevelCodes:
    """Sixteen levels per dimension, in groups of LANES rows. room: rows that fit, a multiple of LANES."""

    def __init__(self, room: int, padded: int, turn: Turn) -> None:
        self._padded, self._turn = padded, turn
        self.codes = np.zeros((room // kernels.LANES, padded // 4, kernels.LANES, 2), dtype=np.uint8)
        self.gain: Rows = np.zeros(room, dtype=np.float32)
        self.residual: Rows = np.full(room, -np.inf, dtype=np.float32)  # so that a place without a row is below all
        self.longest = 0.0

    def put(self, first: int, rows: Rows) -> None:
        """Code the rows (n, d) as those from place `first` on."""
        turned = self._turn(rows)
        self.longest = max(self.longest, float(np.linalg.norm(turned, axis=1).max(initial=0.0)))
        kernels.encode(turned, first, CLIP, self.codes, self.gain, self.residual)

    def living(self, places: Places, room: int) -> LevelCodes:
        """The codes of those places, from the first place on, in as much room as told."""
        other, lanes = LevelCodes(room, self._padded, self._turn), kernels.LANES
        to = np.arange(len(places))
        other.codes[to // lanes, :, to % lanes] = self.codes[places // lanes, :, places % lanes]
        other.gain[to], other.residual[to] = self.gain[places], self.residual[places]
        other.longest = self.longest
        return other

    def erase(self, places: Places) -> None:
        """Overwrite the rows of those places; their bound is below everything."""
        self.residual[places] = -np.inf
        self.gain[places] = 0
        self.codes[places // kernels.LANES, :, places % kernels.LANES] = 0

    def bounds(self, probe: CodedProbe, upper: Rows, tops: Rows) -> None:
        """Write every row's upper bound, -inf for a place without a row, and the largest of each group of LANES."""
        floor = np.float32(probe.base + (probe.lost + probe.rounding) * self.longest)
        kernels.bounds(
            self.codes.reshape(len(self.codes), -1), probe.numbers, self.gain, self.residual,
            probe.scale, probe.shift, probe.slack, floor, upper, tops,
        )  # fmt: skip
