"""A changed normaliser: the same stored templates, other rows, nothing enrolled again, and read before anybody asks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine
from tests.unit.gallery.people import MODEL, OTHER, Ticking, counted, people, template

from countenance.database import open_database
from countenance.gallery import Gallery
from countenance.gallery.search import index, kernels
from countenance.scoring import RawCosine


class Shifted(RawCosine):
    """Cosine less `by`, in one more dimension; counts the templates that it was given to make rows of."""

    def __init__(self, by: float) -> None:
        self.by, self.made = by, 0

    def gallery_side(
        self, vectors: NDArray[np.float32], unseen: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        self.made += len(vectors)
        return np.hstack([vectors, np.full((len(vectors), 1), -self.by)]).astype(np.float32)

    def probe_side(
        self, vectors: NDArray[np.float32], unseen: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        return np.hstack([vectors, np.ones((len(vectors), 1))]).astype(np.float32)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    database = open_database(tmp_path / "c.sqlite")
    gallery = Gallery(database, Shifted(0.1), Ticking(), counted())
    for name in ("staff", "guests", "empty"):
        gallery.create(name, MODEL, "sface-1", {})
    gallery.enrol("staff", "d1", None, people(1, 2, 3))
    gallery.enrol("guests", "d2", None, people(4, 5))
    return database


def best(gallery: Gallery, seed: int = 2) -> float:
    return gallery.search("staff", template(seed), limit=1, min_score=-9).hits[0][1]


@pytest.mark.parametrize("by", [0.0, 0.1, 0.4])
def test_a_search_scores_by_the_normaliser_in_use_whatever_one_was_used_at_enrolment(engine: Engine, by: float) -> None:
    assert best(Gallery(engine, Shifted(by), Ticking(), counted())) == pytest.approx(1 - by, abs=1e-5)


def test_every_gallery_is_read_before_anybody_searches_and_only_once(engine: Engine) -> None:
    normaliser = Shifted(0.2)
    gallery = Gallery(engine, normaliser, Ticking(), counted("new"))
    assert gallery.read_all(MODEL) == 3
    assert normaliser.made == 5
    assert best(gallery) == pytest.approx(0.8, abs=1e-5)
    assert gallery.read_all(MODEL) == 3
    assert normaliser.made == 5


def test_what_searches_among_many_need_is_compiled_before_anybody_asks(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(index, "CODED", 3)
    for kernel in ("look", "look_many"):
        call = getattr(kernels, kernel)

        def noted(*given: Any, call: Callable[..., object] = call, kernel: str = kernel) -> object:
            asked.append(kernel)
            return call(*given)

        monkeypatch.setattr(kernels, kernel, noted)
    gallery = Gallery(engine, Shifted(0.2), Ticking(), counted("new"))
    gallery.read_all(MODEL)
    assert {"look", "look_many"} <= set(asked)
    assert gallery.search_counts().searches == 0


def test_what_is_enrolled_after_that_is_made_by_the_same_normaliser(engine: Engine) -> None:
    gallery = Gallery(engine, Shifted(0.3), Ticking(), counted("new"))
    gallery.read_all(MODEL)
    gallery.enrol("staff", "d9", None, people(9))
    assert best(gallery, 9) == pytest.approx(0.7, abs=1e-5)


def test_a_gallery_of_another_model_is_left_alone(engine: Engine) -> None:
    normaliser = Shifted(0.2)
    gallery = Gallery(engine, normaliser, Ticking(), counted("new"))
    gallery.create("old", OTHER, "other-1", {})
    gallery.enrol("old", "d3", None, people(7, model=OTHER, dimension=8))
    assert gallery.read_all(MODEL) == 3
    assert normaliser.made == 5


def test_more_galleries_than_one_page_are_all_read(tmp_path: Path) -> None:
    gallery = Gallery(open_database(tmp_path / "many.sqlite"), RawCosine(), Ticking(), counted())
    for i in range(103):
        gallery.create(f"g{i:03d}", MODEL, "sface-1", {})
    assert gallery.read_all(MODEL) == 103
