"""The sieve gives what computing every score gives; its bounds are bounds."""

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from countenance.gallery import index as index_module
from countenance.gallery import kernels, levels
from countenance.gallery.coder import Coder
from countenance.gallery.crew import Crew
from countenance.gallery.index import Index
from countenance.gallery.sieve import Sieve


@pytest.fixture(autouse=True, scope="module")
def small_chunks():
    patch = pytest.MonkeyPatch()
    patch.setattr(index_module, "CHUNK", 512)
    patch.setattr(index_module, "CODED", 600)
    patch.setattr(index_module, "_FIRST", 32)
    patch.setattr(index_module, "_CODED_AT_ONCE", 96)
    yield
    patch.undo()


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def faces(count, dimension, chance, kinds=None):
    """Rows around few centres, some of them twins of others, some equal."""
    kinds = kinds or max(1, count // 8)
    centres = chance.normal(size=(kinds, dimension))
    rows = centres[chance.integers(kinds, size=count)] + chance.choice([0, 0.01, 0.5], size=(count, 1)) * chance.normal(
        size=(count, dimension)
    )
    return unit(rows)


def filled(rows, revision=0):
    index = Index(Crew(1))
    index.append(np.arange(1, len(rows) + 1), rows)
    index.publish(revision)
    return index


@pytest.fixture(scope="module", params=[1, 3], ids=["one thread", "three threads"])
def sieve(request):
    return Sieve(Crew(request.param))


@given(
    dimension=st.sampled_from([4, 16, 33, 128]),
    scale=st.sampled_from([1e-3, 1.0, 30.0]),
    offset=st.sampled_from([0.0, 5.0]),
    seed=st.integers(0, 2**31),
)
@example(dimension=1, scale=1e-3, offset=5.0, seed=15)
@example(dimension=1, scale=1.0, offset=5.0, seed=85)
@settings(deadline=None, max_examples=40)
def test_no_row_scores_above_its_bound(dimension, scale, offset, seed):
    chance = np.random.default_rng(seed)
    rows = (scale * chance.normal(size=(90, dimension)) + offset).astype(np.float32)
    rows[::7] = 0
    rows[5] = rows[6] * 100
    rows[:, 0] = offset  # a dimension that says nothing, as a normaliser may add
    if dimension > 8:
        rows[:, 1] *= 0.01
    coder = Coder(rows[:50].mean(axis=0), rows[:50].var(axis=0))
    codes = coder.codes(96)
    codes.put(0, rows[:40])
    codes.put(40, rows[40:])
    upper, tops = np.zeros(96, dtype=np.float32), np.zeros(3, dtype=np.float32)
    for probe in (*rows[:4], chance.normal(size=dimension).astype(np.float32) * 1e3, np.zeros(dimension, np.float32)):
        codes.bounds(coder.probe(probe), upper, tops)
        scores = rows.astype(np.float64) @ probe.astype(np.float64)
        assert (upper[:90] >= scores).all()
        assert (upper[90:] == -np.inf).all()
        assert np.array_equal(tops, upper.reshape(3, 32).max(axis=1))


def test_bounds_hold_for_the_probes_that_are_worst_for_them():
    """A probe along a row's residual: what Cauchy and Schwarz allow for is then all there."""
    chance = np.random.default_rng(8)
    rows = faces(320, 32, chance, kinds=320)
    coder = Coder(rows.mean(axis=0), rows.var(axis=0))
    codes = coder.codes(320)
    codes.put(0, rows)
    turned = coder.turned(rows)
    upper, tops = np.zeros(320, dtype=np.float32), np.zeros(10, dtype=np.float32)
    excess = []
    for place in range(320):
        block = codes.codes[place // 32, :, place % 32]  # (d / 4, 2): dimensions b and 2 + b of each four
        levels = np.stack([block & 15, block >> 4], axis=1).reshape(-1) - 7.5
        left = turned[place].astype(np.float64) - codes.gain[place] * levels
        assert np.linalg.norm(left) <= codes.residual[place] <= np.linalg.norm(left) + 1e-5
        probe = unit((left @ coder.for_probes.T.astype(np.float64))[None])[0]
        codes.bounds(coder.probe(probe), upper, tops)
        scores = rows.astype(np.float64) @ probe.astype(np.float64)
        assert (upper >= scores).all()
        excess.append(upper[place] - scores[place])
    assert max(excess) < 0.05


def test_bounds_are_close_for_templates():
    chance = np.random.default_rng(1)
    rows = faces(4096, 128, chance, kinds=4096)
    coder = Coder(rows.mean(axis=0), rows.var(axis=0))
    codes = coder.codes(4096)
    codes.put(0, rows)
    upper, tops = np.zeros(4096, dtype=np.float32), np.zeros(128, dtype=np.float32)
    codes.bounds(coder.probe(rows[0]), upper, tops)
    excess = upper - rows @ rows[0]
    assert excess.min() > 0
    assert excess.max() < 0.25
    assert excess.mean() < 0.125


@given(
    count=st.integers(600, 3000),
    dimension=st.sampled_from([8, 33, 128, 300]),
    limit=st.sampled_from([1, 2, 10, 100]),
    min_score=st.sampled_from([-np.inf, -1.0, 0.3, 0.9, 2.0]),
    erased=st.sampled_from([0.0, 0.1, 0.9]),
    seed=st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=30)
def test_the_sieve_finds_what_computing_every_score_finds(sieve, count, dimension, limit, min_score, erased, seed):
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
        assert sieve.search(snapshot, probe, limit, min_score, without) == expected


@pytest.fixture(scope="module", params=[128, 512], ids=["short rows", "long rows"])
def many(request):
    """Many different faces: rows, and an index of them. Like templates, long rows have fewer free dimensions."""
    chance = np.random.default_rng(2)
    rows = unit(chance.normal(size=(20_000, 100)) @ chance.normal(size=(100, request.param)))
    return rows, filled(rows)


@pytest.mark.parametrize("limit", [1, 2, 10, 40])
@pytest.mark.parametrize("min_score", [-1.0, 0.25])
def test_among_many_the_sieve_finds_what_computing_every_score_finds_and_computes_few(sieve, many, limit, min_score):
    rows, index = many
    before = sieve.counts
    for place in range(12):
        probe = unit(rows[place : place + 1] + 0.5 * rows[place + 1 : place + 2])[0]
        expected = index.snapshot.search(probe, limit, min_score)
        assert sieve.search(index.snapshot, probe, limit, min_score) == expected
    after = sieve.counts
    assert after.searches - before.searches == 12
    assert after.fallbacks == before.fallbacks
    assert 12 <= after.computed - before.computed < 12 * 2000


def test_a_row_that_does_not_count_takes_nobody_elses_place(sieve, many):
    rows, index = many
    (first, _), *rest = index.snapshot.search(rows[7], 6, -1.0)
    assert first == 8
    assert sieve.search(index.snapshot, rows[7], 5, -1.0, without=8) == rest


def test_where_bounds_rule_out_too_little_every_score_is_computed_and_that_is_counted():
    chance = np.random.default_rng(3)
    rows = faces(2000, 16, chance)
    index = filled(rows)
    sieve = Sieve(Crew(1))
    probe = rows[0]
    assert sieve.search(index.snapshot, probe, 1500, -1.0) == index.snapshot.search(probe, 1500, -1.0)
    assert sieve.counts.fallbacks == 1


def test_equal_rows_beyond_the_limit_come_in_the_order_of_their_numbers(sieve):
    chance = np.random.default_rng(4)
    rows = np.repeat(faces(30, 64, chance, kinds=30), 100, axis=0)
    index = filled(rows)
    found = sieve.search(index.snapshot, rows[0], 7, 0.5)
    assert [number for number, _ in found] == [1, 2, 3, 4, 5, 6, 7]
    assert len({score for _, score in found}) == 1


def test_rows_erased_before_there_were_codes_are_not_found_when_there_are():
    chance = np.random.default_rng(9)
    towards = unit(chance.normal(size=(1, 32)))
    rows = unit(towards + 0.2 * chance.normal(size=(1500, 32)))
    index = Index(Crew(1))
    index.append(np.arange(1, 501), rows[:500])
    index.erase(np.arange(1, 101))
    index.publish(0)
    assert index.snapshot.coder is None
    index.append(np.arange(501, 1501), rows[500:])
    index.publish(1)
    sieve = Sieve(Crew(1))
    probe = -towards[0]  # every score is negative, so an empty row would come first
    assert sieve.search(index.snapshot, probe, 3, -1.0) == index.snapshot.search(probe, 3, -1.0)
    assert sieve.search(index.snapshot, probe, 3, -1.0)[0][0] > 100
    assert sieve.counts.fallbacks == 0


@pytest.mark.parametrize("dimension", [32, 256])
def test_codes_of_living_rows_are_those_they_had(dimension):
    chance = np.random.default_rng(10)
    rows = faces(256, dimension, chance) * 7
    coder = Coder(rows.mean(axis=0), rows.var(axis=0))
    codes = coder.codes(256)
    codes.put(0, rows)
    places = np.flatnonzero(chance.random(256) < 0.4)
    living = codes.living(places, 160)
    upper, tops = np.zeros((2, 256), dtype=np.float32), np.zeros(8, dtype=np.float32)
    codes.bounds(coder.probe(rows[0]), upper[0], tops)
    living.bounds(coder.probe(rows[0]), upper[1][:160], tops[:5])
    assert np.array_equal(upper[1][: len(places)], upper[0][places])
    assert (upper[1][len(places) : 160] == -np.inf).all()


@pytest.mark.parametrize("dimension", [32, 256])
def test_an_erased_row_leaves_no_code(dimension):
    chance = np.random.default_rng(5)
    index = filled(faces(700, dimension, chance))
    index.erase(np.array([600]))
    index.publish(1)
    for chunk, count in index.snapshot.chunks:
        place = np.flatnonzero(chunk.numbers[:count] == 600)
        if len(place):
            (place,) = place
            codes, group, lane = chunk.codes, place // 32, place % 32
            assert codes.residual[place] == -np.inf
            assert codes.gain[place] == 0
            assert not codes.codes[group, :, lane].any()


def test_a_snapshot_sees_no_coded_row_that_was_appended_later(sieve):
    chance = np.random.default_rng(6)
    rows = unit(chance.normal(size=(1500, 32)))
    index = filled(rows[:700])
    before, fallbacks = index.snapshot, sieve.counts.fallbacks
    index.append(np.arange(701, 1501), rows[700:])
    index.publish(1)
    assert sieve.search(before, rows[900], 50, 0.9) == []
    assert sieve.search(index.snapshot, rows[900], 50, 0.9)[0][0] == 901
    assert sieve.counts.fallbacks == fallbacks


def test_the_layout_is_the_same_on_processors_without_the_instruction(monkeypatch):
    chance = np.random.default_rng(7)
    rows = faces(64, 32, chance)
    coder = Coder(rows.mean(axis=0), rows.var(axis=0))
    codes = coder.codes(64)
    codes.put(0, rows)
    native, generic = np.zeros((2, 64), dtype=np.float32), np.zeros((2, 2), dtype=np.float32)
    codes.bounds(coder.probe(rows[3]), native[0], generic[0])
    monkeypatch.setattr(kernels, "has_avx2", lambda: False)
    plain = numba.njit(kernels.bounds.py_func)
    monkeypatch.setattr(levels.kernels, "bounds", plain)
    codes.bounds(coder.probe(rows[3]), native[1], generic[1])
    assert "vpmaddubsw" not in "".join(plain.inspect_asm().values())
    assert np.allclose(native[0], native[1], atol=1e-6)
    assert np.allclose(generic[0], generic[1], atol=1e-6)
