"""A backup is of one moment, opens with its passphrase only, and is in place after it verified; else nothing is."""

from __future__ import annotations

import io
import json
import sqlite3
import stat
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.unit.backup.writing import ended_audit, writing

from countenance.administration import AUDIT_FILES
from countenance.app import Countenance
from countenance.backup import BackupContents, back_up, restore
from countenance.backup.sealed import SealedWriter
from countenance.cli import cli
from countenance.database import open_database
from countenance.errors import AlreadyExists, BadRequest, CountenanceError, Misconfigured, NotFound
from countenance.ledger import Records, verifier
from countenance.mandates import Role
from countenance.settings import Settings
from countenance.verification import verify_installation

PASSPHRASE = "correct horse battery"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    app = Countenance.open(settings)
    app.operators.add("Ada", [Role.AUDIT], now() + timedelta(days=1))
    assert app.custody.holds() == []  # makes its key
    app.close()
    (settings.calibration / "cohorts").mkdir(parents=True)
    (settings.calibration / "cohorts" / "own.cohort.npy").write_bytes(b"numbers")
    (settings.calibration / "why we did so, 2026 (final).txt").write_text("a name of no rule")
    return settings


@pytest.fixture
def file(own: Settings, tmp_path: Path) -> Path:
    back_up(own, tmp_path / "b.backup", PASSPHRASE, now())
    return tmp_path / "b.backup"


@pytest.fixture
def there(own: Settings, tmp_path: Path) -> Settings:
    return replace(own, home=tmp_path / "there")


def entries(settings: Settings) -> list[str]:
    database = open_database(settings.database_file)
    try:
        return [row.text for row in Records(database).stored()]
    finally:
        database.dispose()


def secrets(settings: Settings) -> dict[str, bytes]:
    folders = (settings.keys, settings.calibration)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(settings.home)): path.read_bytes() for path in files}


