"""Attacks on connections by somebody without a key, bounded, and what a bystander sees meanwhile. For 127.0.0.1 only.

Each attack opens connections from one address and misbehaves for some seconds; a bystander from another address asks
for a path every 0.2 s on a connection of its own each time.
"""

from __future__ import annotations

import asyncio
import http.client
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

ATTACKER, BYSTANDER = "127.0.0.2", "127.0.0.3"
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
MIB = 1 << 20


@dataclass
class Seen:
    """statuses: of the attacker's answers, 0 for none. still_open: of its connections, at the end.

    sent: bytes that it got rid of. health, refused: the bystander's calls, and those not answered 200. worst_s: its
    longest wait.
    """

    attack: str
    statuses: dict[int, int] = field(default_factory=dict)
    opened: int = 0
    still_open: int = 0
    sent: int = 0
    health: int = 0
    refused: int = 0
    worst_s: float = 0.0

    def note(self, status: int) -> None:
        """Count an answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1


def health(port: int, path: str, source: str = BYSTANDER, timeout_s: float = 30.0) -> tuple[int, float]:
    """Status of a GET on a new connection (0 for none), and how long it took."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s, source_address=(source, 0))
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    return status, time.monotonic() - began


class Attacker:
    """Opens connections and keeps them. path: of the largest answer that a stranger gets."""

    def __init__(self, port: int, seen: Seen, path: str) -> None:
        self.port, self.seen, self.path = port, seen, path
        self.open: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """One more connection, with a small receive window."""
        pair = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(ATTACKER, 0), limit=4096)
        self.open.append(pair)
        self.seen.opened += 1
        return pair

    async def many(self, count: int, first: bytes) -> None:
        """Connections that each send `first`."""
        for _ in range(count):
            try:
                _, writer = await self.connect()
                if first:
                    writer.write(first)
                    await writer.drain()
                    self.seen.sent += len(first)
            except OSError:
                self.seen.note(0)

    async def drip(self, piece: bytes, until: float) -> None:
        """A piece on each connection every half second."""
        while time.monotonic() < until:
            for _, writer in self.open:
                if not writer.is_closing():
                    writer.write(piece)
            await asyncio.sleep(0.5)

    async def pour(self, piece: bytes, most: int) -> None:
        """Pieces on the last connection, until cut off or `most` bytes are gone."""
        _, writer = self.open[-1]
        try:
            while self.seen.sent < most:
                writer.write(piece)
                await asyncio.wait_for(writer.drain(), 10)
                self.seen.sent += len(piece)
        except (OSError, TimeoutError):
            pass

    async def end(self, *, reading: bool = True) -> None:
        """Count answers and what is still open; close all."""
        for reader, writer in self.open:
            if reading:
                await self._answer(reader)
            if not writer.is_closing() and not reader.at_eof():
                self.seen.still_open += 1
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), 0.01 if len(self.open) > 1 else 5)
            if not line:
                return
            self.seen.note(int(line.split()[1]))
            while await asyncio.wait_for(reader.read(4096), 0.01 if len(self.open) > 1 else 5):
                pass
        except (OSError, TimeoutError, ValueError, IndexError):
            return


Attack = Callable[[Attacker, float], Awaitable[None]]


async def endless_header(a: Attacker, seconds: float) -> None:
    """One header of 40 MB without an end."""
    await a.many(1, HEAD + b"X-A: ")
    await a.pour(b"a" * MIB, 40 * MIB)
    await a.end()


async def many_headers(a: Attacker, seconds: float) -> None:
    """One request of 100,000 header lines."""
    await a.many(1, b"GET " + a.path.encode() + b" HTTP/1.1\r\nHost: x\r\n")
    await a.pour(b"".join(b"X-%05d: y\r\n" % n for n in range(1000)), 100_000 * 12)
    _, writer = a.open[-1]
    if not writer.is_closing():
        writer.write(b"\r\n")
    await a.end()


