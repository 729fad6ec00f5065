"""The bounded search gives what computing every score gives; its bounds are wrong as seldom as they say."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import betainc
from tests.unit.gallery.search.compiling import njit

from countenance.gallery.search import bounded as bounded_module
from countenance.gallery.search import chunk as chunk_module
from countenance.gallery.search import codes as codes_module
from countenance.gallery.search import index as index_module
from countenance.gallery.search import intrinsics, kernels
from countenance.gallery.search.bounded import BoundedSearch
from countenance.gallery.search.coder import Coder
from countenance.gallery.search.codes import Bytes, Codes, Rows
from countenance.gallery.search.index import Hits, Index, IndexSnapshot
from countenance.gallery.search.threads import ThreadPool

Floats = NDArray[np.floating[Any]]
Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Many = tuple[Rows, Index]
"""Rows, and an index of them."""

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@pytest.fixture(autouse=True, scope="module")
def small_chunks() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(index_module, "CHUNK", 512)
    patch.setattr(index_module, "CODED", 600)
    patch.setattr(index_module, "_FIRST", 32)
    patch.setattr(chunk_module, "_CODED_AT_ONCE", 96)
    yield
    patch.undo()


def unit(rows: Floats) -> Rows:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def faces(count: int, dimension: int, chance: np.random.Generator, kinds: int | None = None) -> Rows:
    """Rows around few centres, some of them twins of others, some equal."""
    kinds = kinds or max(1, count // 8)
    centres = chance.normal(size=(kinds, dimension))
    rows = centres[chance.integers(kinds, size=count)] + chance.choice([0, 0.01, 0.5], size=(count, 1)) * chance.normal(
        size=(count, dimension)
    )
    return unit(rows)


def filled(rows: Rows, revision: int = 0) -> Index:
    index = Index(ThreadPool(1))
    index.append(np.arange(1, len(rows) + 1), rows)
    index.publish(revision)
    return index


@pytest.fixture(scope="module", params=[1, 3], ids=["one thread", "three threads"])
def bounded(request: pytest.FixtureRequest) -> BoundedSearch:
    return BoundedSearch(ThreadPool(request.param))


def coded(rows: Rows) -> tuple[Coder, Codes]:
    """Codes of rows, whose count is a multiple of 32, and what made them."""
    coder = Coder(rows.mean(axis=0), rows.var(axis=0))
    codes = coder.codes(len(rows))
    codes.put(0, rows)
    return coder, codes


def levels(codes: Codes) -> tuple[Floats, Floats]:
    """The brief and the fine codes' levels, (n, padded) each, taken out of the layout again."""
    groups, turns = codes.brief.shape[:2]
    bits = np.stack([(codes.brief >> shift) & 3 for shift in (0, 2, 4, 6)], axis=-2)  # 16 dimensions last
    brief = bits.transpose(0, 2, 3, 1, 4, 5).reshape(groups * 32, turns * 16)
    fine = 2 * brief + np.unpackbits(codes.fine[:, :-8], axis=1, bitorder="little")
    return brief - 1.5, fine - 3.5


def gains_and_residuals(codes: Codes, which: int) -> tuple[Floats, Floats]:
    """Gains and residuals, (n,) each, of the brief codes (0) or the fine ones (1)."""
    if which:
        gain, residual = np.ascontiguousarray(codes.fine[:, -8:]).view(np.float32).astype(np.float64).T
        return gain, residual
    facts = codes.facts.astype(np.float64)
    gain, residual = ((codes.scales[:, i, :1] + codes.scales[:, i, 1:] * facts[:, i]).reshape(-1) for i in range(2))
    return gain, residual


def test_a_code_is_a_part_along_the_row_and_a_part_across_it() -> None:
    chance = np.random.default_rng(8)
    rows = faces(320, 40, chance, kinds=320) * chance.choice([0.1, 1, 30], size=(320, 1)).astype(np.float32)
    rows[7] = rows.mean(axis=0)
    coder, codes = coded(rows)
    turned = coder.turned(rows).y.astype(np.float64)
    for which, levels_ in enumerate(levels(codes)):
        gain, residual = gains_and_residuals(codes, which)
        with_code, norm = (turned * levels_).sum(axis=1), (turned**2).sum(axis=1)
        steps = np.zeros((2, 320)) if which else np.repeat(codes.scales[:, :2, 1].T, 32, axis=1)
        assert (np.abs(gain - norm / np.maximum(with_code, 1e-30)) <= 0.501 * steps[0] + 1e-4 * gain).all()
        across = np.sqrt(np.maximum(norm * (norm * (levels_**2).sum(axis=1) / with_code**2 - 1), 0))
        assert (residual >= across).all()
        assert (residual <= across * 1.001 + 1.01 * steps[1] + 1e-6).all()
        assert (
            codes.longest[which] >= (gain * np.linalg.norm(levels_, axis=1))[norm > 0].max() * 0.99
        )  # gains are a little off
    assert codes.longest[2] >= np.sqrt((turned**2).sum(axis=1)).max() * 0.99999


