"""Any ASGI server runs the installation: `uvicorn --factory countenance.app:asgi` erases what is past its term, too."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.engine import MODEL, face_at, vector_of

from countenance import app
from countenance.app import Countenance
from countenance.faces import Template
from countenance.gallery import Gallery
from countenance.scoring import RawCosine
from countenance.settings import load

WEIGHTS = Path(os.environ.get("COUNTENANCE_HOME", "data")).resolve() / "models"


def through_its_life(application: Any) -> list[str]:
    """Start the application up, shut it down, and give its answers."""
    answers: list[str] = []
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        answers.append(message["type"])

    asyncio.run(application({"type": "lifespan"}, receive, send))
    return answers


def test_an_asgi_deployment_erases_faces_past_their_term(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment = {"COUNTENANCE_HOME": str(tmp_path), "COUNTENANCE_WEIGHTS": str(WEIGHTS)}
    settings = load(environment)
    installation = Countenance.open(settings)
    long_ago = datetime.now(UTC) - timedelta(days=40)
    ids = iter(("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"))
    gallery = Gallery(installation.database, RawCosine(), lambda: long_ago, lambda: next(ids))
    gallery.create("g", MODEL, "fake-1", {})
    gallery.enrol("g", "0" * 64, None, [(face_at(0), Template(vector_of(1), MODEL))])
    assert gallery.size("g") == 1
    installation.custody.retain("g", 30, "test.term")
    installation.close()

    monkeypatch.setattr("countenance.app.settings.load", lambda: settings)
    assert through_its_life(app.asgi()) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

    again = Countenance.open(settings)
    assert again.gallery.size("g") == 0
    assert [entry.fields["faces"] for entry in again.ledger.entries() if entry.kind == "retention"] == [1]
    again.close()
