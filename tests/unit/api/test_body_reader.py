"""One bounded reader for both dialects."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from countenance.api.body_reader import BodyTooLarge, BodyTooSlow, ClientGone, declared_bytes, read_body


def read(*messages: dict[str, Any], max_bytes: int = 10, seconds: float = 30.0) -> bytes:
    left = list(messages)

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()  # a client that sends nothing more
        return left.pop(0)

    return asyncio.run(read_body(receive, max_bytes, seconds))


def part(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_parts_is_put_together() -> None:
    assert read(part(b"12345"), part(b""), part(b"67890", more=False)) == b"1234567890"
    assert read({"type": "http.request"}) == b""


def test_one_byte_too_many_is_refused_before_the_rest_is_read() -> None:
    with pytest.raises(BodyTooLarge):
        read(part(b"1" * 10), part(b"1"))


def test_a_body_that_does_not_come_in_time_is_refused() -> None:
    with pytest.raises(BodyTooSlow):
        read(part(b"1"), seconds=0.0)


def test_a_client_that_goes_away_is_no_short_body() -> None:
    with pytest.raises(ClientGone):
        read(part(b"1"), {"type": "http.disconnect"})


@pytest.mark.parametrize(
    ("value", "size"), [(b"0", 0), (b"17", 17), (b"-1", None), (b"1e3", None), (b"", None), (b"9" * 20, None)]
)
def test_the_declared_length_is_a_plain_number_or_unknown(value: bytes, size: int | None) -> None:
    assert declared_bytes([(b"host", b"x"), (b"content-length", value)]) == size
    assert declared_bytes([(b"host", b"x")]) is None
