"""The one compiled pass over a block of scores. It keeps up with the matrix product that makes them."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@njit(nogil=True, cache=True, boundscheck=False)
def sweep(
    scores: Float32,
    row_unit: Int32,
    column_unit: Int32,
    row_parts: Int32,
    column_parts: Int32,
    row_sizes: Int64,
    column_sizes: Int64,
    diagonal: bool,
    low: float,
    per_unit: float,
    thresholds: Float64,
    histograms: Int64,
    row_counts: Int64,
    column_counts: Int64,
) -> None:  # pragma: no cover - compiled
    """Count one block. A *unit* is one person's templates within one group; a *part* is a run of units of one group.

    scores: (r, c). row_unit, column_unit: (r,), (c,) unit numbers from 0 within the block. row_parts, column_parts:
    rows where each part starts, and the end. row_sizes, column_sizes: templates of each unit. diagonal: rows and
    columns are the same templates, so only columns of later units count. low, per_unit: a score's bin is
    (score - low) · per_unit, clipped. thresholds: ascending.
    Added to: histograms (row parts, column parts, bins); row_counts (row units, column parts, thresholds, 3) and
    column_counts (column units, row parts, thresholds, 3): sums over pairs of units of h, h² and h·n, h scores at or
    above the threshold of n.
    """
    bins = histograms.shape[2]
    levels = len(thresholds)
    lowest_bin = bins
    if levels:
        lowest_bin = max(int((thresholds[0] - low) * per_unit) - 1, 0)
        if thresholds[0] <= low:
            lowest_bin = 0
        lowest_bin = min(lowest_bin, bins - 1)
    last = np.float64(bins - 1)
    local = np.zeros(bins, np.int32)
    hits = np.zeros((len(column_sizes), max(levels, 1)), np.int32)
    touched = np.zeros(len(column_sizes), np.int32)
    for part in range(len(row_parts) - 1):
        for other in range(part if diagonal else 0, len(column_parts) - 1):
            local[:] = 0
            first, end = column_parts[other], column_parts[other + 1]
            row = row_parts[part]
            while row < row_parts[part + 1]:
                unit = row_unit[row]
                n_touched = 0
                after = row + row_sizes[unit]  # this person's rows end here
                begin = max(first, after) if diagonal else first
                for i in range(row, after):
                    line = scores[i]
                    for j in range(begin, end):
                        x = np.float64(line[j])
                        k = int(min(max((x - low) * per_unit, 0.0), last))
                        local[k] += 1
                        if k >= lowest_bin and x >= thresholds[0]:
                            v = column_unit[j]
                            if hits[v, 0] == 0:
                                touched[n_touched] = v
                                n_touched += 1
                            for t in range(levels):
                                if x < thresholds[t]:
                                    break
                                hits[v, t] += 1
                for m in range(n_touched):
                    v = touched[m]
                    n = row_sizes[unit] * column_sizes[v]
                    for t in range(levels):
                        h = np.int64(hits[v, t])
                        if h == 0:
                            break
                        row_counts[unit, other, t, 0] += h
                        row_counts[unit, other, t, 1] += h * h
                        row_counts[unit, other, t, 2] += h * n
                        column_counts[v, part, t, 0] += h
                        column_counts[v, part, t, 1] += h * h
                        column_counts[v, part, t, 2] += h * n
                        hits[v, t] = 0
                row = after
            for k in range(bins):
                histograms[part, other, k] += local[k]


@njit(nogil=True, cache=True, boundscheck=False)
def harvest(
    scores: Float32,
    row_person: Int64,
    column_person: Int64,
    diagonal: bool,
    floor: float,
    kept: Float64,
    rows: Int64,
    columns: Int64,
) -> int:  # pragma: no cover - compiled
    """Non-mated scores of one block at or above `floor`: how many; the first len(kept) of them and their places."""
    count = 0
    for i in range(scores.shape[0]):
        line = scores[i]
        person = row_person[i]
        for j in range(i + 1 if diagonal else 0, scores.shape[1]):
            if line[j] >= floor and column_person[j] != person:
                if count < len(kept):
                    kept[count] = line[j]
                    rows[count] = i
                    columns[count] = j
                count += 1
    return count
