"""The doctor finds nothing in a whole installation; each break is found, named, and comes with what to do."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.unit.held import held

from countenance import doctor
from countenance.app import Countenance
from countenance.cli import cli
from countenance.doctor import Diagnosis, Severity, Surroundings, diagnose
from countenance.engine import load_manifests
from countenance.mandates import Role
from countenance.scoring import calibration
from countenance.settings import Settings

SURROUNDINGS = Surroundings(lambda: datetime.now(UTC), lambda _: 1 << 40, lambda: True, lambda: 1 << 20)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("made") / "home"
    app = Countenance.open(Settings(home=home))
    app.operators.add("Ada", [Role.AUDIT], datetime.now(UTC) + timedelta(days=1))
    held(app.custody)
    app.ledger.append({"kind": "note"}).wait()
    app.close()
    return home


@pytest.fixture
def own(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A whole installation; that its model files are whole is believed, as they are not in the repository."""
    shutil.copytree(made, tmp_path / "home")
    (tmp_path / "home").chmod(0o700)
    monkeypatch.setattr("countenance.doctor.engine_checks.state", lambda *_: "ok")
    return Settings(home=tmp_path / "home")


def found(own: Settings, surroundings: Surroundings = SURROUNDINGS) -> list[Diagnosis]:
    return [each for each in diagnose(own, surroundings) if each.health is not Severity.WELL]


def only(own: Settings, check: str, health: Severity, surroundings: Surroundings = SURROUNDINGS) -> Diagnosis:
    """The one finding, but for what could not be looked at because of it."""
    (each,) = [each for each in found(own, surroundings) if each.health is not Severity.UNKNOWN]
    assert (each.check, each.health) == (check, health), each
    assert each.remedy
    return each


def change(own: Settings, statement: str) -> None:
    with closing(sqlite3.connect(own.database_file)) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_whole_installation_is_well_and_everything_was_looked_at(own: Settings) -> None:
    every = diagnose(own, SURROUNDINGS)
    assert [each for each in every if each.health is not Severity.WELL] == []
    assert [each.check for each in every] == [
        *("home", "keys", "database", "ledger", "rows", "clock"),
        *("weights", "weights", "calibration", "evidence", "rules", "video", "disk", "files", "left-over"),
    ]


def test_it_makes_and_changes_nothing(own: Settings, tmp_path: Path) -> None:
    def content() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in own.home.rglob("*") if path.is_file()}

    before = content()
    diagnose(own, SURROUNDINGS)
    assert content() == before
    none = replace(own, home=tmp_path / "none")
    says = {each.check for each in found(none) if each.health is Severity.WRONG}
    assert says == {"home", "database"}
    assert not none.home.exists()


def test_a_home_that_others_may_open(own: Settings) -> None:
    own.home.chmod(0o750)
    (own.keys / "ledger.key").chmod(0o644)
    each = only(own, "home", Severity.WRONG)
    assert "home, ledger.key" in each.says
    assert each.remedy.startswith("chmod -R go= ")


@pytest.mark.parametrize("name", ["mandates.key", "custody.key"])
def test_a_key_that_cannot_be_read(own: Settings, name: str) -> None:
    (own.keys / name).write_text("nonsense")
    assert name in only(own, "keys", Severity.WRONG).says


def test_a_custody_key_that_is_missing_while_a_result_is_sealed_under_it(own: Settings) -> None:
    (own.keys / "custody.key").unlink()
    assert "custody_holds" in only(own, "keys", Severity.WRONG).says
    assert not (own.keys / "custody.key").exists()


@pytest.mark.parametrize(("name", "check"), [("custody.key", "keys"), ("bindings.key", "rows")])
def test_a_key_of_another_installation_is_named_with_where_to_copy_it_from(
    own: Settings, name: str, check: str
) -> None:
    (own.keys / name).write_text("ab" * 32)
    assert (
        f"keys/{name}: the rows of the database were sealed or recorded with another"
        in only(own, check, Severity.WRONG).says
    )


@pytest.mark.parametrize(("name", "also"), [("ledger.key", "ledger"), ("bindings.key", "rows")])
def test_a_key_of_the_record_that_is_missing(own: Settings, name: str, also: str) -> None:
    (own.keys / name).unlink()
    wrong = [each for each in found(own) if each.health is Severity.WRONG]
    assert {each.check for each in wrong} == {"keys", also}
    assert all(name in each.says for each in wrong)
    assert not (own.keys / name).exists()


def test_a_rotation_that_was_not_ended(own: Settings) -> None:
    (own.keys / "ledger.next").write_text("00" * 32)
    assert only(own, "keys", Severity.WARNING).remedy == "countenance ledger rotate"


