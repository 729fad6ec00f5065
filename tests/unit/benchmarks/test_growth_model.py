"""The model of large clusters, held against results of queueing theory that are known exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.growth_model import ClusterNode, SearchCosts, line, most_searches_s, searches, shard_search_s

ALONE = ClusterNode(cores=1, bytes_s=1e15)
COSTS = SearchCosts(fixed_s=0.001, face_s=1e-9, further=0.5, code_bytes=50.0, ask_s=0.0, shard_s=0.0, spread=np.ones(1))


def test_a_line_is_found_again() -> None:
    faces = [10_000, 100_000, 1_000_000]
    assert line(faces, [0.002 + 3e-9 * n for n in faces]) == pytest.approx((0.002, 3e-9))


def test_no_time_is_negative() -> None:
    fixed, each = line([1_000, 10_000, 100_000], [1e-6, 2e-5, 3e-4])
    assert fixed == 0 and each > 0


def test_memory_bounds_what_cores_can_do() -> None:
    many = ClusterNode(cores=1_000_000, bytes_s=50e9)
    assert shard_search_s(COSTS, many, 1_000_000_000) == pytest.approx(1.0)
    assert shard_search_s(COSTS, ALONE, 1_000_000_000) == pytest.approx(1.001)
    assert shard_search_s(COSTS, ClusterNode(3, 1e15), 1_000_000_000) == pytest.approx(0.501)


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_one_queue_of_random_times_waits_as_theory_says(share: float) -> None:
    """M/M/1: the time from arrival to answer is exponential with mean s / (1 - share)."""
    spread = -np.log1p(-(np.arange(20_000) + 0.5) / 20_000)  # the quantiles of an exponential
    mean = 0.001
    found = searches(replace(COSTS, face_s=0.0, spread=spread), ALONE, 1, 1, share / mean, 1, 200_000)
    expected = mean / (1 - share)
    assert found.p50 == pytest.approx(expected * np.log(2), rel=0.05)
    assert found.p99 == pytest.approx(expected * np.log(100), rel=0.08)


def test_without_a_queue_a_search_waits_for_the_slowest_shard() -> None:
    spread = np.arange(1, 1001) / 1000
    found = searches(replace(COSTS, face_s=0.0, spread=spread), ALONE, 10, 10, 0.0, 1)
    assert found.p50 == pytest.approx(0.001 * 0.5 ** (1 / 10), rel=0.01)


def test_asking_many_shards_takes_its_time_and_is_a_queue_too() -> None:
    costs = replace(COSTS, ask_s=0.002, shard_s=0.0001)
    idle = searches(costs, ALONE, 100, 100, 0.0, 1)
    assert idle.p50 == pytest.approx(0.002 + 100 * 0.0001 + 0.0001, rel=0.01)
    assert most_searches_s(costs, ALONE, 100, 100) == pytest.approx(100)
    busy = searches(costs, ALONE, 100, 100, 90.0, 1)
    assert busy.p50 > 2 * idle.p50
