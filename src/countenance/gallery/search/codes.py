"""Short codes of rows, and an upper bound on the score of a row with a given code.

A row g is moved by a centre m and turned by a random rotation R, so that no dimension stands out: y = R (g - m). Each
number of y becomes one of four evenly spaced levels (the brief code) or one of eight, two in each of the four (the fine
code is the bit that tells which half). For either, write c = a (y / |y| + tan(angle) u), u a unit vector at right
angles to y. Then

    Rp . y = gain (Rp . c) - residual (Rp . u),    gain = |y|^2 / (y . c),    residual = |y| tan(angle)

Since R was drawn at random, whatever p and g are, Rp . u is distributed as |p'| w, where p' is p less its part along y
and w one coordinate of a point drawn from the unit sphere in one dimension less than R has (Gao and Long, RaBitQ,
SIGMOD 2024, section 3.2). So a row's score is at most p . m + gain (Rp . c) + t |p'| residual, but for the chance that
w < -t:

    P(w < -t) = I(1 - t^2; (n - 2) / 2, 1 / 2) / 2,    n dimensions of R

with I the regularised incomplete beta function, which is where t comes from (`furthest`). A row that scores s has
|p'|^2 <= |p|^2 - ((s - p . m) / |y|)^2. Rp is rounded to eight bits, multiples of s, up or down by chance so that it is
right on average. The error is |Rp - rounded| |gain c| at most, and exceeds x s |gain c| with a chance of exp(-2 x^2) at
most (Hoeffding 1963, theorem 2).

A column that is not rotated (`coder`) adds p_j (g_j - m_j), from a number stored as a byte: off by half a step at most.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from countenance.gallery.search import kernels
from countenance.gallery.search.intrinsics import LANES, STEP

Rows = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]
_HUGE = 2**21  # bytes
CHANCE = 1e-6
"""The chance that a search lacks a hit: one in a million for any rows and any probe, over the draw of the rotation."""
_SHARES = (0.8, 0.1, 0.1)  # of CHANCE: brief bounds, which are asked of every row; fine ones; the probe's rounding
_CLIP = 2.1
"""Range of the levels in root mean squares: between the best for four and for eight even levels of normal numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Turned:
    """What is coded of rows. y: (n, padded). column: (n, 0 or 1), g - m in the column that is not rotated, if there is
    one. strange: which rows differ in columns that are otherwise the same in all rows; they get no bound.
    """

    y: Rows
    column: Rows
    strange: Places


@dataclass(frozen=True, slots=True, eq=False)
class CodedProbe:
    """What the bounds of a probe need. numbers: (padded,) int8, Rp / scale. staying: (0 or 1,), the column that is not
    rotated.

    norm: |Rp|. base: p . m or slightly more. lost: |Rp - scale x numbers|. rounding: more than float32 can lose, as a
    share of |y|.
    """

    numbers: NDArray[np.int8]
    scale: float
    staying: Rows
    norm: float
    base: float
    lost: float
    rounding: float


@cache
def furthest(dimensions: int, chance: float) -> float:
    """t, 0..1: a w as in the module's text is below -t with just that chance; t = 1 is never exceeded."""
    if dimensions <= 2:
        return 1.0
    return min(1.0, math.sqrt(1.0 - float(betaincinv((dimensions - 2) / 2, 0.5, 2 * chance))) * (1 + 1e-6))


