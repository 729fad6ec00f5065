"""Where the system allows few open files a server holds fewer connections, and goes on answering and recording."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.integration.serving import grant, opened, serving

from countenance.api.connections import connections_within, files_for
from countenance.ledger import Records, verify_records

FILES, MANY = 256, 300
ELSEWHERE = "127.0.0.2"


@pytest.mark.parametrize(
    ("files", "held"), [(float("inf"), 512), (files_for(512), 512), (1024, 448), (256, 64), (160, 16), (159, 0)]
)
def test_connections_are_held_to_what_may_be_open(files: float, held: int) -> None:
    assert connections_within(files, 512) == held


def test_many_connections_at_a_low_limit_are_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(tmp_path / "home", log, FILES) as live, ExitStack() as stack:
        client = live.client(grant(live.environment))
        client.create_collection(CollectionId="before")
        port = int(urlsplit(live.endpoint).port or 0)
        for n in range(MANY):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20, (ELSEWHERE, 0)))
            half = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"  # in hand until the rest comes
            one.sendall(half if n % 2 else half[:9])
        assert httpx.get(f"{live.endpoint}/healthz", timeout=20, trust_env=False).status_code == 200
        client.create_collection(CollectionId="meanwhile")
        said = _first(socket.create_connection(("127.0.0.1", port), 20, (ELSEWHERE, 0)))
        assert said.startswith(b"HTTP/1.1 503 "), said
        assert b"too many connections" in said
        stack.close()
        client.create_collection(CollectionId="after")
        assert live.process.poll() is None
        assert client.list_collections()["CollectionIds"] == ["after", "before", "meanwhile"]
        with opened(live.environment) as app:
            assert verify_records(Records(app.database)).findings == []
    assert log.read_text() == ""


def _first(connection: socket.socket) -> bytes:
    with connection:
        return connection.recv(4096)
