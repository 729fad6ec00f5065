"""What every door takes on at once, and the one bounded reader."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from countenance.api.admission import (
    Admission,
    AdmissionLimits,
    BodyTooLarge,
    BodyTooSlow,
    ClientGone,
    Message,
    Receive,
    declared_bytes,
    read_body,
)
from countenance.errors import Overloaded


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


LIMITS = AdmissionLimits(requests=2, body_bytes=10, held_bytes=15, body_seconds=30.0)


def gone(*messages: dict[str, Any]) -> Receive:
    left = list(messages)

    async def receive() -> Message:
        return left.pop(0)

    return receive


def test_no_more_requests_than_the_limit_are_taken_on_and_their_room_comes_back() -> None:
    admission = Admission(LIMITS)
    with admission.request(), admission.request():
        with pytest.raises(Overloaded, match="2 requests are in hand"), admission.request():
            pass
        with admission.request(always=True):
            pass
    with admission.request(), admission.request():
        pass


def test_all_bodies_together_are_bounded_by_what_they_declare_or_may_hold() -> None:
    admission = Admission(LIMITS)

    async def held(declared: int | None, most: int | None = None) -> bytes:
        async with admission.body(declared, gone(part(b"12345", more=False)), most) as body:
            async with admission.body(5, gone(part(b"1", more=False))):
                pass
            return body

    assert asyncio.run(held(10)) == b"12345"
    assert asyncio.run(held(None)) == b"12345"  # unknown: as much as it may have
    assert asyncio.run(held(None, 8)) == b"12345"
    tight = replace(LIMITS, held_bytes=14)
    admission = Admission(tight)
    for declared in (10, None):
        with pytest.raises(Overloaded):
            asyncio.run(held(declared))
    assert asyncio.run(held(9)) == b"12345"  # what was refused, or let go, holds nothing


def test_a_body_that_declares_too_much_is_refused_unread() -> None:
    async def held(most: int | None) -> None:
        async with Admission(LIMITS).body(9 if most else 11, gone(), most):
            pass

    for most in (None, 8):
        with pytest.raises(BodyTooLarge):
            asyncio.run(held(most))


def test_a_client_that_goes_leaves_no_bytes_behind() -> None:
    admission = Admission(LIMITS)

    async def held() -> None:
        async with admission.body(10, gone({"type": "http.disconnect"})):
            pass

    for _ in range(3):
        with pytest.raises(ClientGone):
            asyncio.run(held())
