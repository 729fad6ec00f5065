"""Signed notes and checkpoints: published examples, strictness, and agreement of both readers."""

from __future__ import annotations

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from countenance.errors import BadRequest
from countenance.ledger import Checkpoint, NoteKey, SignedCheckpoint, verifier
from countenance.ledger.checkpoint import sign_checkpoint
from countenance.ledger.notes import Note, NoteSignature, is_key_name, sign_note
from countenance.signing import Signer

SIGNER = Signer(bytes(range(32)))
ORIGIN = "log.example/faces"
KEY = NoteKey(ORIGIN, SIGNER.public)
CHECKPOINT = sign_checkpoint(Checkpoint(ORIGIN, 20852163, bytes(range(32))), SIGNER)
NOTE = str(CHECKPOINT)

# The example of Go's golang.org/x/mod/sumdb/note, from which the C2SP format comes.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The examples of c2sp.org/signed-note and c2sp.org/tlog-checkpoint; their keys are not published.
C2SP_NOTE = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned \u00e8 subito sera.\n\n"
    "\u2014 quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
C2SP_CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def test_gos_published_note_verifies_under_its_published_key() -> None:
    key = NoteKey.parse(GO_KEY)
    assert str(key) == GO_KEY
    note = Note.parse(GO_NOTE)
    assert note.signed_by(key)
    assert str(note) == GO_NOTE
    assert not Note.parse(GO_NOTE.replace("answer", "problem")).signed_by(key)


