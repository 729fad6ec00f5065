"""Cases and reviews on real stores, the real guard and a fake engine; the rules demand what a test says."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from tests.fakes.clock import Clock
from tests.fakes.engine import FakeEngine, picture_of
from tests.fakes.films import Films
from tests.fakes.rules import SearchRules
from tests.unit.console.conftest import CALIBRATION

from countenance import administration, operations
from countenance.administration import Case, Grade, ReviewLimits
from countenance.budgets import Budgets, read_defaults
from countenance.casework import CaseRecords, CaseSearch, PartFinding, WaitingPictures
from countenance.custody import Custody
from countenance.database import open_database
from countenance.gallery import Gallery, gallery_rows, user_rows
from countenance.ledger import Bindings, Ledger
from countenance.mandates import Holder, MoratoriumStore, Register, Terms
from countenance.operations import Caller, CreateGallery, Enrol
from countenance.policy import Rules, Verdict
from countenance.policy.obligations import Reviewers
from countenance.scoring import RawCosine
from countenance.signing import Signer

START = datetime(2026, 11, 29, 10, tzinfo=UTC)


@dataclass
class CaseWorld:
    """People 0 to 4 are enrolled in the gallery g1, of which 3 is searched for. ann asks, sue supervises."""

    clock: Clock
    ledger: Ledger
    rules: SearchRules
    records: CaseRecords
    custodian: administration.Custodian
    mandates: administration.Mandates
    cases: administration.Cases
    reviews: administration.Reviews
    guard: operations.Guard
    caller: Caller
    mandate_id: str
    films: Films
    videos: administration.CaseVideos
    tools: operations.Tools

    def opened(self, **more: str) -> Case:
        facts = {"purpose": "find a witness", "offence": "a theft", "authority": "court 3", "reference": "w-17"}
        return self.cases.open(self.mandate_id, "ann", until=self.clock.now + timedelta(days=2), **{**facts, **more})

    def searched(self, case: Case, *people: int, place: int = 0, similarity: float = 80.0) -> CaseSearch:
        seen = self.cases.look(case.case_id, "ann", self.caller, picture_of(*people))
        return self.searched_with(case.case_id, seen.picture_id, place, similarity)

    def searched_with(
        self, case_id: str, picture_id: str, place: int = 0, similarity: float = 80.0, limit: int = 10
    ) -> CaseSearch:
        """A search with a picture that waits for it."""
        return self.cases.search(
            case_id,
            "ann",
            self.caller,
            picture_id=picture_id,
            place=place,
            gallery_id="g1",
            similarity=similarity,
            limit=limit,
        )

    def compared(self, case: Case, one: bytes, other: bytes, *places: int, similarity: float = 80.0) -> CaseSearch:
        seen = [self.cases.look(case.case_id, "ann", self.caller, each) for each in (one, other)]
        pictures = [(each.picture_id, place) for each, place in zip(seen, places or (0, 0), strict=True)]
        return self.cases.compare(case.case_id, "ann", self.caller, pictures=pictures, similarity=similarity)

    def under_review(self, case: Case | None = None, person: int = 3) -> CaseSearch:
        """A search whose leads are withheld and can be judged."""
        search = self.searched(case or self.opened(), person)
        for place, name in self.cases.file.missing(search.search_id).items():
            self.cases.bring(search.search_id, place, "sue", picture_of(int(name.removeprefix("p-"))))
        return search

    def judged(self, reviewer: str, grade: Grade) -> str:
        item = self.reviews.next(reviewer)
        assert item, reviewer
        self.reviews.looked(item, reviewer, frozenset({"nose", "ears"}))
        self.reviews.judge(item, reviewer, grade, {"nose": PartFinding.SIMILAR, "ears": PartFinding.UNCLEAR})
        self.clock.advance(1)
        return item

    def seen(self, search: CaseSearch) -> administration.CaseResult:
        return self.cases.result(search.search_id, "ann", supervises=False)

    def changes(self, kind: str) -> list[object]:
        return [entry.fields.get("change") for entry in self.ledger.entries() if entry.kind == kind]

    def pairs(self, count: int, *, same: bool) -> None:
        for n in range(count):
            self.reviews.add_pair("ann", self.caller, picture_of(5 + n), picture_of(6 + n), same=same)


@pytest.fixture
def known_rate() -> float:
    return 0.0


@pytest.fixture
def world(place: Path | str, tmp_path: Path, known_rate: float) -> Iterator[CaseWorld]:
    clock = Clock(START)
    database = open_database(place)
    ledger = Ledger(database, Signer(bytes(32)), "ledger.test", clock)
    register, custody = Register(database, bytes(32), clock), Custody(database, bytes(32), clock)
    in_force = operations.MoratoriaInForce(MoratoriumStore(database), None)
    records = CaseRecords(database, bytes(32), clock)
    waiting = WaitingPictures(database, bytes(32), clock)
    bindings = Bindings(database, ledger, bytes(32), (gallery_rows, user_rows), records.erase_pictures_of_faces)
    gallery = Gallery(database, RawCosine(), clock, lambda: str(uuid.uuid4()), recorder=bindings)
    tools = operations.Tools(FakeEngine(), gallery, RawCosine(), CALIBRATION, (), operations.Jobs(database, clock))
    rules = SearchRules(Verdict.PERMIT)
    budgets = operations.BudgetKeeper(Budgets(database, bytes(32), clock), read_defaults())
    mandates = administration.Mandates(register, ledger, clock, budgets)
    guard = operations.Guard(tools, cast(Rules, rules), ledger, register, custody, in_force, clock, budgets)
    custodian = administration.Custodian(custody, register, gallery, ledger, clock, partial(records.has, "hold"))
    cases = administration.Cases(records, waiting, custodian, mandates, guard, ledger, lambda: tools)
    reviews = administration.Reviews(
        cases, records, custodian, mandates, guard, ledger, lambda: tools, ReviewLimits(known_rate)
    )
    films = Films(tmp_path)
    holder = Holder("City police", "police", powers=("arrest",), tier="municipal", jurisdictions=("US",))
    terms = Terms("criminal_investigation", "public_task", ("g*",), ("*",), '{"gallery": {"provenance": "booking"}}')
    expires = START + timedelta(days=30)
    asked = mandates.request(holder, terms, requested_by="ann", expires_at=expires)
    mandates.approve(asked.mandate_id, approved_by="sue")
    caller = Caller(mandates.issue_key(asked.mandate_id, to="ann").access_key)
    guard.carry_out(caller, CreateGallery("g1", {}))
    for person in range(5):
        guard.carry_out(caller, Enrol("g1", picture_of(person), f"p-{person}"))
    yield CaseWorld(
        clock,
        ledger,
        rules,
        records,
        custodian,
        mandates,
        cases,
        reviews,
        guard,
        caller,
        asked.mandate_id,
        films,
        administration.CaseVideos(cases, records, guard, ledger, films.stored, films.copied),
        tools,
    )
    ledger.close()
    database.dispose()


@pytest.fixture
def reviewed(world: CaseWorld) -> CaseWorld:
    """The rules demand two reviewers."""
    world.rules.obligations = (Reviewers(2, "x-1"),)
    return world
