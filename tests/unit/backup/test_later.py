"""What was erased after a backup stays erased where a newer export of its ledger says so; from and into both kinds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.fakes.engine import face_at, vector_of
from tests.fakes.postgres import KINDS, PostgresServer
from tests.unit.backup.writing import ended_audit

from countenance.app import Countenance
from countenance.backup import ErasedAgain, back_up, restore
from countenance.cli import cli
from countenance.errors import BadRequest
from countenance.faces import Template
from countenance.ledger import Records, export
from countenance.mandates import Holder, MandateState, Role, Terms
from countenance.settings import Settings
from countenance.verification import verify_installation

PASSPHRASE = "correct horse battery"


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def opened(own: Settings) -> Iterator[Countenance]:
    app = Countenance.open(own)
    try:
        yield app
    finally:
        app.close()


def enrol(app: Countenance, gallery: str, person: int) -> str:
    (face,) = app.gallery.enrol(
        gallery, f"digest-{person}", f"name-{person}", [(face_at(0), Template(vector_of(person), app.model))]
    )
    return face.face_id


def mandate(app: Countenance) -> str:
    terms = Terms("photo_library", "consent", ("*",), ("identify",))
    asked = app.mandates.request(Holder("A museum"), terms, requested_by="ann", expires_at=now() + timedelta(days=1))
    app.mandates.approve(asked.mandate_id, approved_by="ben")
    return asked.mandate_id


AUDITS = ["audit-00000000000a", "audit-00000000000b"]


class Story:
    """An installation that was backed up, then erased and ended some of what it had, and exported its ledger."""

    def __init__(self, folder: Path, database: str | None) -> None:
        self.own = Settings(home=folder / "home", database=database)
        self.there = replace(self.own, home=folder / "there")
        self.file, self.export = folder / "b.backup", folder / "export"
        with opened(self.own) as app:
            for gallery in ("g", "h"):
                app.gallery.create(gallery, app.model, "sface", {})
            self.kept, self.erased = enrol(app, "g", 1), enrol(app, "g", 2)
            enrol(app, "h", 3)
            self.opened = (
                app.ledger.append({"kind": "decision", "verdict": "deny"}, {"image": "its digest"}).wait().index
            )
            self.both = (
                app.ledger.append({"kind": "decision", "verdict": "deny"}, {"a": "one", "b": "two"}).wait().index
            )
            self.standing, self.ended = mandate(app), mandate(app)
            app.operators.add("Ada", [Role.AUDIT], now() + timedelta(days=1))
            app.operators.add("Ben", [Role.AUDIT], now() + timedelta(days=1))
            for audit_id in AUDITS:
                ended_audit(self.own, audit_id)
        back_up(self.own, self.file, PASSPHRASE, now())
        with opened(self.own) as app:
            app.gallery.erase("g", [self.erased])
            self.after = enrol(app, "g", 4)
            app.gallery.delete("h")
            app.ledger.erase_openings(self.opened)
            app.ledger.erase_openings(self.both, "a")
            app.mandates.end(self.ended, "asked for", by="ben")
            app.mandates.renew(self.standing, approved_by="ben", expires_at=now() + timedelta(days=9))
            app.operators.revoke("Ada")
            app.audits.erase(AUDITS[1], "Ben")
            export(app.ledger, app.ledger.checkpoint(), self.export)


def new_database(request: pytest.FixtureRequest, kind: str) -> str | None:
    if kind == "sqlite":
        return None
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database("empty")


@pytest.fixture(scope="module", params=KINDS)
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(tmp_path_factory.mktemp("story"), new_database(request, request.param))


@pytest.fixture(params=KINDS)
def there(request: pytest.FixtureRequest, story: Story, tmp_path: Path) -> Settings:
    return replace(story.own, home=tmp_path / "there", database=new_database(request, request.param))


def faces(app: Countenance, gallery: str) -> list[str]:
    return [face.face_id for face in app.gallery.faces(gallery, limit=10).items]


def test_what_was_erased_and_ended_since_is_again(story: Story, there: Settings) -> None:
    done = restore(there, story.file, PASSPHRASE, now, erasures=story.export)
    assert done.again is not None
    assert replace(done.again, size=0) == ErasedAgain(0, 1, 1, 2, 1, 1, (), 1)
    with opened(there) as app:
        assert faces(app, "g") == [story.kept]
        assert [each.gallery_id for each in app.gallery.list(None, 10).items] == ["g"]
        assert app.ledger.openings(story.opened) == {}
        assert app.ledger.openings(story.both) == {"b": "two"}
        states = {each.mandate_id: each.state(now()) for each in app.register.list()}
        assert states == {story.standing: MandateState.ACTIVE, story.ended: MandateState.REVOKED}
        assert {each.name: each.revoked_at is None for each in app.operators.all()} == {"Ada": False, "Ben": True}
        assert [each.audit_id for each in app.audits.all()] == AUDITS[:1]
        app.check_state()
        assert verify_installation(there, app.database).wrong == []
        said = [entry.fields.get("what") for entry in app.ledger.entries()]
    assert "erases again what was erased" in said
    held = b"".join(path.read_bytes() for path in there.home.rglob("*") if path.is_file())
    assert story.erased.encode() not in held and b"name-2" not in held and b"name-3" not in held
    assert (b"name-1" in held) == (there.database is None)


def test_without_an_export_it_is_there_again_and_the_command_says_so(story: Story, there: Settings) -> None:
    passphrase = there.home.parent / "passphrase"
    passphrase.write_text(PASSPHRASE)
    ran = CliRunner().invoke(
        cli,
        ["--home", str(there.home), "restore", str(story.file), "--passphrase-file", str(passphrase)],
        env={"COUNTENANCE_DATABASE": there.database},
    )
    assert ran.exit_code == 0, ran.output
    assert "there again" in ran.output
    with opened(there) as app:
        assert faces(app, "g") == [story.kept, story.erased]


def changed(story: Story, folder: Path) -> Path:
    """The export with one commitment less: whoever made it wants a face to come back."""
    folder.mkdir()
    for path in story.export.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    lines = (folder / "entries.jsonl").read_text().splitlines()
    at = next(i for i, line in reversed(list(enumerate(lines))) if '"released"' in line)
    lines[at] = lines[at].replace('"released"', '"relieved"')
    (folder / "entries.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_an_export_that_was_altered_is_of_another_ledger_or_is_older_restores_nothing(
    story: Story, there: Settings, tmp_path: Path
) -> None:
    other, early = Settings(home=tmp_path / "other"), tmp_path / "early"
    with opened(other) as app:
        mandate(app)
        export(app.ledger, app.ledger.checkpoint(), tmp_path / "others")
    with opened(story.own) as app:
        first = next(note for note in app.ledger.notes())
        from countenance.ledger import SignedCheckpoint

        export(Records(app.database), SignedCheckpoint.parse(first), early)
    for folder in (changed(story, tmp_path / "changed"), tmp_path / "others", early, tmp_path):
        with pytest.raises(BadRequest):
            restore(there, story.file, PASSPHRASE, now, erasures=folder)
        assert list(there.home.iterdir()) == []


def test_a_moratorium_that_was_set_since_is_named(story: Story) -> None:
    from countenance.backup.later import _gathered

    entries = [
        {"kind": "moratorium", "change": "set", "moratorium": "no-stadiums"},
        {"kind": "state", "released": {"faces 1": ["a", "b"]}},
        {"kind": "state", "bound": {"faces 1": ["a"]}},
    ]
    later = _gathered(9, [json.loads(json.dumps(each)) for each in entries])
    assert later.moratoria == ("no-stadiums",)
    assert later.gone == {"faces 1": frozenset({"b"})}
