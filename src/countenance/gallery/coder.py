"""The rotation and centre of one index, and the choice of codes."""

from __future__ import annotations

import numpy as np

from countenance.gallery import kernels
from countenance.gallery.codes import CodedProbe, Codes, Rows
from countenance.gallery.levels import LevelCodes

_SEED = 20_000  # any rotation is right; one seed makes searches repeatable
_STEP, _SIGNED_STEP = 16, 64  # what the turned rows' dimensions are a multiple of
_SIGNED = 256  # dimensions from which on one bit each says enough for a first look


class Coder:
    """How the rows of one index are coded. centre: (d,), the mean of many rows, never of a few people's.

    signed: whether there are codes by sign. By default where rows are long and the processor can.
    """

    def __init__(self, centre: Rows, signed: bool | None = None) -> None:
        dimension = len(centre)
        self.signed = dimension >= _SIGNED and kernels.has_avx2() if signed is None else signed
        step = _SIGNED_STEP if self.signed else _STEP
        self.padded = -(-dimension // step) * step
        square = np.random.default_rng(_SEED).standard_normal((self.padded, dimension))
        columns, triangle = np.linalg.qr(square)
        # with these signs every rotation is as likely as any other (Mezzadri 2007, section 5)
        self.rotation: Rows = (columns * np.sign(np.diag(triangle))).T.astype(np.float32)  # (d, padded)
        self.centre = centre

    def codes(self, room: int) -> Codes:
        """Codes for up to `room` rows, a multiple of LANES."""
        if self.signed:
            from countenance.gallery.signs import SignCodes  # scipy comes with it

            return SignCodes(room, self.padded, self.turned)
        return LevelCodes(room, self.padded, self.turned)

    def turned(self, rows: Rows) -> Rows:
        """y of the rows, (n, padded)."""
        return np.ascontiguousarray((rows - self.centre) @ self.rotation)

    def probe(self, probe: Rows, limit: int) -> CodedProbe:
        """The probe (d,), ready to be compared with codes for the best `limit` rows."""
        turned = probe @ self.rotation
        largest = float(np.abs(turned).max())
        scale = np.float32(largest / 127 if largest > 0 else 1.0)
        numbers = np.rint(turned / scale).astype(np.int8)
        norm = float(np.linalg.norm(probe.astype(np.float64)))
        signs = None
        if self.signed:
            from countenance.gallery.signs import sign_probe

            signs = sign_probe(turned, limit)
        return CodedProbe(
            numbers=numbers,
            scale=scale,
            shift=np.float32((kernels.LEVELS - 1) / 2 * int(numbers.sum(dtype=np.int64))),
            slack=np.float32(max(norm, 1e-30) * (1 + 1e-6)),
            base=float(probe.astype(np.float64) @ self.centre.astype(np.float64)),
            lost=float(np.linalg.norm(turned.astype(np.float64) - float(scale) * numbers)),
            rounding=_rounding_of_turns(self.padded) * norm,
            signs=signs,
        )


def _rounding_of_turns(dimension: int) -> float:
    """What float32 can lose in turning a row and in the bound, as a share of |p| |y|.

    Higham, Accuracy and Stability of Numerical Algorithms, 3.5: a product of d x d is off by at most d u in each
    absolute inner product, so by d u sqrt(d) in norm; twice for row and probe, and as much again for the sums.
    """
    return float(4 * dimension**1.5 * 2.0**-24)
