"""A database, a clock that tests can set, and ledgers that are closed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, text
from tests.fakes.clock import Clock

from countenance.ledger import Ledger
from countenance.signing import Signer

ORIGIN = "log.example/faces"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signer() -> Signer:
    return Signer(bytes(range(32)))


@pytest.fixture
def open_ledger(database: Engine, signer: Signer, clock: Clock) -> Iterator[Callable[..., Ledger]]:
    """Opens ledgers on the one database; what is not given is as in the other fixtures."""
    with ExitStack() as stack:

        def opened(**given: Any) -> Ledger:
            usual: dict[str, Any] = {
                "engine": database,
                "signer": signer,
                "origin": ORIGIN,
                "now": clock,
                "checkpoint_every_s": 3600.0,
            }
            made = Ledger(**{**usual, **given})
            stack.callback(made.close)
            return made

        yield opened


@pytest.fixture
def ledger(open_ledger: Callable[..., Ledger]) -> Ledger:
    return open_ledger()


@pytest.fixture
def locked(database: Engine) -> Callable[[], AbstractContextManager[None]]:
    """A context in which somebody else holds the database's write lock."""

    @contextmanager
    def hold() -> Iterator[None]:
        with database.connect() as connection, connection.begin():
            yield

    return hold


@pytest.fixture
def tamper(database: Engine) -> Callable[..., None]:
    """Runs one SQL statement behind the ledger's back."""

    def run(statement: str, **values: object) -> None:
        if database.dialect.name == "postgresql":
            statement = statement.replace("zeroblob(32)", "decode(repeat('00', 32), 'hex')")
            statement = statement.replace("char(10)", "chr(10)")
        with database.begin() as connection:
            connection.execute(text(statement), values)

    return run
