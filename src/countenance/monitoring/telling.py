"""`/metrics` on an address of its own: who may reach the callers' port need not reach this one."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import ThreadingWSGIServer, make_wsgi_app

from countenance.errors import Misconfigured

PATH = "/metrics"
_PATIENCE_S = 10
"""How long a connection may be silent."""

_Answer = Callable[..., Any]


class MetricsServer:
    """Answers GET /metrics from `registry` between `start` and `stop`. host, port: where; port 0 takes a free one."""

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        self._application = _only_metrics(make_wsgi_app(registry))
        self._host, self._port = host, port

    def start(self) -> None:
        """Listen; `Misconfigured` where the address cannot be listened on."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        kind: type[ThreadingWSGIServer] = type("_Server", (ThreadingWSGIServer,), {"address_family": family})
        try:
            self._server = make_server(self._host, self._port, self._application, kind, handler_class=_Quiet)
        except OSError as error:
            where = f"{self._host}:{self._port}"
            raise Misconfigured(f"metrics cannot be told at {where} (COUNTENANCE_METRICS): {error.strerror}") from error
        self._thread = Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_port)

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Quiet(WSGIRequestHandler):
    timeout = _PATIENCE_S

    def address_string(self) -> str:
        return str(self.client_address[0])  # nobody's name is looked up

    def log_message(self, *_: Any) -> None:
        pass


def _only_metrics(metrics: _Answer) -> _Answer:
    def application(environ: dict[str, Any], start_response: _Answer) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH:
            start_response("404 Not Found", [("content-type", "text/plain")])
            return [f"metrics are at {PATH}\n".encode()]
        answer: Iterable[bytes] = metrics(environ, start_response)
        return answer

    return application