def test_a_database_that_is_none(own: Settings) -> None:
    own.database_file.write_bytes(b"nonsense" * 1000)
    assert "cannot be read" in only(own, "database", Severity.WRONG).says
    unknown = [each.check for each in found(own) if each.health is Severity.UNKNOWN]
    assert unknown == ["ledger", "rows", "clock"]


@pytest.mark.parametrize("table", ["faces", "sqlite_master"])
def test_a_database_with_a_damaged_page(own: Settings, table: str) -> None:
    with closing(sqlite3.connect(own.database_file)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone() or (1,)
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    raw = bytearray(own.database_file.read_bytes())
    start = max(100, (page - 1) * size)
    raw[start : start + 100] = b"\xff" * 100
    own.database_file.write_bytes(raw)
    says = only(own, "database", Severity.WRONG).says
    assert ("damaged" if table == "faces" else "malformed") in says, says


def test_a_database_of_an_older_version_is_not_migrated(own: Settings) -> None:
    change(own, "UPDATE alembic_version SET version_num = '0010'")
    before = own.database_file.read_bytes()
    assert "the next start migrates it" in only(own, "database", Severity.WARNING).says
    assert own.database_file.read_bytes() == before


@pytest.mark.parametrize("statement", ["UPDATE alembic_version SET version_num = '9999'", "DROP TABLE alembic_version"])
def test_a_database_of_a_newer_version_or_of_none(own: Settings, statement: str) -> None:
    change(own, statement)
    assert "this Countenance knows those up to" in only(own, "database", Severity.WRONG).says


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET leaf_hash = zeroblob(32) WHERE entry LIKE '%note%'",
        "DELETE FROM ledger_entries WHERE sequence = (SELECT max(sequence) FROM ledger_entries)",
        "UPDATE ledger_entries SET entry = replace(entry, 'audit', 'grant') WHERE sequence = 1",
    ],
)
def test_a_ledger_that_was_altered(own: Settings, statement: str) -> None:
    change(own, statement)
    assert "backup" in only(own, "ledger", Severity.WRONG).remedy


def test_a_ledger_of_another_name(own: Settings) -> None:
    each = only(replace(own, origin="other.example/ledger"), "ledger", Severity.WRONG)
    assert each.remedy == "set COUNTENANCE_ORIGIN=countenance.local/ledger"


def test_a_ledger_of_another_key(own: Settings) -> None:
    (own.keys / "ledger.key").write_text("11" * 32)
    only(own, "ledger", Severity.WRONG)


def test_rows_that_were_changed_added_or_removed(own: Settings) -> None:
    change(own, """UPDATE operators SET roles = '["approve"]'""")
    wrong = [each for each in found(own) if each.health is Severity.WRONG]
    assert {each.check for each in wrong} == {"rows"}
    assert any("operators" in each.says for each in wrong)


def test_a_clock_that_is_behind_the_last_entry(own: Settings) -> None:
    behind = replace(SURROUNDINGS, now=lambda: datetime.now(UTC) - timedelta(hours=2))
    assert "behind the last entry" in only(own, "clock", Severity.WRONG, behind).says


@pytest.mark.parametrize(("free", "health"), [(1 << 30, Severity.WARNING), (1 << 20, Severity.WRONG)])
def test_a_disk_with_little_room(own: Settings, free: int, health: Severity) -> None:
    only(own, "disk", health, replace(SURROUNDINGS, free_bytes=lambda _: free))


def test_no_decoder_of_videos(own: Settings) -> None:
    only(own, "video", Severity.WARNING, replace(SURROUNDINGS, decodes_video=lambda: False))


def test_what_a_killed_backup_left(own: Settings) -> None:
    (own.home / "backing-up-abc").mkdir(mode=0o700)
    assert "rm -r" in only(own, "left-over", Severity.WARNING).remedy


