"""Whoever has no key can make nobody wait: each attack on connections, while health and a client go on being served."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from benchmarks.attacks import ATTACKS, Attack, attacked, health
from tests.integration.serving import grant, serving

pytestmark = pytest.mark.hardening

HEALTH, LARGE = "/v1/health", "/v1/openapi.json"
UNTIL_CLOSED_S = 18.0
"""Longer than a head may take and an answer lingers, so that whoever sends none is cut off, on a slow machine too."""


@dataclass
class Steady:
    """A client with a key that goes on calling, from the attacker's own machine."""

    client: Any
    done: int = 0
    failed: list[str] = field(default_factory=list)
    worst_s: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Steady:
        self._thread = threading.Thread(target=self._call)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _call(self) -> None:
        while True:  # one call at least, however soon the attack ends
            began = time.monotonic()
            try:
                self.client.list_collections()
                self.done += 1
            except Exception as error:
                self.failed.append(repr(error))
            self.worst_s = max(self.worst_s, time.monotonic() - began)
            if self._stop.wait(0.1):
                return


@dataclass
class Target:
    port: int
    client: Any


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with serving(tmp_path_factory.mktemp("home")) as live:
        client = live.client(grant(live.environment))
        client.list_collections()
        yield Target(int(urlsplit(live.endpoint).port or 0), client)


HEADS = ("endless_header", "many_headers", "wide_head", "endless_target", "empty_lines")
"""Attacks that send more than 64 KiB or 100 lines of a head."""


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_on_connections_stops_neither_health_nor_a_client(target: Target, attack: Attack) -> None:
    name = getattr(attack, "__name__", "")
    until_closed = name in ("silent", "half_headed", "slow_head")
    with Steady(target.client) as steady:
        seen = attacked(target.port, attack, seconds=UNTIL_CLOSED_S if until_closed else 3.0, path=HEALTH, large=LARGE)
    assert health(target.port, HEALTH)[0] == 200
    assert seen.refused == 0, seen
    assert steady.failed == []
    if name in HEADS:
        assert set(seen.statuses) == {431}, seen
    else:
        assert 200 not in seen.statuses, seen
        assert steady.done
    if until_closed or name in HEADS:
        assert seen.still_open == 0, seen
