"""The client's two ways to the same application: a real server on loopback, and in process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from tests.contract.native.native_world import World, now, world
from tests.fakes.rules import FixedRules

import countenance
from countenance.client.transports import InProcess
from countenance.policy import Verdict


@contextmanager
def both(folder: Path, way: str, rules: Any = None) -> Iterator[tuple[World, countenance.Client]]:
    """A world whose rules permit everything unless told otherwise, and a client with a key and tokens."""
    with world(folder, rules or FixedRules(Verdict.PERMIT)) as made:
        key = made.granted()
        with client_of(made, way, key) as client:
            yield made, client


@contextmanager
def client_of(made: World, way: str, key: dict[str, str], operator: str = "ann asks") -> Iterator[countenance.Client]:
    token = made.tokens[operator]
    if way == "http":
        with countenance.Client(made.url, key=key["access_key"], secret=key["secret"], token=token) as client:
            yield client
    else:
        inside = InProcess(made.native, lambda: None)
        with countenance.Client.through(inside, key["access_key"], key["secret"], token) as client:
            yield client


def in_days(days: int) -> Any:
    return now() + timedelta(days=days)


def entry_of(made: World, receipt: str) -> dict[str, Any]:
    index = int(receipt.split(";")[2])
    return cast("dict[str, Any]", json.loads(made.ledger.entry(index).text))
