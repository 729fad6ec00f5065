"""How a request reaches /v1: over HTTP, or in this process. Redirects are not followed, nothing is tried twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Thread
from typing import Any, Protocol
from urllib.parse import urlsplit

from countenance.errors import BadRequest


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What came back. headers: by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Sends requests; from several threads at once, too."""

    def send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, seconds: float | None = None
    ) -> RawAnswer:
        """The answer; `ConnectionError` if there is none. target: path and query.

        seconds: without a byte, where this call is given longer than others.
        """

    def close(self) -> None:
        """Give back what it holds."""


class HttpTransport:
    """A server's address. timeout: seconds without a byte. Certificates are checked; proxies are not used."""

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise BadRequest("the server's address is http://HOST:PORT or https://HOST")
        if parts.username is not None:
            raise BadRequest("give key and secret by name, not in the address")
        import urllib3  # it opens a socket when imported

        self._failed = urllib3.exceptions.HTTPError
        self._timeout = timeout
        self._base = url.rstrip("/")
        self._pool = urllib3.PoolManager(maxsize=16, retries=False, timeout=timeout)

    def send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, seconds: float | None = None
    ) -> RawAnswer:
        """One request over a connection that is kept."""
        try:
            answer = self._pool.request(
                method,
                self._base + target,
                headers=dict(headers),
                body=body or None,
                redirect=False,
                timeout=max(self._timeout, seconds or 0.0),
            )
        except self._failed as error:
            raise ConnectionError(f"{self._base} does not answer: {type(error).__name__}") from error
        named = {name.lower(): value for name, value in answer.headers.items()}
        return RawAnswer(answer.status, named, answer.data)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


class InProcess:
    """An ASGI application, run on an event loop in a thread of its own. closing: called at the end."""

    def __init__(self, application: Callable[..., Any], closing: Callable[[], None]) -> None:
        self._application = application
        self._closing = closing
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="countenance", daemon=True)
        self._thread.start()

    def send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, seconds: float | None = None
    ) -> RawAnswer:
        """One request; waits for the whole answer, however long."""
        if self._closed:
            raise ConnectionError("this installation is closed")
        return asyncio.run_coroutine_threadsafe(self._ask(method, target, headers, body), self._loop).result()

    def close(self) -> None:
        """Stop the loop, then close the installation."""
        if self._closed:
            return
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._closing()

    async def _ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> RawAnswer:
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [
                (name.lower().encode(), value.encode())
                for name, value in {**headers, "content-length": str(len(body))}.items()
            ],
            "client": None,
            "server": None,
        }
        sent: list[dict[str, Any]] = []
        given = False

        async def receive() -> dict[str, Any]:
            nonlocal given
            if given:
                await asyncio.Event().wait()  # nobody hangs up
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._application(scope, receive, send)
        named = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return RawAnswer(sent[0]["status"], named, b"".join(each.get("body", b"") for each in sent[1:]))