def test_weights_that_are_missing_or_altered(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    wrong = [each for each in found(own) if each.health is Severity.WRONG]
    assert [each.check for each in wrong] == ["weights", "weights"]
    assert all("missing" in each.says and each.remedy == "countenance models fetch" for each in wrong)
    embedder = load_manifests()[own.model]
    own.models_cache.mkdir()
    (own.models_cache / embedder.file).write_bytes(b"other")
    assert [each.says.split(": ")[1].split()[0] for each in found(own)] == ["missing", "altered"]


@pytest.mark.parametrize("name", ["yunet", "none"])
def test_a_model_that_is_none(own: Settings, name: str) -> None:
    assert "name one of: " in only(replace(own, model=name), "weights", Severity.WRONG).remedy


def test_a_calibration_that_is_damaged_or_of_another_model(
    own: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = own.calibration / "calibrations"
    folder.mkdir(parents=True, mode=0o700)
    own.calibration.chmod(0o700)
    (folder / "a.calibration.json").write_text("{}")
    assert "damaged" in only(own, "calibration", Severity.WRONG).says
    (folder / "a.calibration.json").unlink()
    monkeypatch.setattr(calibration, "SHIPPED", tmp_path / "nowhere")
    each = only(own, "calibration", Severity.WRONG)
    assert "no calibration for this model" in each.says
    assert each.remedy == "countenance calibrate"


def test_evidence_that_is_missing_or_unreadable(own: Settings, tmp_path: Path) -> None:
    assert "none for exactly" in only(replace(own, shipped_evidence=False), "evidence", Severity.WARNING).says
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "a.evidence.json").write_text("{}")
    assert "a.evidence.json" in only(replace(own, evidence=tmp_path / "evidence"), "evidence", Severity.WRONG).says


@pytest.mark.parametrize("early", [timedelta(days=1), timedelta(days=-1)])
def test_evidence_that_ended_or_ends_soon(own: Settings, early: timedelta) -> None:
    (line,) = [each.says for each in diagnose(own, SURROUNDINGS) if each.check == "evidence"]
    until = datetime.fromisoformat(line.split("until ")[1].split(",")[0]).replace(tzinfo=UTC)
    late = replace(SURROUNDINGS, now=lambda: until - early)
    assert until.date().isoformat() in only(own, "evidence", Severity.WARNING, late).says


def certificate_in(folder: Path, ends: datetime) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "faces.example")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, ends - timedelta(days=90), ends)
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain, private


@pytest.mark.parametrize(
    ("days", "health"), [(60, Severity.WELL), (5, Severity.WARNING), (-1, Severity.WRONG)], ids=["long", "soon", "over"]
)
def test_a_certificate_and_when_it_ends(own: Settings, tmp_path: Path, days: int, health: Severity) -> None:
    chain, key = certificate_in(tmp_path, datetime.now(UTC) + timedelta(days=days))
    told = diagnose(replace(own, tls_certificate=chain, tls_key=key), SURROUNDINGS)
    assert [(each.health, bool(each.remedy)) for each in told if each.check == "tls"] == [
        (health, health is not Severity.WELL)
    ]


def test_a_certificate_that_cannot_be_used(own: Settings, tmp_path: Path) -> None:
    chain, key = certificate_in(tmp_path, datetime.now(UTC) + timedelta(days=60))
    chain.write_text("nonsense")
    assert "chain.pem" in only(replace(own, tls_certificate=chain, tls_key=key), "tls", Severity.WRONG).says
    assert (
        "gone.pem" in only(replace(own, tls_certificate=tmp_path / "gone.pem", tls_key=key), "tls", Severity.WRONG).says
    )


def test_packs_that_are_not_there(own: Settings) -> None:
    assert "nowhere" in only(replace(own, packs=("nowhere",)), "rules", Severity.WRONG).says


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(own: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("countenance.doctor.this_machine", lambda: SURROUNDINGS)

    def command(*words: str, **environment: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli, ["--home", str(own.home), "doctor", *words], env=environment)
        return done.exit_code, done.output

    return command


def test_the_command_says_all_and_exits_by_what_is_wrong(own: Settings, run: Run) -> None:
    code, out = run()
    assert code == 0, out
    assert "well     database" in out
    (own.keys / "ledger.next").write_text("00" * 32)
    code, out = run()
    assert code == 0
    assert "-> countenance ledger rotate" in out
    own.database_file.write_bytes(b"")
    own.database_file.unlink()
    code, out = run("--json")
    assert code == 1
    said = json.loads(out)
    assert said["healthy"] is False
    (database,) = [each for each in said["findings"] if each["check"] == "database"]
    assert database["health"] == "wrong"
    assert "serve makes one" in database["remedy"]


def test_settings_that_cannot_be_read_are_a_finding(run: Run) -> None:
    code, out = run("--json", COUNTENANCE_PORT="many")
    assert code == 1
    assert [each["check"] for each in json.loads(out)["findings"]] == ["settings"]


def test_this_machine_is_asked() -> None:
    machine = doctor.this_machine()
    assert machine.free_bytes(Path("/")) >= 0
    assert machine.decodes_video() is True
    assert abs((machine.now() - datetime.now(UTC)).total_seconds()) < 3600


@pytest.mark.parametrize(
    ("allowed", "health"), [(1535, Severity.WARNING), (256, Severity.WARNING), (150, Severity.WRONG)]
)
def test_a_limit_of_open_files_that_is_lower_than_the_connections_need(
    own: Settings, allowed: int, health: Severity
) -> None:
    finding = only(own, "files", health, replace(SURROUNDINGS, open_files=lambda: allowed))
    assert "LimitNOFILE" in finding.remedy
    assert "1536" in finding.remedy
