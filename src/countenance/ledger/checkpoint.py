"""Checkpoints (C2SP tlog-checkpoint): a ledger's signed statement of what it holds."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from countenance.errors import BadRequest
from countenance.ledger.notes import Note, NoteKey, decode_base64, sign_note
from countenance.signing import Signer

_DECIMAL = re.compile("0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The ledger `origin` holds `size` entries (0 <= size < 2**63) under the RFC 6962 root hash `root` (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note's text; else `BadRequest`. Extension lines are allowed if they are not empty, and ignored."""
        lines = text.removesuffix("\n").split("\n")
        if not text.endswith("\n") or len(lines) < 3 or not all(lines):
            raise BadRequest("a checkpoint has three lines or more: origin, size, root hash; none is empty")
        root = decode_base64(lines[2])
        if len(root) != 32:
            raise BadRequest(f"a root hash has 32 bytes, got {len(root)}")
        return cls(lines[0], decimal(lines[1]), root)


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint and the note that carries it; `str` gives the note's text as it is passed on."""

    checkpoint: Checkpoint
    note: Note

    @property
    def size(self) -> int:
        """How many entries it covers."""
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        """Their root hash, 32 bytes."""
        return self.checkpoint.root

    def __str__(self) -> str:
        return str(self.note)

    def signed_by(self, key: NoteKey) -> bool:
        """Whether it is of the ledger that `key` is named after, and `key` signed it."""
        return self.checkpoint.origin == key.name and self.note.signed_by(key)

    @classmethod
    def parse(cls, data: str | bytes) -> SignedCheckpoint:
        """Read a checkpoint note, without checking who signed it; `BadRequest` says what is wrong."""
        note = Note.parse(data)
        return cls(Checkpoint.parse(note.text), note)


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> SignedCheckpoint:
    """`checkpoint`, signed under its own origin's name."""
    return SignedCheckpoint(checkpoint, sign_note(str(checkpoint), checkpoint.origin, signer))


def decimal(text: str) -> int:
    """A whole number, ASCII digits, no leading zeros, below 2**63; else a `BadRequest`."""
    if not _DECIMAL.fullmatch(text) or int(text) >= 2**63:
        raise BadRequest("expected a decimal number below 2**63 without leading zeros")
    return int(text)
