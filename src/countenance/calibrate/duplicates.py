"""People who are in a data set twice, found by a stated rule, so that they do not count as false matches. A pair's raw
score is compared with how much both pictures resemble everybody: the mean of their 11th to 60th highest scores (the
highest ten may be the same person again). Two pictures labelled with the same race and different genders count as two
people, whatever their score. A pair above the level that only `RATE` of such pairs exceed counts as the same person,
and one picture of each person is kept. The rule is the same for every model.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

RATE = 1e-5
"""Share of pairs of one race and different genders above the cut."""
_SKIPPED, _LOOKED_AT = 10, 50
_CHUNK = 1000
_BINS = np.linspace(-2.0, 2.0, 4001)

Vectors = NDArray[np.float32]


def same_people(
    vectors: Vectors, gender: NDArray[np.str_], race: NDArray[np.str_], cut: float | None = None
) -> tuple[NDArray[np.int64], float]:
    """A number for each of n pictures, equal for pictures of the same person, and the cut that decided.

    vectors: (n, d). gender, race: (n,); pairs that differ in the first alone set the cut,
    unless it is given.
    """
    around = _resemblance(vectors)
    if cut is None:
        cut = _cut(vectors, around, gender, race)
    first, second = [], []
    for start, excess in _blocks(vectors, around):
        i, j = np.nonzero((excess >= cut) & _later(start, excess.shape))
        first.append(i + start)
        second.append(j)
    i, j = np.concatenate(first), np.concatenate(second)
    n = len(vectors)
    _, person = connected_components(coo_matrix((np.ones(len(i)), (i, j)), shape=(n, n)), directed=False)
    return person.astype(np.int64), cut


def _cut(vectors: Vectors, around: Vectors, gender: NDArray[np.str_], race: NDArray[np.str_]) -> float:
    counts = np.zeros(len(_BINS) - 1, np.int64)
    for start, excess in _blocks(vectors, around):
        rows = slice(start, start + len(excess))
        other = (gender[rows, None] != gender[None]) & (race[rows, None] == race[None])
        counts += np.histogram(excess[_later(start, excess.shape) & other], _BINS)[0]
    above = counts[::-1].cumsum()[::-1]
    return float(_BINS[int(np.argmax(above <= RATE * counts.sum()))])


def one_each(person: NDArray[np.int64]) -> NDArray[np.intp]:
    """The row of each person's first picture, ascending."""
    return np.sort(np.unique(person, return_index=True)[1])


def _resemblance(vectors: Vectors) -> Vectors:
    resemblance = np.empty(len(vectors), np.float32)
    last = min(_SKIPPED + _LOOKED_AT + 1, len(vectors))
    first = min(_SKIPPED + 1, last - 1)  # the highest score is of the picture with itself
    for start in range(0, len(vectors), _CHUNK):
        scores = vectors[start : start + _CHUNK] @ vectors.T
        top = -np.partition(-scores, last - 1, axis=1)[:, :last]
        top.sort(axis=1)
        resemblance[start : start + _CHUNK] = top[:, ::-1][:, first:].mean(axis=1)
    return resemblance


def _blocks(vectors: Vectors, around: Vectors) -> Iterator[tuple[int, Vectors]]:
    for start in range(0, len(vectors), _CHUNK):
        scores = vectors[start : start + _CHUNK] @ vectors.T
        around_both = (around[start : start + _CHUNK, None] + around[None]) / 2
        yield start, np.asarray(scores - around_both, np.float32)


def _later(start: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.asarray(np.arange(shape[1])[None] > np.arange(start, start + shape[0])[:, None])
