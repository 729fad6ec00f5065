"""What the verifier says about ledgers that are properly signed and still not as they should be."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.ledger import Checkpoint, verifier
from countenance.ledger.checkpoint import sign_checkpoint
from countenance.ledger.merkle import leaf_hash, tree_hash
from countenance.ledger.receipt import sign_receipt
from countenance.signing import Signer, canonical

ORIGIN = "log.example/faces"
SIGNER, STRANGER = Signer(bytes(32)), Signer(b"1" * 32)
KEY = verifier.Key(ORIGIN, SIGNER.public)


def signed_lines(entries: list[dict[str, Any]], signer: Signer = SIGNER) -> list[bytes]:
    """Lines as the ledger's key would sign them, whatever they say."""
    lines = []
    for index, fields in enumerate(entries):
        text = canonical(fields)
        signature = base64.b64encode(sign_receipt(ORIGIN, index, leaf_hash(text), signer).signature).decode()
        lines.append(b'{"entry":' + text + b',"signature":"' + signature.encode() + b'"}\n')
    return lines


def checkpoint_of(lines: list[bytes], size: int, signer: Signer = SIGNER) -> verifier.Checkpoint:
    texts = [line[len(b'{"entry":') : line.rindex(b',"signature"')] for line in lines[:size]]
    note = sign_checkpoint(Checkpoint(ORIGIN, size, tree_hash([leaf_hash(text) for text in texts])), signer)
    return verifier.read_checkpoint(str(note).encode())


def history(*entries: dict[str, Any]) -> list[dict[str, Any]]:
    """Numbered and dated entries after the one that names the key; what an entry says itself stands."""
    named = {"kind": "key", "key": str(KEY)}
    return [{"sequence": n, "time": f"t{n:03}", **fields} for n, fields in enumerate((named, *entries))]


def examine(entries: list[dict[str, Any]], **given: object) -> verifier.Report:
    lines = signed_lines(entries)
    return verifier.examine(lines, [checkpoint_of(lines, len(lines))], KEY, **given)  # type: ignore[arg-type]


NOTE = {"kind": "note"}


def test_an_ordinary_history_is_verified() -> None:
    report = examine(history(NOTE, {"kind": "decision"}, {"kind": "result", "decision": 2}, {"kind": "decision"}))
    assert report.findings == []
    assert report.open == (4,)
    assert report.size == 5
    assert report.notes == ["entries: 2 decision, 1 key, 1 note, 1 result", "1 decisions without a result: 4"]


@pytest.mark.parametrize(
    ("entries", "what", "index"),
    [
        (history(NOTE, {**NOTE, "time": "t000"}, {**NOTE, "time": "s"}), "time", 2),
        (history(NOTE, {"kind": "clock", "time": "a", "previous": "t000", "reason": "r"}), "time", 2),
        (history(NOTE, {"kind": "key", "key": "nonsense"}), "key", 2),
        (history(NOTE, {"kind": "key", "key": str(verifier.Key("log.example/other", SIGNER.public))}), "key", 2),
        ([{"kind": "note", "sequence": 0, "time": "t"}], "key", 0),
        ([{"kind": "key", "key": str(verifier.Key(ORIGIN, STRANGER.public)), "sequence": 0, "time": "t"}], "key", 0),
    ],
)
def test_what_the_ledgers_own_key_should_not_have_signed_is_found(
    entries: list[dict[str, Any]], what: str, index: int
) -> None:
    finding = examine(entries).findings[0]
    assert (finding.what, finding.index) == (what, index)


def test_a_recorded_clock_step_is_told_and_no_fault() -> None:
    step = {"kind": "clock", "time": "a", "previous": "t001", "reason": "battery"}
    report = examine(history(NOTE, step, {**NOTE, "time": "b"}))
    assert report.findings == []
    assert "entry 2: the clock was put back from t001 to a: battery" in report.notes


@pytest.mark.parametrize(
    "strange",
    [{"kind": "result", "decision": 9}, {"kind": "result", "decision": 1}, {"kind": "result", "decision": 2}],
    ids=["of nothing", "of a note", "a second time"],
)
def test_a_result_without_an_open_decision_is_told(strange: dict[str, Any]) -> None:
    report = examine(history(NOTE, {"kind": "decision"}, {"kind": "result", "decision": 2}, strange))
    assert report.findings == []
    assert any("which was not an open decision" in note for note in report.notes)


def test_a_denial_awaits_no_result() -> None:
    assert examine(history({"kind": "decision", "verdict": "deny"})).open == ()
    assert examine(history({"kind": "decision", "verdict": "undetermined"})).open == ()
    assert examine(history({"kind": "decision", "verdict": "permit"})).open == (1,)


def test_a_tree_that_differs_is_placed_between_the_checkpoints_that_agree() -> None:
    lines, other = signed_lines(history(*[NOTE] * 9)), signed_lines(history(*[NOTE] * 5, {"kind": "x"}, *[NOTE] * 3))
    checkpoints = [checkpoint_of(lines, 3), checkpoint_of(lines, 5), checkpoint_of(lines, 8), checkpoint_of(other, 10)]
    report = verifier.examine(other, checkpoints, KEY)
    assert "it differs among entries 5 to 7" in report.sentence()


def test_a_signed_split_view_is_found() -> None:
    lines, other = signed_lines(history(NOTE)), signed_lines(history({"kind": "x"}))
    report = verifier.examine(lines, [checkpoint_of(lines, 2), checkpoint_of(other, 2)], KEY)
    assert report.findings[0].what == "tree"


def test_entries_after_the_newest_checkpoint_are_told_in_place_and_a_fault_in_an_export() -> None:
    lines = signed_lines(history(NOTE, NOTE))
    checkpoints = [checkpoint_of(lines, 2)]
    assert verifier.examine(lines, checkpoints, KEY).findings[0].what == "added"
    live = verifier.examine(lines, checkpoints, KEY, live=True)
    assert live.findings == []
    assert any("newer than the newest checkpoint" in note for note in live.notes)


def test_only_the_first_finding_is_the_verdict() -> None:
    lines = signed_lines(history(NOTE, NOTE, NOTE))
    lines[1], lines[3] = lines[1].replace(b"note", b"nope"), lines[3].replace(b"note", b"nope")
    report = verifier.examine(lines, [checkpoint_of(lines, 4)], KEY)
    assert report.sentence() == "ALTERED: entry 1 was changed: it is not what was signed"


@given(st.integers(0, 400), st.binary(max_size=6), st.integers(0, 6))
def test_no_edit_of_an_export_goes_unseen(at: int, junk: bytes, gap: int) -> None:
    lines = signed_lines(history(NOTE, {"kind": "decision", "n": 1}))
    whole = b"".join(lines)
    edited = whole[:at] + junk + whole[at + gap :]
    report = verifier.examine(edited.splitlines(keepends=True), [checkpoint_of(lines, 3)], KEY)
    if edited != whole:
        assert report.findings or edited == whole[:-1]
    else:
        assert not report.findings


@pytest.mark.parametrize("raw", [b"", b"\n", b"{}\n", b"null\n", json.dumps({"entry": {}, "signature": ""}).encode()])
def test_what_is_no_line_is_not_read(raw: bytes) -> None:
    assert verifier.read_line(raw) is None
