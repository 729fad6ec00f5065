from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.fakes.engine import MODEL, face_at, vector_of

from countenance.database import open_database
from countenance.faces import Template
from countenance.gallery import Gallery
from countenance.scoring import RawCosine

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_faces_are_known_by_when_they_were_enrolled(tmp_path: Path) -> None:
    moments = [START]
    ids = (f"{n}" for n in itertools.count())
    database = open_database(tmp_path / "db.sqlite")
    gallery = Gallery(database, RawCosine(), lambda: moments[-1], lambda: next(ids))
    gallery.create("g", MODEL, "1", {})
    enrolled = []
    for day in range(3):
        moments.append(START + timedelta(days=day))
        enrolled += gallery.enrol("g", str(day), None, [(face_at(0), Template(vector_of(day), MODEL))])
    old = gallery.enrolled_before("g", START + timedelta(days=2), 10)
    assert old == tuple(face.face_id for face in enrolled[:2])
    assert gallery.enrolled_before("g", START + timedelta(days=2), 1) == old[:1]
    assert gallery.enrolled_before("other", START + timedelta(days=9), 1) == ()
    database.dispose()
