"""One damaged template row takes nothing with it: it is left out, the log names it, and `ledger verify` finds it."""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from tests.fakes.engine import MODEL, FakeEngine, picture_of, vector_of

from countenance import settings
from countenance.app import Countenance
from countenance.cli import cli
from countenance.database import changing, open_database
from countenance.engine import STORED
from countenance.errors import Conflict
from countenance.faces import Template
from countenance.gallery import Gallery
from countenance.scoring import RawCosine

DAMAGED: list[object] = [
    b"", b"short", b"x" * 127, b"x" * 4 * 31, b"x" * 4 * 33, bytes(128), "text" * 32,
    np.full(32, np.nan, dtype="<f4").tobytes(), np.full(32, np.inf, dtype="<f4").tobytes(),
    (1.01 * vector_of(3)).astype("<f4").tobytes(), (0.99 * vector_of(3)).astype("<f4").tobytes(),
    np.full(32, np.finfo("<f4").max, dtype="<f4").tobytes(),
]  # fmt: skip


def gallery_of(engine: sa.Engine) -> Gallery:
    return Gallery(engine, RawCosine(), lambda: datetime.now(UTC), lambda: str(uuid.uuid4()))


def enrolled(engine: sa.Engine, people: int) -> list[str]:
    gallery, eyes, ids = gallery_of(engine), FakeEngine(), []
    gallery.create("g", MODEL, "v", {})
    for person in range(1, people + 1):
        picture = eyes.look(picture_of(person), STORED)
        faces = list(zip(picture.faces, eyes.embed(picture, picture.faces), strict=True))
        ids += [face.face_id for face in gallery.enrol("g", str(person), f"secret-name-{person}", faces)]
    return ids


def spoil(engine: sa.Engine, face_id: str, template: object) -> None:
    with changing(engine) as connection:
        connection.exec_driver_sql("UPDATE faces SET template = ? WHERE face_id = ?", (template, face_id))


@pytest.mark.parametrize("template", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_row_is_left_out_of_searches_and_named_in_the_log(
    tmp_path: Path, template: object, caplog: pytest.LogCaptureFixture
) -> None:
    engine = open_database(tmp_path / "db.sqlite")
    ids = enrolled(engine, 3)
    spoil(engine, ids[1], template)
    gallery = gallery_of(engine)
    with caplog.at_level(logging.ERROR):
        found = gallery.search("g", Template(vector_of(3), MODEL), limit=9, min_score=-1.0)
    assert {face.face_id for face, _ in found.hits} == {ids[0], ids[2]}
    assert "row 2" in caplog.text
    assert "secret-name" not in caplog.text
    with pytest.raises(Conflict):
        gallery.template("g", ids[1])
    engine.dispose()


@pytest.mark.parametrize("template", DAMAGED[:1] + DAMAGED[-1:])
def test_verify_finds_it(tmp_path: Path, template: object, monkeypatch: pytest.MonkeyPatch) -> None:
    app = Countenance.open(settings.Settings(home=tmp_path / "home"))
    app.ledger.append({"kind": "note"}).wait()
    ids = enrolled(app.database, 3)
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    assert CliRunner().invoke(cli, ["ledger", "verify"]).exit_code == 0
    spoil(app.database, ids[2], template)
    done = CliRunner().invoke(cli, ["ledger", "verify"])
    assert done.exit_code == 1
    assert "faces, row 3" in done.output
    app.close()
