"""What holds for mandates whichever door asks: who gets a key, what a template fills, that the ledger comes first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

import pytest
from tests.fakes.ledger import FakeLedger
from tests.unit.operations.conftest import NOW, World

from countenance.administration import Holder, Mandate, MandateDraft, Mandates, Terms, templates
from countenance.errors import BadRequest, Conflict, Denied, NotFound, NotRecorded
from countenance.ledger import Pending
from countenance.signing import JSON

TERMS = Terms("photo_library", "consent", ("g*",), ("identify",))
SCHOOL = templates()["school-photo-day"] if "school-photo-day" in templates() else next(iter(templates().values()))


@pytest.fixture
def mandates(world: World) -> Mandates:
    return Mandates(world.register, world.ledger, world.clock, world.budgets)  # type: ignore[arg-type]


@pytest.fixture
def approved(mandates: Mandates) -> Mandate:
    asked = mandates.request(Holder("A museum"), TERMS, requested_by="ann", expires_at=NOW + timedelta(days=1))
    return mandates.approve(asked.mandate_id, approved_by="ben")


def test_only_whoever_requested_a_mandate_gets_its_key(mandates: Mandates, approved: Mandate) -> None:
    for other in ("ben", "A museum", ""):
        with pytest.raises(Denied, match="whoever requested"):
            mandates.issue_key(approved.mandate_id, to=other)
    assert mandates.issue_key(approved.mandate_id, to="ann").mandate_id == approved.mandate_id


def test_a_mandate_that_is_not_active_gives_no_key_and_records_none(mandates: Mandates, world: World) -> None:
    asked = mandates.request(Holder("A museum"), TERMS, requested_by="ann", expires_at=NOW + timedelta(days=1))
    entries = len(list(world.ledger.entries()))
    with pytest.raises(Conflict, match="requested"):
        mandates.issue_key(asked.mandate_id, to="ann")
    assert len(list(world.ledger.entries())) == entries


class FullDisk(FakeLedger):
    def append(
        self, public: Mapping[str, JSON], private: Mapping[str, JSON] | None = None, check: object = None
    ) -> Pending:
        raise NotRecorded("the disk is full")


def test_a_change_that_cannot_be_recorded_does_not_happen(world: World, approved: Mandate) -> None:
    unrecorded = Mandates(world.register, FullDisk(), world.clock, world.budgets)  # type: ignore[arg-type]
    with pytest.raises(NotRecorded):
        unrecorded.end(approved.mandate_id, "misuse")
    assert world.register.show(approved.mandate_id).ended_at is None


def test_an_entry_commits_to_names_and_leaves_out_what_nobody_said(
    world: World, mandates: Mandates, approved: Mandate
) -> None:
    mandates.end(approved.mandate_id, "misuse")
    entry = list(world.ledger.entries())[-1]
    assert {name: entry.fields[name] for name in ("kind", "change", "mandate")} == {
        "kind": "mandate", "change": "ended", "mandate": approved.mandate_id,
    }  # fmt: skip
    assert "misuse" not in entry.text
    assert set(world.ledger.openings(entry.sequence)) == {"why"}


def test_a_template_fills_what_the_draft_leaves_out() -> None:
    holder, terms = MandateDraft("A school", template=SCHOOL.name, facts=SCHOOL.example()).filled()
    assert (holder.kind, terms.purpose, terms.legal_basis) == (SCHOOL.kind, SCHOOL.purpose, SCHOOL.legal_basis)
    assert terms.operations == SCHOOL.operations
    assert json.loads(terms.facts) == SCHOOL.filled(SCHOOL.example())


def test_what_the_draft_states_goes_before_the_template() -> None:
    draft = MandateDraft(
        "A school", SCHOOL.name, "college", purpose="research", legal_basis="consent", operations=("detect",),
        facts=SCHOOL.example(),
    )  # fmt: skip
    holder, terms = draft.filled()
    assert (holder.kind, terms.purpose, terms.legal_basis, terms.operations) == (
        "college", "research", "consent", ("detect",),
    )  # fmt: skip


def test_without_a_template_purpose_legal_basis_and_operations_are_needed() -> None:
    whole = {"purpose": "research", "legal_basis": "consent", "operations": ("detect",)}
    holder, _ = MandateDraft("Me", **whole).filled()  # type: ignore[arg-type]
    assert holder.kind == "private"
    for name in whole:
        with pytest.raises(BadRequest, match="template"):
            MandateDraft("Me", **{key: value for key, value in whole.items() if key != name}).filled()  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        MandateDraft("Me", template="no-such-form", **whole).filled()  # type: ignore[arg-type]