class Codes:
    """The codes of the rows of one chunk. room: rows that fit, a multiple of LANES; padded: a multiple of WIDTH.

    staying: how many columns are not rotated, 0 or 1. brief: (groups, padded / STEP, 2, LANES / 2, 4) uint8. facts:
    (groups, 2 + staying, LANES) uint8: the brief codes' gains and residuals, and that column. scales: (groups,
    2 + staying, 2) float32: the lowest of these numbers and the distance between them. fine: (room, padded / 8 + 8)
    uint8, a row's bits, then the fine codes' gain and residual as float32. longest: (3,), the longest gain x c of the
    brief codes and of the fine ones, and the longest y.
    """

    def __init__(self, room: int, padded: int, staying: int, turn: Callable[[Rows], Turned]) -> None:
        groups = room // LANES
        self._turn = turn
        self.longest = np.zeros(3)
        shapes = (
            (groups, padded // STEP, 2, LANES // 2, 4),
            (groups, 2 + staying, LANES),
            (groups, 2 + staying, 2 * 4),
            (room, padded // 8 + 8),
        )
        space, at, parts = _space(sum(map(math.prod, shapes))), 0, []
        for shape in shapes:
            parts.append(space[at : at + math.prod(shape)].reshape(shape))
            at += math.prod(shape)
        self.brief, self.facts, scales, self.fine = parts
        self.scales: Rows = scales.view(np.float32)

    def put(self, first: int, rows: Rows) -> None:
        """Code the rows (n, d) that lie from place `first` on; first and n are multiples of LANES."""
        turned = self._turn(rows)
        codes, facts = np.empty(turned.y.shape, dtype=np.uint8), np.empty((4, len(rows)), dtype=np.float32)
        kernels.encode(turned.y, _CLIP, codes, facts, self.longest)
        facts[1::2, turned.strange] = kernels.NO_BOUND
        groups = slice(first // LANES, (first + len(rows)) // LANES)
        fours = (codes >> 1).reshape(-1, self.brief.shape[2], LANES // 2, self.brief.shape[1], 4, 4)
        packed = fours[..., 0, :] | (fours[..., 1, :] << 2) | (fours[..., 2, :] << 4) | (fours[..., 3, :] << 6)
        self.brief[groups] = packed.transpose(0, 3, 1, 2, 4)
        for i, (column, rounded) in enumerate(
            ((facts[0], np.rint), (facts[1], np.ceil), *((c, np.rint) for c in turned.column.T))
        ):
            self.facts[groups, i], self.scales[groups, i] = _shortened(column.reshape(-1, LANES), rounded)
        fine = self.fine[first : first + len(rows)]
        fine[:, :-8] = np.packbits(codes & 1, axis=1, bitorder="little")
        fine[:, -8:] = np.ascontiguousarray(facts[2:].T).view(np.uint8)

    def erase(self, places: Places) -> None:
        """Overwrite the codes at those places."""
        group, lane = np.divmod(places, LANES)
        self.brief[group, :, lane // (LANES // 2), lane % (LANES // 2)] = 0
        self.facts[group, :, lane] = 0
        self.fine[places] = 0


def terms(probe: CodedProbe, longest: NDArray[np.float64], limit: int, twice: float) -> Rows:
    """What `kernels.sift` needs of a probe, so that the codes miss one of `limit` hits only with CHANCE.

    longest: as in `Codes`, of all rows. twice: twice what a float32 score may be off. In order: what the numbers are
    multiples of; what the codes' middle adds to an inner product, brief and fine; what a gain of brief codes may be off
    for each step that gains are apart; p . m with what rounding the probe adds, fine; twice; the same as before, brief;
    t, brief and fine; |p|^2; p . m; 1 / |y|; and p in the column that stays, if one does.
    """
    total = int(probe.numbers.sum(dtype=np.int64))
    dimensions = len(probe.numbers)
    # half a step, and |c| is at most what the outer levels would give
    reach = 0.5001 * 1.5 * math.sqrt(dimensions) * (probe.norm + probe.lost)
    brief, fine, rounded = (share * CHANCE / limit for share in _SHARES)
    lost = min(probe.lost, probe.scale * math.sqrt(math.log(1 / rounded) / 2)) + probe.rounding
    made = [
        probe.scale, 1.5 * total, 3.5 * total, reach, probe.base + lost * longest[1], twice,
        probe.base + lost * longest[0], furthest(dimensions, brief), furthest(dimensions, fine), probe.norm**2,
        probe.base, 0.99999 / max(longest[2], 1e-30), *probe.staying,
    ]  # fmt: skip
    return np.array(made, dtype=np.float32)


def _space(size: int) -> Bytes:
    """Zeros; in huge pages where the system has them, since the rows that are read again lie far apart."""
    space = mmap.mmap(-1, max(size, 1))
    if size >= _HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        space.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(space, dtype=np.uint8, count=size)


def _shortened(numbers: Rows, rounded: Callable[[Rows], Rows]) -> tuple[Bytes, Rows]:
    """Numbers (groups, LANES) as bytes, with the lowest number of each group and the distance between numbers. They are
    rounded up, so never less than those given.
    """
    low = numbers.min(axis=1)
    step = (numbers.max(axis=1) - low) * np.float32(1.00001 / 255)
    made = rounded((numbers - low[:, None]) / np.maximum(step, np.float32(1e-30))[:, None])
    return np.clip(made, 0, 255).astype(np.uint8), np.stack([low, step], axis=1)
