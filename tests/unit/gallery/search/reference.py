"""What every compiled kernel and intrinsic of the bounded search computes, in plain NumPy.

Read this first, and change it first: the tests hold `kernels` and `intrinsics` against it. Nothing here knows of LLVM,
registers or threads. n rows of a chunk have p = `padded` coded dimensions, a multiple of 64.

Codes. A row's number in one dimension, in units of the row's own step, falls into one of eight levels, -3.5 to 3.5: its
3-bit code 0..7. The upper two bits are the brief code (levels -1.5 to 1.5, twice as wide), the lowest is the fine bit.

Layout of brief codes: uint8 (n / 32, p / 16, 2, 16, 4). The byte [group, turn, half, row, b] holds four codes of row
32 group + 16 half + row: those of dimensions 16 turn + 4 j + b, j = 0..3, in bits 2 j and 2 j + 1.

Layout of fine codes: uint8 (n, p / 8 + 8). Bit d % 8 of byte d // 8 is the fine bit of dimension d; then the row's gain
and residual as two float32.

Layout of facts: uint8 (n / 32, 2 or 3, 32): gain and residual of a row's brief code, and its number in the column that
is not rotated, if there is one. Each stands for offset + step x byte, with (offset, step) = scales[group, which].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
Bytes = NDArray[np.uint8]

LANES, STEP = 32, 16


def pack_brief(codes: Any) -> Bytes:
    """(n, p) codes 0..7 to the layout of brief codes."""
    count, padded = codes.shape
    packed = np.zeros((count // LANES, padded // STEP, 2, LANES // 2, 4), dtype=np.uint8)
    for row in range(count):
        for dimension in range(padded):
            turn, within = divmod(dimension, STEP)
            j, b = divmod(within, 4)
            group, lane = divmod(row, LANES)
            packed[group, turn, lane // 16, lane % 16, b] |= (codes[row, dimension] >> 1) << (2 * j)
    return packed


def unpack_brief(brief: Bytes) -> Numbers:
    """The brief codes 0..3 of all rows, (n, p)."""
    groups, turns = brief.shape[:2]
    codes = np.zeros((groups * LANES, turns * STEP), dtype=np.int64)
    for j in range(4):
        for b in range(4):
            of_rows = (brief[..., b] >> (2 * j)) & 3  # (groups, turns, 2, 16)
            codes[:, 4 * j + b :: STEP] = of_rows.transpose(0, 2, 3, 1).reshape(-1, turns)
    return codes


def unpack_fine(fine: Bytes) -> Numbers:
    """The fine bits 0..1 of all rows, (n, p)."""
    return np.unpackbits(fine[:, :-8], axis=1, bitorder="little").astype(np.int64)


def fine_facts(fine: Bytes) -> tuple[Numbers, ...]:
    """Gain and residual of all rows' fine codes, (n,) float32 each."""
    return tuple(np.ascontiguousarray(fine[:, -8:]).view(np.float32).T)


def group_dots(brief: Bytes, group: int, probe: Numbers) -> Numbers:
    """Inner products of one group's 32 brief codes (0..3) with the probe (p,) int8."""
    return unpack_brief(brief[group : group + 1]) @ probe.astype(np.int64)


def bits_dot(fine: Bytes, row: int, probe: Numbers) -> int:
    """The sum of those of the probe's numbers whose fine bit is set in that row."""
    return int(unpack_fine(fine[row : row + 1])[0] @ probe.astype(np.int64))


def fact(facts: Any, scales: Numbers, group: int, which: int) -> Numbers:
    """What one kind of byte stands for in the 32 rows of a group."""
    offset, step = scales[group, which].astype(np.float64)
    return np.asarray(offset + step * facts[group, which])