@pytest.mark.parametrize("which", [0, 1], ids=["brief", "fine"])
@pytest.mark.parametrize("dimension", [24, 128])
def test_bounds_are_wrong_as_often_as_they_say(which: int, dimension: int) -> None:
    wrong = pairs = 0
    chance = np.random.default_rng(11)
    for _ in range(40):  # rotations
        rows = unit(chance.normal(size=(256, dimension)) + 0.4)
        coder, codes = coded(rows)
        probes = unit(rows[:20] + chance.choice([0.1, 1.0], size=(20, 1)) * chance.normal(size=(20, dimension)))
        centred = rows.astype(np.float64) - coder.centre
        along = centred @ probes.T / np.linalg.norm(centred, axis=1)[:, None]
        across = np.sqrt(np.maximum(1 - along**2, 0))
        gain, residual = gains_and_residuals(codes, which)
        estimates = gain[:, None] * (levels(codes)[which] @ (probes @ coder.rotation).T)
        bounds = estimates + codes_module.furthest(coder.padded, 0.01) * across * residual[:, None]
        wrong += (bounds < centred @ probes.T).sum()
        pairs += bounds.size
    assert 0.0085 * pairs < wrong < 0.0115 * pairs


def test_the_slack_beside_a_column_is_never_less_than_what_the_row_may_need() -> None:
    chance = np.random.default_rng(17)
    slack_of = kernels._slack.py_func
    for _ in range(300):
        base, norm, longest, floor = chance.normal(), *chance.uniform(0.1, 3, 2), 2 * chance.normal()
        terms = np.zeros(12, dtype=np.float32)
        terms[9:] = norm**2, base, 1 / longest
        slack, tilt = slack_of(terms, np.float32(floor), 0.4)
        for beside in chance.normal(size=20):
            along = max(floor - base - beside, 0) / longest
            if along < norm:  # else no such row exists
                assert slack + tilt * beside >= 0.4 * np.sqrt(norm**2 - along**2) - 1e-5


@pytest.mark.parametrize("columns", [False, True], ids=["templates", "with a normaliser's columns"])
@pytest.mark.parametrize("far", [0.02, 0.35])
def test_rows_are_computed_that_their_bounds_leave_a_chance_and_no_others(
    monkeypatch: pytest.MonkeyPatch, columns: bool, far: float
) -> None:
    """Against numpy; far: t. The limit is never reached, so the floor stays where it is."""
    monkeypatch.setattr(codes_module, "furthest", lambda dimensions, chance: far)
    chance = np.random.default_rng(16)
    rows = unit(chance.normal(size=(4096, 64)) + 0.3)
    probe = unit(chance.normal(size=(1, 64)) + 0.3)[0]
    if columns:
        rows = np.hstack([rows, np.ones((4096, 1)), 0.05 * chance.normal(size=(4096, 1))]).astype(np.float32)
        probe = np.append(probe, [-0.1, 6.0]).astype(np.float32)
    patch = pytest.MonkeyPatch()
    patch.setattr(index_module, "CHUNK", 4096)
    index = filled(rows)
    patch.undo()
    ((chunk, _, _),) = index.snapshot.chunks
    coder, codes = index.snapshot.coder, chunk.codes
    assert coder is not None and codes is not None
    floor, centre = 0.3, float(coder.centre @ probe)
    beside = (rows - coder.centre)[:, coder.staying] @ probe[coder.staying] if columns else np.zeros(4096)
    turned = probe @ coder.rotation
    along = (floor - centre) / codes.longest[2]
    across = np.sqrt(turned @ turned - along**2)
    slack = far * (across + along / codes.longest[2] / across * beside)
    coded_probe = coder.probe(probe)
    lost = min(coded_probe.lost, coded_probe.scale * np.sqrt(np.log(10 * 4096 / codes_module.CHANCE) / 2))
    estimates, bounds = [], []
    for which, levels_ in enumerate(levels(codes)):
        gain, residual = gains_and_residuals(codes, which)
        estimates.append(centre + beside + gain * (levels_ @ turned) + lost * codes.longest[which])
        bounds.append(estimates[-1] + residual * slack)
    at_once = estimates[0] >= floor
    waiting = (bounds[0] >= floor) & ~at_once
    computed = at_once | (waiting & (bounds[1] >= floor))
    bounded = BoundedSearch(ThreadPool(1))
    bounded.search(index.snapshot, probe, 4096, floor)
    # how the probe was rounded moves the estimates by a little, which is some rows
    assert bounded.counts.refined == pytest.approx(waiting.sum(), rel=0.1, abs=20)
    assert bounded.counts.computed == pytest.approx(computed.sum(), rel=0.1, abs=20)


