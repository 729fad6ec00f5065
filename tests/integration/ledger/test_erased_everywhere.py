"""After an erasure no file of the data folder holds what it was about, and the ledger still verifies."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.fakes.engine import MODEL, FakeEngine, picture_of
from tests.fakes.rules import FixedRules

from countenance.app import Countenance
from countenance.gallery import Gallery
from countenance.ledger import Records, verify_records
from countenance.ledger.opened import opening_differences
from countenance.mandates import Holder, Terms
from countenance.operations import Caller, CreateGallery, DeleteGallery, Enrol, Erase, Guard, Tools
from countenance.policy import Verdict
from countenance.scoring import Calibration, RawCosine
from countenance.settings import load

pytestmark = pytest.mark.hardening

GALLERY, EXTERNAL = "gallery-nobody-may-read", "external-id-nobody-may-read"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Countenance]:
    app = Countenance.open(load({"COUNTENANCE_HOME": str(tmp_path / "home")}))
    ids = (f"{n:08x}-aaaa-4000-8000-000000000000" for n in itertools.count())
    app.__dict__["gallery"] = Gallery(
        app.database, RawCosine(), lambda: datetime.now(UTC), lambda: next(ids), recorder=app.bindings
    )
    yield app
    app.close()


def calls(app: Countenance) -> tuple[Guard, Caller]:
    terms = Terms("photo_library", "consent", ("*",), ("identify",))
    later = datetime.now(UTC) + timedelta(days=1)
    asked = app.mandates.request(Holder("A museum"), terms, requested_by="ann", expires_at=later)
    app.mandates.approve(asked.mandate_id, approved_by="ben")
    key = app.mandates.issue_key(asked.mandate_id, to="ann")
    made = Calibration(MODEL, "raw", "ca" * 32, np.array([0.0, 0.6, 1.0]), np.array([0.0, -3.0, -9.0]))
    tools = Tools(FakeEngine(), app.gallery, RawCosine(), made, (), app.jobs)
    guard = Guard(
        tools,
        FixedRules(Verdict.PERMIT),  # type: ignore[arg-type]
        app.ledger,
        app.register,
        app.custody,
        app.moratoria_in_force,
        lambda: datetime.now(UTC),
        app.budgets,
    )
    return guard, Caller(key.access_key)


def files_with(home: Path, word: str) -> list[str]:
    return [file.name for file in home.rglob("*") if file.is_file() and word.encode() in file.read_bytes()]


@pytest.mark.parametrize("way", ["faces", "collection", "retention"])
def test_what_was_erased_is_in_no_file(app: Countenance, way: str) -> None:
    guard, caller = calls(app)
    home = app.settings.home
    guard.carry_out(caller, CreateGallery(GALLERY))
    enrolled = guard.carry_out(caller, Enrol(GALLERY, picture_of(1), external_id=EXTERNAL)).result
    face_id = enrolled.faces[0][0].face_id
    app.custody.retain(GALLERY, 1, "a clause")
    assert all(files_with(home, word) for word in (GALLERY, EXTERNAL, face_id))
    if way == "faces":
        guard.carry_out(caller, Erase(GALLERY, (face_id,)))
    elif way == "retention":
        app.custody.retain(GALLERY, 0, "a clause")
        assert app.custodian.sweep() == 1
    else:
        guard.carry_out(caller, DeleteGallery(GALLERY))
    gone = (GALLERY, EXTERNAL, face_id) if way == "collection" else (EXTERNAL, face_id)
    assert {word: files_with(home, word) for word in gone} == {word: [] for word in gone}
    app.ledger.checkpoint()
    assert verify_records(Records(app.database)).findings == []
    assert opening_differences(app.database) == []
    assert app.bindings.differences() == []


def test_openings_and_faces_go_in_one_transaction(app: Countenance, monkeypatch: pytest.MonkeyPatch) -> None:
    guard, caller = calls(app)
    guard.carry_out(caller, CreateGallery(GALLERY))
    enrolled = guard.carry_out(caller, Enrol(GALLERY, picture_of(1), external_id=EXTERNAL)).result
    face_id = enrolled.faces[0][0].face_id

    def fails(*_: object) -> int:
        raise RuntimeError

    monkeypatch.setattr("countenance.ledger.bindings.erase_about", fails)
    with pytest.raises(Exception, match="RuntimeError"):
        app.gallery.erase(GALLERY, [face_id])
    assert app.gallery.size(GALLERY) == 1