def test_what_was_backed_up_comes_back_whole_private_and_on_record(own: Settings, file: Path, there: Settings) -> None:
    done = restore(there, file, PASSPHRASE, now)
    before, after = entries(own), entries(there)
    assert after[: len(before)] == before
    assert done.contents.entries == len(before)
    assert '"what":"restored from a backup"' in after[len(before)]
    assert len(after) == len(before) + 1
    assert secrets(there) == secrets(own)
    assert "keys/custody.key" in secrets(there)
    wide = [path for path in there.home.rglob("*") if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    assert wide == []
    assert {path.name.split("-")[0] for path in there.home.iterdir()} == {"countenance.sqlite", "keys", "calibration"}
    app = Countenance.open(there)
    try:
        app.check_state()
        with closing(sqlite3.connect(there.database_file)) as connection:
            assert connection.execute("SELECT name FROM operators").fetchall() == [("Ada",)]
    finally:
        app.close()


def test_audits_that_have_ended_come_back_with_their_reports(own: Settings, tmp_path: Path, there: Settings) -> None:
    ended_audit(own, "audit-00000000000a")
    running = own.audits / "audit-00000000000b"
    (running / "sent").mkdir(parents=True)
    (running / "sent" / "scores").write_text("a table of people")
    back_up(own, tmp_path / "c.backup", PASSPHRASE, now())
    restore(there, tmp_path / "c.backup", PASSPHRASE, now)
    app = Countenance.open(there)
    try:
        (audit,) = app.audits.all()
        assert (audit.audit_id, audit.state, audit.title) == ("audit-00000000000a", "done", "East gate")
        assert app.audits.report(audit.audit_id) == "<h1>East gate</h1>"
        assert app.audits.bundle(audit.audit_id) == b"signed"
    finally:
        app.close()
    assert sorted(path.name for path in (there.audits / audit.audit_id).iterdir()) == sorted(AUDIT_FILES)


def test_the_file_is_its_owners_alone_and_holds_nothing_readable(own: Settings, file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    raw = file.read_bytes()
    for secret in (b"Ada", b"SQLite format", (own.keys / "ledger.key").read_bytes()):
        assert secret not in raw
    assert not list(own.home.glob("backing-up-*"))


def test_a_backup_beside_a_writer_is_of_one_moment(own: Settings, tmp_path: Path, there: Settings) -> None:
    with closing(Countenance.open(own)) as app, writing(app):
        contents = back_up(own, tmp_path / "live.backup", PASSPHRASE, now())
    done = restore(there, tmp_path / "live.backup", PASSPHRASE, now)  # verifies every entry and row
    assert done.verification.wrong == []
    assert 5 < contents.entries <= len(entries(own))
    assert entries(there)[: contents.entries] == entries(own)[: contents.entries]


def test_another_passphrase_and_a_damaged_file_leave_nothing(file: Path, there: Settings) -> None:
    with pytest.raises(BadRequest, match=r"b\.backup was sealed with another passphrase"):
        restore(there, file, "another passphrase", now)
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    with pytest.raises(BadRequest, match=r"b\.backup is damaged"):
        restore(there, file, PASSPHRASE, now)
    file.write_bytes(file.read_bytes()[: len(raw) // 2])
    with pytest.raises(BadRequest, match=r"b\.backup is damaged or was cut short"):
        restore(there, file, PASSPHRASE, now)
    assert not there.home.exists() or list(there.home.iterdir()) == []


@pytest.mark.parametrize("part", ["countenance.sqlite", "countenance.sqlite-wal", "keys/ledger.key", "calibration/x"])
def test_nothing_is_put_over_an_installation_or_a_part_of_one(file: Path, there: Settings, part: str) -> None:
    (there.home / part).parent.mkdir(parents=True)
    (there.home / part).write_text("mine")
    with pytest.raises(AlreadyExists, match="a folder without an installation"):
        restore(there, file, PASSPHRASE, now)
    assert [path for path in there.home.rglob("*") if path.is_file()] == [there.home / part]
    assert (there.home / part).read_text() == "mine"


def test_models_that_were_fetched_before_do_not_hinder(file: Path, there: Settings) -> None:
    (there.home / "models").mkdir(parents=True)
    there.keys.mkdir()  # empty
    restore(there, file, PASSPHRASE, now)
    assert there.database_file.exists()
    assert (there.home / "models").is_dir()


def change(own: Settings, statement: str) -> None:
    with closing(sqlite3.connect(own.database_file)) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_ledger_that_was_altered_is_never_put_in_place(own: Settings, tmp_path: Path, there: Settings) -> None:
    change(own, "UPDATE ledger_entries SET entry = replace(entry, 'audit', 'grant') WHERE sequence = 1")
    back_up(own, tmp_path / "altered", PASSPHRASE, now())
    for despite in (None, "we know"):
        with pytest.raises(Misconfigured, match="altered is not what its ledger recorded"):
            restore(there, tmp_path / "altered", PASSPHRASE, now, despite=despite)
        assert list(there.home.iterdir()) == []


def test_rows_that_differ_are_put_in_place_for_a_reason_only_and_grant_nothing(
    own: Settings, tmp_path: Path, there: Settings
) -> None:
    change(own, """UPDATE operators SET roles = '["approve"]'""")
    back_up(own, tmp_path / "b", PASSPHRASE, now())
    with pytest.raises(Misconfigured, match=r"operators.*--despite REASON"):
        restore(there, tmp_path / "b", PASSPHRASE, now)
    assert list(there.home.iterdir()) == []
    done = restore(there, tmp_path / "b", PASSPHRASE, now, despite="the only one we have")
    assert done.verification.different
    assert '"reason":"the only one we have"' in entries(there)[-1]
    app = Countenance.open(there)
    try:
        with pytest.raises(Misconfigured, match="operators"):
            app.check_state()
    finally:
        app.close()


def test_a_backup_without_the_ledgers_key_is_refused(own: Settings, tmp_path: Path, there: Settings) -> None:
    (own.keys / "ledger.key").unlink()
    back_up(own, tmp_path / "b", PASSPHRASE, now())
    with pytest.raises(Misconfigured, match="not the key that signs it"):
        restore(there, tmp_path / "b", PASSPHRASE, now)


def test_what_is_newer_than_the_backup_is_told_by_a_checkpoint_from_elsewhere(
    own: Settings, file: Path, there: Settings
) -> None:
    size = len(entries(own))
    app = Countenance.open(own)
    old = verifier.read_checkpoint(str(app.ledger.checkpoint()).encode())
    app.ledger.append({"kind": "note"}).wait()
    app.ledger.append({"kind": "note"}).wait()
    new = verifier.read_checkpoint(str(app.ledger.checkpoint()).encode())
    app.close()
    assert old.size == size
    done = restore(there, file, PASSPHRASE, now, [old, new])
    assert done.newer == (f"entries {size} to {size + 1} were recorded after this backup and are not in it",)


def test_a_checkpoint_of_another_ledger_tells_nothing(file: Path, there: Settings, tmp_path: Path) -> None:
    app = Countenance.open(Settings(home=tmp_path / "stranger"))
    for _ in range(20):
        app.ledger.append({"kind": "note"}).wait()
    strange = verifier.read_checkpoint(str(app.ledger.checkpoint()).encode())
    app.close()
    with pytest.raises(BadRequest, match="not signed by the key in this backup"):
        restore(there, file, PASSPHRASE, now, [strange])
    assert list(there.home.iterdir()) == []


def test_a_backup_is_written_over_no_file_and_of_no_installation_there_is_none(own: Settings, tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine")
    with pytest.raises(AlreadyExists, match="never written over a file"):
        back_up(own, tmp_path / "b", PASSPHRASE, now())
    assert (tmp_path / "b").read_text() == "mine"
    with pytest.raises(NotFound, match="there is no installation"):
        back_up(replace(own, home=tmp_path / "none"), tmp_path / "c", PASSPHRASE, now())
    assert not (tmp_path / "none").exists()
    with pytest.raises(BadRequest, match="at least 12 characters"):
        back_up(own, tmp_path / "c", "short", now())
    with pytest.raises(CountenanceError, match="could not be written"):
        back_up(own, tmp_path / "no" / "folder", PASSPHRASE, now())
    assert not (tmp_path / "c").exists()
    assert not list(own.home.glob("backing-up-*"))


def test_an_empty_installation_comes_back_too(tmp_path: Path, there: Settings) -> None:
    empty = Settings(home=tmp_path / "empty")
    Countenance.open(empty).close()
    back_up(empty, tmp_path / "b", PASSPHRASE, now())
    restore(there, tmp_path / "b", PASSPHRASE, now)
    assert secrets(there) == secrets(empty)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "keys/../../evil", "keys", "models/a.onnx", "keys//a"])
def test_a_sealed_file_may_name_nothing_but_what_an_installation_has(
    there: Settings, tmp_path: Path, name: str
) -> None:
    with (tmp_path / "b").open("wb") as target:
        sealed = SealedWriter(target, PASSPHRASE)
        archived = io.BytesIO()
        with tarfile.open(fileobj=archived, mode="w") as archive:
            for each in ("contents.json", name):
                about = tarfile.TarInfo(each)
                content = BackupContents("", "", "", 0, "").line()
                about.size = len(content)
                archive.addfile(about, io.BytesIO(content))
        sealed.write(archived.getvalue())
        sealed.finish()
    with pytest.raises(BadRequest, match="belongs to no installation"):
        restore(there, tmp_path / "b", PASSPHRASE, now)
    assert list(there.home.iterdir()) == []
    assert not list(tmp_path.rglob("evil"))


@pytest.fixture
def passphrase(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "pass").write_text(PASSPHRASE + "\n")
    yield str(tmp_path / "pass")


def run(home: Path, *words: object, typed: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["--home", str(home), *map(str, words)], input=typed, env={"COUNTENANCE_HOME": ""})


def test_the_commands(own: Settings, there: Settings, tmp_path: Path, passphrase: str) -> None:
    file = tmp_path / "c.backup"
    made = run(own.home, "backup", file, typed=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert made.exit_code == 0, made.output
    assert PASSPHRASE not in made.output
    size = len(entries(own))
    assert json.loads(entries(own)[-1])["kind"] == "backup"
    assert json.loads(entries(own)[-1])["entries"] == size - 1
    back = run(there.home, "restore", file, "--passphrase-file", passphrase)
    assert back.exit_code == 0, back.output
    assert "verified: countenance.local/ledger" in back.output
    assert "whether entries are newer than this backup is not known" in back.output
    again = run(there.home, "restore", file, "--passphrase-file", passphrase)
    assert isinstance(again.exception, AlreadyExists)
    database = open_database(there.database_file)
    try:
        assert verify_installation(there, database).wrong == []
    finally:
        database.dispose()


def test_a_ledger_of_another_name_says_which_setting_it_needs(tmp_path: Path, passphrase: str) -> None:
    named = Settings(home=tmp_path / "named", origin="faces.example/ledger")
    app = Countenance.open(named)
    app.ledger.append({"kind": "note"}).wait()
    app.close()
    back_up(named, tmp_path / "b", PASSPHRASE, now())
    done = run(tmp_path / "there", "restore", tmp_path / "b", "--passphrase-file", passphrase)
    assert done.exit_code == 0, done.output
    assert "set COUNTENANCE_ORIGIN=faces.example/ledger" in done.output