@pytest.mark.parametrize("dimensions", [16, 128, 512])
@pytest.mark.parametrize("chance", [0.1, 1e-4, 1e-9])
def test_the_furthest_coordinate_is_what_the_sphere_allows(dimensions: int, chance: float) -> None:
    t = codes_module.furthest(dimensions, chance)
    beyond = 0.5 * betainc((dimensions - 2) / 2, 0.5, 1 - t**2)
    assert 0.99 * chance < beyond <= chance


@pytest.mark.parametrize("chance", [0.1, 1e-4])
def test_in_few_dimensions_nothing_is_ruled_out_that_the_circle_allows(chance: float) -> None:
    for dimensions in (0, 1, 2):
        assert codes_module.furthest(dimensions, chance) == 1.0
    on_a_circle = np.cos(np.pi * chance)  # the coordinate of a point on it is below -t with this chance
    assert codes_module.furthest(3, chance) == pytest.approx(on_a_circle, rel=2e-6)
    assert on_a_circle < codes_module.furthest(3, chance) <= 1.0


def test_the_chance_of_a_miss_is_shared_by_the_hits_and_the_three_bounds() -> None:
    """All hits together are missed with `CHANCE`, so each of n hits has an n-th of it (the union bound)."""
    chance = np.random.default_rng(23)
    rows = unit(chance.normal(size=(64, 128)))
    coder, codes = coded(rows)
    probe = coder.probe(rows[0])
    n = coder.padded
    for limit in (1, 10, 1000):
        made = codes_module.terms(probe, codes.longest, limit, 0.0)
        for term, share in ((7, 0.8), (8, 0.1)):
            missed = 0.5 * betainc((n - 2) / 2, 0.5, 1 - float(made[term]) ** 2)
            assert missed == pytest.approx(share * 1e-6 / limit, rel=1e-3)
        furthest_off = probe.scale * np.sqrt(np.log(limit / (0.1 * 1e-6)) / 2)  # Hoeffding 1963, theorem 2
        lost = min(probe.lost, furthest_off) + probe.rounding
        assert made[6] == pytest.approx(probe.base + lost * codes.longest[0], rel=1e-5)
        assert made[4] == pytest.approx(probe.base + lost * codes.longest[1], rel=1e-5)
    assert sum(codes_module._SHARES) == pytest.approx(1)


def test_what_a_rounded_gain_may_be_off_is_within_the_bounds_reach() -> None:
    """A gain is off by up to half a step, which its code's inner product with the probe multiplies.

    No inner product is longer than the probe times the longest code, whose levels are all 1.5.
    """
    chance = np.random.default_rng(24)
    rows = unit(chance.normal(size=(64, 128)))
    coder, codes = coded(rows)
    probe = coder.probe(rows[0])
    reach = float(codes_module.terms(probe, codes.longest, 1, 0.0)[3])
    rounded_probe = probe.scale * np.linalg.norm(probe.numbers.astype(float))
    assert 0.5 * rounded_probe * 1.5 * np.sqrt(coder.padded) <= reach
    assert reach <= 0.51 * (probe.norm + probe.lost) * 1.5 * np.sqrt(coder.padded)


def test_probes_are_rounded_right_on_average() -> None:
    chance = np.random.default_rng(12)
    rows = unit(chance.normal(size=(64, 32)))
    coder, _ = coded(rows)
    turned = rows[0] @ coder.rotation
    made = [coder.probe(rows[0]) for _ in range(400)]
    errors = np.array([one.scale * one.numbers - turned for one in made])
    assert np.abs(errors).max() <= made[0].scale * 1.001
    assert np.abs(errors.mean(axis=0)).max() < made[0].scale * 0.2
    assert all(one.lost >= np.linalg.norm(error) * 0.999 for one, error in zip(made, errors, strict=True))


def test_rows_wait_in_their_order_however_they_are_put_there() -> None:
    if not kernels._PACKS:
        pytest.skip("this processor has no AVX-512")
    for column, keep in enumerate((intrinsics.keep_alone, intrinsics.keep_beside)):

        @njit
        def kept(
            bits: np.uint32,
            first: int,
            sums: Int32,
            upper: Rows,
            beside: Rows,
            waits: Int32,
            count: int,
            keep: Callable[..., int] = keep,
        ) -> int:
            return keep(np.uint32(bits), first, sums, upper, beside, waits, count)

        chance = np.random.default_rng(20)
        sums = chance.integers(-999, 999, 32).astype(np.int32)
        upper, beside = chance.normal(size=(2, 32)).astype(np.float32)
        for bits in (0, 1, 2**31, 2**32 - 1, *chance.integers(0, 2**32, 20).tolist()):
            waits = np.zeros((4, 80), dtype=np.int32)
            lanes = [lane for lane in range(32) if bits >> lane & 1]
            assert kept(bits, 640, sums, upper, beside, waits, 7) == 7 + len(lanes)
            some = waits[:, 7 : 7 + len(lanes)]
            assert not waits[:, :7].any()
            assert some[0].tolist() == [640 + lane for lane in lanes]
            assert some[1].tolist() == sums[lanes].tolist()
            assert some[2].view(np.float32).tolist() == upper[lanes].tolist()
            assert some[3].view(np.float32).tolist() == (beside[lanes] if column else 0 * beside[lanes]).tolist()


