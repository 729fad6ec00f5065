"""What a provider may not do to this server: answer too much, too slowly, elsewhere, or not in JSON."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.fakes.clock import Clock

from countenance.administration import IdentityProvider, ProviderTerms, identity_provider
from countenance.errors import Unauthenticated

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def answering(answer: Answer) -> Iterator[tuple[IdentityProvider, list[str]]]:
    """A provider whose every answer is `answer`, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer(self)

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        issuer = f"http://127.0.0.1:{server.server_port}"
        terms = ProviderTerms(issuer, "countenance", "secret", "https://faces.example/b", "https://faces.example/o")
        yield IdentityProvider(terms, Clock(datetime(2026, 11, 29, tzinfo=UTC))), asked
    finally:
        server.shutdown()
        server.server_close()


def redirects(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("location", "/elsewhere")
    handler.send_header("content-length", "0")
    handler.end_headers()


def sends(body: bytes, status: int = 200) -> Answer:
    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return send


def never_ends(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * 65_536)
    except OSError:
        pass


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.close()


@pytest.mark.parametrize(
    "answer",
    [
        redirects,
        never_ends,
        hangs_up,
        sends(b" " * 300_000 + b"{}"),
        sends(b"not JSON"),
        sends(b"[]"),
        sends(b"[" * 100_000),
        sends(b"\xff"),
        sends(b"{}", 500),
        sends(b"{}", 404),
    ],
    ids=range(10),
)
def test_an_answer_that_will_not_do_is_a_clean_refusal(answer: Answer) -> None:
    with answering(answer) as (provider, asked), pytest.raises(Unauthenticated):
        provider.sign_in_url("state", "nonce", "v" * 43)
    assert asked == ["/.well-known/openid-configuration"]  # and no other place


def test_an_answer_that_trickles_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_provider, "_WHOLE_S", 0.0)
    with (
        answering(sends(b" " * 1000 + b"{}")) as (provider, _),
        pytest.raises(Unauthenticated, match="does not answer"),
    ):
        provider.sign_in_url("state", "nonce", "v" * 43)


def test_an_answer_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_provider, "_WAIT_S", 0.05)
    done = threading.Event()
    with answering(lambda _handler: (done.wait(60), None)[1]) as (provider, _):
        with pytest.raises(Unauthenticated, match="does not answer"):
            provider.sign_in_url("state", "nonce", "v" * 43)
        done.set()
