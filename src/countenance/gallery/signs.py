"""Codes of one bit per dimension for long rows, and sixteen levels to look closer at the few that are left.

With y and Rp as in `codes`, let c be the signs of y, a the cosine between y and c, and t that between Rp and c. The
rotation is random, and seen from y every direction of Rp that has the right angle to it is equally likely. So if s is
the cosine between y and Rp, then t = a s + sqrt(1 - a^2) sqrt(1 - s^2) z, where z is one coordinate of a point that is
uniform on a sphere in d - 1 dimensions: z^2 is Beta(1/2, (d - 2) / 2) distributed, whatever the rows and probe are.
With probability 1 - `MISS`, z is above -e, and then

    p . y = |p| |y| s <= |p| |y| (t + sqrt(1 - a^2) e) / a

So one row in so many that belong into an answer can be missed here; `MISS` is for all rows of one answer together.
(The idea of a random rotation that makes the error of one-bit codes known: Gao and Long, RaBitQ, SIGMOD 2024.)
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import betaincinv

from countenance.gallery import kernels, sign_kernels
from countenance.gallery.codes import CodedProbe, Places, Rows, SignProbe, Turn
from countenance.gallery.levels import CLIP

MISS = 1e-6
"""The probability that an answer lacks a row that belongs into it."""


def sign_probe(turned: Rows, limit: int) -> SignProbe:
    """The tables for Rp, (padded,), to find the best `limit` rows."""
    fours = turned.astype(np.float64).reshape(-1, 4)
    bits = (np.arange(16)[:, None] >> np.arange(4)) & 1
    sums = fours @ (2.0 * bits - 1.0).T  # (d / 4, 16)
    least = sums.min(axis=1)
    scale = np.float32(max(float((sums.max(axis=1) - least).max()) / 127, 1e-30))
    entries = np.rint((sums - least[:, None]) / scale)
    wrong = np.abs(entries * scale - (sums - least[:, None])).max(axis=1)
    columns = entries.astype(np.uint8).reshape(-1, 2, 1, 16)
    return SignProbe(
        table=np.ascontiguousarray(np.broadcast_to(columns, (len(columns), 2, 2, 16))).reshape(-1),
        scale=scale,
        shift=np.float32(-least.sum() / scale),
        lost=float(wrong.sum() + 1e-6 * abs(least.sum())),  # the second for the float32 shift
        reach=_reach(len(turned), limit),
    )


class SignCodes:
    """Signs in groups of LANES rows, and levels row by row. room: rows that fit, a multiple of LANES."""

    def __init__(self, room: int, padded: int, turn: Turn) -> None:
        self._padded, self._turn = padded, turn
        self.signs = np.zeros((room // kernels.LANES, padded // 8, kernels.LANES), dtype=np.uint8)
        self.sign_gain: Rows = np.zeros(room, dtype=np.float32)
        self.sign_residual: Rows = np.full(room, -np.inf, dtype=np.float32)
        self.levels = np.zeros((room, padded // 2), dtype=np.uint8)
        self.gain: Rows = np.zeros(room, dtype=np.float32)
        self.residual: Rows = np.full(room, -np.inf, dtype=np.float32)
        self.longest = 0.0
        self.largest_gain = 0.0

    def put(self, first: int, rows: Rows) -> None:
        """As `Codes.put`."""
        turned = self._turn(rows)
        self.longest = max(self.longest, float(np.linalg.norm(turned, axis=1).max(initial=0.0)))
        sign_kernels.encode_signs(turned, first, self.signs, self.sign_gain, self.sign_residual)
        by_row = self.levels.reshape(len(self.levels), -1, 1, 2)
        kernels.encode(turned, first, CLIP, by_row, self.gain, self.residual)
        new = self.sign_gain[first : first + len(rows)]
        self.largest_gain = max(self.largest_gain, float(new.max(initial=0.0)))

    def living(self, places: Places, room: int) -> SignCodes:
        """As `Codes.living`."""
        other, lanes = SignCodes(room, self._padded, self._turn), kernels.LANES
        to = np.arange(len(places))
        other.signs[to // lanes, :, to % lanes] = self.signs[places // lanes, :, places % lanes]
        other.sign_gain[to], other.sign_residual[to] = self.sign_gain[places], self.sign_residual[places]
        other.levels[to], other.gain[to], other.residual[to] = (
            self.levels[places], self.gain[places], self.residual[places],
        )  # fmt: skip
        other.longest, other.largest_gain = self.longest, self.largest_gain
        return other

    def erase(self, places: Places) -> None:
        """As `Codes.erase`."""
        self.sign_residual[places] = -np.inf
        self.residual[places] = -np.inf
        self.sign_gain[places] = 0
        self.gain[places] = 0
        self.signs[places // kernels.LANES, :, places % kernels.LANES] = 0
        self.levels[places] = 0

    def bounds(self, probe: CodedProbe, upper: Rows, tops: Rows) -> None:
        """As `Codes.bounds`; those of the rows of one answer hold, all together, with probability 1 - MISS."""
        signs = probe.signs
        assert signs is not None
        slack = np.float32(probe.slack * signs.reach)
        lost = signs.lost + probe.rounding * math.sqrt(self._padded)  # the codes' norm is sqrt(d)
        floor = np.float32(probe.base + lost * self.largest_gain)
        sign_kernels.sign_bounds(
            self.signs.reshape(len(self.signs), -1), signs.table, self.sign_gain, self.sign_residual,
            signs.scale, signs.shift, slack, floor, upper, tops,
        )  # fmt: skip

    def closer(self, probe: CodedProbe, places: Places, upper: Rows) -> None:
        """As `Codes.closer`: the levels' bounds, which are proofs."""
        floor = np.float32(probe.base + (probe.lost + probe.rounding) * self.longest)
        blocks = probe.numbers.reshape(-1, 16, 2, 2)  # 64 dimensions: sixteen times two low and two high ones
        numbers = np.ascontiguousarray(blocks.transpose(0, 2, 1, 3)).reshape(-1)
        sign_kernels.row_bounds(
            self.levels, places, numbers, self.gain, self.residual,
            probe.scale, probe.shift, probe.slack, floor, upper,
        )  # fmt: skip


@lru_cache
def _reach(dimension: int, limit: int) -> float:
    """e: a coordinate of a uniform point of a sphere in `dimension` - 1 dimensions is MISS / limit likely below -e."""
    return math.sqrt(1.0 - float(betaincinv((dimension - 2) / 2, 0.5, 2.0 * MISS / limit)))
