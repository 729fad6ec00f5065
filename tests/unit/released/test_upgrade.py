"""A database that a released version wrote is migrated, and everything in it still holds.

Each NAME.sql here is a dump of an installation that the release NAME made, with two faces, a mandate, an operator and
a few entries; NAME.json holds its keys, which guard nothing else, and what it handed out.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.engine import face_at

from countenance.app import Countenance
from countenance.ledger import verifier
from countenance.mandates import MandateState
from countenance.settings import Settings
from countenance.verification import own_key, verify_installation

RELEASES = sorted(path.stem for path in Path(__file__).parent.glob("*.sql"))


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def handed_out(release: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(Path(__file__).with_name(f"{release}.json").read_text())
    return told


@pytest.fixture
def own(release: str, handed_out: dict[str, Any], tmp_path: Path) -> Settings:
    before = os.umask(0o077)
    own = Settings(home=tmp_path / "home")
    own.keys.mkdir(parents=True)
    for name, key in handed_out["keys"].items():
        (own.keys / name).write_bytes(bytes.fromhex(key))
    with closing(sqlite3.connect(own.database_file)) as database:
        database.executescript(Path(__file__).with_name(f"{release}.sql").read_text())
    os.umask(before)
    return own


@pytest.fixture
def app(own: Settings) -> Iterator[Countenance]:
    app = Countenance.open(own)
    yield app
    app.close()


def test_there_is_a_database_of_every_release_since_0_2_0() -> None:
    assert RELEASES[0] == "0.2.0"


def test_grants_faces_and_operators_are_as_they_were(app: Countenance, handed_out: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    (mandate,) = app.register.list()
    assert mandate.mandate_id == handed_out["mandate"] and mandate.state(now) is MandateState.ACTIVE
    assert app.register.secret_of(handed_out["access_key"]) == handed_out["secret"]
    assert app.operators.holding(handed_out["token"]).name == "Ada"
    faces = app.gallery.faces("visitors", limit=9).items
    assert [face.face_id for face in faces] == handed_out["faces"]
    assert [face.external_id for face in faces] == ["person-1", "person-2"]
    assert app.gallery.users("visitors", limit=9).items[0].user_id == "u-1"


def test_it_goes_on_and_verifies(app: Countenance, own: Settings, handed_out: dict[str, Any]) -> None:
    app.check_state()
    first, second = handed_out["faces"]
    template = app.gallery.template("visitors", first)
    found = app.gallery.search("visitors", template, limit=1, min_score=-9.0)
    assert found.hits[0][0].face_id == first
    app.gallery.enrol("visitors", "digest-3", "person-3", [(face_at(0), template)])
    app.gallery.erase("visitors", [second])
    app.ledger.append({"kind": "alarm", "what": "upgraded"}).wait()
    app.ledger.checkpoint()
    receipt = verifier.read_receipt(handed_out["receipt"])
    checked = verify_installation(own, app.database, own_key(own), receipts=[receipt])
    assert checked.wrong == []
    assert checked.report.size > handed_out["entries"]