@pytest.mark.parametrize("kind", ["avx512", "avx2", "plain"])
def test_every_processors_instructions_give_the_same_sums(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    order = ["plain", "avx2", "avx512"]
    if order.index(kind) > order.index(intrinsics.instructions()):
        pytest.skip(f"this processor has no {kind}")
    monkeypatch.setattr(intrinsics, "instructions", lambda: kind)
    group_dots, bits_dot = intrinsics.group_dots, intrinsics.bits_dot

    @njit
    def brief_sums(codes: Bytes, group: int, probe: Int8, sums: Int32) -> None:
        group_dots(codes.reshape(-1), group * codes.shape[1], probe, sums, len(probe) // 16)

    @njit
    def fine_sum(fine: Bytes, place: int, probe: Int8) -> int:
        total: int = bits_dot(fine, place * fine.shape[1], probe, len(probe) // 64)
        return total

    chance = np.random.default_rng(7)
    rows = chance.normal(size=(96, 128)).astype(np.float32)
    _, codes = coded(rows)
    brief, fine = levels(codes)
    for probe in (
        chance.integers(-128, 128, 128).astype(np.int8), np.full(128, 127, np.int8), np.full(128, -128, np.int8)
    ):  # fmt: skip
        sums = np.zeros((3, 32), dtype=np.int32)
        for group in range(3):
            brief_sums(codes.brief.reshape(3, -1), group, probe, sums[group])
        assert np.array_equal(sums.reshape(-1), (brief + 1.5).astype(int) @ probe.astype(int))
        bits = ((fine + 3.5).astype(int) & 1) @ probe.astype(int)
        assert [fine_sum(codes.fine, place, probe) for place in range(96)] == bits.tolist()


@given(
    count=st.integers(600, 3000),
    dimension=st.sampled_from([8, 33, 128, 300]),
    limit=st.sampled_from([1, 2, 10, 100]),
    min_score=st.sampled_from([-np.inf, -1.0, 0.3, 0.9, 2.0]),
    erased=st.sampled_from([0.0, 0.1, 0.9]),
    seed=st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=30)
def test_the_bounded_search_finds_what_computing_every_score_finds(
    bounded: BoundedSearch, count: int, dimension: int, limit: int, min_score: float, erased: float, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    rows = faces(count, dimension, chance)
    index = filled(rows)
    index.erase(1 + np.flatnonzero(chance.random(count) < erased))
    more = faces(int(chance.integers(0, 600)), dimension, chance)
    index.append(count + 1 + np.arange(len(more)), more)
    index.publish(1)
    snapshot = index.snapshot
    assert snapshot.coder is not None
    for probe in (rows[0], unit(chance.normal(size=(1, dimension)))[0]):
        without = int(chance.integers(0, count))
        expected = snapshot.search(probe, limit, min_score, without)
        assert bounded.search(snapshot, probe, limit, min_score, without) == expected


@pytest.fixture(scope="module", params=[128, 512], ids=["short rows", "long rows"])
def many(request: pytest.FixtureRequest) -> Many:
    """Many different faces: rows, and an index of them. Like templates, long rows have fewer free dimensions."""
    chance = np.random.default_rng(2)
    rows = unit(chance.normal(size=(20_000, 100)) @ chance.normal(size=(100, request.param)))
    return rows, filled(rows)


def close_rows(count: int, dimension: int, chance: np.random.Generator) -> tuple[Rows, Rows]:
    """Rows that differ by about as much as a float32 sum of their products is off, and a probe near all of them."""
    towards = unit(chance.normal(size=(1, dimension)))
    rows = unit(towards + 4e-7 * chance.normal(size=(count, dimension)))
    return rows, towards[0]


def exact(rows: Rows, probe: Rows) -> Rows:
    """Scores as searches define them: summed in float64, rounded to float32 once."""
    return (rows.astype(np.float64) @ probe.astype(np.float64)).astype(np.float32)


def test_the_best_of_rows_closer_than_float32_sums_can_tell_are_found_by_their_exact_scores(
    bounded: BoundedSearch,
) -> None:
    rows, probe = close_rows(3000, 512, np.random.default_rng(31))
    index, scores = filled(rows), exact(rows, probe)
    best = np.lexsort((np.arange(len(rows)), -scores))
    for limit in (1, 3, 20):
        expected = [(int(place) + 1, float(scores[place])) for place in best[:limit]]
        assert bounded.search(index.snapshot, probe, limit, -1.0) == expected
        assert bounded.search_many(index.snapshot, probe[None], limit, -1.0) == [expected]


def test_a_row_that_just_reaches_the_least_score_is_found_though_its_float32_sum_does_not(
    bounded: BoundedSearch,
) -> None:
    for seed in range(8):  # rows that are nearly the same are off by nearly the same, up or down
        rows, probe = close_rows(700, 512, np.random.default_rng(seed))
        index, scores = filled(rows), exact(rows, probe)
        for least in np.unique(scores):
            expected = set((1 + np.flatnonzero(scores >= least)).tolist())
            for found in (
                bounded.search(index.snapshot, probe, 700, float(least)),
                *bounded.search_many(index.snapshot, probe[None], 700, float(least)),
            ):
                assert {number for number, _ in found} == expected


def test_a_score_may_be_off_by_more_than_any_float32_sum_is() -> None:
    rows, probe = close_rows(3000, 512, np.random.default_rng(33))
    index = filled(rows)
    asked = bounded_module._Asked(index.snapshot, probe, 3, -1.0)
    products = rows * probe
    sums = np.stack([np.cumsum(products[:, order], axis=1)[:, -1] for order in (slice(None), slice(None, None, -1))])
    off = np.abs(sums - rows.astype(np.float64) @ probe.astype(np.float64)).max()
    assert 0 < 2 * off <= asked.twice < 1e-3
    assert asked.terms[5] == asked.twice  # what the kernels take off


def test_every_score_is_computed_only_where_there_was_no_room_for_all_that_may_be_hits(
    monkeypatch: pytest.MonkeyPatch, many: Many
) -> None:
    rows, index = many
    bounded = BoundedSearch(ThreadPool(1))
    computed_all: list[Rows] = []
    expected = index.snapshot.search(rows[7], 5, -1.0)
    computing_all = index_module.IndexSnapshot.search

    def noted(snapshot: IndexSnapshot, probe: Rows, limit: int, min_score: float, *more: Any) -> Hits:
        computed_all.append(probe)
        return computing_all(snapshot, probe, limit, min_score, *more)

    monkeypatch.setattr(index_module.IndexSnapshot, "search", noted)
    assert bounded.search(index.snapshot, rows[7], 5, -1.0) == expected
    assert (bounded.counts.fallbacks, len(computed_all)) == (0, 0)
    monkeypatch.setattr(bounded_module, "_NOTED", 1)
    monkeypatch.setattr(bounded_module, "_NOTED_PER_HIT", 0)
    assert BoundedSearch(ThreadPool(1)).search(index.snapshot, rows[7], 5, -1.0) == expected
    assert len(computed_all) == 1


def test_notes_have_room_for_a_stretch_of_each_part_and_keep_it(many: Many) -> None:
    rows, index = many
    few = filled(rows[:700])
    small, large = (bounded_module._Asked(one.snapshot, rows[0], 5, -1.0) for one in (few, index))
    assert len(small.layout.parts) < len(large.layout.parts)
    notes = bounded_module._Notes(2)
    for asked in (small, large):
        notes.begin([asked, asked])
        assert notes.stretches.shape == (2, len(asked.layout.parts), 3)
    kept = notes.stretches
    for asked in (large, small):
        notes.begin([asked, asked])
        assert notes.stretches is kept


@pytest.mark.parametrize("limit", [1, 2, 10, 40])
@pytest.mark.parametrize("min_score", [-1.0, 0.25])
def test_among_many_the_bounded_search_finds_what_computing_every_score_finds_and_computes_few(
    bounded: BoundedSearch, many: Many, limit: int, min_score: float
) -> None:
    rows, index = many
    before = bounded.counts
    for place in range(12):
        probe = unit(rows[place : place + 1] + 0.5 * rows[place + 1 : place + 2])[0]
        expected = index.snapshot.search(probe, limit, min_score)
        assert bounded.search(index.snapshot, probe, limit, min_score) == expected
    after = bounded.counts
    assert after.searches - before.searches == 12
    assert after.fallbacks == before.fallbacks
    assert 12 <= after.computed - before.computed < 12 * 2000


def test_a_row_that_does_not_count_takes_nobody_elses_place(bounded: BoundedSearch, many: Many) -> None:
    rows, index = many
    (first, _), *rest = index.snapshot.search(rows[7], 6, -1.0)
    assert first == 8
    assert bounded.search(index.snapshot, rows[7], 5, -1.0, without=8) == rest


def test_where_bounds_rule_out_too_little_every_score_is_computed_and_that_is_counted() -> None:
    chance = np.random.default_rng(3)
    rows = faces(2000, 16, chance)
    index = filled(rows)
    bounded = BoundedSearch(ThreadPool(1))
    probe = rows[0]
    assert bounded.search(index.snapshot, probe, 1500, -1.0) == index.snapshot.search(probe, 1500, -1.0)
    assert bounded.counts.fallbacks == 1


def test_equal_rows_beyond_the_limit_come_in_the_order_of_their_numbers(bounded: BoundedSearch) -> None:
    chance = np.random.default_rng(4)
    rows = np.repeat(faces(30, 64, chance, kinds=30), 100, axis=0)
    index = filled(rows)
    found = bounded.search(index.snapshot, rows[0], 7, 0.5)
    assert [number for number, _ in found] == [1, 2, 3, 4, 5, 6, 7]
    assert len({score for _, score in found}) == 1


def test_rows_erased_before_there_were_codes_are_not_found_when_there_are() -> None:
    chance = np.random.default_rng(9)
    towards = unit(chance.normal(size=(1, 32)))
    rows = unit(towards + 0.2 * chance.normal(size=(1500, 32)))
    index = Index(ThreadPool(1))
    index.append(np.arange(1, 501), rows[:500])
    index.erase(np.arange(1, 101))
    index.publish(0)
    assert index.snapshot.coder is None
    index.append(np.arange(501, 1501), rows[500:])
    index.publish(1)
    bounded = BoundedSearch(ThreadPool(1))
    probe = -towards[0]  # every score is negative, so an empty row would come first
    assert bounded.search(index.snapshot, probe, 3, -1.0) == index.snapshot.search(probe, 3, -1.0)
    assert bounded.search(index.snapshot, probe, 3, -1.0)[0][0] > 100
    assert bounded.counts.fallbacks == 0


@pytest.mark.parametrize("dimension", [32, 256])
def test_an_erased_row_leaves_no_code(dimension: int) -> None:
    chance = np.random.default_rng(5)
    index = filled(faces(700, dimension, chance))
    index.erase(np.array([600]))
    index.publish(1)
    (place, codes), = [
        (int(np.flatnonzero(chunk.numbers[:count] == 600)[0]), chunk.codes)
        for chunk, count, _ in index.snapshot.chunks if 600 in chunk.numbers[:count]
    ]  # fmt: skip
    group, lane = divmod(place, 32)
    assert codes is not None
    for left in (
        codes.brief[group, :, lane // 16, lane % 16], codes.fine[place], codes.facts[group, :, lane],
    ):  # fmt: skip
        assert not left.any()
    assert codes.brief[group, :, (lane + 1) % 32 // 16, (lane + 1) % 16].any()


def test_a_probe_of_nothing_finds_what_computing_every_score_finds(bounded: BoundedSearch) -> None:
    index = filled(faces(700, 32, np.random.default_rng(22)))
    nobody = np.zeros(32, dtype=np.float32)
    for min_score in (-1.0, 0.5):
        assert bounded.search(index.snapshot, nobody, 5, min_score) == index.snapshot.search(nobody, 5, min_score)


def test_a_snapshot_sees_no_coded_row_that_was_appended_later(bounded: BoundedSearch) -> None:
    chance = np.random.default_rng(6)
    rows = unit(chance.normal(size=(1500, 32)))
    index = filled(rows[:700])
    before, fallbacks = index.snapshot, bounded.counts.fallbacks
    index.append(np.arange(701, 1501), rows[700:])
    index.publish(1)
    assert bounded.search(before, rows[900], 50, 0.9) == []
    assert bounded.search(index.snapshot, rows[900], 50, 0.9)[0][0] == 901
    assert bounded.counts.fallbacks == fallbacks


@given(
    rows_of_one=st.sampled_from([1.0, 0.0, -3.0]),
    spread=st.sampled_from([0.0, 0.02, 5.0]),
    limit=st.sampled_from([1, 10]),
    seed=st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=20)
def test_columns_of_a_normaliser_change_no_answer(
    bounded: BoundedSearch, rows_of_one: float, spread: float, limit: int, seed: int
) -> None:
    """A column that is the same in all rows, and one that hardly varies, beside usual ones."""
    chance = np.random.default_rng(seed)
    rows = faces(1500, 64, chance, kinds=1500)
    column = spread * chance.normal(size=(1500, 1)) - 0.3
    rows = np.hstack([rows, np.full((1500, 1), rows_of_one), column]).astype(np.float32)
    index = filled(rows)
    strange = rows[:40].copy()
    strange[:, 64] += 2  # not what it was in all rows when there was a coder
    index.append(np.arange(1501, 1541), strange)
    index.publish(1)
    for own in (0.0, -0.2, 3.0):
        probe = np.concatenate([rows[3, :64], [own, 1.0]]).astype(np.float32)
        for min_score in (-np.inf, 0.2, 50.0):
            expected = index.snapshot.search(probe, limit, min_score)
            assert bounded.search(index.snapshot, probe, limit, min_score) == expected


def test_columns_that_stay_are_found() -> None:
    chance = np.random.default_rng(13)
    rows = unit(chance.normal(size=(640, 64)))
    rows = np.hstack([rows, np.ones((640, 1)), 0.01 * chance.normal(size=(640, 1))]).astype(np.float32)
    coder, codes = coded(rows)
    assert coder.staying.tolist() == [65]
    assert coder.padded == 64
    assert codes.facts.shape == (20, 3, 32)
    kept = (codes.scales[:, 2, :1] + codes.scales[:, 2, 1:] * codes.facts[:, 2]).reshape(-1)
    assert np.abs(kept - (rows[:, 65] - rows[:, 65].mean())).max() < 0.001


def test_more_equal_rows_than_there_is_room_for_are_searched_without_codes() -> None:
    chance = np.random.default_rng(14)
    rows = np.repeat(faces(2, 32, chance, kinds=2), 6000, axis=0)
    index, bounded = filled(rows), BoundedSearch(ThreadPool(1))
    assert bounded.search(index.snapshot, rows[0], 5, -1.0) == index.snapshot.search(rows[0], 5, -1.0)
    assert bounded.counts.fallbacks == 1


def test_more_rows_may_have_to_wait_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch, many: Many, bounded: BoundedSearch
) -> None:
    monkeypatch.setattr(bounded_module, "_WAITING", 40)
    rows, index = many
    bounded = BoundedSearch(bounded._pool)
    before = bounded.counts.refined
    for place in range(8):
        probe = unit(rows[place : place + 1] + 0.7 * rows[place + 1 : place + 2])[0]
        assert bounded.search(index.snapshot, probe, 10, -1.0) == index.snapshot.search(probe, 10, -1.0)
    assert bounded.counts.refined - before > 8 * bounded._pool.threads * 40


def test_a_group_of_rows_is_coded_when_it_is_full_and_never_again() -> None:
    chance = np.random.default_rng(15)
    rows = faces(900, 32, chance)
    index = filled(rows[:650])
    (chunk, count, coded_rows) = index.snapshot.chunks[-1]
    assert coded_rows == count - count % 32
    assert chunk.codes is not None
    before = chunk.codes.brief[: coded_rows // 32].copy()
    index.append(np.arange(651, 701), rows[650:700])
    index.publish(1)
    assert np.array_equal(chunk.codes.brief[: coded_rows // 32], before)
    assert index.snapshot.chunks[-1][2] > coded_rows


@pytest.mark.parametrize("count", [1, 8, 21])
def test_many_probes_at_once_find_what_each_finds_alone(bounded: BoundedSearch, many: Many, count: int) -> None:
    rows, index = many
    chance = np.random.default_rng(18)
    probes = unit(rows[:count] + 0.5 * chance.normal(size=(count, rows.shape[1])) / np.sqrt(rows.shape[1]))
    before = bounded.counts.searches
    for limit, min_score in ((10, -1.0), (3, 0.4)):
        found = bounded.search_many(index.snapshot, probes, limit, min_score)
        assert found == [index.snapshot.search(probe, limit, min_score) for probe in probes]
    assert bounded.counts.searches - before == 2 * count


@pytest.mark.parametrize("exact", [True, False], ids=["computing all", "by codes"])
def test_a_hit_that_is_erased_while_a_search_runs_makes_room_for_another(
    monkeypatch: pytest.MonkeyPatch, exact: bool
) -> None:
    chance = np.random.default_rng(19)
    rows = faces(1500, 32, chance, kinds=1500)
    index, bounded = filled(rows), BoundedSearch(ThreadPool(1))
    snapshot = index.snapshot
    search = snapshot.search if exact else lambda *given: bounded.search(snapshot, *given)
    (first, _), *rest = snapshot.search(rows[3], 6, -1.0)
    assert first == 4
    calls: list[int] = []

    def erasing(inner: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        def wrapped(*given: Parameters.args, **named: Parameters.kwargs) -> Result:
            if not calls:
                calls.append(1)
                index.erase(np.array([4]))
            return inner(*given, **named)

        return wrapped

    if exact:
        monkeypatch.setattr(np, "flatnonzero", erasing(np.flatnonzero))
    else:
        monkeypatch.setattr(kernels, "gather", erasing(kernels.gather))
    assert search(rows[3], 5, -1.0) == rest
    assert calls


_ELSEWHERE = """
import sys
import numpy as np

from countenance.gallery.search import index, intrinsics
from countenance.gallery.search.threads import ThreadPool
from countenance.gallery.search.bounded import BoundedSearch

assert intrinsics.instructions() == sys.argv[1]
index.CODED = 600
chance = np.random.default_rng(21)
rows = chance.normal(size=(5000, 40)).astype(np.float32)
rows[:, 39] *= 0.01
one, bounded = index.Index(ThreadPool(2)), BoundedSearch(ThreadPool(2))
one.append(np.arange(1, 5001), rows)
one.publish(0)
for i in range(10):
    probe = rows[i] + 0.3 * chance.normal(size=40).astype(np.float32)
    assert bounded.search(one.snapshot, probe, 10, -1.0) == one.snapshot.search(probe, 10, -1.0)
assert 0 < bounded.counts.refined < 50_000 and bounded.counts.fallbacks == 0
"""


@pytest.mark.parametrize("kind", ["avx2", "plain"])
def test_searches_are_the_same_on_a_lesser_processor(kind: str, tmp_path: Path) -> None:
    if kind == "avx2" and intrinsics.instructions() == "plain":
        pytest.skip("this processor has no avx2")
    features = "+avx2" if kind == "avx2" else ""
    target = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": features}
    there = {**os.environ, **target, "NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", _ELSEWHERE, kind], env=there, check=True, timeout=300)


def test_searches_at_once_do_not_meet_each_other_nor_those_who_change_the_index(many: Many) -> None:
    """More callers than threads in the pool: whoever comes late to a search must find it closed."""
    rows, _ = many
    index, bounded = filled(rows[:6000]), BoundedSearch(ThreadPool(3))
    towards = unit(rows[:6000].mean(axis=0, keepdims=True))
    probes = unit(rows[:60] + 2 * towards)
    expected = [index.snapshot.search(probe, 5, -1.0) for probe in probes]
    stop = threading.Event()

    def change() -> None:
        last = 6000
        while not stop.is_set():
            index.append(last + 1 + np.arange(70), np.repeat(-towards, 70, axis=0))
            index.erase(last + 1 + np.arange(0, 70, 2))
            index.publish(last)
            last += 70

    with ThreadPoolExecutor(7) as pool:
        changing = pool.submit(change)
        found = [list(pool.map(lambda p: bounded.search(index.snapshot, p, 5, -1.0), probes)) for _ in range(8)]
        together = bounded.search_many(index.snapshot, probes, 5, -1.0)
        stop.set()
        changing.result()
    assert all(each == expected for each in [*found, together])
    assert bounded.counts.searches == 9 * len(probes)
    assert bounded.counts.fallbacks == 0


def test_who_comes_to_a_search_when_it_is_over_touches_nothing(many: Many) -> None:
    rows, index = many
    asked = bounded_module._Asked(index.snapshot, rows[0], 5, -1.0, owned=False)
    notes = bounded_module._Notes(2)
    notes.begin([asked])
    turn = np.zeros(3, dtype=np.int64)

    def look(me: int) -> None:
        layout = asked.layout
        kernels.look(layout.chunks, layout.parts, turn, asked.query, asked.probe, asked.terms, *notes.arrays, me)

    look(0)
    assert turn[1] < 0
    assert turn[2] == 1
    before = [
        array.tobytes() for array in notes.arrays if array.dtype != np.int32
    ]  # room for waiting rows is not filled
    look(1)
    assert turn[2] == 1
    assert before == [array.tobytes() for array in notes.arrays if array.dtype != np.int32]


@pytest.mark.parametrize("of_probe", [0.0, -0.4, 0.3], ids=["nothing", "lowering", "raising"])
def test_a_column_that_only_lowers_is_not_coded_and_answers_stay_exact(
    bounded: BoundedSearch, monkeypatch: pytest.MonkeyPatch, of_probe: float
) -> None:
    """Also where later rows have what none had when the codes were made, and a probe raises what probes should not."""
    monkeypatch.setattr(index_module, "CODED", 1024)
    chance = np.random.default_rng(21)
    own = 0.02 * chance.normal(size=(6000, 1))
    lacking = np.where(chance.random((6000, 1)) < 0.3, chance.uniform(0.05, 0.42, (6000, 1)), 0)
    rows = np.hstack([faces(6000, 128, chance, kinds=600), np.ones((6000, 1)), own, lacking]).astype(np.float32)
    rows[5500:5510, -1] = -0.3
    rows[5510:5520, -1] = 3.0
    index = filled(rows[:5000])
    index.append(np.arange(5001, 6001), rows[5000:])
    index.publish(1)
    coder = index.snapshot.coder
    assert coder is not None and coder.padded == 128
    for near in (*range(0, 6000, 97), 5503, 5515):
        probe = np.concatenate([unit(rows[near : near + 1, :128] + 0.05 * chance.normal(size=(1, 128)))[0],
                                [-0.1, 1.0, of_probe]]).astype(np.float32)  # fmt: skip
        exact = index.snapshot.search(probe, 10, -9.0)
        assert bounded.search(index.snapshot, probe, 10, -9.0) == exact
        assert bounded.search_many(index.snapshot, probe[None], 10, -9.0) == [exact]
