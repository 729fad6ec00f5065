"""Rows that belong to a user, and the search among these only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from countenance.gallery.search import index as index_module
from countenance.gallery.search import kernels
from countenance.gallery.search.bounded import BoundedSearch
from countenance.gallery.search.index import Index
from countenance.gallery.search.threads import ThreadPool

DIMENSION = 16
CHUNK, CODED = 64, 150


@pytest.fixture(autouse=True, scope="module")
def small_chunks() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(index_module, "CHUNK", CHUNK)
    patch.setattr(index_module, "CODED", CODED)
    patch.setattr(index_module, "_FIRST", 32)
    yield
    patch.undo()


def rows(count: int, chance: Any) -> NDArray[np.float32]:
    """Some of them equal, so that scores often are."""
    made = chance.normal(size=(max(1, count // 2), DIMENSION))
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return np.asarray(made[chance.integers(len(made), size=count)], dtype=np.float32)


def by_hand(held: Any, probe: NDArray[np.float32], limit: int, min_score: float, without: int | None) -> Any:
    scored = [
        (number, float(np.float32(row.astype(np.float64) @ probe.astype(np.float64))))
        for number, row in held.items()
        if number != without
    ]
    return sorted((hit for hit in scored if hit[1] >= min_score), key=lambda hit: (-hit[1], hit[0]))[:limit]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 120)),
        st.tuples(st.just("erase"), st.floats(0, 0.9)),
        st.tuples(st.just("own"), st.floats(0, 1)),
        st.tuples(st.just("let go"), st.floats(0, 1)),
    ),
    max_size=12,
)


@given(steps, st.integers(1, 40), st.integers(0, 2**31), st.sampled_from([-np.inf, 0.0, 0.4]))
@settings(deadline=None, max_examples=100)
def test_after_any_changes_only_living_owned_rows_count(steps: Any, limit: int, seed: int, min_score: float) -> None:
    chance = np.random.default_rng(seed)
    index, bounded, last = Index(ThreadPool(1)), BoundedSearch(ThreadPool(1)), 0
    held, owned = dict[int, NDArray[np.float32]](), set[int]()
    for step, size in steps:
        living = np.array(sorted(held), dtype=np.int64)
        some = living[chance.random(len(living)) < size]
        if step == "append":
            numbers, new = last + 1 + np.arange(size), rows(size, chance)
            index.append(numbers, new)
            held.update(zip(numbers.tolist(), new, strict=True))
            last += size
        elif step == "erase":
            index.erase(some)
            owned -= set(some.tolist())
            for number in some.tolist():
                del held[number]
        else:
            anything = chance.integers(0, last + 9, size=3)  # erased ones and such as never were among them
            some = np.unique(np.concatenate([some, anything]))
            index.own(some, step == "own")
            owned = owned | (set(some.tolist()) & set(held)) if step == "own" else owned - set(some.tolist())
        index.publish(index.snapshot.revision + 1)
    probes, without = rows(3, chance), int(chance.integers(0, last + 2))
    snapshot, theirs = index.snapshot, {number: held[number] for number in owned}
    for probe in probes:
        expected = by_hand(theirs, probe, limit, min_score, without)
        assert snapshot.search(probe, limit, min_score, without, owned=True) == expected
        assert snapshot.search(probe, limit, min_score, without) == by_hand(held, probe, limit, min_score, without)
        if snapshot.coder:
            assert bounded.search(snapshot, probe, limit, min_score, without, owned=True) == expected
    if snapshot.coder:
        expected = [by_hand(theirs, probe, limit, min_score, None) for probe in probes]
        assert bounded.search_many(snapshot, probes, limit, min_score, owned=True) == expected


def test_rows_of_nobody_do_not_stand_in_the_way_of_bounds() -> None:
    chance = np.random.default_rng(6)
    made = chance.normal(size=(4000, 128))
    made = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    index, bounded = Index(ThreadPool(1)), BoundedSearch(ThreadPool(1))
    index.append(np.arange(1, 4001), made)
    index.own(np.arange(2, 4001, 2), True)
    index.publish(0)
    snapshot, probes = index.snapshot, made[0:8:2]  # each is the row of nobody
    expected = [snapshot.search(probe, 3, -1.0, None, True) for probe in probes]
    assert [bounded.search(snapshot, probe, 3, -1.0, None, True) for probe in probes] == expected
    assert bounded.search_many(snapshot, probes, 3, -1.0, True) == expected
    assert (bounded.counts.searches, bounded.counts.fallbacks) == (8, 0)


@pytest.mark.parametrize("exact", [True, False], ids=["computing all", "by codes"])
def test_a_hit_that_is_let_go_while_a_search_runs_makes_room_for_another(
    monkeypatch: pytest.MonkeyPatch, exact: bool
) -> None:
    chance = np.random.default_rng(5)
    made = rows(400, chance)
    index, bounded = Index(ThreadPool(1)), BoundedSearch(ThreadPool(1))
    index.append(np.arange(1, 401), made)
    index.own(np.arange(1, 401, 2), True)
    index.publish(0)
    snapshot = index.snapshot
    search = snapshot.search if exact else lambda *given: bounded.search(snapshot, *given)
    (first, _), *rest = snapshot.search(made[2], 6, -1.0, None, True)
    calls: list[int] = []

    def letting_go(inner: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **named: Any) -> Any:
            if not calls:
                calls.append(1)
                index.own(np.array([first]), False)
            return inner(*given, **named)

        return wrapped

    if exact:
        monkeypatch.setattr(np, "flatnonzero", letting_go(np.flatnonzero))
    else:
        monkeypatch.setattr(kernels, "gather", letting_go(kernels.gather))
    assert search(made[2], 5, -1.0, None, True) == rest
    assert calls


def test_what_is_owned_stays_so_where_a_chunk_is_copied() -> None:
    index = Index(ThreadPool(1))
    index.append(np.arange(1, 31), rows(30, np.random.default_rng(1)))
    index.own(np.array([3, 30]), True)
    index.append(np.arange(31, 61), rows(30, np.random.default_rng(2)))  # the first chunk grows
    index.erase(np.arange(4, 60)[np.arange(4, 60) != 30])
    index.publish(0)
    probe = rows(1, np.random.default_rng(3))[0]
    assert {number for number, _ in index.snapshot.search(probe, 99, -np.inf, owned=True)} == {3, 30}
