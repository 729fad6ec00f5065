"""Counts by blocks of people: enough for a later, paired comparison, and nobody can be told apart in them.

People of a group are put in the order of the sha256 of their ids and cut into equal blocks, none smaller than the
small-cell bound. An audit of the same people cuts the same blocks. With block rates m_b (each false match counted in
both of its people), 1/B · Var_b(2 m_b) estimates the variance of the all-pairs rate (the first term of Hoeffding's
decomposition), and 1/B · Var_b(m_b) that of a rate over persons.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from countenance.audit.analysis.measurement import Counts
from countenance.audit.formats.results import Block
from countenance.metrics import Tally

MOST = 40
FEWEST = 8


def blocks_of(
    rows: NDArray[np.int64], ids: Sequence[str], tally: Tally, genuine: tuple[Counts, Counts, Counts], small_cell: int
) -> tuple[str, tuple[Block, ...]]:
    """The digest of a group's people and their counts by block.

    rows: (n,), rows of the group's people. ids: of all people. tally: false matches within the group. genuine: people,
    misses, trials; fewer people than `small_cell` are left out. No blocks where there would be fewer than `FEWEST`.
    """
    hashes = [hashlib.sha256(ids[row].encode()).hexdigest() for row in rows]
    order = np.argsort(np.array(hashes), kind="stable")
    digest = hashlib.sha256("".join(hashes[at] for at in order).encode()).hexdigest()
    count = min(MOST, len(rows) // small_cell)
    if count < FEWEST:
        return digest, ()
    block_of = np.full(len(ids), -1, np.int64)
    block_of[rows[order]] = np.arange(len(rows)) * count // len(rows)

    def total(people: Counts, counts: Counts) -> Counts:
        block = block_of[people]
        return np.bincount(block[block >= 0], counts[block >= 0], count).astype(np.int64)

    who, misses, trials = genuine if len(genuine[0]) >= small_cell else (np.empty(0, np.int64),) * 3
    columns = [
        total(tally.people, tally.errors),
        total(tally.people, tally.trials),
        total(who, misses),
        total(who, trials),
    ]
    return digest, tuple(Block(*(int(column[at]) for column in columns)) for at in range(count))
