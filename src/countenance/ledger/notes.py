"""Signed notes (C2SP signed-note): a text, an empty line, and lines of Ed25519 signatures by named keys.

Parsing is strict: anything but an exact note is a `BadRequest`, so that no text can be read in two ways.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from countenance.errors import BadRequest
from countenance.signing import Signer, verified

ED25519 = b"\x01"
MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
_DASH = "\u2014 "


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A named Ed25519 public key. name: no spaces, no plus, not empty. public: 32 bytes."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise BadRequest("a note key's name holds printable characters, no spaces and no plus")
        if len(self.public) != 32:
            raise BadRequest(f"an Ed25519 public key has 32 bytes, got {len(self.public)}")

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || 0x01 || public)[:4]."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> NoteKey:
        """The key written `name+keyid+base64`, as `str` writes it; else a `BadRequest`."""
        name, plus, rest = text.partition("+")
        key_id, second_plus, encoded = rest.partition("+")
        raw = decode_base64(encoded)
        if not (plus and second_plus and raw[:1] == ED25519):
            raise BadRequest("a verifier key reads name+keyid+base64, of type Ed25519")
        key = cls(name, raw[1:])
        if key.key_id.hex() != key_id:
            raise BadRequest(f"the verifier key's id is {key.key_id.hex()}, it says {key_id[:16]!r}")
        return key


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line. key_id: 4 bytes. signature: what the named key made, of any kind."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and its signatures, which are not checked yet: see `signed_by`."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(map(str, self.signatures))

    def signed_by(self, key: NoteKey) -> bool:
        """Whether `key` signed the text. False if any signature in the key's name does not verify."""
        mine = [s for s in self.signatures if (s.name, s.key_id) == (key.name, key.key_id)]
        return len(mine) == 1 and verified(key.public, mine[0].signature, self.text.encode())

    @classmethod
    def parse(cls, data: str | bytes) -> Note:
        """Read a note; `BadRequest` says what is wrong with it."""
        raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        if len(raw) > MAX_NOTE_BYTES:
            raise BadRequest(f"a note has at most {MAX_NOTE_BYTES} bytes, got {len(raw)}")
        if any(byte < 0x20 and byte != 0x0A for byte in raw):
            raise BadRequest("a note holds no control characters but the newline")
        try:
            whole = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadRequest("a note is UTF-8") from error
        text, gap, tail = whole.rpartition("\n\n")
        if not gap or not text or not tail.endswith("\n"):
            raise BadRequest("a note is a text, an empty line and signature lines, each ending in a newline")
        return cls(text + "\n", _signatures(tail[:-1].split("\n")))


def sign_note(text: str, name: str, signer: Signer) -> Note:
    """The note of `text` (it ends in a newline) with one signature by `signer` under `name`."""
    key = NoteKey(name, signer.public)
    note = Note(text, (NoteSignature(name, key.key_id, signer.sign(text.encode())),))
    return Note.parse(str(note))


def is_key_name(name: str) -> bool:
    """Whether a key may have this name: not empty, no Unicode spaces, control characters or plus."""
    return bool(name) and all(not c.isspace() and c.isprintable() and c != "+" for c in name)


def decode_base64(text: str) -> bytes:
    """Standard base64 (RFC 4648, section 4) in its one canonical spelling; else a `BadRequest`."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("not base64") from error
    if base64.b64encode(raw).decode() != text:
        raise BadRequest("base64 with stray bits or padding")
    return raw


def _signatures(lines: Sequence[str]) -> tuple[NoteSignature, ...]:
    if len(lines) > MAX_SIGNATURES:
        raise BadRequest(f"a note has at most {MAX_SIGNATURES} signatures, got {len(lines)}")
    signatures = tuple(_signature(line) for line in lines)
    if len({(s.name, s.key_id) for s in signatures}) < len(signatures):
        raise BadRequest("one key signed the note twice")
    return signatures


def _signature(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not is_key_name(name):
        raise BadRequest("a signature line reads: em dash, space, key name, space, base64")
    raw = decode_base64(encoded)
    if len(raw) < 5:
        raise BadRequest(f"a signature has a key id of 4 bytes and at least one more, got {len(raw)} bytes")
    return NoteSignature(name, raw[:4], raw[4:])