def test_the_specifications_examples_are_read_as_they_stand() -> None:
    note = Note.parse(C2SP_NOTE)
    assert note.text.endswith("sera.\n")
    assert "\n\n" in note.text
    assert note.signatures[0].name == "quasimodo.example/salvatore"
    checkpoint = SignedCheckpoint.parse(C2SP_CHECKPOINT)
    assert (checkpoint.checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert base64.b64encode(checkpoint.root) == b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    assert str(checkpoint) == C2SP_CHECKPOINT
    assert verifier.read_checkpoint(C2SP_CHECKPOINT.encode()).root == checkpoint.root


def test_a_checkpoint_is_signed_by_its_log_and_nobody_else() -> None:
    parsed = SignedCheckpoint.parse(NOTE)
    assert parsed == CHECKPOINT
    assert parsed.signed_by(KEY)
    assert not parsed.signed_by(NoteKey("log.example/other", SIGNER.public))
    assert not parsed.signed_by(NoteKey(ORIGIN, Signer(bytes(32)).public))
    theirs = verifier.read_checkpoint(NOTE.encode())
    assert theirs.signed_by(verifier.Key(ORIGIN, SIGNER.public))
    assert not theirs.signed_by(verifier.Key("log.example/other", SIGNER.public))
    assert not theirs.signed_by(verifier.Key(ORIGIN, Signer(bytes(32)).public))


def test_a_note_signed_under_the_logs_key_but_for_another_origin_is_not_the_logs() -> None:
    text = str(Checkpoint("log.example/other", 3, bytes(32)))
    note = sign_note(text, ORIGIN, SIGNER)
    assert note.signed_by(KEY)
    assert not SignedCheckpoint.parse(str(note)).signed_by(KEY)
    assert not verifier.read_checkpoint(str(note).encode()).signed_by(verifier.Key(ORIGIN, SIGNER.public))


def test_signatures_of_others_are_carried_along_and_ignored() -> None:
    witness = sign_note(str(CHECKPOINT.checkpoint), "witness.example", Signer(bytes(32)))
    both = SignedCheckpoint.parse(NOTE + str(witness.signatures[0]))
    assert both.signed_by(KEY)
    assert both.note.signed_by(NoteKey("witness.example", Signer(bytes(32)).public))
    assert verifier.read_checkpoint(str(both).encode()).signed_by(verifier.Key(ORIGIN, SIGNER.public))


HEAD, _, SIGNATURES = NOTE.partition("\n\n")
ROOT = base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("\n", id="a newline"),
        pytest.param("\n\n" + SIGNATURES, id="no text"),
        pytest.param(HEAD + "\n", id="no signatures"),
        pytest.param(HEAD + "\n\n", id="an empty line and no signatures"),
        pytest.param(NOTE[:-1], id="no last newline"),
        pytest.param(NOTE + "\n", id="an empty line at the end"),
        pytest.param(NOTE.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(NOTE.replace("faces", "fa\x00ces"), id="NUL"),
        pytest.param(NOTE.replace("faces", "fa\tces"), id="tab"),
        pytest.param(NOTE + NOTE.splitlines()[-1] + "\n", id="one key twice"),
        pytest.param(NOTE.replace("20852163", "020852163"), id="leading zero"),
        pytest.param(NOTE.replace("20852163", "+20852163"), id="sign"),
        pytest.param(NOTE.replace("20852163", "20_852_163"), id="underscores"),
        pytest.param(NOTE.replace("20852163", " 20852163"), id="space before the size"),
        pytest.param(NOTE.replace("20852163", "\u0662\u0660"), id="digits of another script"),
        pytest.param(NOTE.replace("20852163", "0x14"), id="hexadecimal"),
        pytest.param(NOTE.replace("20852163", ""), id="no size"),
        pytest.param(NOTE.replace("20852163", str(2**63)), id="size 2**63"),
        pytest.param(NOTE.replace("20852163", "9" * 4000), id="size of 4000 digits"),
        pytest.param(NOTE.replace(ROOT, ROOT[:-1]), id="root without padding"),
        pytest.param(NOTE.replace(ROOT, ROOT[:-2] + "9="), id="root with stray bits"),
        pytest.param(NOTE.replace(ROOT, base64.b64encode(bytes(31)).decode()), id="root of 31 bytes"),
        pytest.param(NOTE.replace(ROOT, base64.b64encode(bytes(33)).decode()), id="root of 33 bytes"),
        pytest.param(NOTE.replace(ROOT, ROOT.replace("A", "-", 1)), id="root in base64url"),
        pytest.param(NOTE.replace(ROOT, ROOT[:8] + "\n" + ROOT[8:]), id="root in two lines"),
        pytest.param(NOTE.replace("\u2014", "--"), id="two hyphens for the dash"),
        pytest.param(NOTE.replace("\u2014 ", "\u2014"), id="no space after the dash"),
        pytest.param(NOTE.replace(f"\u2014 {ORIGIN} ", f"\u2014 {ORIGIN}  "), id="two spaces"),
        pytest.param(NOTE.replace(f"\u2014 {ORIGIN} ", "\u2014  "), id="no name"),
        pytest.param(NOTE.replace(f"\u2014 {ORIGIN} ", "\u2014 a+b "), id="plus in the name"),
        pytest.param(NOTE.replace(f"\u2014 {ORIGIN} ", "\u2014 a\u00a0b "), id="a no-break space in the name"),
        pytest.param(f"{HEAD}\n\n\u2014 {ORIGIN} AAAAAA==\n", id="a key id and no signature"),
        pytest.param(NOTE.replace("\n\n", "\n\n\n"), id="two empty lines"),
        pytest.param(NOTE.replace("\n\n", "\nextension\n\n\n"), id="an empty line after an extension"),
    ],
)
def test_what_is_not_exactly_a_checkpoint_is_refused_by_both_readers(text: str) -> None:
    with pytest.raises(BadRequest):
        SignedCheckpoint.parse(text)
    with pytest.raises(verifier.Unreadable):
        read = verifier.read_checkpoint(text.encode())
        if not read.signed_by(verifier.Key(ORIGIN, SIGNER.public)):
            raise verifier.Unreadable("not signed")


