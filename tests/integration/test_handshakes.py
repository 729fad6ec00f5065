"""TLS handshakes that are begun and not ended count as connections do: they lock nobody out and end in time."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from tests.integration.serving import REGION, grant, serving
from tests.integration.test_listening import listening, write_certificate

UNTIL_CLOSED_S = 60.0
"""Long after the 10 s that a handshake has, for slow machines; asyncio's own limit alone would be that long."""
BYSTANDER = "127.0.0.3"


def half_a_hello() -> bytes:
    """The first half of what a client of TLS sends first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello = outgoing.read()
    return hello[: len(hello) // 2]


def connections(stack: ExitStack, port: int, addresses: list[str], each: int, first: bytes) -> list[socket.socket]:
    """That many from each address, each having sent `first`."""
    made = []
    for address in addresses:
        for _ in range(each):
            made.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 30, (address, 0))))
            if first:
                made[-1].sendall(first)
    return made


def health(port: int, chain: Path) -> bytes:
    """What somebody at another address is answered, in TLS."""
    context = ssl.create_default_context(cafile=str(chain))
    with (
        socket.create_connection(("127.0.0.1", port), 30, (BYSTANDER, 0)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        secured.sendall(b"GET /v1/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        return b"".join(iter(lambda: secured.recv(4096), b""))


def still_open(made: list[socket.socket]) -> int:
    """How many the server has not closed. Those that it has are taken out of `made`."""
    for each in list(made):
        each.setblocking(False)
        try:
            if each.recv(4096):
                continue
        except BlockingIOError:
            continue
        except OSError:
            pass
        made.remove(each)
    return len(made)


def wait_until_open(made: list[socket.socket], most: int) -> None:
    until = time.monotonic() + UNTIL_CLOSED_S / 2
    while still_open(made) > most:
        assert time.monotonic() < until, f"{len(made)} are still open"
        time.sleep(0.1)


def test_silent_handshakes_make_room_for_newer_ones_of_their_address_and_end_in_time(tmp_path: Path) -> None:
    write_certificate(tmp_path, 7)
    with listening(tmp_path, each=4) as server, ExitStack() as stack:
        made = connections(stack, server.port, ["127.0.0.2"], 10, b"")
        wait_until_open(made, 4)
        assert len(made) == 4
        assert b'"scheme": "https"' in health(server.port, tmp_path / "chain.pem")


def test_who_finds_no_room_is_told_so_in_tls(tmp_path: Path) -> None:
    write_certificate(tmp_path, 9)
    context = ssl.create_default_context(cafile=str(tmp_path / "chain.pem"))
    with (
        listening(tmp_path, each=1) as server,
        socket.create_connection(("127.0.0.1", server.port), 30, (BYSTANDER, 0)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        secured.sendall(b"GET /slow?30 HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert server.told() == "begun"
        for _ in range(40):  # each lingers for a moment, and none for longer
            answer = health(server.port, tmp_path / "chain.pem")
            assert answer.startswith(b"HTTP/1.1 503") and b"too many connections" in answer


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path, Any]]:
    folder = tmp_path_factory.mktemp("tls")
    write_certificate(folder, 8)
    chain, key = folder / "chain.pem", folder / "key.pem"
    more = {"COUNTENANCE_TLS_CERTIFICATE": str(chain), "COUNTENANCE_TLS_KEY": str(key)}
    with serving(tmp_path_factory.mktemp("home"), **more) as live:
        access, port = grant(live.environment), int(urlsplit(live.endpoint).port or 0)
        client = boto3.session.Session().client(
            "rekognition",
            endpoint_url=f"https://localhost:{port}",
            region_name=REGION,
            aws_access_key_id=access.access_key,
            aws_secret_access_key=access.secret,
            verify=str(chain),
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )
        client.list_collections()
        yield port, chain, client


@pytest.mark.hardening
@pytest.mark.parametrize(
    ("addresses", "each", "sent"),
    [
        (["127.0.0.2"], 500, b""),
        (["127.0.0.2"], 500, half_a_hello()),
        ([f"127.0.1.{n}" for n in range(1, 8)], 100, b""),
    ],
    ids=["silent", "half-a-hello", "from-seven-addresses"],
)
def test_handshakes_without_an_end_lock_nobody_out(
    target: tuple[int, Path, Any], addresses: list[str], each: int, sent: bytes
) -> None:
    port, chain, client = target
    with ExitStack() as stack:
        made = connections(stack, port, addresses, each, sent)
        for _ in range(5):
            assert health(port, chain).startswith(b"HTTP/1.1 200")
            client.list_collections()
        assert still_open(made) <= 512
        wait_until_open(made, 0)
        assert health(port, chain).startswith(b"HTTP/1.1 200")
