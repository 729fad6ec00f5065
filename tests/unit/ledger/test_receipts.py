"""Receipts: one compact line that says where an entry stands, and that nobody else can have written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.errors import BadRequest
from countenance.ledger import Receipt, verifier
from countenance.ledger.receipt import sign_receipt
from countenance.signing import Signer

SIGNER = Signer(bytes(range(32)))
RECEIPT = sign_receipt("log.example/faces", 41, bytes(range(32)), SIGNER)


ORIGINS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}", fullmatch=True)


@given(ORIGINS, st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_receipt_fits_a_header_and_is_read_back_by_both_readers(origin: str, index: int, leaf: bytes) -> None:
    receipt = sign_receipt(origin, index, leaf, SIGNER)
    text = receipt.header()
    assert len(text) < 300
    assert text.isascii()
    assert text.isprintable()
    assert Receipt.parse(text) == receipt
    assert receipt.signed_by(SIGNER.public)
    theirs = verifier.read_receipt(text)
    assert (theirs.origin, theirs.index, theirs.leaf_hash, theirs.signature) == (origin, index, leaf, receipt.signature)
    assert verifier.Key(origin, SIGNER.public).signed(theirs.signature, theirs.promise)


@pytest.mark.parametrize(
    "forged",
    [
        Receipt("log.example/other", RECEIPT.index, RECEIPT.leaf_hash, RECEIPT.signature),
        Receipt(RECEIPT.origin, 42, RECEIPT.leaf_hash, RECEIPT.signature),
        Receipt(RECEIPT.origin, RECEIPT.index, bytes(32), RECEIPT.signature),
        Receipt(RECEIPT.origin, RECEIPT.index, RECEIPT.leaf_hash, bytes(64)),
    ],
    ids=["origin", "index", "leaf hash", "signature"],
)
def test_the_signature_covers_every_part(forged: Receipt) -> None:
    assert not forged.signed_by(SIGNER.public)
    assert not RECEIPT.signed_by(Signer(bytes(32)).public)


TEXT = RECEIPT.header()


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT.replace("v1", "v2"),
        TEXT + ";",
        TEXT[:-1],
        TEXT + "A",
        TEXT + "=",
        TEXT.replace(";41;", ";041;"),
        TEXT.replace(";41;", ";-41;"),
        TEXT.replace(";41;", f";{2**63};"),
        TEXT.replace("log.example", "log example"),
        TEXT.replace("log.example", "l" * 200),
        TEXT.replace("AAEC", "AAE+"),
        TEXT[:-1] + chr(ord(TEXT[-1]) + 1),
        TEXT + "\n",
        "v1;" * 1000,
    ],
)
def test_what_is_not_exactly_a_receipt_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        Receipt.parse(text)
