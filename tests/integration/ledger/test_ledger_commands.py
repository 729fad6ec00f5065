"""`countenance ledger`, as an operator types it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from countenance.cli.ledger import ledger as commands
from countenance.database import open_database
from countenance.errors import BadRequest, Conflict, CountenanceError, NotFound, StoreError
from countenance.home import private_home
from countenance.ledger import Ledger
from countenance.settings import load
from countenance.signing import Signer


class Installation:
    """A data folder of its own, and the commands in it."""

    def __init__(self, home: Path) -> None:
        self.settings = load({"COUNTENANCE_HOME": str(home)})

    def ledger(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Ledger:
        private_home(self.settings.home)
        signer = Signer.from_file(self.settings.keys / "ledger.key")
        return Ledger(open_database(self.settings.database_file), signer, self.settings.origin, now)

    def run(self, *arguments: object) -> str:
        """What the command prints; it must succeed."""
        result = self.result(*arguments)
        if isinstance(result.exception, CountenanceError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    def result(self, *arguments: object) -> Result:
        environment = {"COUNTENANCE_HOME": str(self.settings.home)}
        return CliRunner().invoke(commands, [str(argument) for argument in arguments], env=environment)


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    installation = Installation(tmp_path / "home")
    ledger = installation.ledger()
    for n in range(10):
        decided = ledger.append({"kind": "decision", "verdict": "permit", "n": n}, {"who": f"person {n}"}).wait()
        if n != 4:
            ledger.append({"kind": "result", "decision": decided.index}).wait()
    ledger.erase_openings_where("who", value="person 3")
    ledger.close()
    return installation


def test_show_prints_the_newest_entries_one_json_object_a_line(here: Installation) -> None:
    lines = [json.loads(line) for line in here.run("show", "--last", 3).splitlines()]
    assert [line["kind"] for line in lines] == ["decision", "result", "erasure"]
    kinds = [json.loads(line)["kind"] for line in here.run("show", "--kind", "key").splitlines()]
    assert kinds == ["key"]
    opened = [json.loads(line)["n"] for line in here.run("show", "--open").splitlines()]
    assert opened == [4]
    assert here.run("show", "--last", 0) == ""


def test_show_prints_one_entry_with_its_receipt_and_private_values_on_demand_only(here: Installation) -> None:
    plain = here.run("show", 1)
    assert "receipt: v1;countenance.local/ledger;1;" in plain
    assert "person 0" not in plain
    assert 'private who: "person 0"' in here.run("show", 1, "--private")
    assert "private who: (erased)" in here.run("show", 7, "--private")
    with pytest.raises(NotFound):
        here.run("show", 1000)


def test_verify_finds_nothing_wrong_and_names_open_decisions(here: Installation) -> None:
    out = here.run("verify")
    assert out.splitlines()[-1] == "verified: countenance.local/ledger, 21 entries, nothing altered"
    assert "1 decisions without a result: 9" in out


def test_verify_names_what_was_altered_and_fails(here: Installation) -> None:
    engine = open_database(here.settings.database_file)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE ledger_entries SET entry = replace(entry, 'permit', 'deny') WHERE sequence = 5"
        )
    engine.dispose()
    result = here.result("verify")
    assert result.exit_code == 1
    assert "ALTERED: entry 5 was changed" in result.stdout


def test_an_export_verifies_here_and_elsewhere_and_is_continued(here: Installation, tmp_path: Path) -> None:
    folder, held = tmp_path / "export", tmp_path / "held"
    held.write_text(here.run("checkpoint"), encoding="utf-8")
    assert "22 entries, 22 of them new" in here.run("export", folder)  # one says that the checkpoint was given out
    key = here.run("key").strip()
    assert "nothing altered" in here.run("verify", folder, "--key", key)
    with (folder / "entries.jsonl").open("ab") as file:
        file.write(b'{"entry":{"kind')  # as if the export had been interrupted
    ledger = here.ledger()
    for _ in range(5):
        last = ledger.append({"kind": "note"}).wait()
    ledger.close()
    assert "27 entries, 5 of them new" in here.run("export", folder)
    assert "27 entries, 0 of them new" in here.run("export", folder)
    out = here.run("verify", folder, "--key", key, "--since", held, "--receipt", last.header())
    assert "27 entries, nothing altered" in out


def test_an_export_is_not_continued_in_a_folder_of_something_else(here: Installation, tmp_path: Path) -> None:
    other = Installation(tmp_path / "other")
    ledger = other.ledger()
    ledger.append({"kind": "note"}).wait()
    ledger.close()
    folder = tmp_path / "export"
    other.run("export", folder)
    with pytest.raises(Conflict, match="another folder"):
        here.run("export", folder)
    here.run("export", tmp_path / "mine")
    lines = (tmp_path / "mine" / "entries.jsonl").read_bytes()
    (tmp_path / "mine" / "entries.jsonl").write_bytes(lines + lines)
    with pytest.raises(Conflict, match="already"):
        here.run("export", tmp_path / "mine")


def test_a_proof_of_an_entry_verifies_elsewhere(here: Installation, tmp_path: Path) -> None:
    proof = tmp_path / "5.tlog-proof"
    here.run("prove", 5, "-o", proof)
    assert proof.read_text(encoding="utf-8") == here.run("prove", 5)
    elsewhere = Installation(tmp_path / "elsewhere")
    assert "entry 5 is one of them" in elsewhere.run("verify", proof, "--key", here.run("key").strip())
    assert not elsewhere.settings.home.exists()
    for wrong in (("prove",), ("prove", 5, "--since", proof)):
        with pytest.raises(BadRequest, match="not both"):
            here.run(*wrong)
    with pytest.raises(NotFound):
        here.run("prove", 1000)


def test_private_values_of_an_entry_are_disclosed_so_that_they_can_be_checked(
    here: Installation, tmp_path: Path
) -> None:
    proof, openings, key = tmp_path / "1.tlog-proof", tmp_path / "1.openings", here.run("key").strip()
    here.run("prove", 1, "-o", proof, "--openings", openings)
    assert 'private who: "person 0"' in here.run("verify", proof, "--key", key, "--openings", openings)
    openings.write_text(openings.read_text(encoding="utf-8").replace("person 0", "person 1"), encoding="utf-8")
    assert here.result("verify", proof, "--key", key, "--openings", openings).exit_code == 1
    here.run("prove", 7, "-o", proof, "--openings", openings)
    assert openings.read_bytes() == b""  # erased
    with pytest.raises(BadRequest):
        here.run("prove", "--since", proof, "--openings", openings)


def test_growth_since_a_checkpoint_is_proved(here: Installation, tmp_path: Path) -> None:
    held, proof = tmp_path / "held", tmp_path / "growth"
    held.write_text(here.run("checkpoint"), encoding="utf-8")
    ledger = here.ledger()
    ledger.append({"kind": "note"}).wait()
    ledger.close()
    here.run("prove", "--since", held, "-o", proof)
    out = here.run("verify", proof, "--key", here.run("key").strip(), "--since", held)
    assert "the first 22 are those of the older checkpoint" in out
    assert "nothing altered" in here.run("verify", "--since", held)


def test_what_cannot_be_checked_is_an_error_of_one_line(here: Installation, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="cannot check"):
        here.run("verify", "--key", "nonsense")
    with pytest.raises(BadRequest, match="cannot check"):
        here.run("verify", tmp_path)
    with pytest.raises(BadRequest, match="cannot check"):
        here.run("verify", "--receipt", "nonsense")


def test_a_clock_step_is_recorded_with_its_reason(here: Installation) -> None:
    with pytest.raises(Conflict, match="not behind"):
        here.run("clock", "--reason", "just so")
    ahead = here.ledger(lambda: datetime.now(UTC) + timedelta(days=400))
    ahead.append({"kind": "note"}).wait()
    ahead.close()
    out = here.run("clock", "--reason", "the battery was flat")
    assert "records the step" in out
    assert "the clock was put back" in here.run("verify")


def test_rotation_changes_the_key_and_can_be_finished_when_it_was_interrupted(here: Installation) -> None:
    first = here.run("key").strip()
    second = here.run("rotate").strip()
    assert here.run("key").strip() == second != first
    assert f"hands the ledger over to the key {second}" in here.run("verify")
    before = (here.settings.keys / "ledger.key").read_bytes()
    third = here.run("rotate").strip()
    # as if the machine had stopped after the record and before the key file was replaced
    (here.settings.keys / "ledger.key").replace(here.settings.keys / "ledger.next")
    (here.settings.keys / "ledger.key").write_bytes(before)
    with pytest.raises(StoreError, match="not signed by this"):
        here.run("key")
    assert here.run("rotate").strip() == third
    assert here.run("key").strip() == third
    assert "nothing altered" in here.run("verify", "--key", first)
    assert (here.settings.keys / "ledger.key").stat().st_mode & 0o777 == 0o600


def test_the_command_is_wired_up(here: Installation) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from countenance.cli import main; main()", "ledger", "verify"],
        env={"COUNTENANCE_HOME": str(here.settings.home)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"nothing altered" in done.stdout
