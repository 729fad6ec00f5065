"""Sketches of templates: 256 bits that tell near-duplicates from others, and reveal nothing without the key.

Each bit says on which side of a secret random hyperplane the template lies (Charikar, STOC 2002), so that the share of
bits in which two sketches differ estimates the angle between the templates over pi.
"""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

BITS = 256
ALIKE_COSINE = 0.85
"""Pictures whose templates have this cosine or more count as near-duplicates, as precisely as sketches can tell."""
MOST_APART = int(BITS * math.acos(ALIKE_COSINE) / math.pi)
"""The most bits in which two near-duplicates differ."""

Words = NDArray[np.uint64]


class Sketcher:
    """Makes sketches. key: 32 secret bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._planes = lru_cache(maxsize=4)(self._drawn)

    def sketch(self, vectors: NDArray[Any]) -> Words:
        """Sketches of templates: (n, d) floats to (n, 4) words of 64 bits."""
        sides = np.ascontiguousarray(vectors, dtype=np.float32) @ self._planes(vectors.shape[1]) > 0.0
        return np.packbits(sides, axis=1).view(np.uint64)

    def mark(self, vector: NDArray[Any]) -> bytes:
        """Eight bytes that are equal only for equal templates."""
        return hashlib.blake2b(np.ascontiguousarray(vector, "<f4").tobytes(), key=self._key, digest_size=8).digest()

    def _drawn(self, dimension: int) -> NDArray[np.float32]:
        seed = int.from_bytes(hashlib.sha256(b"hyperplanes" + self._key).digest())
        return np.random.default_rng(seed).normal(size=(dimension, BITS)).astype(np.float32)


def apart(sketch: Words, others: Words) -> NDArray[np.int64]:
    """In how many bits `sketch` (4,) differs from each of `others` (n, 4)."""
    counts: NDArray[np.int64] = np.bitwise_count(others ^ sketch).sum(axis=1, dtype=np.int64)
    return counts
