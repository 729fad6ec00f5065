"""How n templates are ordered and cut into blocks, and how threads work through the blocks.

Order: by group, then person. A *unit* is the templates of one person within one group; no block cuts a unit, so that
mated pairs of a unit lie in diagonal blocks only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countenance.errors import BadRequest
from countenance.metrics.statistics.dyads import Counts
from countenance.metrics.statistics.labels import Codes

Floats32 = NDArray[np.float32]
"""float32, shape (n, d)."""

BLOCK = 640
"""Templates of a block, more only where one unit has more: a block of scores stays in a core's cache."""
SYMMETRY_SAMPLE = 64
"""Templates whose scores are compared in both orders."""


@dataclass(frozen=True, slots=True, eq=False)
class Ordered:
    """Templates in order. order: (n,), the row of the input at each place. probe, gallery: float32 (n, d), contiguous.

    person, group: codes (n,) at each place. unit: (n,) unit numbers. unit_start: (u+1,) first place of each unit.
    unit_person, unit_group: (u,). block_start: (b+1,) first unit of each block.
    """

    order: Codes
    probe: Floats32
    gallery: Floats32
    person: Codes
    group: Codes
    unit: Codes
    unit_start: Counts
    unit_person: Codes
    unit_group: Codes
    block_start: Counts

    @classmethod
    def of(cls, probe_side: ArrayLike, gallery_side: ArrayLike | None, people: ArrayLike, group: ArrayLike) -> Ordered:
        """Check and sort. BadRequest as in `pairs.all_pairs`."""
        probe = _sides(probe_side, "probe side")
        gallery = probe if gallery_side is None else _sides(gallery_side, "gallery side")
        if gallery.shape != probe.shape:
            raise BadRequest(f"the two sides of templates have shapes {probe.shape} and {gallery.shape}")
        n = len(probe)
        who = np.asarray(people)
        codes = np.asarray(group)
        if who.shape != (n,) or codes.shape != (n,) or not np.issubdtype(codes.dtype, np.integer):
            raise BadRequest(
                f"{n} templates have one person and one group code each, got {who.shape} and {codes.shape}"
            )
        if n < 2:
            raise BadRequest(f"pairs need two templates, got {n}")
        if gallery is not probe:
            _check_symmetry(probe, gallery)
        _, person = np.unique(who, return_inverse=True)
        order = np.lexsort((person, codes))
        person, codes = person[order].astype(np.int64), codes[order].astype(np.int64)
        change = np.flatnonzero((person[1:] != person[:-1]) | (codes[1:] != codes[:-1])) + 1
        starts = np.r_[0, change, n]
        unit = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        blocks = [0]
        for u in range(1, len(starts) - 1):
            if starts[u + 1] - starts[blocks[-1]] > BLOCK:
                blocks.append(u)
        sorted_probe = np.ascontiguousarray(probe[order])
        sorted_gallery = sorted_probe if gallery is probe else np.ascontiguousarray(gallery[order])
        at = starts[:-1]
        return cls(
            order,
            sorted_probe,
            sorted_gallery,
            person,
            codes,
            unit,
            starts,
            person[at],
            codes[at],
            np.r_[np.array(blocks), len(starts) - 1],
        )

    def __len__(self) -> int:
        """Number of templates."""
        return len(self.order)

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return len(self.block_start) - 1

    def rows(self, block: int) -> slice:
        """The places of a block."""
        first, end = self.block_start[block], self.block_start[block + 1]
        return slice(int(self.unit_start[first]), int(self.unit_start[end]))

    def units(self, block: int) -> slice:
        """The units of a block."""
        return slice(int(self.block_start[block]), int(self.block_start[block + 1]))

    @property
    def largest_block(self) -> int:
        """Templates of the largest block."""
        return int(np.diff(self.unit_start[self.block_start]).max())

    def block_pairs(self) -> Iterator[tuple[int, int]]:
        """Every pair of blocks of the upper triangle, row by row."""
        return ((a, b) for a in range(self.blocks) for b in range(a, self.blocks))


def each_block(data: Ordered, work: Callable[[int, int, Floats32], None], workers: int) -> int:
    """Hand every block of scores (r, c) to `work(row block, column block, scores)`; returns how many threads worked.

    Each thread multiplies with one BLAS thread into a buffer of its own: nested threads would fight over the cores.
    Where the number of BLAS threads cannot be set (threadpoolctl is not installed), one thread works and BLAS brings
    its own. An exception in `work` stops everything.
    """
    limit, wanted = _single_threaded_blas(workers or os.cpu_count() or 1)
    size = data.largest_block
    todo = iter(list(data.block_pairs()))

    def loop() -> None:
        buffer = np.empty(size * size, np.float32)
        while (pair := next(todo, None)) is not None:
            a, b = pair
            left, right = data.probe[data.rows(a)], data.gallery[data.rows(b)]
            scores = buffer[: len(left) * len(right)].reshape(len(left), len(right))
            np.dot(left, right.T, out=scores)
            work(a, b, scores)

    with limit:
        if wanted == 1:
            loop()
        else:
            with ThreadPoolExecutor(wanted) as pool:
                for done in [pool.submit(loop) for _ in range(wanted)]:
                    done.result()
    return wanted


def _single_threaded_blas(workers: int) -> tuple[AbstractContextManager[object], int]:
    try:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ImportError:
        return nullcontext(), 1
    return threadpool_limits(1, user_api="blas"), workers


def _sides(values: ArrayLike, name: str) -> Floats32:
    side = np.ascontiguousarray(values, np.float32)
    if side.ndim != 2 or not side.shape[1]:
        raise BadRequest(f"the {name} has one row of numbers per template, got shape {side.shape}")
    if not np.isfinite(side.sum(axis=1, dtype=np.float64)).all():
        raise BadRequest(f"the {name} holds NaN or infinite numbers")
    return side


def _check_symmetry(probe: Floats32, gallery: Floats32) -> None:
    step = max(len(probe) // SYMMETRY_SAMPLE, 1)
    table = probe[::step][:SYMMETRY_SAMPLE].astype(np.float64) @ gallery[::step][:SYMMETRY_SAMPLE].astype(np.float64).T
    if np.abs(table - table.T).max() > 1e-4 * max(np.abs(table).max(), 1e-30):
        raise BadRequest("the score of two templates depends on which is the probe; all pairs need one score per pair")