async def wide_head(a: Attacker, seconds: float) -> None:
    """A request whose head is whole and holds 1 MB."""
    await a.many(1, b"GET " + a.path.encode() + b" HTTP/1.1\r\nHost: x\r\n")
    await a.pour(b"X-A: " + b"a" * (16 * 1024) + b"\r\n", MIB)
    _, writer = a.open[-1]
    if not writer.is_closing():
        writer.write(b"\r\n")
    await a.end()


async def endless_trailer(a: Attacker, seconds: float) -> None:
    """A chunked body whose last part, the trailer, does not end."""
    await a.many(1, HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-A: ")
    await a.pour(b"a" * MIB, 40 * MIB)
    await a.end()


async def endless_extension(a: Attacker, seconds: float) -> None:
    """A chunked body whose first chunk has an extension that does not end."""
    await a.many(1, HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;x=")
    await a.pour(b"a" * MIB, 40 * MIB)
    await a.end()


async def endless_target(a: Attacker, seconds: float) -> None:
    """A request line without an end."""
    await a.many(1, b"GET /")
    await a.pour(b"a" * MIB, 40 * MIB)
    await a.end()


async def empty_lines(a: Attacker, seconds: float) -> None:
    """Empty lines before a request line that never comes."""
    await a.many(1, b"\r\n")
    await a.pour(b"\r\n" * (MIB // 2), 40 * MIB)
    await a.end()


async def silent(a: Attacker, seconds: float) -> None:
    """500 connections that say nothing."""
    await a.many(500, b"")
    await asyncio.sleep(seconds)
    await a.end()


async def half_headed(a: Attacker, seconds: float) -> None:
    """300 connections that stop within their head."""
    await a.many(300, HEAD)
    await asyncio.sleep(seconds)
    await a.end()


async def slow_head(a: Attacker, seconds: float) -> None:
    """300 connections that send their head a byte at a time."""
    until = time.monotonic() + seconds
    await a.many(300, HEAD + b"X-A: ")
    await a.drip(b"a", until)
    await a.end()


async def slow_body(a: Attacker, seconds: float) -> None:
    """300 connections that announce a body and send it a byte at a time."""
    until = time.monotonic() + seconds
    await a.many(300, HEAD + b"Content-Length: 100000\r\n\r\n")
    await a.drip(b"a", until)
    await a.end()


async def slow_reader(a: Attacker, seconds: float) -> None:
    """100 connections that each ask 200 times for a large answer and read none of it."""
    request = b"GET " + a.path.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(100):
        _, writer = await a.connect()
        transport: Any = writer.transport
        transport.pause_reading()
        writer.write(request * 200)
        a.seen.sent += len(request) * 200
    await asyncio.sleep(seconds)
    for _, writer in a.open:
        try:  # a cut connection is noticed by writing
            writer.write(b"x")
            await asyncio.sleep(0)
            writer.write(b"x")
            await asyncio.sleep(0)
        except OSError:
            pass
    await asyncio.sleep(0.2)
    await a.end(reading=False)


ATTACKS: tuple[Attack, ...] = (
    endless_header, many_headers, wide_head, endless_trailer, endless_extension, endless_target, empty_lines,
    silent, half_headed, slow_head, slow_body, slow_reader,
)  # fmt: skip


def attacked(port: int, attack: Attack, *, seconds: float, path: str, large: str) -> Seen:
    """Run `attack` on the server at `port`, and watch as a bystander who asks for `path`."""
    seen = Seen(getattr(attack, "__name__", "attack"))

    async def both() -> None:
        attacking = asyncio.ensure_future(attack(Attacker(port, seen, large), seconds))
        await asyncio.sleep(0.1)
        while not attacking.done():
            status, took = await asyncio.to_thread(health, port, path)
            seen.health += 1
            seen.refused += status != 200
            seen.worst_s = max(seen.worst_s, took)
            await asyncio.wait([attacking], timeout=0.2)
        await attacking

    asyncio.run(both())
    return seen
