"""Charges edited by hand are noticed by the next call that charges, and named; what nobody answered for may be lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.fakes.clock import Clock

from countenance.binding import Fetch
from countenance.budgets import Budget, Budgets, Spending
from countenance.database import open_database, writing
from countenance.errors import BudgetSpent, NotAsRecorded

BUDGET = Budget(minute=10**6, day=100, key=10**6, gallery=10**6, subject=10**6, alike=10**6)
HOUR, DAY = 3600, 24 * 3600
ROWS = 6


@dataclass
class Servers:
    """Processes on one database, and the heads that the entries of their ledger name."""

    database: Engine
    clock: Clock
    heads: list[str] = field(default_factory=list)

    def server(self) -> Budgets:
        return Budgets(self.database, bytes(32), self.clock, self.named)

    def named(self, fetch: Fetch, start: int) -> tuple[int, Iterator[tuple[int, str]]]:
        return len(self.heads), iter(list(enumerate(self.heads))[start:][::-1])

    def spend(self, server: Budgets, comparisons: int = 1, *, recorded: bool = True) -> int:
        left = server.spend("m", "k", "g", BUDGET, Spending(comparisons, subjects=(("user", "jane"),)))
        if recorded:
            self.heads.append(left.charged)
        return left.left["day"]

    def forge(self, *statements: str) -> None:
        with self.database.begin() as connection:
            for statement in statements:
                assert connection.exec_driver_sql(statement).rowcount != 0, statement


@pytest.fixture
def servers(place: Path | str) -> Iterator[Servers]:
    engine = open_database(place)
    yield Servers(engine, Clock())
    engine.dispose()


MOVE = "UPDATE budget_charges SET number = {} WHERE number = {}"
# what is edited -> statements, and what is said of it
FORGERIES: dict[str, tuple[list[str], str]] = {
    "a charge lowered": (
        ["UPDATE budget_charges SET sealed = (SELECT sealed FROM budget_charges WHERE number = 2) WHERE number = 4"],
        "row 4 is not as it was charged",
    ),
    "a charge that cannot be read": (
        ["UPDATE budget_charges SET sealed = link WHERE number = 3"],
        "row 3 is not as it was charged",
    ),
    "the first deleted": (["DELETE FROM budget_charges WHERE number = 1"], "row 2 .* or rows before it are gone"),
    "one deleted": (["DELETE FROM budget_charges WHERE number = 3"], "rows 3 to 3 are gone"),
    "one deleted and the rest moved up": (
        ["DELETE FROM budget_charges WHERE number = 3", *(MOVE.format(n - 1, n) for n in range(4, ROWS + 1))],
        "row 3 is not as it was charged",
    ),
    "the last deleted": (["DELETE FROM budget_charges WHERE number = 6"], "row 6, which entry 5 recorded, is gone"),
    "all deleted": (["DELETE FROM budget_charges"], "row 1, which entry 0 recorded, is gone"),
    "two exchanged": (
        [MOVE.format(99, 3), MOVE.format(3, 4), MOVE.format(4, 99)],
        "row 3 is not as it was charged",
    ),
    "a charge moved in time": ([MOVE.format(7, 6)], "rows 6 to 6 are gone"),
    "a link changed": (
        ["UPDATE budget_charges SET link = (SELECT link FROM budget_charges WHERE number = 1) WHERE number = 6"],
        "row 6 is not as it was charged",
    ),
    "a charge made up": (
        ["INSERT INTO budget_charges SELECT 7, link, sealed FROM budget_charges WHERE number = 6"],
        "row 7 is not as it was charged",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_account_is_noticed_by_the_next_charge_and_the_row_is_named(servers: Servers, name: str) -> None:
    first = servers.server()
    for n in range(ROWS):
        assert servers.spend(first) == 99 - n
        servers.clock.advance(60)
    assert first.differences() == []
    statements, says = FORGERIES[name]
    servers.forge(*statements)
    said = "\n".join(first.differences())
    assert re.search(says, said), said
    started = servers.server()
    for _ in range(2):
        with pytest.raises(NotAsRecorded, match="ledger verify"):
            servers.spend(started)
    with pytest.raises(NotAsRecorded):
        started.state("m", BUDGET)


def test_an_older_state_of_the_account_is_noticed_by_a_running_and_a_new_process(servers: Servers) -> None:
    running, elsewhere = servers.server(), servers.server()
    servers.spend(running)
    servers.forge("CREATE TABLE kept AS SELECT * FROM budget_charges")
    for _ in range(3):
        servers.spend(elsewhere)
    servers.forge("DELETE FROM budget_charges", "INSERT INTO budget_charges SELECT * FROM kept")
    for each in (running, elsewhere, servers.server()):
        with pytest.raises(NotAsRecorded):
            servers.spend(each)


def test_what_one_process_forked_is_noticed_where_the_other_goes_on(servers: Servers) -> None:
    """A charge that no entry names yet is deleted and another takes its number; then its entry comes."""
    one, other = servers.server(), servers.server()
    servers.spend(one)
    late = one.spend("m", "k", "g", BUDGET, Spending(50)).charged
    servers.forge("DELETE FROM budget_charges WHERE number = 2")
    servers.spend(other)
    servers.heads.append(late)
    for each in (one, other, servers.server()):
        with pytest.raises(NotAsRecorded):
            servers.spend(each)
    assert "row 2, which entry 2 recorded" in "".join(one.differences())


def test_a_charge_that_no_entry_names_may_be_lost_as_with_the_power(servers: Servers) -> None:
    one, other = servers.server(), servers.server()
    servers.spend(one)
    servers.spend(one, 50, recorded=False)
    servers.forge("DELETE FROM budget_charges WHERE number = 2")
    assert servers.spend(one) == 98
    assert servers.spend(other) == 97
    assert one.differences() == []


def test_what_is_over_is_deleted_and_a_process_that_slept_goes_on(servers: Servers) -> None:
    slept, awake = servers.server(), servers.server()
    for _ in range(30):
        servers.spend(slept)
        servers.spend(awake)
        servers.clock.advance(HOUR)
    for _ in range(30):
        servers.spend(awake)
        servers.clock.advance(HOUR)
    with servers.database.connect() as connection:
        rows = connection.exec_driver_sql("SELECT count(*), min(number) FROM budget_charges").one()
    assert rows[0] <= 27
    assert rows[1] > 60
    assert servers.spend(slept) == servers.spend(servers.server()) + 1
    assert slept.differences() == []
    for forged in ("number = (SELECT min(number) FROM budget_charges)", "number < 1000000"):
        servers.forge(f"DELETE FROM budget_charges WHERE {forged}")
        with pytest.raises(NotAsRecorded):
            servers.spend(servers.server())


def test_rows_put_back_after_their_time_are_noticed(servers: Servers) -> None:
    server = servers.server()
    for _ in range(3):
        servers.spend(server)
        servers.clock.advance(HOUR)
    servers.forge("CREATE TABLE kept AS SELECT * FROM budget_charges")
    servers.clock.advance(2 * DAY)
    servers.spend(server)
    servers.forge(
        "INSERT INTO budget_charges SELECT * FROM kept WHERE number NOT IN (SELECT number FROM budget_charges)"
    )
    assert "row 3 is not as it was charged" in "".join(server.differences())
    with pytest.raises(NotAsRecorded):
        servers.spend(servers.server())


def test_another_key_reads_nothing(servers: Servers) -> None:
    servers.spend(servers.server())
    with pytest.raises(NotAsRecorded):
        servers.spend(Budgets(servers.database, bytes(31) + b"x", servers.clock, servers.named))


def test_what_is_accepted_keeps_the_charges_that_can_be_read(servers: Servers) -> None:
    server = servers.server()
    for _ in range(4):
        servers.spend(server, 10)
    servers.forge(
        "DELETE FROM budget_charges WHERE number = 4", "UPDATE budget_charges SET sealed = link WHERE number = 2"
    )
    with pytest.raises(NotAsRecorded):
        servers.spend(server)
    with writing(servers.database) as transaction:
        ended, head = server.accept(transaction)
    servers.heads.append(head)
    assert ended == 2
    assert server.differences() == []
    assert servers.spend(server, 80) == 0
    with pytest.raises(BudgetSpent):
        servers.spend(servers.server())