@pytest.mark.parametrize("control", [c for c in map(chr, range(0x20)) if c != "\n"], ids=repr)
def test_no_control_character_is_signed_or_read_even_under_a_good_signature(control: str) -> None:
    text = f"{ORIGIN}\n3\n{ROOT}\nan{control}extension\n"
    with pytest.raises(BadRequest, match="control"):
        sign_note(text, ORIGIN, SIGNER)
    line = NoteSignature(ORIGIN, KEY.key_id, SIGNER.sign(text.encode()))
    with pytest.raises(BadRequest, match="control"):
        SignedCheckpoint.parse(f"{text}\n{line}")
    with pytest.raises(verifier.Unreadable, match="control"):
        verifier.read_checkpoint(f"{text}\n{line}".encode())


def test_bytes_that_are_not_utf_8_are_no_note() -> None:
    raw = NOTE.encode().replace(b"faces", b"fa\xffces")
    with pytest.raises(BadRequest):
        Note.parse(raw)
    with pytest.raises(verifier.Unreadable):
        verifier.read_checkpoint(raw)


def test_a_lone_surrogate_in_a_note_is_a_bad_request() -> None:
    with pytest.raises(BadRequest):
        Note.parse(NOTE.replace("faces", "\ud800"))


def test_notes_beyond_the_limits_are_refused() -> None:
    with pytest.raises(BadRequest, match="at most"):
        Note.parse("x" * 1_000_001)
    line = "\u2014 w{} AAAAAAA=\n"
    many = HEAD + "\n\n" + "".join(line.format(n) for n in range(101))
    with pytest.raises(BadRequest, match="at most 100"):
        Note.parse(many)
    assert len(Note.parse(HEAD + "\n\n" + "".join(line.format(n) for n in range(100))).signatures) == 100


def test_the_largest_size_and_extension_lines_are_read() -> None:
    text = f"{ORIGIN}\n{2**63 - 1}\n{ROOT}\nan extension\n"
    parsed = SignedCheckpoint.parse(str(sign_note(text, ORIGIN, SIGNER)))
    assert parsed.size == 2**63 - 1
    assert parsed.signed_by(KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("c74f20a3", "C74F20A3"),
        GO_KEY.replace("+ARpc", "+AhpC"),
        GO_KEY[:-4],
        GO_KEY + "A",
        GO_KEY.replace("PeterNeumann", "Peter Neumann"),
        GO_KEY.replace("PeterNeumann", ""),
    ],
)
def test_what_is_not_exactly_a_key_is_refused_by_both_readers(text: str) -> None:
    with pytest.raises(BadRequest):
        NoteKey.parse(text)
    with pytest.raises(verifier.Unreadable):
        verifier.read_key(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\x7fb"])
def test_names_that_would_read_as_two_things_name_no_key(name: str) -> None:
    assert not is_key_name(name)
    with pytest.raises(BadRequest):
        NoteKey(name, SIGNER.public)


@given(st.text(max_size=80), st.integers(0, len(NOTE)), st.integers(0, 12))
@example(junk="\r", at=10, gap=0)
def test_no_edit_of_a_signed_checkpoint_passes_for_signed(junk: str, at: int, gap: int) -> None:
    edited = NOTE[:at] + junk + NOTE[at + gap :]
    if edited == NOTE:
        return
    try:
        parsed = SignedCheckpoint.parse(edited)
    except BadRequest:
        pass
    else:
        assert not parsed.signed_by(KEY) or parsed.checkpoint == CHECKPOINT.checkpoint
    try:
        theirs = verifier.read_checkpoint(edited.encode("utf-8", "surrogatepass"))
    except verifier.Unreadable:
        return
    if theirs.signed_by(verifier.Key(ORIGIN, SIGNER.public)):
        assert (theirs.origin, theirs.size, theirs.root) == (ORIGIN, CHECKPOINT.size, CHECKPOINT.root)


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_what_was_signed_is_read_back(size: int, root: bytes) -> None:
    signed = sign_checkpoint(Checkpoint(ORIGIN, size, root), SIGNER)
    assert SignedCheckpoint.parse(str(signed)) == signed
    theirs = verifier.read_checkpoint(str(signed).encode())
    assert (theirs.origin, theirs.size, theirs.root) == (ORIGIN, size, root)