def bounds(
    facts: Any, scales: Numbers, group: int, terms: Numbers, slack: float, tilt: float, sums: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Of a group's 32 rows, from the inner products of their brief codes: bounds, estimates, the column's share.

    terms: see `codes.terms`. A level is code - 1.5, so 1.5 x the sum of the probe's numbers (terms[1]) comes off the
    inner product of the codes. Half a step is what a rounded byte may be off; residuals were rounded up.
    """
    terms, column = np.asarray(terms, dtype=np.float64), facts.shape[1] > 2
    beside = terms[12] * fact(facts, scales, group, 2) if column else np.zeros(LANES)
    rest = terms[6] + terms[3] * float(scales[group, 0, 1])
    if column:
        rest += 0.5001 * abs(terms[12] * float(scales[group, 2, 1]))
    estimates = (sums - terms[1]) * terms[0] * fact(facts, scales, group, 0) + rest + beside
    return estimates + fact(facts, scales, group, 1) * (slack + tilt * beside), estimates, beside


def fine_bounds(
    fine: Bytes, terms: Numbers, slack: float, tilt: float, brief_sums: Numbers, beside: Numbers, probe: Numbers
) -> Numbers:
    """Bounds of all rows by their fine codes: a level is 2 x brief + bit - 3.5."""
    terms, (gain, residual) = np.asarray(terms, dtype=np.float64), fine_facts(fine)
    products = 2 * brief_sums + unpack_fine(fine) @ probe.astype(np.int64) - terms[2]
    return np.asarray(products * terms[0] * gain + beside + residual * (slack + tilt * beside) + terms[4])


def slack(terms: Numbers, floor: float, t: float) -> tuple[float, float]:
    """t |p'| where the probe p has at least (floor - p . m) / |y| along the row, and how it rises with the column."""
    norm = np.sqrt(float(terms[9]))
    along = min(max(floor - float(terms[10]), 0.0) * float(terms[11]), 0.9 * norm)
    across = max(np.sqrt(norm**2 - along**2), 1e-30)
    return t * across, t * along * float(terms[11]) / across


def encode(turned: Numbers, clip: float) -> tuple[Bytes, Numbers]:
    """Codes 0..7 (n, p) of rows; gain and residual with brief levels and with fine ones, (4, n)."""
    turned = turned.astype(np.float64)
    squares = (turned**2).sum(axis=1)
    step = 0.25 * clip * np.sqrt(squares / turned.shape[1])
    codes = np.clip(np.floor(turned / step[:, None]) + 4, 0, 7).astype(np.uint8)
    facts = []
    for levels in ((codes >> 1) - 1.5, codes - 3.5):
        along = (turned * levels).sum(axis=1)
        gain = squares / along
        facts += [gain, np.linalg.norm(turned - gain[:, None] * levels, axis=1)]
    # gain c - y is at right angles to y: y . (gain c) = |y|^2
    return codes, np.array(facts)


def round_probe(probe: Numbers, rotation: Numbers, chance: Any) -> tuple[float, Numbers, Numbers]:
    """The scale, the int8 numbers and the turned probe: each is rounded up where `chance` (0..1) says so."""
    turned = probe.astype(np.float64) @ rotation
    scale = np.abs(turned).max() / 126.9 or 1.0
    return scale, np.floor(turned / scale + chance), turned


def keep(
    bits: int, first: int, sums: Numbers, upper: Numbers, beside: Numbers
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Places, inner products, bounds and column's shares of those of 32 rows whose bits are set, in their order."""
    lanes = [lane for lane in range(LANES) if bits >> lane & 1]
    return first + np.array(lanes, dtype=np.int64), sums[lanes], upper[lanes], beside[lanes]


def least(scores: Numbers, floors: Numbers, limit: int, twice: float) -> float:
    """The floor: a score is needed that is no more than `twice` below the `limit`-th best of those noted."""
    noted = np.sort(scores[scores > -np.inf])[::-1]
    return float(max(floors.max(), noted[limit - 1] - twice) if len(noted) >= limit else floors.max())


def look(
    codes: Any, terms: Numbers, query: Numbers, floor: float, columns: int = 0
) -> tuple[Numbers, Numbers, Numbers]:
    """Which rows of a chunk are computed at once, which wait, and which of these are computed after all; masks (n,).

    As long as fewer hits than the limit are known, so that the floor stays where it is.
    """
    groups = len(codes.brief)
    sums = np.concatenate([group_dots(codes.brief, group, query) for group in range(groups)])
    brief_slack, tilt = slack(terms, floor, float(terms[7]))
    parts = [
        bounds(codes.facts, codes.scales, group, terms, brief_slack, tilt, sums[LANES * group : LANES * (group + 1)])
        for group in range(groups)
    ]
    upper, estimates, beside = (np.concatenate(each) for each in zip(*parts, strict=True))
    fine_slack, tilt = slack(terms, floor, float(terms[8]))
    fine_upper = fine_bounds(codes.fine, terms, fine_slack, tilt, sums, beside, query)
    at_once = estimates >= floor
    waiting = (upper >= floor) & ~at_once
    return at_once, waiting, waiting & (fine_upper >= floor)
