"""Several threads, several Gallery objects on one file."""

import sqlite3
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.unit.gallery.people import MODEL, people, template

from countenance.database import open_database
from countenance.errors import NotFound
from countenance.gallery import Gallery
from countenance.gallery import store as store_module
from countenance.scoring import RawCosine


def opened(path: Path) -> Gallery:
    return Gallery(open_database(path), RawCosine(), lambda: datetime.now(UTC), lambda: str(uuid.uuid4()))


@pytest.fixture
def two(tmp_path: Path) -> tuple[Gallery, Gallery]:
    """The server and a command line, say."""
    one, other = opened(tmp_path / "c.sqlite"), opened(tmp_path / "c.sqlite")
    one.create("staff", MODEL, "v", {})
    return one, other


def found(gallery: Gallery, seed: int = 0, limit: int = 10_000) -> list[str]:
    return [face.face_id for face, _ in gallery.search("staff", template(seed), limit=limit, min_score=-1).hits]


def test_what_one_enrols_the_other_finds_in_its_next_search(two: tuple[Gallery, Gallery]) -> None:
    one, other = two
    assert found(other) == []
    for seed in range(5):
        (face,) = one.enrol("staff", f"d{seed}", None, people(seed))
        assert found(other, seed)[0] == face.face_id
    (face,) = other.enrol("staff", "mine", None, people(9))
    assert found(one, 9)[0] == face.face_id


def test_what_one_erases_the_other_does_not_find_any_more(two: tuple[Gallery, Gallery]) -> None:
    one, other = two
    faces = [one.enrol("staff", f"d{seed}", None, people(seed))[0] for seed in range(10)]
    assert len(found(other)) == 10
    one.erase("staff", [faces[3].face_id, faces[9].face_id])
    assert set(found(other)) == {face.face_id for i, face in enumerate(faces) if i not in (3, 9)}
    assert found(other) == found(one)


def test_the_other_keeps_up_when_the_log_of_erasures_was_cut(
    two: tuple[Gallery, Gallery], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_SHORTEST_LOG", 4)
    one, other = two
    faces = [one.enrol("staff", f"d{seed}", None, people(seed))[0] for seed in range(12)]
    assert len(found(other)) == 12
    for face in faces[:9]:
        one.erase("staff", [face.face_id])
        late = opened(tmp_path / "c.sqlite")
        assert set(found(late)) == set(found(one))
    assert set(found(other)) == {face.face_id for face in faces[9:]}
    with sqlite3.connect(tmp_path / "c.sqlite") as connection:
        (remembered,) = connection.execute("SELECT count(*) FROM erasures").fetchone()
    assert remembered < 9


def test_a_gallery_deleted_and_made_again_by_one_is_empty_for_the_other(two: tuple[Gallery, Gallery]) -> None:
    one, other = two
    one.enrol("staff", "d", None, people(1))
    assert len(found(other)) == 1
    one.delete("staff")
    with pytest.raises(NotFound):
        found(other)
    one.create("staff", MODEL, "v", {})
    one.enrol("staff", "d", None, people(1))
    assert len(found(other)) == 1
    one.delete("staff")
    one.create("staff", MODEL, "v", {})
    assert found(other) == []
    (face,) = one.enrol("staff", "d", None, people(2))
    assert found(other) == [face.face_id]


def test_searches_never_show_what_was_erased_before_and_never_miss_what_was_enrolled_before(
    two: tuple[Gallery, Gallery],
) -> None:
    one, other = two
    seeds = range(60)
    # both only grow, and only after the acknowledgement
    enrolled: dict[int, str] = {}
    erased: set[str] = set()
    failures, done = [], threading.Event()

    def search(gallery: Gallery, seed: int) -> None:
        chance = np.random.default_rng(seed)
        while not done.is_set():
            wanted = int(chance.integers(60))
            sure, gone = enrolled.get(wanted), set(erased)
            hits = gallery.search("staff", template(wanted), limit=100, min_score=-1).hits
            shown = [face.face_id for face, _ in hits]
            if gone & set(shown):
                failures.append("shown after it was erased")
            if sure and sure not in shown and sure not in erased_or_leaving:
                failures.append("missed after it was enrolled")
            if sure and sure in shown and not (shown[0] == sure and hits[0][1] > 0.999):
                failures.append("a score that is not its own")

    erased_or_leaving = set()
    with ThreadPoolExecutor(4) as pool:
        searches = [pool.submit(search, gallery, i) for i, gallery in enumerate((one, other, one, other))]
        for seed in seeds:
            enrolled[seed] = (one, other)[seed % 2].enrol("staff", f"d{seed}", None, people(seed))[0].face_id
            if seed % 3 == 2:
                leaving = enrolled[seed - 1]
                erased_or_leaving.add(leaving)
                other.erase("staff", [leaving])
                erased.add(leaving)
        done.set()
        for result in searches:
            result.result()
    assert failures == []
    assert len(found(one)) == 40
