"""Receipts: the ledger's signed promise that an entry stands at its index."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from countenance.errors import BadRequest
from countenance.ledger.checkpoint import decimal
from countenance.signing import Signer, verified

ORIGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}", re.ASCII)
"""The names that a ledger may have: those that fit into a header, a note and any file name."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Entry `index` of the ledger `origin` has the hash `leaf_hash` (32 bytes); signature: Ed25519 over `promise`."""

    origin: str
    index: int
    leaf_hash: bytes
    signature: bytes

    def header(self) -> str:
        """One line of ASCII, under 300 characters, for `x-countenance-receipt`."""
        return f"v1;{self.origin};{self.index};{_text(self.leaf_hash)};{_text(self.signature)}"

    def signed_by(self, public: bytes) -> bool:
        """Whether the key with this raw public half (32 bytes) made the signature."""
        return verified(public, self.signature, promise(self.origin, self.index, self.leaf_hash))

    @classmethod
    def parse(cls, text: str) -> Receipt:
        """Read what `header` wrote, without checking the signature; else a `BadRequest`."""
        parts = text.split(";") if len(text) < 300 else []
        if len(parts) != 5 or parts[0] != "v1" or not ORIGIN.fullmatch(parts[1]):
            raise BadRequest("a receipt reads v1;origin;index;leaf hash;signature")
        leaf, signature = _bytes(parts[3], 32), _bytes(parts[4], 64)
        return cls(parts[1], decimal(parts[2]), leaf, signature)


def promise(origin: str, index: int, leaf_hash: bytes) -> bytes:
    """The bytes that a receipt's signature covers; their first line sets them apart from every checkpoint."""
    return f"countenance receipt v1\n{origin}\n{index}\n{base64.b64encode(leaf_hash).decode()}\n".encode()


def sign_receipt(origin: str, index: int, leaf_hash: bytes, signer: Signer) -> Receipt:
    """The receipt of one entry."""
    return Receipt(origin, index, leaf_hash, signer.sign(promise(origin, index, leaf_hash)))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str, length: int) -> bytes:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise BadRequest("a receipt's hash and signature are base64url") from error
    if len(raw) != length or _text(raw) != text:
        raise BadRequest(f"expected {length} bytes of base64url")
    return raw
