"""What galleries that no machine here can hold would cost: a model of a cluster's searches, fitted to measurements.

A search asks every shard and waits for the last. A shard's search takes a fixed time and a time for each face, spread
as measured, or as long as its memory needs to hand over the codes, whichever is longer. A shard searches with all cores
of its node, one search after the other. The process that asks the shards and gathers what they say spends a time on
each answer, one search after the other, too. Searches arrive at random (a Poisson process), and wait their turn in each
of these queues.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
REQUESTS = 20_000
_WARM_UP = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class SearchCosts:
    """What was measured. Seconds, on one core: fixed_s of a search, face_s for each face, ask_s and shard_s of asking
    shards and for each answer.

    further: what another core adds, as a share of the first. code_bytes: of a face that every search reads. spread:
    (n,) times of searches over their median.
    """

    fixed_s: float
    face_s: float
    further: float
    code_bytes: float
    ask_s: float
    shard_s: float
    spread: Numbers


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """cores; bytes_s: how many bytes of memory it reads in a second, all cores together."""

    cores: int
    bytes_s: float


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds that searches take, from their arrival to the answer."""

    p50: float
    p99: float


def line(faces: Sequence[int], seconds: Sequence[float]) -> tuple[float, float]:
    """Fixed time and time for each face, seconds, 0 or more: the line with the least squared relative errors."""
    n, t = np.asarray(faces, np.float64), np.asarray(seconds, np.float64)
    sides = np.stack([1 / t, n / t], axis=1)
    fixed, each = np.linalg.lstsq(sides, np.ones(len(t)), rcond=None)[0]
    if fixed < 0:
        return 0.0, float((n / t).sum() / ((n / t) ** 2).sum())
    return float(fixed), float(each)


def shard_search_s(costs: SearchCosts, node: ClusterNode, faces: int) -> float:
    """Median seconds of one search among `faces` on one node that has nothing else to do."""
    computed = costs.fixed_s + costs.face_s * faces / (1 + costs.further * (node.cores - 1))
    return max(computed, costs.code_bytes * faces / node.bytes_s)


def most_searches_s(costs: SearchCosts, node: ClusterNode, faces: int, shards: int) -> float:
    """Searches a second at which the first queue never gets shorter; one copy of every shard."""
    shard = shard_search_s(costs, node, faces // shards) * float(costs.spread.mean())
    return 1 / max(shard, shards * costs.shard_s)


def searches(
    costs: SearchCosts, node: ClusterNode, faces: int, shards: int, rate: float, seed: int, requests: int = REQUESTS
) -> Times:
    """Simulate `requests` searches of `faces` in `shards` parts, `rate` of them a second (0: one at a time)."""
    rng = np.random.default_rng(seed)
    median = shard_search_s(costs, node, faces // shards)
    gaps = rng.exponential(1 / rate, requests) if rate else np.full(requests, np.inf)
    waiting, busy = np.zeros(shards), 0.0  # what is left of the work before, in each queue
    took = np.empty(requests)
    for i in range(requests):
        searched = waiting + median * rng.choice(costs.spread, shards)
        gathered = busy + shards * costs.shard_s
        took[i] = costs.ask_s + max(float(searched.max()), gathered) + (costs.shard_s if shards > 1 else 0.0)
        waiting, busy = np.maximum(0.0, searched - gaps[i]), max(0.0, gathered - gaps[i])
    p50, p99 = np.percentile(took[min(_WARM_UP, requests // 2) :], [50, 99])
    return Times(float(p50), float(p99))
