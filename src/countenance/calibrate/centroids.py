"""Cohorts without anybody's own template: mean directions of many people's templates, by spherical k-means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from countenance.errors import BadRequest

FEWEST_PEOPLE = 20
"""The fewest people behind a vector of a cohort."""
_ROUNDS = 25

Vectors = NDArray[np.float32]


def cohort(vectors: Vectors, wanted: int, seed: int) -> tuple[Vectors, NDArray[np.int64]]:
    """At most `wanted` directions (m, d) of norm 1, each the mean of at least `FEWEST_PEOPLE` of `vectors`.

    vectors: (n, d), one per person. Every vector belongs to the direction nearest to it; directions with too few are
    dropped, and their vectors go to the next nearest. Also returns how many people are behind each, (m,). BadRequest
    with fewer than `FEWEST_PEOPLE` vectors.
    """
    if len(vectors) < FEWEST_PEOPLE:
        raise BadRequest(f"a cohort needs {FEWEST_PEOPLE} people or more, got {len(vectors)}")
    rng = np.random.default_rng(seed)
    centres = vectors[rng.choice(len(vectors), min(wanted, len(vectors)), replace=False)]
    for step in range(_ROUNDS):
        nearest = np.argmax(vectors @ centres.T, axis=1)
        people = np.bincount(nearest, minlength=len(centres))
        least = FEWEST_PEOPLE if step >= _ROUNDS - 3 else FEWEST_PEOPLE // 2
        if not (people >= least).any():
            least = int(people.max())
        centres = _means(vectors, nearest, len(centres))[people >= least]
    while True:
        nearest = np.argmax(vectors @ centres.T, axis=1)
        people = np.bincount(nearest, minlength=len(centres))
        if people.min() >= FEWEST_PEOPLE:
            return _means(vectors, nearest, len(centres)), people
        centres = np.delete(centres, int(people.argmin()), axis=0)


def _means(vectors: Vectors, nearest: NDArray[np.intp], m: int) -> Vectors:
    sums = np.zeros((m, vectors.shape[1]), np.float64)
    np.add.at(sums, nearest, vectors)
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(norms > 0, norms, 1.0), np.float32)
