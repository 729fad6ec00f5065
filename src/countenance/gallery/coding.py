"""Short codes for rows, and an upper bound of the inner product that a row can have with a probe.

A row g is moved by a centre m and turned by a random rotation R, so that no dimension stands out: y = R (g - m). Each
number of y becomes one of sixteen evenly spaced levels c, and y = gain c + r with the residual r. For a probe p

    p . g = p . m + Rp . y = p . m + gain (Rp . c) + Rp . r <= p . m + gain (Rp . c) + |p| |r|

by Cauchy and Schwarz. Rp is rounded to eight bits, which adds at most |Rp - rounded| |gain c|; float32 arithmetic adds
less than `_rounding`. So the bound is a proof, not an estimate: a row whose bound is below some score has less than it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from countenance.gallery import kernels

Rows = NDArray[np.float32]

_CLIP = 2.65  # range of the levels in root mean squares: the least residual for sixteen levels of normal numbers
_SEED = 20_000  # any rotation is right; one seed makes searches repeatable


@dataclass(frozen=True, slots=True, eq=False)
class CodedProbe:
    """What the bounds of one probe need. numbers: (d,) int8, Rp / scale. shift: what the codes' offset adds.

    slack: |p|. base, spread: the bound's part that no row changes, and what it grows by with a row's norm.
    """

    numbers: NDArray[np.int8]
    scale: np.float32
    shift: np.float32
    slack: np.float32
    base: float
    spread: float


class Coder:
    """The rotation and centre of one index. centre: (d,), the mean of many rows, never of a few people's."""

    def __init__(self, centre: Rows) -> None:
        dimension = len(centre)
        padded = -(-dimension // kernels.STEP_DIMENSIONS) * kernels.STEP_DIMENSIONS
        square = np.random.default_rng(_SEED).standard_normal((padded, dimension))
        self.rotation: Rows = np.linalg.qr(square)[0].T.astype(np.float32)  # (d, padded)
        self.centre = centre
        self.padded = padded

    def turned(self, rows: Rows) -> Rows:
        """y of the rows, (n, padded)."""
        return np.ascontiguousarray((rows - self.centre) @ self.rotation)

    def probe(self, probe: Rows) -> CodedProbe:
        """The probe (d,), ready to be compared with codes."""
        turned = probe @ self.rotation
        largest = float(np.abs(turned).max())
        scale = np.float32(largest / 127 if largest > 0 else 1.0)
        numbers = np.rint(turned / scale).astype(np.int8)
        norm = float(np.linalg.norm(probe.astype(np.float64)))
        lost = float(np.linalg.norm(turned.astype(np.float64) - scale.astype(np.float64) * numbers))
        return CodedProbe(
            numbers=numbers,
            scale=scale,
            shift=np.float32((kernels.LEVELS - 1) / 2 * int(numbers.sum(dtype=np.int64))),
            slack=np.float32(max(norm, 1e-30) * (1 + 1e-6)),
            base=float(probe.astype(np.float64) @ self.centre.astype(np.float64)),
            spread=lost + _rounding(len(turned)) * norm,
        )


class Codes:
    """The codes of one chunk's rows. room: rows that fit, a multiple of LANES."""

    def __init__(self, room: int, coder: Coder) -> None:
        groups = room // kernels.LANES
        self._coder = coder
        self.codes = np.zeros((groups, coder.padded // 4, kernels.LANES, 2), dtype=np.uint8)
        self.gain: Rows = np.zeros(room, dtype=np.float32)
        self.residual: Rows = np.full(room, -np.inf, dtype=np.float32)  # so that a place without a row is below all
        self.longest = 0.0

    def put(self, first: int, rows: Rows) -> None:
        """Code the rows (n, d) as those from place `first` on."""
        turned = self._coder.turned(rows)
        self.longest = max(self.longest, float(np.linalg.norm(turned, axis=1).max(initial=0.0)))
        kernels.encode(turned, first, _CLIP, self.codes, self.gain, self.residual)

    def living(self, places: NDArray[np.int64], room: int) -> Codes:
        """The codes of those places, from the first place on, in as much room as told."""
        other, lanes = Codes(room, self._coder), kernels.LANES
        to = np.arange(len(places))
        other.codes[to // lanes, :, to % lanes] = self.codes[places // lanes, :, places % lanes]
        other.gain[to], other.residual[to] = self.gain[places], self.residual[places]
        other.longest = self.longest
        return other

    def erase(self, places: NDArray[np.int64]) -> None:
        """Overwrite the rows of those places; their bound is below everything."""
        self.residual[places] = -np.inf
        self.gain[places] = 0
        self.codes[places // kernels.LANES, :, places % kernels.LANES] = 0

    def bounds(self, probe: CodedProbe, upper: Rows, tops: Rows) -> None:
        """Write every row's upper bound, and the largest of each group of LANES rows."""
        floor = np.float32(probe.base + probe.spread * self.longest)
        kernels.bounds(
            self.codes.reshape(len(self.codes), -1), probe.numbers, self.gain, self.residual,
            probe.scale, probe.shift, probe.slack, floor, upper, tops,
        )  # fmt: skip


def _rounding(dimension: int) -> float:
    """What float32 can lose in turning a row and in the bound, as a share of |p| |y|.

    Higham, Accuracy and Stability of Numerical Algorithms, 3.5: a product of d x d is off by at most d u in each
    absolute inner product, so by d u sqrt(d) in norm; twice for row and probe, and as much again for the sums.
    """
    return float(4 * dimension**1.5 * 2.0**-24)
