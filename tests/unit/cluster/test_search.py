"""The server's side: what it makes of answers, and of a gateway that dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from countenance.cluster import ClusterPlan, ClusterSearch, search
from countenance.errors import NotSearched
from countenance.faces import ModelId
from countenance.gallery import GalleryHead

ROOT = Path(__file__).parents[3]
PATH = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
HEAD = GalleryHead(1, ModelId("a" * 64), 4, 10, 3, 0)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterSearch]:
    monkeypatch.setattr(search, "GATEWAY", "tests.fakes.gateway")
    monkeypatch.setattr(search, "_AGAIN_S", 0.01)
    plan = ClusterPlan("127.0.0.1:1", "i" * 64, 2, 1, 1, int, within_s=60.0)  # type: ignore[arg-type]
    cluster = ClusterSearch(plan, {**os.environ, "PYTHONPATH": PATH})
    yield cluster
    cluster.close()


def probes(count: int, dimension: int = 4) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.arange(count * dimension, dtype=np.float32).reshape(count, dimension)


def test_the_answers_of_all_shards_are_one(cluster: ClusterSearch) -> None:
    found = cluster.find("staff", HEAD, probes(2), 5, 0.0)
    assert found is not None
    assert (found.size, found.revision) == (20, 3)
    assert found.hits == [[(0, 0.0)], [(1, 4.0)]]


def test_many_probes_are_sent_in_portions_and_come_back_in_their_order(cluster: ClusterSearch) -> None:
    many = probes(2000, 128)
    found = cluster.find("staff", HEAD, many, 5, 0.0)
    assert found is not None
    assert [hits[0][1] for hits in found.hits] == many[:, 0].tolist()


def test_a_gallery_that_changed_too_much_is_read_again_by_the_caller(cluster: ClusterSearch) -> None:
    assert cluster.find("changed", HEAD, probes(1), 5, 0.0) is None


@pytest.mark.parametrize("what", ["short", "behind"])
def test_an_answer_that_lacks_a_shard_or_a_revision_is_none(cluster: ClusterSearch, what: str) -> None:
    with pytest.raises(NotSearched):
        cluster.find(what, HEAD, probes(1), 5, 0.0)


def test_when_the_gateway_dies_its_searches_fail_and_the_next_ones_have_a_new_one(cluster: ClusterSearch) -> None:
    for _ in range(2):
        with pytest.raises(NotSearched, match="cannot be reached"):
            cluster.find("die", HEAD, probes(1), 5, 0.0)
        assert cluster.find("staff", HEAD, probes(1), 5, 0.0) is not None


def test_silence_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "GATEWAY", "tests.fakes.gateway")
    plan = ClusterPlan("127.0.0.1:1", "i" * 64, 1, 1, 1, int, within_s=60.0)  # type: ignore[arg-type]
    cluster = ClusterSearch(plan, {**os.environ, "PYTHONPATH": PATH})
    try:
        assert cluster.find("staff", HEAD, probes(1), 5, 0.0) is not None
        object.__setattr__(plan, "within_s", -0.9)
        with pytest.raises(NotSearched, match="in time"):
            cluster.find("silence", HEAD, probes(1), 5, 0.0)
        assert cluster._waiting == {}
    finally:
        cluster.close()


def test_a_cluster_that_is_never_reached_fails_and_the_gateway_ends_with_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(search, "GATEWAY", "tests.fakes.no_such_module")
    monkeypatch.setattr(search, "_AGAIN_S", 0.01)
    plan = ClusterPlan("127.0.0.1:1", "i" * 64, 1, 1, 1, int, within_s=0.05)  # type: ignore[arg-type]
    cluster = ClusterSearch(plan, {**os.environ, "PYTHONPATH": PATH})
    with pytest.raises(NotSearched, match="cannot be reached"):
        cluster.find("staff", HEAD, probes(1), 5, 0.0)
    cluster.forget("staff")  # nobody has to hear of it
    cluster.close()
    assert cluster._process is not None
    assert cluster._process.poll() is not None
