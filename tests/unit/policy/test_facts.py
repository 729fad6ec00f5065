"""The vocabulary, its Cedar schema and the values in between agree."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from fractions import Fraction

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.policy import NOW, Drawer, asked

from countenance.errors import BadRequest
from countenance.policy import CaseFacts, EvidenceFacts, ModelFacts, Request
from countenance.policy.description import moment_of, request_of
from countenance.policy.facts import FACTS, Moment, context, schema, whole
from countenance.policy.places import EU_MEMBERS, enclosing

MOMENT = Moment(NOW, NOW)


def test_the_schema_is_cedar_with_and_without_silence() -> None:
    for text in (schema(), schema(all_stated=True)):
        assert str(cedarpy.Schema.from_str(text))


def test_every_optional_field_of_the_vocabulary_is_a_fact_and_none_is_without_words() -> None:
    named = {fact.path for fact in FACTS}
    assert all(fact.says for fact in FACTS)
    for field in fields(Request):
        hint = typing.get_type_hints(Request)[field.name]
        kinds = [t for t in (typing.get_args(hint) or (hint,)) if t is not types.NoneType]
        if is_dataclass(kinds[0]) and field.name not in ("actor", "on_behalf_of", "mandate"):
            for inner in fields(kinds[0]):
                if inner.name in ("id", "kind") and field.name in ("gallery", "authorisation"):
                    continue
                assert any(path.startswith(f"{field.name}.{inner.name.removesuffix('_years')}") for path in named), (
                    field.name, inner.name,
                )  # fmt: skip


def test_facts_have_different_names() -> None:
    assert len({fact.path for fact in FACTS}) == len(FACTS)


def test_a_request_that_states_nothing_gives_no_optional_fact() -> None:
    seen = context(asked(), MOMENT)
    assert not [fact.path for fact in FACTS if fact.optional and fact.name in seen[fact.group]]
    assert all(fact.name in seen[fact.group] for fact in FACTS if not fact.optional)


def test_any_drawn_request_fits_the_schema() -> None:
    handle = cedarpy.Schema.from_str(schema())
    everything = cedarpy.PolicySet.from_str("permit (principal, action, resource);")
    drawer = Drawer(5)
    for _ in range(100):
        request, moment = drawer.next()
        call = {
            "principal": 'Mandate::"-"',
            "action": f'Action::"{request.operation}"',
            "resource": 'Gallery::"-"',
            "context": context(request, moment),
        }
        assert cedarpy.is_authorized(call, everything, "[]", handle).allowed


# numbers lean to the strict side


@given(st.floats(0, 1), st.sampled_from([10**6, 10**9]))
def test_a_rate_is_rounded_up_or_down_by_less_than_one_part(rate: float, factor: int) -> None:
    exact = Fraction(f"{rate:.12g}") * factor
    assert 0 <= whole(rate, factor, up=True) - exact < 1
    assert 0 <= exact - whole(rate, factor, up=False) < 1


@pytest.mark.parametrize(("fmr", "ppb"), [(1e-3, 10**6), (1e-6, 1000), (1.0000000001e-9, 2), (0.1 + 0.2, 300_000_000)])
def test_a_threshold_is_stated_no_stricter_than_it_is(fmr: float, ppb: int) -> None:
    assert context(asked(model=ModelFacts(fmr=fmr)), MOMENT)["model"]["fmr_ppb"] == ppb


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(BadRequest, match="0 to 1"):
        ModelFacts(fmr=rate)
    with pytest.raises(BadRequest, match="0 to 1"):
        EvidenceFacts(tpr_min=rate)


@pytest.mark.parametrize(("years", "months"), [(4, 48), (3.99, 47), (3.999999, 47), (4.01, 48), (0, 0), (0.5, 6)])
def test_a_penalty_is_counted_in_whole_months_that_it_reaches(years: float, months: int) -> None:
    assert context(asked(case=CaseFacts(max_penalty_years=years)), MOMENT)["case"]["max_penalty_months"] == months


# places


@pytest.mark.parametrize(
    ("code", "places"),
    [
        ("FR", {"FR", "EU", "EEA"}),
        ("EU", {"EU", "EEA"}),
        ("EEA", {"EEA"}),
        ("NO", {"NO", "EEA"}),
        ("GB", {"GB"}),
        ("US-OR-PORTLAND", {"US", "US-OR", "US-OR-PORTLAND"}),
        ("DE-BE", {"DE", "DE-BE", "EU", "EEA"}),
    ],
)
def test_a_place_lies_in_the_places_round_it(code: str, places: set[str]) -> None:
    assert enclosing(code) == places


def test_the_union_has_27_members() -> None:
    assert len(EU_MEMBERS) == 27


@pytest.mark.parametrize("code", ["", "fr", "France", "US-", "US-WA-", "US-WASHINGTON", "../etc", "US-WA-seattle"])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(BadRequest):
        enclosing(code)


# descriptions


def test_a_description_becomes_a_request() -> None:
    table = {
        "operation": "identify",
        "actor": {"class_name": "x", "powers": ["arrest"], "tier": "municipal", "jurisdictions": ["FR"]},
        "use": {"mode": "real_time", "began_at": "now-23h59m"},
        "case": {"max_penalty_years": 4, "offences": ["murder"]},
        "authorisation": {"kind": "judicial", "granted_at": datetime(2026, 1, 1, tzinfo=UTC)},
    }
    request = request_of(table, NOW)
    seen = context(request, MOMENT)
    assert seen["use"] == {"mode": "real_time", "began_at": int(NOW.timestamp()) - 86340}
    assert seen["case"] == {"max_penalty_months": 48, "offences": ["murder"]}
    assert seen["authorisation"]["state"] == "granted"
    assert request.mandate.active


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({}, "operation: has to be stated"),
        ({"operation": "dance", "actor": {"class_name": "x"}}, "operation: one of detect"),
        ({"operation": "detect"}, "actor: has to be stated"),
        ({"operation": "detect", "actor": {"class_name": "x"}, "colour": 1}, "colour: there is no such fact"),
        ({"operation": "detect", "actor": {"class_name": "x"}, "use": {"mode": 1}}, r"use\.mode: one of"),
        ({"operation": "detect", "actor": {"class_name": "x"}, "use": {"urgent": 1}}, r"use\.urgent: bool"),
        ({"operation": "detect", "actor": {"class_name": "x"}, "use": {"urgent": "yes"}}, r"use\.urgent: bool"),
        ({"operation": "detect", "actor": {"class_name": "x"}, "retention": {"days": True}}, r"retention\.days: int"),
        ({"operation": "detect", "actor": {"class_name": "x"}, "use": {"began_at": "soon"}}, r"use\.began_at: a time"),
        ({"operation": "detect", "actor": {"class_name": "x"}, "use": {"began_at": "2026-01-01"}}, "with a zone"),
        ({"operation": "detect", "actor": {"class_name": "x"}, "use": 3}, "use: a table is expected"),
        ({"operation": "detect", "actor": {"class_name": "x", "powers": "arrest"}}, r"actor\.powers: a list"),
        ({"operation": "detect", "actor": {"class_name": "x"}, "mandate": 3}, "mandate: a table"),
    ],
)
def test_what_fits_no_fact_is_refused_by_its_name(table: dict[str, object], what: str) -> None:
    with pytest.raises(BadRequest, match=what):
        request_of(table, NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("now", 0), ("now+1s", 1), ("now-48h", -172800), ("now+1d2h3m4s", 93784), ("now-49h", -176400)],
)
def test_relative_times(text: str, seconds: int) -> None:
    assert (moment_of(text, NOW, "x") - NOW).total_seconds() == seconds
