"""Canonical JSON is RFC 8785's, whichever way it is written; keys are made once and only their owner reads them."""

from __future__ import annotations

import hashlib
import os
import stat
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from countenance.errors import Misconfigured
from countenance.policy.enums import Action
from countenance.signing import Signer, canonical, digest, secret_file, verified

TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8")),
    st.text(st.characters(codec="utf-8", max_codepoint=0x9F)),
    st.text(st.characters(codec="utf-8", min_codepoint=0xD7F0)),
)
NUMBERS = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-1e16, 1e16),
    st.floats(-1e-2, 1e-2),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(TEXTS, inner, max_size=5)),
    max_leaves=20,
)


@settings(max_examples=400, deadline=None)
@given(VALUES)
def test_every_value_is_written_as_the_rfc_has_it(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [1.0, -0.0, 0.0, 1e21, 1e-7, 1e-3, 0.0009, 1e15, 123456789012345.6, 5e-324, {"\ue000": 1, "\U0001f600": 2},
     {"b": 1, "a": 2, "A": 3}, ("a", 1), "\x00\x1f\x7f\u2028\"\\/", [[]], {}, Action.READ, True],
)  # fmt: skip
def test_the_edges_are_written_as_the_rfc_has_them(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53, -(2**53), "\ud800", {"\ud800": 1}, {1: 2}, object(),
     datetime(2026, 1, 1, tzinfo=UTC), uuid.UUID(int=1), {"a": [uuid.UUID(int=1)]}],
)  # fmt: skip
def test_what_the_rfc_cannot_say_is_refused(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        canonical(value)


@pytest.mark.parametrize(
    "value",
    ["text", "é", True, None, 0, 53 * 2 + 1, 2**53 - 1, -(2**53) + 1, 1e-3, 0.5, -0.25, 123456789.5, 90.0, -0.0, -7.0,
     1e15, 2.0**53 - 1, [1, ["a"]],
     {"b": 1, "a": {"c": None}}],
)  # fmt: skip
def test_plain_values_are_written_the_fast_way(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = rfc8785.dumps(value)

    def refused(_: object) -> bytes:
        raise AssertionError("written the slow way")

    monkeypatch.setattr("countenance.signing.rfc8785.dumps", refused)
    assert canonical(value) == expected


@pytest.mark.parametrize(
    "value", [[1.0], 9e-4, 1e15 + 0.5, 2**53, 2.0**53, 1e21, {"é": 1}, {"a": {"é": 1}}, ("a",), [("a",)], Action.READ]
)
def test_what_the_two_might_write_differently_is_left_to_the_rfc(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countenance.signing.rfc8785.dumps", lambda _: b"the slow way")
    assert canonical(value) == b"the slow way"


def test_a_digest_is_the_sha256_of_the_canonical_json() -> None:
    assert digest({"b": 1, "a": 2}) == hashlib.sha256(b'{"a":2,"b":1}').hexdigest()


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Files get just the mode that is asked for."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("no_umask")
def test_a_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "home" / "keys" / "one.key"
    secret = secret_file(path)
    assert len(secret) == 32
    assert path.read_text() == secret.hex()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert secret_file(path) == secret
    assert secret_file(path.with_name("other.key")) != secret


def test_a_secret_is_on_the_disk_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, synced = tmp_path / "one.key", dict[int, bytes]()

    def fsync(handle: int) -> None:
        (there,) = tmp_path.iterdir()
        synced[os.fstat(handle).st_ino] = there.read_bytes()

    monkeypatch.setattr(os, "fsync", fsync)
    secret = secret_file(path)
    assert synced == {path.stat().st_ino: secret.hex().encode()}


def test_a_secret_may_end_in_a_line_break(tmp_path: Path) -> None:
    path = tmp_path / "one.key"
    path.write_text(bytes(range(32)).hex() + "\n")
    assert secret_file(path) == bytes(range(32))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("xyz", "one.key cannot be read: ValueError"),
        ("", "one.key holds 0 bytes"),
        ("ab" * 31, "one.key holds 31 bytes, expected 32"),
        ("ab" * 33, "one.key holds 33 bytes, expected 32"),
    ],
)
def test_a_key_file_that_holds_no_key_is_named_and_kept(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "one.key"
    path.write_text(content)
    with pytest.raises(Misconfigured, match=told):
        secret_file(path)
    assert path.read_text() == content


def test_a_key_file_that_is_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.key").mkdir()
    with pytest.raises(Misconfigured, match=r"one\.key cannot be read: IsADirectoryError"):
        secret_file(tmp_path / "one.key")


def test_a_key_whose_writing_was_cut_off_is_not_there_and_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("no room")))
        with pytest.raises(OSError, match="no room"):
            secret_file(tmp_path / "one.key")
    assert list(tmp_path.iterdir()) == []
    assert len(secret_file(tmp_path / "one.key")) == 32


def test_of_two_processes_that_make_a_key_at_once_both_have_the_first_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = tmp_path / "one.key", os.link

    def second(source: Path, target: Path) -> None:
        path.write_text("ab" * 32)  # the other one's, a moment earlier
        link(source, target)

    monkeypatch.setattr(os, "link", second)
    assert secret_file(path) == bytes.fromhex("ab" * 32)
    assert [each.name for each in tmp_path.iterdir()] == ["one.key"]


def test_a_signer_of_a_file_signs_with_its_secret(tmp_path: Path) -> None:
    path = tmp_path / "one.key"
    signer = Signer.from_file(path)
    assert signer.public == Signer(bytes.fromhex(path.read_text())).public == Signer.from_file(path).public
    signature = signer.sign(b"message")
    assert verified(signer.public, signature, b"message")
    assert not verified(signer.public, signature, b"messages")
    assert not verified(Signer(bytes(32)).public, signature, b"message")
    assert not verified(b"short", signature, b"message")
    assert not verified(signer.public, b"short", b"message")


def test_signatures_are_those_of_rfc_8032() -> None:
    """The first test vector of section 7.1."""
    signer = Signer(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert signer.public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert signer.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
