"""An outsider's view: verifier.py alone, copied out and run in isolation, on exports that somebody tampered with."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from countenance.database import open_database
from countenance.ledger import Ledger, disclose, export, prove_growth, prove_inclusion, verifier
from countenance.ledger.checkpoint import Checkpoint, sign_checkpoint
from countenance.ledger.merkle import leaf_hash, tree_hash
from countenance.ledger.receipt import sign_receipt
from countenance.signing import Signer

ORIGIN = "log.example/faces"
SIGNER, SUCCESSOR, STRANGER = (Signer(bytes([n]) * 32) for n in range(3))


class Export:
    """A ledger of 40 entries as it left the house, with a checkpoint at 20, proofs, and the keys that sign it."""

    def __init__(self, folder: Path) -> None:
        self.script = shutil.copy(verifier.__file__, folder / "check.py")
        self.folder = folder / "export"
        engine = open_database(folder / "countenance.sqlite")
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        ledger = Ledger(engine, SIGNER, ORIGIN, lambda: moment)
        for n in range(19):
            moment += timedelta(seconds=1)
            ledger.append({"kind": "decision", "n": n}, {"who": n}).wait()
        self.old = ledger.checkpoint()
        for n in range(19, 39):
            moment += timedelta(seconds=1)
            last = ledger.append({"kind": "note", "n": n}, {"who": n}).wait()
        self.receipt = last.header()
        self.new = ledger.checkpoint()
        export(ledger, self.new, self.folder)
        export(ledger, self.old, folder / "early")
        self.key = str(ledger.verifier_key)
        self.proof = prove_inclusion(ledger, 7, self.new)
        self.openings = disclose(ledger, 7)
        self.growth = prove_growth(ledger, self.old, self.new)
        self.receipts = [ledger.receipt(index) for index in range(40)]
        self.receipts += [ledger.hand_over(SUCCESSOR), ledger.append({"kind": "note"}).wait()]
        self.later = ledger.checkpoint()
        export(ledger, self.later, folder / "later")
        self.later_key = str(ledger.verifier_key)
        self.later_growth = prove_growth(ledger, self.old, self.later)
        ledger.close()
        engine.dispose()
        (folder / "old.checkpoint").write_text(str(self.old), encoding="utf-8")


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Export:
    return Export(tmp_path_factory.mktemp("left"))


@pytest.fixture
def copy(left: Export, tmp_path: Path) -> Path:
    return Path(shutil.copytree(left.folder, tmp_path / "export"))


def run(left: Export, *arguments: object) -> tuple[int, str, str]:
    """The copied script, isolated from this project: no environment, no user site, no working folder on its path."""
    done = subprocess.run(
        [sys.executable, "-I", left.script, *map(str, arguments)],
        capture_output=True,
        cwd="/",
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def lines_of(folder: Path) -> list[bytes]:
    return (folder / "entries.jsonl").read_bytes().splitlines(keepends=True)


def write(folder: Path, lines: list[bytes]) -> None:
    (folder / "entries.jsonl").write_bytes(b"".join(lines))


def forged_line(text: str, index: int, signer: Signer = STRANGER) -> bytes:
    receipt = sign_receipt(ORIGIN, index, leaf_hash(text.encode()), signer)
    signature = base64.b64encode(receipt.signature).decode()
    return f'{{"entry":{text},"signature":"{signature}"}}\n'.encode()


def test_the_script_imports_nothing_of_this_project() -> None:
    source = Path(verifier.__file__).read_text(encoding="utf-8")
    assert "import countenance" not in source
    assert "from countenance" not in source


def test_an_export_as_it_was_written_verifies(left: Export) -> None:
    code, out, err = run(left, left.folder, "--key", left.key, "--receipt", left.receipt)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "verified: log.example/faces, 40 entries, nothing altered"
    assert "19 decision, 1 key, 20 note" in out
    assert "19 decisions without a result" in out


def test_an_export_up_to_an_older_checkpoint_holds_nothing_newer(left: Export) -> None:
    code, out, _ = run(left, left.folder.with_name("early"), "--key", left.key)
    assert code == 0
    assert out.splitlines()[-1] == "verified: log.example/faces, 20 entries, nothing altered"


def test_without_a_key_the_reader_is_told_to_compare_it(left: Export) -> None:
    code, out, _ = run(left, left.folder)
    assert code == 0
    assert f"compare it with one that you have from elsewhere: {left.key}" in out


def changed(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b'"n":13', b'"n":31') for line in lines]


def removed(lines: list[bytes]) -> list[bytes]:
    return lines[:14] + lines[15:]


def reordered(lines: list[bytes]) -> list[bytes]:
    return [*lines[:14], lines[20], *lines[15:20], lines[14], *lines[21:]]


def moved_up(lines: list[bytes]) -> list[bytes]:
    return [*lines[:14], lines[20], *lines[14:20], *lines[21:]]


def truncated(lines: list[bytes]) -> list[bytes]:
    return lines[:14]


def torn(lines: list[bytes]) -> list[bytes]:
    return [*lines[:14], lines[14][:-30]]


def emptied(lines: list[bytes]) -> list[bytes]:
    return []


def repeated(lines: list[bytes]) -> list[bytes]:
    return [*lines[:14], lines[13], *lines[14:]]


def inserted(lines: list[bytes]) -> list[bytes]:
    return [*lines[:14], forged_line('{"kind":"note","sequence":14,"time":"t"}', 14), *lines[14:]]


def garbage(lines: list[bytes]) -> list[bytes]:
    return [*lines[:14], b"\x00\xff\n", *lines[14:]]


def replaced(lines: list[bytes]) -> list[bytes]:
    return [*lines[:14], forged_line('{"kind":"note","sequence":14,"time":"t"}', 14), *lines[15:]]


def appended(lines: list[bytes]) -> list[bytes]:
    return [*lines, forged_line('{"kind":"note","sequence":40,"time":"t"}', 40)]


def appended_by_the_log(lines: list[bytes]) -> list[bytes]:
    return [*lines, forged_line('{"kind":"note","sequence":40,"time":"t"}', 40, SIGNER)]


def signature_forged(lines: list[bytes]) -> list[bytes]:
    head, _, _ = lines[14].partition(b',"signature"')
    return [*lines[:14], head + b',"signature":"' + base64.b64encode(bytes(64)) + b'"}\n', *lines[15:]]


def signature_of_another(lines: list[bytes]) -> list[bytes]:
    head, other = lines[14].partition(b',"signature"'), lines[15].partition(b',"signature"')
    return [*lines[:14], head[0] + other[1] + other[2], *lines[15:]]


def spaced(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b'"n":13', b'"n": 13') for line in lines]


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        (changed, "entry 14 was changed"),
        (spaced, "entry 14 was changed"),
        (signature_forged, "entry 14 was changed"),
        (signature_of_another, "entry 14 was changed"),
        (replaced, "entry 14 was changed"),
        (torn, "entry 14 was changed"),
        (removed, "entry 14 was removed"),
        (truncated, "entry 14 and all after it were removed"),
        (emptied, "entry 0 and all after it were removed"),
        (reordered, "entry 14 was moved: entry 20 stands in its place"),
        (moved_up, "entry 14 was moved: entry 20 stands in its place"),
        (repeated, "entry 13 stands a second time, in the place of entry 14"),
        (inserted, "something was added before entry 14"),
        (garbage, "something was added before entry 14"),
        (appended, "entry 40 was changed"),
        (appended_by_the_log, "entry 40 was added"),
    ],
)
def test_each_way_to_tamper_with_entries_is_found_and_named(
    left: Export, copy: Path, tampering: Callable[[list[bytes]], list[bytes]], said: str
) -> None:
    write(copy, tampering(lines_of(copy)))
    code, out, _ = run(left, copy, "--key", left.key)
    assert code == 1
    assert out.splitlines()[-1].startswith(f"ALTERED: {said}")


def rewritten(copy: Path, signer: Signer) -> None:
    """The whole folder made again around a changed entry, by somebody who holds `signer`."""
    key = verifier.Key(ORIGIN, signer.public)
    texts = [json.loads(line)["entry"] for line in lines_of(copy)]
    texts[0]["key"], texts[14]["n"] = str(key), 999
    for text in texts:
        text.pop("after_checkpoint", None)  # whoever makes all of it again leaves no trace of checkpoints that are gone
    said = [json.dumps(text, sort_keys=True, separators=(",", ":")) for text in texts]
    write(copy, [forged_line(text, index, signer) for index, text in enumerate(said)])
    leaves = [leaf_hash(text.encode()) for text in said]
    note = sign_checkpoint(Checkpoint(ORIGIN, len(leaves), tree_hash(leaves)), signer)
    (copy / "checkpoints.jsonl").write_text(json.dumps(str(note)) + "\n", encoding="utf-8")
    (copy / "key.txt").write_text(f"{key}\n", encoding="utf-8")


def test_a_log_made_again_under_another_key_is_found_by_whoever_knows_the_key(left: Export, copy: Path) -> None:
    rewritten(copy, STRANGER)
    code, out, _ = run(left, copy, "--key", left.key)
    assert code == 1
    assert "was signed by" in out
    assert run(left, copy)[0] == 0  # whoever brings nothing can only be told to compare the key


def test_a_log_made_again_under_its_own_key_is_found_by_whoever_holds_a_checkpoint(left: Export, copy: Path) -> None:
    rewritten(copy, SIGNER)
    old = Path(left.folder).with_name("old.checkpoint")
    code, out, _ = run(left, copy, "--key", left.key, "--since", old)
    assert code == 1
    assert "not the one signed at 20 entries: it differs among entries 0 to 19" in out


def test_a_log_made_again_under_its_own_key_is_found_by_whoever_holds_a_receipt(left: Export, copy: Path) -> None:
    rewritten(copy, SIGNER)
    assert run(left, copy, "--receipt", left.receipts[13].header())[0] == 0
    code, out, _ = run(left, copy, "--receipt", left.receipts[14].header())
    assert code == 1
    assert "entry 14 is not the one that the receipt was given for" in out


def test_an_export_that_ends_before_what_the_reader_holds_is_found(left: Export, tmp_path: Path) -> None:
    later = tmp_path / "later.checkpoint"
    later.write_text(str(left.later), encoding="utf-8")
    code, out, _ = run(left, left.folder, "--since", later)
    assert code == 1
    assert "entry 40 and all after it" in out
    forged = sign_receipt(ORIGIN, 77, bytes(32), SIGNER).header()
    code, out, _ = run(left, left.folder, "--receipt", forged)
    assert code == 1
    assert "entry 77" in out


@pytest.mark.parametrize(
    ("name", "old", "new", "code", "said"),
    [
        (
            "checkpoints.jsonl",
            "\\n40\\n",
            "\\n39\\n",
            1,
            "the checkpoint of 39 entries is not signed by the ledger's key",
        ),
        (
            "checkpoints.jsonl",
            "\\n20\\n",
            "\\n0\\n",
            1,
            "the checkpoint of 0 entries is not signed by the ledger's key",
        ),
        ("checkpoints.jsonl", "log.example/faces", "log.example/other", 1, "is not signed by the ledger's key"),
        ("checkpoints.jsonl", "\\n40\\n", "\\n040\\n", 2, "leading zeros"),
        ("checkpoints.jsonl", '"', "", 2, "one JSON text per line"),
        ("key.txt", "log.example/faces+", "log.example/other+", 2, "the key's id is"),
        ("key.txt", "+", "", 2, "name+id+base64"),
    ],
)
def test_altered_checkpoints_and_keys_are_found(
    left: Export, copy: Path, name: str, old: str, new: str, code: int, said: str
) -> None:
    path = copy / name
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    found = run(left, copy)
    assert found[0] == code
    assert said in found[1] + found[2]


def test_the_strangers_key_in_the_folder_does_not_fit_the_entries(left: Export, copy: Path) -> None:
    (copy / "key.txt").write_text(str(verifier.Key(ORIGIN, STRANGER.public)), encoding="utf-8")
    code, out, _ = run(left, copy)
    assert code == 1
    assert "entry 0 was changed" in out


@pytest.mark.parametrize("name", ["entries.jsonl", "checkpoints.jsonl", "key.txt"])
def test_a_missing_file_is_not_taken_for_an_empty_one(left: Export, copy: Path, name: str) -> None:
    (copy / name).unlink()
    code, out, err = run(left, copy)
    assert (code, out) == (2, "")
    assert name in err


def test_a_log_handed_over_verifies_under_its_first_and_its_last_key_and_no_other(left: Export, copy: Path) -> None:
    folder = left.folder.with_name("later")
    for key in (left.key, left.later_key):
        held = [argument for receipt in left.receipts[39:] for argument in ("--receipt", receipt.header())]
        code, out, _ = run(left, folder, "--key", key, *held)
        assert code == 0
        assert f"entry 40 hands the ledger over to the key {left.later_key}" in out
    assert run(left, folder, "--key", verifier.Key(ORIGIN, STRANGER.public))[0] == 1
    lines = lines_of(folder)
    write(copy, [*lines[:40], lines[40].replace(left.later_key.encode(), left.key.encode()), lines[41]])
    assert "entry 40 was changed" in run(left, copy)[1]


def test_a_successor_that_the_log_did_not_name_signs_nothing(left: Export, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(left.folder.with_name("later"), tmp_path / "later"))
    lines = lines_of(copy)
    entry = json.dumps(json.loads(lines[41])["entry"], sort_keys=True, separators=(",", ":"))
    write(copy, [*lines[:41], forged_line(entry, 41, SIGNER)])  # the old key may not go on
    assert "entry 41 was changed" in run(left, copy)[1]


def test_a_proof_of_one_entry_needs_nothing_but_itself_and_the_key(left: Export, tmp_path: Path) -> None:
    path = tmp_path / "7.tlog-proof"
    path.write_text(left.proof, encoding="utf-8")
    code, out, _ = run(left, path, "--key", left.key, "--receipt", left.receipts[7].header())
    assert code == 0
    assert '"n":6' in out
    assert "verified: log.example/faces, 40 entries, entry 7 is one of them" in out
    assert run(left, path)[0] == 2
    assert run(left, path, "--key", left.later_key)[0] == 1
    assert run(left, path, "--key", left.key, "--receipt", left.receipts[8].header())[0] == 1
    forged = sign_receipt(ORIGIN, 7, bytes(32), SIGNER).header()
    assert run(left, path, "--key", left.key, "--receipt", forged)[0] == 1
    stranger = sign_receipt(ORIGIN, 7, left.receipts[7].leaf_hash, STRANGER).header()
    assert run(left, path, "--key", left.key, "--receipt", stranger)[0] == 1


def test_disclosed_values_are_those_that_the_entry_committed_to(left: Export, tmp_path: Path) -> None:
    proof, openings = tmp_path / "7.tlog-proof", tmp_path / "7.openings"
    proof.write_text(left.proof, encoding="utf-8")
    openings.write_text(left.openings, encoding="utf-8")
    code, out, _ = run(left, proof, "--key", left.key, "--openings", openings)
    assert code == 0
    assert "private who: 6" in out
    for old, new in (
        ('"value": "6"', '"value": "7"'),
        ('"name": "who"', '"name": "whom"'),
        ('"salt": "', '"salt": "00'),
    ):
        assert old in left.openings
        openings.write_text(left.openings.replace(old, new), encoding="utf-8")
        code, out, _ = run(left, proof, "--key", left.key, "--openings", openings)
        assert code == 1
        assert "entry 7 did not commit to this value" in out
    openings.write_text("nonsense", encoding="utf-8")
    assert run(left, proof, "--key", left.key, "--openings", openings)[0] == 2
    openings.write_text(left.openings, encoding="utf-8")
    assert run(left, left.folder, "--key", left.key, "--openings", openings)[0] == 2


def test_no_line_of_a_proof_can_be_altered(left: Export, tmp_path: Path) -> None:
    path = tmp_path / "7.tlog-proof"
    lines = left.proof.splitlines(keepends=True)
    for n, line in enumerate(lines):
        swapped = line.replace("A", "B", 1) if "A" in line else line[:-2] + ("x" if line[-2:-1] != "x" else "y") + "\n"
        for forged in (swapped, "", line + line):
            text = "".join([*lines[:n], forged, *lines[n + 1 :]])
            if text == left.proof:
                continue
            path.write_text(text, encoding="utf-8")
            assert verifier.main([str(path), "--key", left.key]) != 0, (n, forged)


def test_growth_is_proved_to_whoever_holds_the_older_checkpoint(left: Export, tmp_path: Path) -> None:
    path, old = tmp_path / "growth", left.folder.with_name("old.checkpoint")
    path.write_text(left.growth, encoding="utf-8")
    code, out, _ = run(left, path, "--key", left.key, "--since", old)
    assert code == 0
    assert "the first 20 are those of the older checkpoint" in out
    assert run(left, path, "--key", left.key)[0] == 2
    other = tmp_path / "other.checkpoint"
    other.write_text(str(sign_checkpoint(Checkpoint(ORIGIN, 20, bytes(32)), SIGNER)), encoding="utf-8")
    code, out, _ = run(left, path, "--key", left.key, "--since", other)
    assert code == 1
    assert "does not continue that of 20" in out
    path.write_text(left.later_growth, encoding="utf-8")
    assert run(left, path, "--key", left.key, "--key", left.later_key, "--since", old)[0] == 0
    assert run(left, path, "--key", left.key, "--since", old)[0] == 1
    assert run(left, path, "--key", left.later_key, "--since", old)[0] == 1


def test_what_is_neither_a_folder_nor_a_proof_is_said_to_be_so(left: Export, tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    assert run(left, path, "--key", left.key)[0] == 2
    assert run(left, tmp_path / "nowhere", "--key", left.key)[0] == 2
    assert run(left, tmp_path, "--key", left.key)[0] == 2


def test_an_export_holds_nothing_private(left: Export) -> None:
    assert {path.name for path in left.folder.iterdir()} == {"entries.jsonl", "checkpoints.jsonl", "key.txt"}
    for line in lines_of(left.folder)[1:]:
        assert set(json.loads(line)["entry"]["commitments"]) == {"who"}
