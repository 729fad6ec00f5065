"""What a connection may cost before it is known whose it is: bytes, lines and time of a head, room, time to read.

uvicorn parses with httptools and has no such limits; this is its protocol class with them (docs/adr/0010). When there
is no room, connections without a complete request are closed first, so that silent ones lock nobody out.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from countenance.api.forwarded import Proxies

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

log = logging.getLogger(__name__)

_OF_REQUESTS = logging.getLogger(f"{__name__}.requests")
_OF_REQUESTS.setLevel(logging.ERROR)  # below that, uvicorn has a line for each malformed request, and for each upgrade


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """connections, per_address: open at once. head_bytes, head_lines: of a request's head, and of a trailer.

    head_seconds: until a head is complete, and before that for a TLS handshake. request_seconds: until a body is
    complete, even if it is answered before. write_seconds: until an answer is taken, and one more for each 64 KiB.
    pipelined: requests sent ahead of answers.
    """

    connections: int = 512
    per_address: int = 128
    head_bytes: int = 65_536
    head_lines: int = 100
    head_seconds: float = 10.0
    request_seconds: float = 60.0
    write_seconds: float = 20.0
    pipelined: int = 16


_OTHER_FILES, _FEWEST_OTHER_FILES = 512, 128
"""Files that a server has open beside its connections at most (the database, models, pictures in buckets), and those
that a small machine's needs."""
_FEWEST = 16
_MOST_LINGERING = 32
"""Refused connections that are kept open for their last answer; each holds a descriptor."""


def files_for(connections: int) -> int:
    """Open files that a server with so many connections may come to: as many again may be taken before they are counted
    and closed.
    """
    return 2 * connections + _OTHER_FILES


