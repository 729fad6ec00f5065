"""Each template, with everything stated, is permitted by the house pack; with anything left open, it is no mandate."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from countenance.errors import BadRequest, NotFound
from countenance.mandates import Holder, Mandate, Terms, template, templates
from countenance.operations import granted
from countenance.policy import Action, EvidenceFacts, ModelFacts, Request, Rules, Verdict

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RULES = Rules.load(("house",))
ALL = templates()
AUTHORITY = Holder("Detectives", "authority", ("arrest",), (), "municipal", ("US-MI",))


def asked(name: str, operation: str, holder: Holder | None = None, forget: str | None = None) -> Request:
    """The request of one call under a mandate made from the template, with its examples stated."""
    form = ALL[name]
    facts = form.filled(form.example())
    if forget is not None:
        group, _, fact = forget.partition(".")
        facts[group] = {key: value for key, value in facts[group].items() if key != fact}  # type: ignore[union-attr]
    who = holder or (AUTHORITY if name == "missing-person-authority" else Holder("Somebody", form.kind))
    terms = Terms(form.purpose, form.legal_basis, ("g*",), form.operations, json.dumps(facts))
    base = granted(Mandate("m", who, terms, "ann", NOW, NOW + timedelta(days=30), "ben", NOW))
    return replace(
        base,
        operation=Action(operation),
        mandate=replace(base.mandate, active=True, operation_granted=True, gallery_granted=True),
        model=ModelFacts(id="m", calibration="c", fmr=1e-4, fpir=1e-2),
        evidence=EvidenceFacts(
            signed=True, model="m", calibration="c", fmr=1e-3, groups=frozenset({"gender", "race"}),
            expires_at=NOW + timedelta(days=60),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(("name", "operation"), [(name, op) for name in ALL for op in ALL[name].operations])
def test_the_house_permits_every_operation_of_every_template(name: str, operation: str) -> None:
    decision = RULES.decide(asked(name, operation), NOW + timedelta(hours=1))
    assert decision.verdict is Verdict.PERMIT, decision.sentence()


@pytest.mark.parametrize("name", [name for name in ALL if ALL[name].to_state])
def test_a_template_with_anything_left_open_is_refused_by_name(name: str) -> None:
    form = ALL[name]
    with pytest.raises(BadRequest) as caught:
        form.filled({})
    assert all(path in str(caught.value) for path in form.to_state)
    for path in form.to_state:
        group, _, fact = path.partition(".")
        stated = form.example()
        stated[group] = {key: value for key, value in stated[group].items() if key != fact}  # type: ignore[union-attr]
        with pytest.raises(BadRequest, match=path):
            form.filled(stated)


@pytest.mark.parametrize("fact", ["use.statute", "authorisation.granted_at", "authorisation.limited"])
def test_an_authority_that_leaves_out_its_grounds_may_not_search(fact: str) -> None:
    request = asked("missing-person-authority", "identify", forget=fact)
    assert not RULES.decide(request, NOW + timedelta(hours=1)).permitted


def test_an_authority_does_not_get_far_with_the_form_for_relief_organisations() -> None:
    decision = RULES.decide(asked("missing-person", "identify", AUTHORITY), NOW + timedelta(hours=1))
    assert decision.verdict is Verdict.UNDETERMINED
    assert {"house.statute", "house.authorisation"} <= set(decision.clauses)


def test_what_is_stated_wins_over_the_template_fact_by_fact() -> None:
    form = template("access-control")
    facts = form.filled({**form.example(), "subject": {"minor": True, "consent": "written"}})
    assert facts["subject"] == {**form.facts["subject"], "minor": True, "consent": "written"}  # type: ignore[dict-item]
    assert form.facts["subject"]["consent"] == "explicit"  # type: ignore[index,call-overload]


def test_an_unknown_template_is_named_as_such() -> None:
    with pytest.raises(NotFound, match="photo-library"):
        template("no-such")


def test_the_guide_lists_the_templates() -> None:
    text = (Path(__file__).parents[3] / "docs" / "mandates.md").read_text(encoding="utf-8")
    assert all(f"| {name} |" in text for name in ALL)
