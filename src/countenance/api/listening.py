"""The server itself: it listens, with TLS where there is a certificate, and stops in good order.

SIGTERM and SIGINT: no new connection is taken, what is in hand is finished within a stated time, and `listen` returns.
A second SIGINT ends that wait. With TLS, the certificate is read again when its files change, and on SIGHUP.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from countenance.api.connections import ConnectionLimits, bounded
from countenance.api.forwarded import Proxies
from countenance.api.handshakes import secured
from countenance.errors import Misconfigured

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate with its chain, and its private key without a passphrase: two files in PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Listening:
    """Where and how to listen. stop_seconds: what is in hand has them to end. proxies: whose word on clients counts."""

    host: str
    port: int
    limits: ConnectionLimits
    stop_seconds: int
    tls: TlsFiles | None = None
    proxies: Proxies = Proxies()  # noqa: RUF009  # frozen


def listen(
    application: ASGIApp, how: Listening, stopping: Callable[[], None], *, look_s: float = _LOOK_EVERY_S
) -> None:
    """Serve `application` until a signal says to stop. stopping: called at that moment. From the main thread.

    look_s: how often it is looked whether the certificate changed. `Misconfigured` where it cannot be used.
    """
    certificate = None if how.tls is None else Certificate(how.tls)
    protocol: type[asyncio.Protocol] = bounded(how.limits, how.proxies)
    if certificate is not None:  # uvicorn is told of no TLS: it would count no handshake and let each last a minute
        protocol = secured(how.limits, certificate.context, how.proxies)
    config = uvicorn.Config(
        application,
        host=how.host,
        port=how.port,
        http=protocol,
        ws="none",  # whichever library for WebSockets is installed, its connections would have no limits
        backlog=how.limits.connections,  # all that wait in line are taken at once, each with a descriptor
        proxy_headers=False,  # who may say whom they speak for is said by `how.proxies` alone
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=how.stop_seconds,
    )
    server = _Server(config, stopping)
    with _kept_to_itself(signal.SIGTERM), _renewing(certificate, look_s), suppress(KeyboardInterrupt):
        server.run()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, and say so."""
        self._stopping()
        super().handle_exit(sig, frame)


class Certificate:
    """A TLS context whose certificate can change while it is in use: connections that are open keep the old one."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._seen = self._stamps()
        self.context = self._read()

    def renew(self, *, asked: bool = False) -> None:
        """Take the files again, if they changed or somebody `asked`; what cannot be used is logged and not taken."""
        stamps = self._stamps()
        if stamps == self._seen and not asked:
            return
        self._seen = stamps
        try:
            self._read()  # aside first: a certificate without its key would spoil the context in use
            self.context.load_cert_chain(self._files.certificate, self._files.key)
        except (Misconfigured, OSError) as error:
            log.error("the certificate stays as it was: %s", error)
        else:
            log.warning("the certificate was read again")

    def _stamps(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(path) for path in (self._files.certificate, self._files.key)]

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self._files.certificate, self._files.key, password=_no_passphrase)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            why = error.reason if isinstance(error, ssl.SSLError) else getattr(error, "strerror", None) or error
            raise Misconfigured(
                f"{self._files.certificate.name} and {self._files.key.name} are no certificate with its key in PEM "
                f"(COUNTENANCE_TLS_CERTIFICATE, COUNTENANCE_TLS_KEY): {why}"
            ) from error
        return context


def _no_passphrase() -> str:
    raise ValueError("the key is encrypted; it has to lie there without a passphrase")


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino


@contextmanager
def _kept_to_itself(number: signal.Signals) -> Iterator[None]:
    """A signal that uvicorn has dealt with, and raises again at its end, ends nothing more: what follows is closing."""
    before = signal.signal(number, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(number, before)


@contextmanager
def _renewing(certificate: Certificate | None, look_s: float) -> Iterator[None]:
    """Keep the certificate up to date meanwhile."""
    if certificate is None:
        yield
        return
    asked, ended = threading.Event(), threading.Event()

    def look() -> None:
        while not ended.is_set():
            signalled = asked.wait(look_s)
            asked.clear()
            certificate.renew(asked=signalled and not ended.is_set())

    before = signal.signal(signal.SIGHUP, lambda *_: asked.set())
    looking = threading.Thread(target=look, name="certificate", daemon=True)
    looking.start()
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
        ended.set()
        asked.set()
        looking.join()
