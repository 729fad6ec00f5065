"""Rows in a file: the same answers as rows in memory, and nothing that outlives or betrays them."""

from __future__ import annotations

import errno
import gc
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.unit.gallery.people import MODEL, Ticking, counted, detected, template

from countenance.database import open_database
from countenance.gallery import Gallery
from countenance.gallery.search import index as index_module
from countenance.gallery.search import kernels
from countenance.gallery.search.bounded import BoundedSearch
from countenance.gallery.search.index import Hits, Index
from countenance.gallery.search.row_file import RowFile, RowsLost, RowsOnDisk, SealedRows
from countenance.gallery.search.threads import ThreadPool
from countenance.scoring.normaliser import RawCosine

Rows = NDArray[np.float32]
DIMENSION, SMALL = 16, 64


@pytest.fixture(autouse=True, scope="module")
def small_chunks() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(index_module, "CHUNK", SMALL)
    patch.setattr(index_module, "_FIRST", 32)
    patch.setattr(index_module, "CODED", 100)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rows")


def rows(count: int, seed: int = 0, kinds: int | None = None) -> Rows:
    """Rows of few kinds, so that scores are often equal."""
    chance = np.random.default_rng(seed)
    made = chance.normal(size=(kinds or max(count, 1), DIMENSION)).astype(np.float32)
    return made[chance.integers(len(made), size=count)]


def by_hand(held: dict[int, Rows], probe: Rows, limit: int, min_score: float) -> Hits:
    """The reference: every score in float64, rounded once, sorted."""
    scored = [
        (number, float(np.float32(row.astype(np.float64) @ probe.astype(np.float64)))) for number, row in held.items()
    ]
    best = sorted((pair for pair in scored if pair[1] >= np.float32(min_score)), key=lambda pair: (-pair[1], pair[0]))
    return best[:limit]


def sealed(index: Index) -> list[SealedRows]:
    return [chunk.rows for chunk, _, _ in index.snapshot.chunks if isinstance(chunk.rows, SealedRows)]


def indexed(folder: Path, count: int, beyond: int = 0) -> tuple[Index, dict[int, Rows]]:
    index, made = Index(ThreadPool(1), RowsOnDisk(folder, beyond)), rows(count, 5)
    index.append(np.arange(1, count + 1), made)
    index.publish(0)
    return index, dict(enumerate(made, 1))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 150)),
        st.tuples(st.just("erase"), st.floats(0, 1)),
        st.tuples(st.just("own"), st.floats(0, 1)),
    ),
    min_size=1,
    max_size=10,
)


@given(steps, st.integers(1, 30), st.integers(0, 2**31), st.sampled_from([-np.inf, 0.0, 3.0]))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_changes_rows_on_disk_and_in_memory_give_what_a_full_sort_gives(
    folder: Path, steps: Any, limit: int, seed: int, min_score: float
) -> None:
    chance, pool = np.random.default_rng(seed), ThreadPool(1)
    forms, bounded = (Index(pool), Index(pool, RowsOnDisk(folder, 0))), BoundedSearch(pool)
    held, owned, last = dict[int, Rows](), set[int](), 0
    for what, much in steps:
        some = np.array(sorted(held), dtype=np.int64)
        some = some[chance.random(len(some)) < much]
        if what == "append":
            some = last + 1 + np.cumsum(chance.integers(1, 4, size=much))
            more = rows(much, seed + last, kinds=90)
            held.update(zip(some.tolist(), more, strict=True))
            last = max([last, *some.tolist()])
        for index in forms:
            if what == "append":
                index.append(some, more)
            elif what == "erase":
                index.erase(some)
            else:
                index.own(np.array(sorted(held), dtype=np.int64), False)
                index.own(some, True)
            index.publish(index.snapshot.revision + 1)
        if what == "erase":
            held = {number: row for number, row in held.items() if number not in set(some.tolist())}
        owned = (set(some.tolist()) if what == "own" else owned) & held.keys()
        probe = rows(1, int(chance.integers(1000)))[0]
        for only_owned in (False, True):
            count = {n: row for n, row in held.items() if n in owned or not only_owned}
            right = by_hand(count, probe, limit, min_score)
            for index in forms:
                snapshot = index.snapshot
                assert snapshot.size == len(held)
                assert snapshot.search(probe, limit, min_score, owned=only_owned) == right
                if snapshot.coder is not None:
                    assert bounded.search(snapshot, probe, limit, min_score, owned=only_owned) == right
                    assert bounded.search_many(snapshot, probe[None], limit, min_score, only_owned) == [right]


