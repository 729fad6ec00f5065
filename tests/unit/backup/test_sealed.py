"""A sealed file gives its content to its passphrase, and nothing to anything else."""

from __future__ import annotations

import hashlib
import io
import os

import pytest

from countenance.backup import sealed
from countenance.backup.sealed import CHUNK, SealedReader, SealedWriter
from countenance.errors import BadRequest

PASSPHRASE = "correct horse battery"
PIECE = CHUNK + 16
HEAD = len(sealed.MAGIC) + 64


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cheap derivation; `test_backup` uses the real one."""

    def derive(passphrase: str, salt: bytes) -> tuple[bytes, bytes]:
        made = hashlib.sha512(salt + passphrase.encode()).digest()
        return made[:32], made[32:48]

    monkeypatch.setattr(sealed, "_derive", derive)


def seal(content: bytes, passphrase: str = PASSPHRASE, step: int = 700_001) -> bytes:
    target = io.BytesIO()
    writer = SealedWriter(target, passphrase)
    for at in range(0, len(content), step):
        writer.write(content[at : at + step])
    writer.finish()
    return target.getvalue()


def unseal(raw: bytes, passphrase: str = PASSPHRASE) -> bytes:
    return SealedReader(io.BytesIO(raw), passphrase, "b.backup").read()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])
def test_the_content_comes_back(size: int) -> None:
    content = os.urandom(size)
    raw = seal(content)
    assert unseal(raw) == content
    assert len(raw) == HEAD + size + 16 * max(1, -(-size // CHUNK))
    reader = SealedReader(io.BytesIO(raw), PASSPHRASE, "b")
    assert b"".join(iter(lambda: reader.read(99_991), b"")) == content


def test_the_same_content_is_never_sealed_to_the_same_bytes_and_is_not_in_them() -> None:
    content = b"a template, a name" * 100
    first, second = seal(content), seal(content)
    assert first != second
    assert b"a template" not in first


def test_another_passphrase_is_said_to_be_another() -> None:
    with pytest.raises(BadRequest, match=r"b\.backup was sealed with another passphrase"):
        unseal(seal(b"x"), "correct horse batterY")


def test_a_short_passphrase_seals_nothing() -> None:
    with pytest.raises(BadRequest, match="at least 12 characters, got 11"):
        seal(b"x", "a" * 11)


CONTENT = bytes(3 * CHUNK + 5)
AT = [len(sealed.MAGIC), len(sealed.MAGIC) + 20, HEAD - 1, HEAD, HEAD + PIECE, HEAD + 2 * PIECE + 7, -1]


@pytest.mark.parametrize("at", AT)
def test_one_changed_bit_anywhere_is_damage_and_not_another_passphrase(at: int) -> None:
    raw = bytearray(seal(CONTENT))
    raw[at] ^= 1
    with pytest.raises(BadRequest, match=r"b\.backup is damaged"):
        unseal(bytes(raw))


@pytest.mark.parametrize("left", [HEAD - 1, HEAD, HEAD + 1, HEAD + PIECE, HEAD + 3 * PIECE, HEAD + 3 * PIECE + 20])
def test_a_file_that_was_cut_short_is_damaged_even_between_chunks(left: int) -> None:
    with pytest.raises(BadRequest, match=r"b\.backup is damaged"):
        unseal(seal(CONTENT)[:left])


def test_chunks_cannot_be_left_out_moved_repeated_or_taken_from_another_file() -> None:
    raw, other = seal(CONTENT), seal(CONTENT)
    head, a, b, rest = raw[:HEAD], raw[HEAD:][:PIECE], raw[HEAD + PIECE :][:PIECE], raw[HEAD + 2 * PIECE :]
    assert unseal(head + a + b + rest) == CONTENT
    for pieces in (b + a + rest, a + rest, a + a + rest, a + b + b + rest, a + b + rest + rest):
        with pytest.raises(BadRequest, match="damaged"):
            unseal(head + pieces)
    with pytest.raises(BadRequest, match="damaged"):
        unseal(head + a + other[HEAD + PIECE :])


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no backup"),
        (b"SQLite format 3\0" + bytes(200), "no backup"),
        (b"countenance backup v2\n" + bytes(200), "does not read"),
    ],
)
def test_what_is_no_backup_of_this_format_is_named(raw: bytes, said: str) -> None:
    with pytest.raises(BadRequest, match=f"b.backup is .*{said}"):
        unseal(raw)
