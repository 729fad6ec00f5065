"""Several dialects at one address: the path's prefix decides which one answers."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send


class PrefixRouter:
    """One ASGI application made of several. rest: answers all other paths, start-up and shutdown. front: answers GET
    and HEAD of `/` itself, which browsers send and clients of the dialects do not.
    """

    def __init__(self, rest: ASGIApp, by_prefix: Mapping[str, ASGIApp], front: ASGIApp | None = None) -> None:
        self._rest = rest
        self._front = front
        self._by_prefix = dict(by_prefix)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the connection on."""
        await self._application(scope)(scope, receive, send)

    def _application(self, scope: Scope) -> ASGIApp:
        if scope["type"] == "http":
            for prefix, app in self._by_prefix.items():
                if scope["path"] == prefix or scope["path"].startswith(prefix + "/"):
                    return app
            if self._front and scope["path"] == "/" and scope["method"] in ("GET", "HEAD"):
                return self._front
        return self._rest
