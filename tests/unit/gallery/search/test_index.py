from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from countenance.gallery.search import index as index_module
from countenance.gallery.search.index import Index
from countenance.gallery.search.threads import ThreadPool

DIMENSION = 8
SMALL = 32


@pytest.fixture(autouse=True, scope="module")
def small_chunks() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(index_module, "CHUNK", SMALL)
    patch.setattr(index_module, "_FIRST", 4)
    yield
    patch.undo()


def rows(count: int, seed: int = 0, kinds: int | None = None) -> NDArray[np.float32]:
    """Rows of few kinds, so that scores are often equal."""
    chance = np.random.default_rng(seed)
    made = chance.normal(size=(kinds or max(count, 1), DIMENSION)).astype(np.float32)
    return made[chance.integers(len(made), size=count)]


def by_hand(held: Any, probe: NDArray[np.float32], limit: int, min_score: float, without: int | None = None) -> Any:
    scored = [
        (number, float(np.float32(row.astype(np.float64) @ probe.astype(np.float64))))
        for number, row in held.items()
        if number != without
    ]
    scored = [pair for pair in scored if pair[1] >= np.float32(min_score)]
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:limit]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 40)),
        st.tuples(st.just("erase"), st.floats(0, 1), st.booleans()),
    ),
    max_size=12,
)


@given(steps, st.integers(1, 50), st.integers(0, 2**31), st.sampled_from([-np.inf, -1.0, 0.0, 1.5]))
@settings(deadline=None, max_examples=150)
def test_after_any_appends_and_erasures_a_search_is_what_a_full_sort_gives(
    steps: Any, limit: int, seed: int, min_score: float
) -> None:
    chance = np.random.default_rng(seed)
    index, held, last = Index(ThreadPool(1)), dict[int, NDArray[np.float32]](), 0
    for step in steps:
        if step[0] == "append":
            numbers = last + 1 + np.cumsum(chance.integers(1, 4, size=step[1]))
            more = rows(step[1], seed + last, kinds=5)
            index.append(numbers, more)
            held.update(zip(numbers.tolist(), more, strict=True))
            last = int(numbers[-1]) if len(numbers) else last
        else:
            living = np.array(sorted(held), dtype=np.int64)
            gone = living[chance.random(len(living)) < step[1]]
            if step[2]:
                gone = np.sort(np.concatenate([gone, chance.integers(0, last + 9, size=2)]))
                gone = np.unique(gone)
            index.erase(gone)
            for number in gone.tolist():
                held.pop(number, None)
        index.publish(index.snapshot.revision + 1)
        probe = rows(1, int(chance.integers(1000)))[0]
        without = int(chance.integers(0, last + 2))
        assert index.snapshot.size == len(held)
        assert index.snapshot.search(probe, limit, min_score, without) == by_hand(
            held, probe, limit, min_score, without
        )


def test_a_snapshot_sees_nothing_of_what_is_appended_later() -> None:
    index = Index(ThreadPool(1))
    index.append(np.arange(1, 6), rows(5))
    index.publish(0)
    before = index.snapshot
    index.append(np.arange(6, 40), rows(34, seed=1))
    index.publish(1)
    assert max(number for number, _ in before.search(rows(1)[0], 99, -np.inf)) == 5
    assert len(index.snapshot.search(rows(1)[0], 99, -np.inf)) == 39


def test_erased_rows_are_overwritten_in_memory_and_vanish_from_snapshots_already_taken() -> None:
    index = Index(ThreadPool(1))
    index.append(np.arange(1, 11), rows(10))
    index.publish(0)
    before = index.snapshot
    index.erase(np.array([3, 4]))
    assert {3, 4}.isdisjoint(number for number, _ in before.search(rows(1)[0], 99, -np.inf))
    for chunk, filled, _ in before.chunks:
        lying = chunk.rows[:filled][np.isin(chunk.numbers[:filled], [3, 4])]
        assert not lying.any()


def test_memory_follows_what_lives() -> None:
    index = Index(ThreadPool(1))
    index.append(np.arange(1, 1001), rows(1000))
    index.erase(np.arange(1, 991))
    index.publish(0)
    assert sum(len(chunk.numbers) for chunk, _, _ in index.snapshot.chunks) <= 3 * SMALL
    assert index.snapshot.size == 10


def test_a_score_does_not_depend_on_where_a_row_lies() -> None:
    chance = np.random.default_rng(3)
    row, probe = (chance.normal(size=DIMENSION).astype(np.float32) for _ in range(2))
    scores = set()
    for place in range(2 * SMALL):
        index = Index(ThreadPool(1))
        block = rows(2 * SMALL, seed=place)
        block[place] = row
        index.append(np.arange(1, len(block) + 1), block)
        index.publish(0)
        scores.add(dict(index.snapshot.search(probe, 99, -np.inf))[place + 1])
    assert len(scores) == 1
