"""The start and end of an ASGI application: something that lasts from start-up to shutdown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger(__name__)


class Lifespan:
    """`inside`, with a context that is entered at start-up and left at shutdown, both off the event loop.

    A server that supports no lifespan enters nothing.
    """

    def __init__(self, inside: ASGIApp, context: Callable[[], AbstractContextManager[None]]) -> None:
        self._inside = inside
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the lifespan here and pass every other connection on."""
        if scope["type"] != "lifespan":
            await self._inside(scope, receive, send)
            return
        await receive()
        context = self._context()
        try:
            await asyncio.to_thread(context.__enter__)
        except Exception as error:
            log.error("start-up failed: %s", error)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.to_thread(context.__exit__, None, None, None)
        await send({"type": "lifespan.shutdown.complete"})
