"""A charge that is deleted before its call's result is recorded: the call has no answer, so the deletion gains none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine
from tests.fakes.clock import Clock
from tests.fakes.engine import FakeEngine, picture_of
from tests.fakes.rules import FixedRules
from tests.unit.operations.conftest import CALIBRATION, CHARTER, NOW

from countenance.budgets import Budgets, Spending, read_defaults
from countenance.custody import Custody
from countenance.database import open_database
from countenance.errors import BudgetSpent, NotAsRecorded
from countenance.gallery import Gallery
from countenance.ledger import Ledger, named_heads
from countenance.mandates import Holder, MoratoriumStore, Register, Terms
from countenance.operations import BudgetKeeper, Caller, Compare, Guard, Jobs, MoratoriaInForce, Tools
from countenance.policy import Rules, Verdict
from countenance.scoring import RawCosine
from countenance.signing import JSON, Signer

ASK = Compare(picture_of(1), picture_of(2))
LAST = "DELETE FROM budget_charges WHERE number = (SELECT max(number) FROM budget_charges)"
RENAMED = "UPDATE budget_charges SET number = number + 100 WHERE number = (SELECT max(number) FROM budget_charges)"


class Installation:
    """A server with its own ledger on a database; another process is another one."""

    def __init__(self, database: Engine) -> None:
        self.database, self.clock = database, Clock()
        self.ledger = Ledger(database, Signer(bytes(32)), "charged.test", self.clock)
        self.budgets = Budgets(database, bytes(32), self.clock, named_heads)
        self.register = Register(database, bytes(32), self.clock)
        gallery = Gallery(database, RawCosine(), self.clock, lambda: "id")
        self.guard = Guard(
            Tools(FakeEngine(), gallery, RawCosine(), CALIBRATION, (), Jobs(database, self.clock)),
            cast(Rules, FixedRules(Verdict.PERMIT)),
            self.ledger,
            self.register,
            Custody(database, bytes(32), self.clock),
            MoratoriaInForce(MoratoriumStore(database), CHARTER),
            self.clock,
            BudgetKeeper(self.budgets, read_defaults()),
        )

    def caller(self, budget: str) -> Caller:
        terms = Terms("payment", "consent", ("*",), ("*",), "{}", budget)
        asked = self.register.request(Holder("A"), terms, requested_by="ann", expires_at=NOW + timedelta(days=1))
        self.register.approve(asked.mandate_id, approved_by="ben")
        return Caller(self.register.issue_key(asked.mandate_id).access_key)

    def forge(self, statement: str) -> None:
        with self.database.begin() as connection:
            assert connection.exec_driver_sql(statement).rowcount == 1

    def outcomes(self) -> list[object]:
        return [entry.fields["outcome"] for entry in self.ledger.entries() if entry.kind == "result"]


@pytest.fixture
def server(place: Path | str) -> Iterator[Installation]:
    engine = open_database(place)
    server = Installation(engine)
    yield server
    server.ledger.close()
    engine.dispose()


def meddling(do: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `do` done when a comparison has been charged and its result is not recorded yet."""

    def said(*_: object) -> dict[str, JSON]:
        do()
        return {}

    monkeypatch.setattr(Compare, "private_result", said)


@pytest.mark.parametrize("statement", [LAST, RENAMED])
def test_a_call_whose_charge_was_removed_meanwhile_has_no_answer(
    server: Installation, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    asking = server.caller("day=2")
    server.guard.carry_out(asking, ASK)
    with monkeypatch.context() as during:
        meddling(lambda: server.forge(statement), during)
        with pytest.raises(NotAsRecorded, match="has no answer") as caught:
            server.guard.carry_out(asking, ASK)
    assert server.outcomes() == ["done", "NotAsRecorded"]
    assert caught.value.receipt == server.ledger.receipt(server.ledger.size - 1).header()
    assert not server.ledger.open_decisions()


def test_what_is_won_by_it_is_the_cost_of_the_call_without_an_answer(
    server: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking, answers = server.caller("day=3"), 0
    with monkeypatch.context() as during:
        meddling(lambda: server.forge(LAST), during)
        for _ in range(5):
            with pytest.raises(NotAsRecorded):
                server.guard.carry_out(asking, ASK)
    for _ in range(3):
        answers += server.guard.carry_out(asking, ASK) is not None
    with pytest.raises(BudgetSpent):
        server.guard.carry_out(asking, ASK)
    assert answers == 3
    assert server.budgets.differences() == []


def test_a_charge_removed_after_its_result_stops_every_process(server: Installation) -> None:
    asking, other = server.caller("day=9"), Installation(server.database)
    server.guard.carry_out(asking, ASK)
    server.forge(LAST)
    for each in (server, other):
        with pytest.raises(NotAsRecorded, match="nothing is compared"):
            each.guard.carry_out(asking, ASK)
    (difference,) = server.budgets.differences()
    assert "row 1, which entry" in difference
    other.ledger.close()


def test_a_process_that_ends_between_charge_and_result_leaves_an_open_decision(server: Installation) -> None:
    asking = server.caller("day=1")
    decided = server.ledger.append({"kind": "decision", "verdict": "permit"}).wait()
    mandate = server.register.mandate_of(asking.access_key)
    assert mandate is not None
    charge = BudgetKeeper(server.budgets, read_defaults()).charge
    assert charge(asking.access_key, mandate, None, True, Spending(1)) is not None
    server.forge(LAST)  # as the power does
    assert [entry.sequence for entry in server.ledger.open_decisions()] == [decided.index]
    server.guard.carry_out(asking, ASK)