def connections_within(files: float, wanted: int) -> int:
    """How many of the `wanted` connections a server may hold where the system allows `files` open files; 0: too few."""
    if files >= files_for(wanted):
        return wanted
    possible = min(wanted, int(files - _FEWEST_OTHER_FILES) // 2)
    return possible if possible >= min(wanted, _FEWEST) else 0


_TICK_S = 0.5
_LINGER_S = 1.0
"""How long a refused client may go on sending before it is cut off; if cut off at once, it would not see the answer."""
_TAKEN_PER_S = 65_536
NO_PROXIES = Proxies()


class Connected(Protocol):
    """What the table holds: a connection that speaks HTTP, or one that is not so far. since: when its state began."""

    address: str
    by_proxy: bool
    since: float

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that it belongs to."""

    @property
    def waiting(self) -> bool:
        """Whether no request is in hand."""

    def check(self, now: float) -> None:
        """Close it if something took too long."""

    def evict(self) -> None:
        """Close it to make room for another."""


class ConnectionTable:
    """The open connections of one server. Belongs to one event loop."""

    def __init__(self, limits: ConnectionLimits, proxies: Proxies = NO_PROXIES) -> None:
        self.limits = limits
        self.proxies = proxies
        self._by_address: dict[str, dict[Connected, None]] = {}
        self._count = 0
        self._ticking = False
        self.lingering = 0

    def __len__(self) -> int:
        return self._count

    def admit(self, connection: Connected) -> bool:
        """Admit it, if need be in place of one that waits; False if all others have requests in hand."""
        mine = self._by_address.setdefault(connection.address, {})
        crowded = len(mine) >= self.limits.per_address and not connection.by_proxy
        if crowded and not self._evicted(mine):
            self._forget_empty(connection.address)
            return False
        if not crowded and self._count >= self.limits.connections:
            fullest = sorted(self._by_address.values(), key=len, reverse=True)
            if not any(self._evicted(some) for some in fullest):
                self._forget_empty(connection.address)
                return False
        self._by_address.setdefault(connection.address, mine)[connection] = None
        self._count += 1
        if not self._ticking:
            self._ticking = True
            connection.loop.call_later(_TICK_S, self._tick, connection.loop)
        return True

    def leave(self, connection: Connected) -> None:
        """Forget a closed connection."""
        mine = self._by_address.get(connection.address, {})
        if connection in mine:
            del mine[connection]
            self._count -= 1
        self._forget_empty(connection.address)

    def speaks_for(self, connection: Connected, address: str) -> bool:
        """It is a proxy's, and has a request for `address` in hand; False where that address has its share already.

        Connections of the proxy that wait make no room: they hold up nobody.
        """
        theirs = self._by_address.get(address, {})
        if connection not in theirs and len(theirs) >= self.limits.per_address and not self._evicted(theirs):
            return False
        if connection in self._by_address.get(connection.address, {}):
            self.leave(connection)
            self._count += 1
            self._by_address.setdefault(address, {})[connection] = None
        connection.address = address
        return True

    @property
    def may_linger(self) -> bool:
        """Whether one more refused connection may be kept open for its last answer."""
        return self.lingering < _MOST_LINGERING

    def _evicted(self, connections: Iterable[Connected]) -> bool:
        """Close the one that has waited longest, if any waits."""
        waiting = [each for each in connections if each.waiting]
        if not waiting:
            return False
        longest = min(waiting, key=lambda each: each.since)
        self.leave(longest)
        longest.evict()
        return True

    def _forget_empty(self, address: str) -> None:
        if not self._by_address.get(address, True):
            del self._by_address[address]

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close connections that took too long."""
        now = loop.time()
        for connection in [each for some in self._by_address.values() for each in some]:
            connection.check(now)
        self._ticking = self._count > 0
        if self._ticking:
            loop.call_later(_TICK_S, self._tick, loop)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol for one connection, within the limits of its table; made by `bounded`."""

    table: ConnectionTable

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Register the connection, or refuse it if there is no room."""
        super().connection_made(transport)
        self.logger = _OF_REQUESTS
        self.address = self._peer = self.client[0] if self.client else ""
        self.by_proxy = self.table.proxies.include(self._peer)
        self.since = self.loop.time()  # when the present state began: waiting, a head, a body
        self._lines = 0
        self._head_bytes = 0  # of the head or trailer so far, in complete lines
        self._unparsed = 0  # bytes since the parser last found something
        self._in_head = True
        self._fault: tuple[int, str] | None = None
        self._refused = self._lingers = False
        self._last_words = b""  # for when all before it is answered
        self._answering: RequestResponseCycle | None = None
        self._untaken_until: float | None = None
        if not self.table.admit(self):
            self._refuse(503, "too many connections; try again in a moment")

    def connection_lost(self, exc: Exception | None) -> None:
        """Free its room."""
        self.table.leave(self)
        self.table.lingering -= self._lingers
        self._tell_lost()
        super().connection_lost(exc)

    @property
    def waiting(self) -> bool:
        """Whether no request is in hand: none is complete yet, or all were answered."""
        return (self._answering is None or self._answering.response_complete) and not self.pipeline

    def data_received(self, data: bytes) -> None:
        """Parse, within bounds."""
        if self._refused:
            return
        if self._in_head and self._unparsed == 0 and self._head_bytes == 0:
            self.since = self.loop.time()  # the first bytes of a head
        self._unparsed += len(data)
        super().data_received(data)
        if not self._refused and self._unparsed > self.table.limits.head_bytes:
            self._refuse(431, f"the head of a request holds more than {self.table.limits.head_bytes} bytes")

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed, or is beyond a limit."""
        if self._fault is None and self.parser.get_method() == b"PRI":  # how HTTP/2 begins where nobody asked for it
            self._fault = (505, _NO_OTHER)
        what = "this" if self._in_head else "the body of the request"
        self._refuse(*(self._fault or (400, f"{what} is not HTTP/1.1")))

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._lines = self._head_bytes = self._unparsed = 0
        self._in_head = True
        if len(self.pipeline) >= self.table.limits.pipelined:
            self._stop(503, f"more than {self.table.limits.pipelined} requests were sent ahead of their answers")

    def on_url(self, url: bytes) -> None:
        """Part of the target."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of the head, or of a trailer."""
        self._lines += 1
        if self._lines > self.table.limits.head_lines:
            self._stop(431, f"the head of a request has more than {self.table.limits.head_lines} lines")
        self._count_head(len(name) + len(value) + 4)
        if self._in_head:  # nothing in a trailer is used here
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete; the body follows."""
        self._lines = self._head_bytes = self._unparsed = 0
        self.since = self.loop.time()
        version = self.parser.get_http_version()
        hosts = sum(name == b"host" for name, _ in self.headers)
        if version not in ("1.0", "1.1"):
            self._stop(505, _NO_OTHER)
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            self._stop(400, f"a request of HTTP/1.1 has one header Host; this one has {hosts}")
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings not in ([], [b"chunked"]):
            self._stop(501, "the one Transfer-Encoding that is read here is chunked")
        if self.by_proxy:
            self._hear_proxy()
        super().on_headers_complete()
        self._in_head = False

    def on_body(self, body: bytes) -> None:
        """Part of a body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete."""
        self._in_head = True
        self._lines = self._head_bytes = self._unparsed = 0
        self.since = self.loop.time()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """A request is answered; the time for the next one begins."""
        if self._in_head:
            self.since = self.loop.time()
        super().on_response_complete()
        if self._refused and self.waiting and not self.transport.is_closing():
            self._part()

    def check(self, now: float) -> None:
        """Close the connection if something took too long."""
        limits, waited = self.table.limits, now - self.since
        if self._not_taken(now):
            self._cut()
        elif self._refused or self.transport.is_closing():
            return
        elif self._in_head:
            if self.waiting and waited > limits.head_seconds:
                began = self._unparsed or self._head_bytes
                if began:
                    self._refuse(408, f"the head of a request took more than {limits.head_seconds:g} s")
                else:
                    self.transport.close()
        elif waited > limits.request_seconds:
            self._cut()

    def evict(self) -> None:
        """Close it to make room for another."""
        self.transport.abort()

    def _not_taken(self, now: float) -> bool:
        """Whether an answer has waited longer than any client needs to take it."""
        lying = self.transport.get_write_buffer_size()
        if lying == 0:
            self._untaken_until = None
        elif self._untaken_until is None:
            self._untaken_until = now + self.table.limits.write_seconds + lying / _TAKEN_PER_S
        return self._untaken_until is not None and now > self._untaken_until

    def _hear_proxy(self) -> None:
        """Take the client and the scheme that the proxy names for those of this request."""
        proxies = self.table.proxies
        address = proxies.client(self._peer, self.headers)
        if scheme := proxies.scheme(self._peer, self.headers):
            self.scope["scheme"] = scheme
        if address == self._peer:
            return
        self.scope["client"] = (address, 0)
        if not self.table.speaks_for(self, address):
            self._stop(503, "too many requests from your address are in hand; try again in a moment")

    def _count_head(self, size: int) -> None:
        self._unparsed = 0
        self._head_bytes += size
        if self._head_bytes > self.table.limits.head_bytes:
            self._stop(431, f"the head of a request holds more than {self.table.limits.head_bytes} bytes")

    def _stop(self, status: int, says: str) -> None:
        """Leave the parser, which has uvicorn call `send_400_response`."""
        self._fault = (status, says)
        raise ValueError(says)

    def _refuse(self, status: int, says: str) -> None:
        """Answer in all dialects at once, since the client's dialect is not known yet, and close.

        Requests before it are answered first. The one whose body is at fault gets this answer, unless it has its own.
        """
        self._refused = True
        self._last_words = _answer(status, says)
        if not self._in_head:
            if self.cycle.response_complete:
                self._last_words = b""
            elif self.cycle.response_started:
                self._cut()
                return
            else:
                self._take_back(self.cycle)
        if self.waiting:
            self._part()

    def _take_back(self, cycle: RequestResponseCycle) -> None:
        """Answer this request, the last one, no more."""
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
        else:
            self._answering = None
        _tell(cycle)

    def _part(self) -> None:
        """Say the last words and close."""
        self._unset_keepalive_if_required()
        self.transport.write(self._last_words)
        if self.transport.can_write_eof() and self.table.may_linger:
            self._lingers = True
            self.table.lingering += 1
            self.transport.write_eof()
            self.loop.call_later(_LINGER_S, self.transport.abort)
        else:
            self.transport.close()

    def _cut(self) -> None:
        """Close at once, whatever is in hand."""
        self._tell_lost()
        self.transport.abort()

    def _tell_lost(self) -> None:
        """Tell all requests in hand that nobody takes their answers: uvicorn tells only the last."""
        if self._answering is not None:
            _tell(self._answering)
        for cycle, _ in self.pipeline:
            _tell(cycle)
        self.pipeline.clear()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)


def _tell(cycle: RequestResponseCycle) -> None:
    """Its client is gone."""
    if not cycle.response_complete:
        cycle.disconnected = True
    cycle.message_event.set()


_SAID = {
    400: ("Bad Request", "ValidationException", "malformed"),
    408: ("Request Timeout", "RequestTimeoutException", "too-slow"),
    431: ("Request Header Fields Too Large", "RequestHeaderFieldsTooLargeException", "head-too-large"),
    501: ("Not Implemented", "ValidationException", "transfer-encoding"),
    503: ("Service Unavailable", "ThrottlingException", "overloaded"),
    505: ("HTTP Version Not Supported", "ValidationException", "version"),
}
_NO_OTHER = "HTTP/1.1 and 1.0 are spoken here; for HTTP/2, put a proxy in front"


def _answer(status: int, says: str) -> bytes:
    title, aws, kind = _SAID[status]
    events: dict[str, Any] = {
        "__type": aws,
        "message": says,
        "type": f"urn:countenance:problem:{kind}",
        "title": title,
        "status": status,
        "detail": says,
        "error": {"code": kind, "message": says},
    }
    body = json.dumps(events).encode()
    retry = "retry-after: 1\r\n" if status == 503 else ""
    head = (
        f"HTTP/1.1 {status} {title}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        f"cache-control: no-store\r\n{retry}connection: close\r\n\r\n"
    )
    return head.encode() + body


def bounded(limits: ConnectionLimits, proxies: Proxies = NO_PROXIES) -> type[HttpToolsProtocol]:
    """The protocol class for one server (`uvicorn.Config(http=...)`), with a table of its own."""
    return bounded_in(ConnectionTable(limits, proxies))


def bounded_in(table: ConnectionTable) -> type[HttpToolsProtocol]:
    """The protocol class of connections that `table` holds."""
    return type("Bounded", (BoundedProtocol,), {"table": table})
