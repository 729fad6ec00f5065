"""A part of the galleries that only reads: it answers for what was committed, waits, or says that it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from tests.unit.gallery.people import MODEL, OTHER, Ticking, counted, people, template

from countenance.database import open_database
from countenance.errors import NotRecorded, NotSearched
from countenance.gallery import FaceShare, Gallery, GalleryHead, GalleryPart
from countenance.scoring import RawCosine

ALL = FaceShare()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(tmp_path / "countenance.sqlite")


@pytest.fixture
def gallery(engine: Engine) -> Gallery:
    gallery = Gallery(engine, RawCosine(), Ticking(), counted())
    gallery.create("staff", MODEL, "sface-1", {})
    gallery.enrol("staff", "one", None, people(1, 2, 3))
    return gallery


@pytest.fixture
def part(engine: Engine) -> Iterator[GalleryPart]:
    yield GalleryPart(engine, RawCosine(), MODEL, ALL, threads=1, within_s=0.3)


def head_of(gallery: Gallery, gallery_id: str = "staff") -> GalleryHead:
    return gallery._store.head(gallery_id)


def asked(part: GalleryPart, head: GalleryHead, gallery_id: str = "staff") -> Any:
    return part.find(gallery_id, head, template(1).vector[None], 10, -1.0)


def test_it_reads_what_it_does_not_hold_and_catches_up_with_each_change(gallery: Gallery, part: GalleryPart) -> None:
    assert asked(part, head_of(gallery)).size == 3
    (enrolled,) = gallery.enrol("staff", "two", None, people(4))
    found = asked(part, head_of(gallery))
    assert (found.size, found.revision) == (4, head_of(gallery).revision)
    gallery.erase("staff", [enrolled.face_id])
    assert asked(part, head_of(gallery)).size == 3


def test_a_revision_that_its_database_does_not_have_is_waited_for_and_then_an_error(
    gallery: Gallery, part: GalleryPart
) -> None:
    ahead = replace(head_of(gallery), revision=head_of(gallery).revision + 1)  # as where it reads a standby
    with pytest.raises(NotSearched, match=f"revision {ahead.revision}"):
        asked(part, ahead)
    patient = GalleryPart(gallery._store._engine, RawCosine(), MODEL, ALL, threads=1, within_s=60)
    got: list[Any] = []
    waiting = Thread(target=lambda: got.append(asked(patient, ahead)))
    waiting.start()
    gallery.enrol("staff", "two", None, people(4))
    waiting.join()
    assert got[0].size == 4


def test_a_gallery_that_was_made_again_is_not_the_one_that_was_asked_for(gallery: Gallery, part: GalleryPart) -> None:
    old = head_of(gallery)
    gallery.delete("staff")
    assert asked(part, old) is None
    gallery.create("staff", MODEL, "sface-1", {})
    assert asked(part, old) is None
    assert asked(part, head_of(gallery)).size == 0


def test_a_reading_that_takes_too_long_is_an_error(
    gallery: Gallery, part: GalleryPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    released = Event()
    real = part._store.head
    monkeypatch.setattr(part._store, "head", lambda gallery_id: released.wait() and real(gallery_id))
    with pytest.raises(NotSearched, match=r"within 0\.3 s"):
        asked(part, head_of(gallery))
    released.set()
    patient = asked(GalleryPart(gallery._store._engine, RawCosine(), MODEL, ALL, threads=1), head_of(gallery))
    assert patient.size == 3


def test_a_database_that_is_away_is_an_error(
    gallery: Gallery, part: GalleryPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: str) -> None:
        raise NotRecorded("the database could not be read")

    monkeypatch.setattr(part._store, "head", away)
    with pytest.raises(NotRecorded):
        asked(part, head_of(gallery))


def test_following_reads_every_gallery_of_its_model_and_drops_those_that_are_gone(
    gallery: Gallery, part: GalleryPart
) -> None:
    gallery.create("other", MODEL, "sface-1", {})
    gallery.create("old", OTHER, "x", {})
    assert not part.loaded
    part.follow_once()
    assert part.loaded
    assert part.held() == {"staff": 3, "other": 0}
    gallery.enrol("other", "o", None, people(9))
    gallery.delete("staff")
    part.follow_once()
    assert part.held() == {"other": 1}


def test_what_was_erased_leaves_the_memory_without_a_search(gallery: Gallery, part: GalleryPart) -> None:
    part.follow_once()
    gallery.erase("staff", [face.face_id for face in gallery.faces("staff", limit=10).items])
    part.follow_once()
    chunks = part._local._indexes["staff"].index.snapshot.chunks
    assert not any(np.any(np.asarray(chunk.rows)) for chunk, _, _ in chunks)
