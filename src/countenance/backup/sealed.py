"""A file that only its passphrase opens, written and read as a stream of sealed chunks.

    magic     "countenance backup v1\\n"
    salt      16 random bytes, for scrypt (n = 2**17, r = 8, p = 1), which gives 64 bytes: the key, and a check
    check     the first 16 bytes of SHA-256 of that second half: tells a wrong passphrase from a damaged file
    sum       SHA-256 of all that stands before it: tells a damaged head from a wrong passphrase
    chunks    1 MiB of the content each, the last one shorter or empty, sealed by AES-256-GCM

The nonce of a chunk is its number (11 bytes) and whether it is the last (1 byte); the key is new for every file. The
head is authenticated with every chunk. So no chunk can be changed, moved, left out or taken from another file, and a
file that was cut short ends without a last chunk.
"""

from __future__ import annotations

import hashlib
import io
import os
import unicodedata
from collections.abc import Callable
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from countenance.errors import BadRequest

MAGIC = b"countenance backup v1\n"
FAMILY = b"countenance backup "
CHUNK = 1 << 20
"""Bytes of content in one chunk."""
SHORTEST = 12
"""Characters of the shortest passphrase that a file is sealed with."""
_TAG = 16
_HEAD = len(MAGIC) + 16 + 16 + 32


class SealedWriter(io.RawIOBase):
    """Seals what is written to it into `target`. `finish` ends it; without that the file reads as cut short.

    `BadRequest` where the passphrase has fewer than `SHORTEST` characters.
    """

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        if len(passphrase) < SHORTEST:
            raise BadRequest(
                f"a passphrase has at least {SHORTEST} characters, got {len(passphrase)}: a backup holds every key"
            )
        salt = os.urandom(16)
        key, check = _derive(passphrase, salt)
        head = MAGIC + salt + check
        self._head = head + hashlib.sha256(head).digest()
        self._seal = AESGCM(key)
        self._target = target
        self._waiting = bytearray()
        self._number = 0
        target.write(self._head)

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        """Take more of the content."""
        self._waiting += content
        while len(self._waiting) > CHUNK:
            self._put(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(content)

    def finish(self) -> None:
        """Seal what waits as the last chunk."""
        self._put(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _put(self, content: bytes, *, last: bool) -> None:
        self._target.write(self._seal.encrypt(_nonce(self._number, last), content, self._head))
        self._number += 1


class SealedReader(io.RawIOBase):
    """The content of the sealed file `source`, which `name` names in errors.

    `BadRequest` where it is no such file, was cut short or changed, or the passphrase is another one. A chunk is
    authenticated before any of it is given out.
    """

    def __init__(self, source: BinaryIO, passphrase: str, name: str) -> None:
        head = source.read(_HEAD)
        if not head.startswith(MAGIC):
            newer = head.startswith(FAMILY)
            kind = "of a format that this version does not read" if newer else "no backup of Countenance's"
            raise BadRequest(f"{name} is {kind}; expected one that starts with {MAGIC.decode().strip()!r}")
        if len(head) < _HEAD or hashlib.sha256(head[:-32]).digest() != head[-32:]:
            raise BadRequest(f"{name} is damaged in its first {_HEAD} bytes: nothing in it can be read")
        salt, check = head[len(MAGIC) : len(MAGIC) + 16], head[len(MAGIC) + 16 : len(MAGIC) + 32]
        key, expected = _derive(passphrase, salt)
        if check != expected:
            raise BadRequest(f"{name} was sealed with another passphrase")
        self._name = name
        self._head = head
        self._seal = AESGCM(key)
        self._source = source
        self._next = source.read(CHUNK + _TAG)
        self._open = b""
        self._number = 0
        self._ended = False

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, fewer at the end only; all that is left for -1."""
        parts: list[bytes] = []
        missing = size if size >= 0 else -1
        while missing and (self._open or not self._ended):
            if not self._open:
                self._open = self._chunk()
            part = self._open if missing < 0 else self._open[:missing]
            self._open = self._open[len(part) :]
            parts.append(part)
            missing -= len(part) if missing > 0 else 0
        return b"".join(parts)

    def drain(self, watch: Callable[[bytes], object]) -> None:
        """Read to the end, handing on what comes."""
        while part := self.read(CHUNK):
            watch(part)

    def _chunk(self) -> bytes:
        sealed, self._next = self._next, self._source.read(CHUNK + _TAG)
        self._ended = not self._next
        try:
            content = self._seal.decrypt(_nonce(self._number, self._ended), sealed, self._head)
        except (InvalidTag, ValueError) as error:
            at = _HEAD + self._number * (CHUNK + _TAG)
            raise BadRequest(f"{self._name} is damaged or was cut short, in the part from byte {at} on") from error
        self._number += 1
        return content


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _derive(passphrase: str, salt: bytes) -> tuple[bytes, bytes]:
    """The key, 32 bytes, and the check, 16. Equal characters give equal bytes, however a keyboard composed them."""
    normalised = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
    made = Scrypt(salt=salt, length=64, n=1 << 17, r=8, p=1).derive(normalised)
    return made[:32], hashlib.sha256(made[32:]).digest()[:16]
