"""Small servers that speak as the audited services do, for their real clients: answers by script, requests recorded."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request: its path with query, its headers in lower case, its body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


@dataclass(frozen=True)
class Said:
    """One answer."""

    body: object
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@contextmanager
def service(answer: Callable[[Asked], Said], kind: str) -> Iterator[tuple[str, list[Asked]]]:
    """Serve `answer` on a free port; yields the address and the list of requests."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            request = Asked(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            asked.append(request)
            said = answer(request)
            content = json.dumps(said.body).encode()
            self.send_response(said.status)
            for name, value in {"content-type": kind, "content-length": str(len(content)), **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
