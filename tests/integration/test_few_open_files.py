"""Where the system allows few open files a server holds fewer connections, and goes on answering and recording."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.integration.serving import grant, opened, serving, until

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
        silent: list[socket.socket] = []
        for n in range(MANY):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20, (ELSEWHERE, 0)))
            one.setblocking(False)
            if n % 2:
                one.sendall(b"POST / HTTP")
            silent.append(one)
        assert httpx.get(f"{live.endpoint}/healthz", timeout=20, trust_env=False).status_code == 200
        client.create_collection(CollectionId="meanwhile")
        held = connections_within(FILES, 512) * 128 // 512  # what one address may have of them
        assert until(lambda: sum(map(_open, silent)) <= held)
        stack.close()
        client.create_collection(CollectionId="after")
        assert live.process.poll() is None
        assert client.list_collections()["CollectionIds"] == ["after", "before", "meanwhile"]
        with opened(live.environment) as app:
            assert verify_records(Records(app.database)).findings == []
    assert [line for line in log.read_text().splitlines() if "a new installation" not in line] == []


def _open(connection: socket.socket) -> bool:
    """Whether the server has not closed it."""
    try:
        return bool(connection.recv(4096, socket.MSG_PEEK))
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
