"""TLS handshakes, counted among the connections from the moment they are accepted, and ended when they take too long.

uvicorn makes its protocol when a handshake is done and states no time for it; here the loop listens without TLS, and
each connection is taken into TLS by `loop.start_tls`, as one that waits in the table (docs/adr/0010).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import get_remote_addr

from countenance.api.connections import NO_PROXIES, ConnectionLimits, ConnectionTable, bounded_in
from countenance.api.forwarded import Proxies


class Handshake(asyncio.Protocol):
    """One connection that is not in TLS yet: it waits, so it makes room for others as silent ones do."""

    def __init__(
        self,
        table: ConnectionTable,
        context: ssl.SSLContext,
        make: Callable[[], HttpToolsProtocol],
        connections: set[Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.table, self.loop = table, loop
        self._context, self._make, self._connections = context, make, connections
        self._early: list[bytes] = []
        self._served: HttpToolsProtocol | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, or let it in to be refused in words, or close it if too many are refused already."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.pause_reading()
        client = get_remote_addr(self.transport)
        self.address = client[0] if client else ""
        self.by_proxy = self.table.proxies.include(self.address)
        self.since = self.loop.time()
        self._connections.add(self)
        self._lingers = not self.table.admit(self)
        if self._lingers and not self.table.may_linger:
            self._lingers = False
            self._connections.discard(self)
            self.transport.abort()
            return
        self.table.lingering += self._lingers
        self._task = self.loop.create_task(self._secure())
        self.loop.call_soon(self.loop.call_soon, self._pass_on)  # when `start_tls` has put its protocol in place

    def data_received(self, data: bytes) -> None:
        """Bytes before TLS has this connection (uvloop reads them, paused or not), or with the end of its handshake."""
        self._early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the handshake, or tell the protocol that serves."""
        if self._served is not None:
            self._served.connection_lost(exc)
        elif self._task is not None:
            self._task.cancel()

    @property
    def waiting(self) -> bool:
        """No request can be in hand."""
        return True

    def check(self, now: float) -> None:
        """Nothing: the loop ends a handshake that takes too long."""

    def evict(self) -> None:
        """Close it to make room for another."""
        self.transport.abort()

    def shutdown(self) -> None:
        """The server ends (uvicorn calls this of all `connections`)."""
        self.transport.abort()

    def _pass_on(self) -> None:
        """Have TLS read what came before it."""
        data, self._early = b"".join(self._early), []
        secure: Any = self.transport.get_protocol()  # a buffered protocol, in uvloop not by its type
        while data and secure is not self and not self.transport.is_closing():
            room = secure.get_buffer(len(data))
            size = min(len(room), len(data))
            room[:size] = data[:size]
            secure.buffer_updated(size)
            data = data[size:]

    async def _secure(self) -> None:
        try:
            secured = await self.loop.start_tls(
                self.transport,
                self,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self.table.limits.head_seconds,
            )
        except OSError:  # too slow, gone, or no TLS
            return
        finally:
            self.table.leave(self)
            self.table.lingering -= self._lingers
            self._connections.discard(self)
        if secured is None or secured.is_closing():
            return
        self._served = self._make()
        secured.set_protocol(self._served)
        self._served.connection_made(secured)
        for data in self._early:
            self._served.data_received(data)


def secured(limits: ConnectionLimits, context: ssl.SSLContext, proxies: Proxies = NO_PROXIES) -> type[asyncio.Protocol]:
    """Like `bounded`, for a server that listens without TLS and is to speak it: handshakes count as connections.

    A handshake has `limits.head_seconds`.
    """
    table = ConnectionTable(limits, proxies)
    serve = bounded_in(table)

    def make(*, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> asyncio.Protocol:
        loop = _loop or asyncio.get_running_loop()

        def served() -> HttpToolsProtocol:
            return serve(config=config, server_state=server_state, app_state=app_state, _loop=loop)

        return Handshake(table, context, served, server_state.connections, loop)

    return cast(type[asyncio.Protocol], make)  # called as a class is
