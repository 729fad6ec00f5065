"""Canonical JSON, its hash, and the Ed25519 keys that sign it. The ledger, mandates and audits all use these."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import orjson
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from countenance.errors import CountenanceError, Misconfigured

T = TypeVar("T")
KEY_TRIES = 3
"""How many sealed rows are tried before a key is said to be another: one that was altered is no proof of that."""
JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
"""The values that canonical JSON can express."""


def canonical(value: Any) -> bytes:
    """`value` as RFC 8785 canonical JSON: equal values give equal bytes."""
    if type(value) is float and value.is_integer() and abs(value) < 2**53:  # a whole similarity, as most bounds are
        return str(int(value)).encode()
    if _plain(value):
        try:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:  # half of a surrogate pair, or too deep
            pass
    return rfc8785.dumps(value)


def _plain(value: object) -> bool:
    """Whether orjson, at a tenth of the cost, writes the bytes that RFC 8785 demands for `value`.

    orjson sorts names by code point, RFC 8785 by UTF-16 unit; and whole, tiny and huge floats look different. So only
    ASCII names count as plain, and only floats that both write as digits, a point and digits.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return -(2**53) < value < 2**53  # type: ignore[operator]
    if kind is float:
        return 1e-3 <= abs(value) < 1e15 and not value.is_integer()  # type: ignore[arg-type, attr-defined]
    if kind is list:
        return all(map(_plain, value))  # type: ignore[call-overload]
    if kind is dict:
        return all(
            type(name) is str and name.isascii() and _plain(inner)
            for name, inner in value.items()  # type: ignore[attr-defined]
        )
    return False


def digest(value: Any) -> str:
    """sha256 of the canonical JSON of `value`, 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


class Signer:
    """An Ed25519 private key. `public` is its raw public key, 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature (RFC 8032) of `message`, 64 bytes."""
        return self._key.sign(message)

    @classmethod
    def from_file(cls, path: Path) -> Signer:
        """The key in the file at `path` (hex seed, mode 600), made on first use."""
        return cls(secret_file(path))


def verified(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` over `message` was made by the key with the raw public half `public`."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def opens_one(opening: Callable[[T], object], sealed: Sequence[T]) -> bool:
    """Whether one of them opens; True for none. opening: raises `Misconfigured` for what another key sealed. What is
    damaged does not open either.
    """
    for each in sealed:
        with suppress(CountenanceError, ValueError, TypeError):
            opening(each)
            return True
    return not sealed


def secret_file(path: Path) -> bytes:
    """The 32 random bytes in the file at `path` (hex, mode 600, folder mode 700), made on first use.

    It is there whole or not at all: another process may ask for it at the same moment, or this one be killed.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        aside = path.with_name(f".{path.name}-{os.urandom(8).hex()}")
        try:
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(os.urandom(32).hex())
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # another process was first: its key counts
                os.link(aside, path)
        finally:
            aside.unlink(missing_ok=True)
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the key file {path.name} cannot be read: {type(error).__name__}") from error
    if len(secret) != 32:
        raise Misconfigured(f"the key file {path.name} holds {len(secret)} bytes, expected 32")
    return secret
