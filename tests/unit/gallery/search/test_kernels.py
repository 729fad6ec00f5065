"""Every compiled kernel and intrinsic computes what its NumPy reference says."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.unit.gallery.search import reference
from tests.unit.gallery.search.compiling import njit

from countenance.gallery.search import bounded as bounded_module
from countenance.gallery.search import codes as codes_module
from countenance.gallery.search import index as index_module
from countenance.gallery.search import intrinsics, kernels
from countenance.gallery.search.coder import Coder
from countenance.gallery.search.codes import Bytes, Places, Rows
from countenance.gallery.search.index import Index
from countenance.gallery.search.threads import ThreadPool

LEVELS = ["plain", "avx2", "avx512"]

Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Compiled = tuple[Callable[[Bytes, int, Int8, Int32, int], None], Callable[[Bytes, int, Int8, int], int]]
"""`group_dots` and `bits_dot` as functions that Python can call."""


def compiled(level: str) -> Compiled:
    """The intrinsics as functions that Python can call, compiled with the instructions of that level."""
    if LEVELS.index(level) > LEVELS.index(intrinsics.instructions()):
        pytest.skip(f"this processor has no {level}")
    group_dots, bits_dot = intrinsics.group_dots, intrinsics.bits_dot

    @njit
    def dots(brief: Bytes, start: int, probe: Int8, sums: Int32, turns: int) -> None:
        group_dots(brief, start, probe, sums, turns)

    @njit
    def bits(fine: Bytes, start: int, probe: Int8, turns: int) -> int:
        total: int = bits_dot(fine, start, probe, turns)
        return total

    patch = pytest.MonkeyPatch()
    patch.setattr(intrinsics, "instructions", lambda: level)
    probe = np.zeros(64, dtype=np.int8)  # one call compiles it
    dots(np.zeros(512, dtype=np.uint8), 0, probe, np.zeros(32, dtype=np.int32), 1)
    bits(np.zeros((1, 16), dtype=np.uint8), 0, probe, 1)
    patch.undo()
    return dots, bits


@pytest.fixture(scope="module", params=LEVELS)
def level(request: pytest.FixtureRequest) -> Compiled:
    return compiled(request.param)


numbers = st.sampled_from(["any", "lowest", "highest", "alternating"])


def int8(kind: str, count: int, rng: np.random.Generator) -> Int8:
    if kind == "any":
        return rng.integers(-128, 128, count).astype(np.int8)
    made = np.full(count, 127 if kind == "highest" else -128, dtype=np.int8)
    if kind == "alternating":
        made[::2] = 127
    return made


@given(st.integers(1, 9), st.integers(1, 3), numbers, st.sampled_from(["any", "full", "empty"]), st.integers(0, 2**31))
@settings(deadline=None, max_examples=60)
def test_inner_products_of_codes_are_exact(
    level: Compiled, widths: int, groups: int, kind: str, filling: str, seed: int
) -> None:
    dots, bits = level
    rng, padded = np.random.default_rng(seed), 64 * widths
    brief = rng.integers(0, 256, (groups, padded // 16, 2, 16, 4)).astype(np.uint8)
    fine = rng.integers(0, 256, (5, padded // 8 + 8)).astype(np.uint8)
    if filling != "any":
        brief[:] = fine[:] = 255 if filling == "full" else 0
    probe = int8(kind, padded, rng)
    for group in range(groups):
        sums = np.full(32, 77, dtype=np.int32)
        dots(brief.reshape(-1), group * brief[0].size, probe, sums, padded // 16)
        assert sums.tolist() == reference.group_dots(brief, group, probe).tolist()
    for row in range(5):
        assert bits(fine, row * fine.shape[1], probe, widths) == reference.bits_dot(fine, row, probe)


def test_brief_codes_lie_as_the_reference_packs_them() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(96, 70)).astype(np.float32)
    coder = Coder(rows.mean(axis=0), rows.var(axis=0))
    codes = coder.codes(96)
    codes.put(0, rows)
    made, _ = reference.encode(coder.turned(rows).y, codes_module._CLIP)
    assert np.array_equal(codes.brief, reference.pack_brief(made))
    assert np.array_equal(reference.unpack_brief(codes.brief), made >> 1)
    assert np.array_equal(reference.unpack_fine(codes.fine), made & 1)


@given(st.integers(1, 4), st.sampled_from([1e-6, 1.0, 1e6]), st.integers(0, 2**31))
@settings(deadline=None, max_examples=40)
def test_rows_are_coded_as_the_reference_codes_them(widths: int, size: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = (size * rng.standard_t(3, size=(40, 64 * widths))).astype(np.float32)
    codes, facts, longest = np.empty(rows.shape, np.uint8), np.empty((4, 40), np.float32), np.zeros(3)
    kernels.encode(rows, 2.1, codes, facts, longest)
    expected, facts_expected = reference.encode(rows, 2.1)
    assert np.array_equal(codes, expected)
    assert facts == pytest.approx(facts_expected, rel=1e-4, abs=1e-4 * size)
    assert (facts[1::2] >= facts_expected[1::2]).all()  # a residual is an upper bound
    for which, levels in enumerate(((expected >> 1) - 1.5, expected - 3.5)):
        lengths = facts_expected[2 * which] * np.linalg.norm(levels, axis=1)
        assert lengths.max() <= longest[which] <= 1.0001 * lengths.max()
    norms = np.linalg.norm(rows.astype(np.float64), axis=1)
    assert norms.max() <= longest[2] <= 1.0001 * norms.max()


def test_an_empty_row_has_no_code_and_a_bound_of_nothing() -> None:
    rows = np.zeros((2, 64), dtype=np.float32)
    rows[1, 5] = 1
    codes, facts, longest = np.full(rows.shape, 9, np.uint8), np.full((4, 2), 9, np.float32), np.zeros(3)
    kernels.encode(rows, 2.1, codes, facts, longest)
    assert not codes[0].any()
    assert not facts[:, 0].any()
    assert codes[1].any()


@given(st.integers(2, 90), st.sampled_from([0.0, 1e-3, 1.0, 50.0]), st.integers(0, 2**31))
@settings(deadline=None, max_examples=40)
def test_a_probe_is_rounded_as_the_reference_rounds_it(dimension: int, size: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    probe, centre = (size * rng.normal(size=dimension)).astype(np.float32), rng.normal(size=dimension)
    rotation = rng.normal(size=(dimension, 128)).astype(np.float32)
    chance, numbers = rng.random(128, dtype=np.float32), np.empty(128, np.int8)
    scale, squares, left, base, exact = kernels.round_probe(probe, rotation, centre, chance, numbers)
    expected_scale, expected, turned = reference.round_probe(probe, rotation, chance)
    assert scale == pytest.approx(expected_scale, rel=1e-5)
    away = np.abs(numbers - expected)
    assert away.max() <= 1  # float32 sums may fall on the other side of a whole number
    assert (away > 0).mean() <= 0.02
    assert squares == pytest.approx(turned @ turned, rel=1e-4)
    assert np.sqrt(left) == pytest.approx(np.linalg.norm(turned - scale * numbers), rel=1e-3, abs=1e-4 * size)
    assert base == pytest.approx(probe.astype(np.float64) @ centre, rel=1e-6, abs=1e-6)
    assert exact == pytest.approx(probe.astype(np.float64) @ probe, rel=1e-6)


@given(st.booleans(), st.integers(0, 2**31))
@settings(deadline=None, max_examples=40)
def test_bounds_of_a_group_are_the_references(column: bool, seed: int) -> None:
    rng, kinds = np.random.default_rng(seed), 2 + column
    facts = rng.integers(0, 256, (4, kinds, 32)).astype(np.uint8)
    scales = rng.normal(size=(4, kinds, 2)).astype(np.float32) / np.float32(50)
    terms = rng.normal(size=12 + column).astype(np.float32)
    sums = rng.integers(-20_000, 20_000, 32).astype(np.int32)
    slack, tilt, floor = (np.float32(x) for x in rng.normal(size=3))
    upper, beside = np.empty(32, np.float32), np.zeros(32, np.float32)
    for group in range(4):
        both = _bounds[column](facts, scales, group, terms, slack, tilt, floor, sums, upper, beside)
        expected, estimates, expected_beside = reference.bounds(
            facts, scales, group, terms, float(slack), float(tilt), sums
        )
        off = 1e-4 * (1 + np.abs(expected) + np.abs(estimates))
        assert (np.abs(upper - expected) <= off).all()
        assert beside == pytest.approx(expected_beside, rel=1e-4, abs=1e-5)
        for lane in range(32):
            assert both >> lane & 1 == (upper[lane] >= floor)
            if abs(estimates[lane] - floor) > off[lane]:
                assert both >> (32 + lane) & 1 == (estimates[lane] >= floor)


@njit
def _alone(
    facts: Bytes,
    scales: Rows,
    group: int,
    terms: Rows,
    slack: np.float32,
    tilt: np.float32,
    floor: np.float32,
    sums: Int32,
    upper: Rows,
    beside: Rows,
) -> int:
    both: int = intrinsics.bounds_alone(facts, scales, group, terms, slack, tilt, floor, sums, upper, beside)
    return both


@njit
def _beside(
    facts: Bytes,
    scales: Rows,
    group: int,
    terms: Rows,
    slack: np.float32,
    tilt: np.float32,
    floor: np.float32,
    sums: Int32,
    upper: Rows,
    beside: Rows,
) -> int:
    both: int = intrinsics.bounds_beside(facts, scales, group, terms, slack, tilt, floor, sums, upper, beside)
    return both


_bounds = (_alone, _beside)


@given(st.floats(-3, 3), st.floats(0.01, 3), st.floats(-2, 2), st.floats(0.05, 3), st.floats(0, 1))
@settings(deadline=None, max_examples=100)
def test_the_slack_is_the_references(floor: float, norm: float, base: float, longest: float, t: float) -> None:
    terms = np.zeros(12, dtype=np.float32)
    terms[9:] = norm**2, base, 1 / longest
    made = kernels._slack(terms, np.float32(floor), np.float32(t))
    assert made == pytest.approx(reference.slack(terms, float(np.float32(floor)), t), rel=1e-3, abs=1e-5)


@given(st.lists(st.floats(-1, 1, width=32), max_size=60), st.integers(1, 20))
def test_the_heap_holds_the_best_scores_the_least_first(scores: list[float], limit: int) -> None:
    heap, size = np.empty(limit, np.float32), 0
    for score in scores:
        size = kernels._pushed(heap, size, np.float32(score))
    assert sorted(heap[:size].tolist(), reverse=True) == sorted(scores, reverse=True)[:limit]
    assert size == 0 or heap[0] == heap[:size].min()


@given(st.lists(st.floats(-1, 1, width=32), min_size=6, max_size=30), st.integers(1, 12))
def test_the_floor_is_the_references(scores: list[float], limit: int) -> None:
    noted = np.full((2, 40), -np.inf, dtype=np.float32)
    noted[0, : len(scores) // 2], noted[1, : len(scores) - len(scores) // 2] = np.split(
        np.array(scores, np.float32), [len(scores) // 2]
    )
    state = np.zeros((2, kernels.STATE), dtype=np.int64)
    state[:, kernels.NOTED] = len(scores) // 2, 1 + len(scores) - len(scores) // 2  # one is being noted
    floors, twice = np.array([-0.5, -0.25], dtype=np.float32), np.float32(0.125)
    assert kernels.least(noted, state, floors, limit, twice) == reference.least(noted, floors, limit, float(twice))


@pytest.mark.parametrize("column", [False, True], ids=["codes only", "and a column that is not rotated"])
@pytest.mark.parametrize("few", [False, True], ids=["all rows count", "few rows count"])
@pytest.mark.parametrize("far", [0.02, 0.35])
def test_a_search_computes_the_rows_that_the_reference_does(
    monkeypatch: pytest.MonkeyPatch, column: bool, few: bool, far: float
) -> None:
    """The limit is never reached, so that the floor stays where it is."""
    monkeypatch.setattr(codes_module, "furthest", lambda dimensions, chance: far)
    monkeypatch.setattr(index_module, "CODED", 600)
    monkeypatch.setattr(index_module, "_FIRST", 4096)
    rng = np.random.default_rng(3)
    made = rng.normal(size=(4096, 64)) + 0.3
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    asked = made[5] + 0.2 * rng.normal(size=64) / 8
    if column:
        made, asked = np.hstack([made, 0.02 * rng.normal(size=(4096, 1))]), np.append(asked, 2.0)
    rows, probe = made.astype(np.float32), asked.astype(np.float32)
    index, floor = Index(ThreadPool(1)), 0.12
    index.append(np.arange(1, 4097), rows)
    owned = rng.random(4096) < 0.1
    index.own(1 + np.flatnonzero(owned), True)
    index.publish(0)
    ((chunk, _, _),) = index.snapshot.chunks
    one = bounded_module._Asked(index.snapshot, probe, 4096, floor, few)
    notes = bounded_module._Notes(1)
    notes.begin([one])
    kernels.look(one.chunks, one.layout.parts, np.zeros(3, np.int64), one.query, one.probe, one.terms, *notes.arrays, 0)
    at_once, waiting, after_all = reference.look(chunk.codes, one.terms, one.query, float(notes.floors[0]))
    counts = owned if few else np.ones(4096, dtype=bool)
    state = notes.state[0]
    assert 30 < waiting.sum() < 4000
    # a bound within float32's error of the floor may fall on either side
    assert state[kernels.REFINED] == pytest.approx((waiting & counts).sum(), abs=2)
    assert state[kernels.COMPUTED] == pytest.approx(((at_once | after_all) & counts).sum(), abs=2)
    hits = np.flatnonzero((rows @ probe >= notes.floors[0]) & (at_once | after_all) & counts)
    assert len(set(hits) ^ set(notes.places[0, : state[kernels.NOTED]].tolist())) <= 2


@given(st.integers(0, 2**32 - 1), st.integers(0, 9), st.integers(0, 2**31))
@settings(deadline=None, max_examples=40)
def test_waiting_rows_are_those_whose_bits_are_set(bits: int, count: int, seed: int) -> None:
    if not kernels._PACKS:
        pytest.skip("this processor has no AVX-512")
    rng = np.random.default_rng(seed)
    sums = rng.integers(-999, 999, 32).astype(np.int32)
    upper, beside = rng.normal(size=(2, 32)).astype(np.float32)
    waits = np.zeros((4, 90), dtype=np.int32)
    new = _keep(np.uint32(bits), 640, sums, upper, beside, waits, count)
    expected = reference.keep(bits, 640, sums, upper, beside)
    made = waits[0], waits[1], waits[2].view(np.float32), waits[3].view(np.float32)
    assert new == count + len(expected[0])
    for ours, theirs in zip(made, expected, strict=True):
        assert ours[count:new].tolist() == theirs.tolist()
    assert not waits[:, :count].any()


@njit
def _keep(bits: np.uint32, first: int, sums: Int32, upper: Rows, beside: Rows, waits: Int32, count: int) -> int:
    waiting: int = intrinsics.keep_beside(bits, first, sums, upper, beside, waits, count)
    return waiting


@njit
def _small(
    flags: NDArray[np.bool_], bits: np.uint32, array: Bytes, byte: int, counter: Places, more: int
) -> tuple[int, int, float, int]:
    return (
        intrinsics.flags_set(flags, 3),
        intrinsics.lowest(bits),
        intrinsics.single(array, byte),
        intrinsics.added(counter, 1, more),
    )


@given(st.integers(1, 2**32 - 1), st.integers(-5, 5), st.integers(0, 2**31))
@settings(deadline=None, max_examples=40)
def test_the_small_intrinsics(bits: int, more: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    flags, counter = rng.random(40) < 0.5, np.array([7, 8, 9], dtype=np.int64)
    array = rng.integers(0, 100, 16).astype(np.uint8)
    set_, lowest, single, before = _small(flags, np.uint32(bits), array, 5, counter, more)
    assert set_ == sum(int(flag) << lane for lane, flag in enumerate(flags[3:35]))
    assert lowest == (bits & -bits).bit_length() - 1
    assert single == array[5:9].copy().view(np.float32)[0]
    assert (before, counter.tolist()) == (8, [7, 8 + more, 9])