def test_full_chunks_lie_in_the_file_and_the_last_rows_in_memory(folder: Path) -> None:
    index, _ = indexed(folder, 10 * SMALL + 5)
    kinds = [isinstance(chunk.rows, SealedRows) for chunk, _, _ in index.snapshot.chunks]
    assert kinds == [True] * (len(kinds) - 1) + [False]
    assert len(kinds) > 5


def test_a_long_row_takes_several_turns_of_the_cipher_and_comes_back(folder: Path) -> None:
    made = np.random.default_rng(1).normal(size=(40, 700)).astype(np.float32)
    lying = SealedRows(RowFile(folder), made, np.ones(40, np.bool_), 40)
    assert np.array_equal(lying[:40], made)
    assert np.array_equal(lying[np.array([7, 3])], made[[7, 3]])


@pytest.mark.parametrize("place", [0, 9])
def test_rows_are_encrypted_by_chacha20(place: int) -> None:
    made, key = rows(1, 3), np.frombuffer(bytes(range(32)), dtype=np.uint32)
    words = np.empty((1, DIMENSION + 1), dtype=np.uint32)
    kernels.seal(made, key, place, words)
    nonce = bytes(4) + place.to_bytes(4, "little") + bytes(8)
    stream = Cipher(algorithms.ChaCha20(bytes(range(32)), nonce), None).encryptor().update(bytes(1024))
    across = np.frombuffer(stream, dtype="<u4").reshape(16, 16).T.reshape(-1)[: DIMENSION + 1]
    assert np.array_equal((words[0] ^ across)[:-1].view(np.float32), made[0])


def test_every_chunk_has_a_key_of_its_own_and_no_row_can_be_read_in_the_file(folder: Path) -> None:
    index, held = indexed(folder, 4 * SMALL + 1)
    lying = sealed(index)
    written = os.pread(lying[0].file.number, 10**6, 0)
    assert len({each.key.tobytes() for each in lying}) == len(lying) > 2
    assert len(written) >= 3 * SMALL * 4 * (DIMENSION + 1)
    assert not any(row[:2].tobytes() in written for row in held.values())


def test_an_erased_row_is_overwritten_in_the_file(folder: Path) -> None:
    index, _ = indexed(folder, 4 * SMALL + 1)
    one, size = sealed(index)[1], 4 * (DIMENSION + 1)
    chunk = next(chunk for chunk, _, _ in index.snapshot.chunks if chunk.rows is one)
    assert any(os.pread(one.file.number, size, one.at + 3 * size))
    index.erase(chunk.numbers[3:4].copy())
    assert os.pread(one.file.number, size, one.at + 3 * size) == bytes(size)
    assert not one[np.array([3])].any()


def test_the_place_of_a_chunk_that_is_gone_is_used_again(folder: Path) -> None:
    index, _ = indexed(folder, 8 * SMALL + 1)
    file = sealed(index)[0].file
    end = os.fstat(file.number).st_size
    index.erase(np.arange(1, 4 * SMALL + 1))
    index.publish(1)
    gc.collect()
    index.append(np.arange(10**4, 10**4 + 3 * SMALL), rows(3 * SMALL, 9))
    index.publish(2)
    assert os.fstat(file.number).st_size == end


def test_rows_move_to_the_file_when_all_would_take_more_than_they_may(folder: Path) -> None:
    beyond = 4 * DIMENSION * 5 * SMALL
    index, held = indexed(folder, 5 * SMALL, beyond)
    assert not sealed(index)
    more = rows(SMALL, 8)
    index.append(np.arange(1001, 1001 + SMALL), more)
    index.publish(1)
    assert sealed(index)
    held |= dict(enumerate(more, 1001))
    assert index.snapshot.search(more[0], 9, -9) == by_hand(held, more[0], 9, -9)


def test_of_an_index_that_will_be_large_no_full_chunk_stays_in_memory_while_it_is_read(folder: Path) -> None:
    index = Index(ThreadPool(1), RowsOnDisk(folder, 4 * DIMENSION * 5 * SMALL))
    index.expect(6 * SMALL)
    index.append(np.arange(1, 2 * SMALL + 1), rows(2 * SMALL))
    index.publish(0)
    assert sealed(index)


