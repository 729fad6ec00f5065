"""Whatever searches the galleries gives the same answers: one index, or several that hold the faces together."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine
from tests.fakes.parts import Parts
from tests.unit.gallery.people import MODEL, Ticking, counted, detected, unit

from countenance.database import open_database
from countenance.errors import NotSearched
from countenance.faces import BoundingBox, DetectedFace, Template
from countenance.gallery import FaceShare, Gallery, GalleryPart
from countenance.gallery.share import BLOCK, END, EVERYTHING
from countenance.scoring import RawCosine

FACES, PER_PICTURE, DIMENSION = 3 * BLOCK + 100, 100, 16
QUERIES = 10_000


def faces(seed: int, count: int) -> list[tuple[DetectedFace, Template]]:
    """Half of them of a few shared templates, so that many score the same."""
    chance = np.random.default_rng(seed)
    shared = np.random.default_rng(0).normal(size=(5, DIMENSION))
    pairs = []
    for i in range(count):
        own = shared[i % 5] if i % 2 else chance.normal(size=DIMENSION)
        face = detected()
        object.__setattr__(face, "box", BoundingBox(i / count, 0.1, 0.5 / count, 0.05))
        pairs.append((face, Template(unit(own), MODEL)))
    return pairs


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    engine = open_database(tmp_path_factory.mktemp("parts") / "countenance.sqlite")
    gallery = Gallery(engine, RawCosine(), Ticking(), counted())
    gallery.create("staff", MODEL, "sface-1", {})
    for start in range(0, FACES, PER_PICTURE):
        gallery.enrol("staff", f"picture {start}", None, faces(start, min(PER_PICTURE, FACES - start)))
    return engine


@pytest.fixture
def pair(engine: Engine) -> Iterator[tuple[Gallery, Gallery, Parts]]:
    """A gallery searched by one index and the same searched by three."""
    parts = Parts([GalleryPart(engine, RawCosine(), MODEL, FaceShare(i, 3), threads=1) for i in range(3)])
    one = Gallery(engine, RawCosine(), Ticking(), counted("more"), threads=1)
    yield one, Gallery(engine, RawCosine(), Ticking(), counted("again"), searching=parts), parts


def probes(count: int) -> list[Template]:
    chance = np.random.default_rng(7)
    shared = np.random.default_rng(0).normal(size=(5, DIMENSION))
    rows = chance.normal(size=(count, DIMENSION)) * 0.3 + shared[np.arange(count) % 5]
    return [Template(unit(row), MODEL) for row in rows]


def test_ten_thousand_queries_get_the_ids_scores_and_order_of_one_index(pair: tuple[Gallery, Gallery, Parts]) -> None:
    one, several, parts = pair
    asked = probes(QUERIES)
    expected = one.search_many("staff", asked, limit=7, min_score=0.2)
    assert several.search_many("staff", asked, limit=7, min_score=0.2) == expected
    tied = sum(len({score for _, score in found.hits}) < len(found.hits) for found in expected)
    assert tied > QUERIES / 2  # equal scores are decided by number, across the parts
    sizes = [part.counts.searches for part in parts.parts]
    assert sizes == [0, 0, 0]  # each part is small enough to compute every score


def test_every_part_holds_some_of_the_faces_and_each_face_is_in_one(
    engine: Engine, pair: tuple[Gallery, Gallery, Parts]
) -> None:
    _, several, parts = pair
    head = several._store.head("staff")
    found = [part.find("staff", head, np.zeros((1, DIMENSION), np.float32), FACES, -2.0) for part in parts.parts]
    numbers = [number for each in found if each is not None for number, _ in each.hits[0]]
    assert sorted(numbers) == list(range(1, FACES + 1))
    assert all(each is not None and each.size > BLOCK / 2 for each in found)


def test_a_part_that_is_away_is_an_error_and_no_shorter_list(pair: tuple[Gallery, Gallery, Parts]) -> None:
    _, several, parts = pair
    parts.away = {1}
    with pytest.raises(NotSearched):
        several.search("staff", probes(1)[0], limit=5, min_score=0.0)


def test_changes_are_seen_by_the_next_search_in_every_part(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "countenance.sqlite")
    parts = Parts([GalleryPart(engine, RawCosine(), MODEL, FaceShare(i, 2), threads=1) for i in range(2)])
    gallery = Gallery(engine, RawCosine(), Ticking(), counted(), searching=parts)
    one = Gallery(engine, RawCosine(), Ticking(), counted("more"), threads=1)
    gallery.create("staff", MODEL, "sface-1", {})
    (probe,) = probes(1)

    def same() -> int:
        matches = gallery.search("staff", probe, limit=50, min_score=-1.0)
        assert matches == one.search("staff", probe, limit=50, min_score=-1.0)
        return matches.gallery_size

    ids: list[str] = []
    for start in range(0, 2 * BLOCK + 200, 200):
        ids += [face.face_id for face in gallery.enrol("staff", f"{start}", None, faces(start, 200))]
        assert same() == len(ids)
    best = [face.face_id for face, _ in gallery.search("staff", probe, limit=20, min_score=-1.0).hits]
    gallery.erase("staff", best)
    assert same() == len(ids) - 20
    gallery.delete("staff")
    gallery.create("staff", MODEL, "sface-1", {})
    assert same() == 0


def test_shares_split_the_numbers_without_gap_or_overlap() -> None:
    assert EVERYTHING.stretch(17) == (17, END)
    for of in (2, 3, 7):
        owners: dict[int, int] = {}
        for number in range(of):
            at = 1
            while at < 20 * BLOCK:
                first, stop = FaceShare(number, of).stretch(at)
                assert first >= at
                for each in range(first, min(stop, 20 * BLOCK), BLOCK // 4):
                    assert owners.setdefault(each // (BLOCK // 4), number) == number
                at = stop
        assert sorted(owners) == list(range(20 * 4))