def test_where_the_disk_is_full_rows_stay_in_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    index, held = indexed(folder, 4 * SMALL + 1)
    assert not sealed(index)
    assert "stay in memory" in caplog.text
    assert index.snapshot.search(held[5], 5, -9) == by_hand(held, held[5], 5, -9)


@pytest.mark.parametrize("harm", ["a bit", "a row of zeros", "the end is cut off"])
def test_damaged_rows_are_never_scored(folder: Path, harm: str) -> None:
    index, held = indexed(folder, 4 * SMALL + 1)
    damaged, size = sealed(index)[0], 4 * (DIMENSION + 1)
    number, place = damaged.file.number, damaged.at + 2 * size
    if harm == "the end is cut off":
        os.ftruncate(number, 10)
    else:
        was = os.pread(number, size, place)
        os.pwrite(number, bytes(size) if harm == "a row of zeros" else bytes([was[0] ^ 1]) + was[1:], place)
    bounded = BoundedSearch(ThreadPool(2))
    with pytest.raises(RowsLost):
        index.snapshot.search(held[3], 5, -9)
    with pytest.raises(RowsLost):
        bounded.search(index.snapshot, held[3], len(held), -9)
    with pytest.raises(RowsLost):
        bounded.search_many(index.snapshot, held[3][None], len(held), -9)


def opened(folder: Path, on_disk: bool, ids: str = "id") -> Gallery:
    return Gallery(
        open_database(folder / "faces.sqlite"), RawCosine(), Ticking(), counted(ids),
        on_disk=RowsOnDisk(folder, 0) if on_disk else None,
    )  # fmt: skip


def enrol(gallery: Gallery, seeds: range) -> list[str]:
    faces = [(f"picture {seed}", None, [(detected(), template(seed))]) for seed in seeds]
    return [gallery.enrol("g", *each)[0].face_id for each in faces]


def found(gallery: Gallery, seed: int) -> list[tuple[str, float]]:
    matches = gallery.search("g", template(seed), limit=7, min_score=-9)
    return [(one.face_id, score) for one, score in matches.hits]


def test_galleries_of_two_processes_on_one_home_agree_after_every_change(tmp_path: Path) -> None:
    one, other, plain = opened(tmp_path, True), opened(tmp_path, True, "other"), opened(tmp_path, False)
    one.create("g", MODEL, "1", {})
    ids = enrol(one, range(300))

    def agree() -> None:
        for seed in (0, 150, 299, 1000):
            assert found(one, seed) == found(other, seed) == found(plain, seed)

    agree()
    other.erase("g", ids[100:180])
    agree()
    one.erase("g", ids[:90])
    enrol(other, range(300, 420))
    agree()
    assert [each.name for each in tmp_path.iterdir() if "faces" not in each.name] == []


def test_an_index_whose_file_is_damaged_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gallery = opened(tmp_path, True)
    gallery.create("g", MODEL, "1", {})
    enrol(gallery, range(300))
    before = found(gallery, 7)
    (number,) = [int(each.name) for each in Path("/proc/self/fd").iterdir() if _nameless(each, tmp_path)]
    os.ftruncate(number, 0)
    assert found(gallery, 7) == before
    assert "is made again" in caplog.text
    assert found(gallery, 8) == found(opened(tmp_path, False), 8)


def _nameless(descriptor: Path, folder: Path) -> bool:
    try:
        name = str(descriptor.readlink())
    except OSError:
        return False
    return name.startswith(f"{folder}/") and name.endswith("(deleted)")


def test_the_file_has_no_name_and_is_its_owners_alone_and_a_killed_process_leaves_none(folder: Path) -> None:
    file = RowFile(folder)
    assert stat.S_IMODE(os.fstat(file.number).st_mode) == 0o600
    assert os.fstat(file.number).st_nlink == 0
    program = (
        "import sys, time; from pathlib import Path\n"
        "from countenance.gallery.search.row_file import RowFile\n"
        "file = RowFile(Path(sys.argv[1])); file.write(0, bytes(9)); print('there', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        process.send_signal(signal.SIGKILL)
    assert list(folder.iterdir()) == []
