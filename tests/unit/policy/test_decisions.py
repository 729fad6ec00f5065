"""What a decision says, and that doubt of any kind never permits."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import cedarpy
import pytest
from tests.fakes.policy import NOW, asked, grant

from countenance.errors import BadRequest, PolicyError
from countenance.policy import (
    Action,
    AuthorisationFacts,
    AuthorisationKind,
    EvidenceFacts,
    GalleryFacts,
    LegalBasis,
    Mode,
    ModelFacts,
    Party,
    Power,
    Provenance,
    Purpose,
    Request,
    RetentionFacts,
    Rules,
    Tier,
    UseFacts,
    Verdict,
    compiled,
)
from countenance.policy.enums import Consent, NextStep
from countenance.policy.packs.pack import Pack, pack_of, read_pack, shipped
from countenance.policy.request import SubjectFacts

USE = UseFacts(
    mode=Mode.AFTERWARDS, purpose=Purpose.ACCESS_CONTROL, legal_basis=LegalBasis.CONSENT, next_step=NextStep.LEAD
)
AGREED = SubjectFacts(consent=Consent.INFORMED)
MODEL = ModelFacts(id="m", calibration="c", fmr=1e-3)
EVIDENCE = EvidenceFacts(
    signed=True,
    model="m",
    calibration="c",
    fmr=1e-3,
    groups=frozenset({"gender", "race"}),
    expires_at=NOW + timedelta(days=1),
)


@pytest.fixture(scope="module")
def house() -> Rules:
    return Rules.load(["house"], appeal_contact="the ombudswoman")


def small(clauses: str, default: str = "open", name: str = "small", cases: str = "now = 2026-01-01T00:00:00Z") -> Pack:
    about = f'''
name = "{name}"
title = "A small text"
version = "3"
kind = "house"
default = "{default}"
source = "a test"
read_on = 2026-01-01
reviewed_by = ""
summary = ""
leaves_open = ""
'''
    files = {"pack.toml": about.encode(), "clauses.cedar": clauses.encode(), "cases.toml": cases.encode()}
    return pack_of(name, files)


def clause(
    condition: str, effect: str = "forbid", ident: str = "small.a", notes: str = "", action: str = "action"
) -> str:
    return f'''@id("{ident}") @says("Said.") @cite("Cited") @status("in-force") @in_force_from("2020-01-01")
@remedy("Remedied.") {notes} {effect} (principal, {action}, resource) when {{ {condition} }};'''


# the lowest level of the house pack


def test_an_ordinary_search_with_purpose_basis_and_evidence_is_permitted(house: Rules) -> None:
    decision = house.decide(asked(subject=AGREED, use=USE, model=MODEL, evidence=EVIDENCE), NOW)
    assert decision.verdict is Verdict.PERMIT
    assert decision.clauses == ("mandate.granted", "house.open")
    assert decision.obligations == ()


def test_a_ground_says_all_that_its_clause_does(house: Rules) -> None:
    by_id = {one.id: one for one in read_pack("house").clauses}
    denied = house.decide(asked(operation=Action.IDENTIFY), NOW)
    grounds = [ground for ground in denied.grounds if ground.id in by_id]
    assert grounds
    for ground in grounds:
        own = by_id[ground.id]
        told = (ground.effect, ground.says, ground.cite, ground.status, ground.remedy)
        written = (own.effect, own.says, own.cite, own.status, own.remedy)
        assert told == written


def test_an_ordinary_enrolment_needs_no_evidence(house: Rules) -> None:
    assert house.decide(asked(Action.ENROL, subject=AGREED, use=USE), NOW).permitted


@pytest.mark.parametrize(
    "operation",
    [Action.VERIFY, Action.DETECT, Action.READ, Action.MANAGE, Action.ERASE, Action.REDACT],
)
def test_what_identifies_nobody_needs_only_the_mandate(house: Rules, operation: Action) -> None:
    assert house.decide(asked(operation), NOW).permitted


@pytest.mark.parametrize("operation", [Action.IDENTIFY, Action.ENROL, Action.TRACK])
def test_without_purpose_and_basis_nothing_is_permitted_and_both_are_named(house: Rules, operation: Action) -> None:
    decision = house.decide(asked(operation, model=MODEL, evidence=EVIDENCE, use=UseFacts(mode=Mode.AFTERWARDS)), NOW)
    assert decision.verdict is Verdict.UNDETERMINED
    assert {fact.fact for fact in decision.missing} >= {"use.purpose", "use.legal_basis"}


@pytest.mark.parametrize(
    ("evidence", "model", "verdict"),
    [
        (EVIDENCE, MODEL, Verdict.PERMIT),
        (EvidenceFacts(), MODEL, Verdict.UNDETERMINED),
        (EVIDENCE, replace(MODEL, id="another"), Verdict.DENY),
        (EVIDENCE, replace(MODEL, calibration="another"), Verdict.DENY),
        (EVIDENCE, replace(MODEL, fmr=1e-2), Verdict.DENY),
        (EVIDENCE, replace(MODEL, fmr=1e-4), Verdict.PERMIT),
        (replace(EVIDENCE, expires_at=NOW), MODEL, Verdict.DENY),
        (replace(EVIDENCE, signed=False), MODEL, Verdict.DENY),
        (replace(EVIDENCE, groups=frozenset({"gender"})), MODEL, Verdict.DENY),
    ],
)
def test_the_evidence_gate(house: Rules, evidence: EvidenceFacts, model: ModelFacts, verdict: Verdict) -> None:
    decision = house.decide(asked(subject=AGREED, use=USE, model=model, evidence=evidence), NOW)
    assert decision.verdict is verdict
    if verdict is not Verdict.PERMIT:
        assert "house.evidence" in decision.clauses


def test_float_noise_in_a_threshold_does_not_loosen_it(house: Rules) -> None:
    noisy = 1e-3 * (1 + 4e-16)
    assert noisy > 1e-3
    assert house.decide(
        asked(subject=AGREED, use=USE, model=replace(MODEL, fmr=noisy), evidence=EVIDENCE), NOW
    ).permitted


# explanations


def test_a_denial_names_clause_source_facts_remedy_and_whom_to_write_to(house: Rules) -> None:
    late = replace(grant(), expires_at=NOW)
    decision = house.decide(asked(subject=AGREED, use=USE, model=MODEL, evidence=EVIDENCE, mandate=late), NOW)
    assert decision.verdict is Verdict.DENY
    assert decision.clauses == ("mandate.in-date",)
    assert {(f.fact, f.value) for f in decision.failed} == {
        ("time.now", str(int(NOW.timestamp()))),
        ("mandate.expires_at", str(int(NOW.timestamp()))),
    }
    line = decision.sentence()
    assert "\n" not in line
    for part in ("mandate.in-date", "expired", "Have the mandate renewed", "the ombudswoman"):
        assert part in line


def test_an_undecided_request_is_told_which_facts_to_state(house: Rules) -> None:
    decision = house.decide(asked(subject=AGREED, use=replace(USE, purpose=None), model=MODEL, evidence=EVIDENCE), NOW)
    assert decision.verdict is Verdict.UNDETERMINED
    assert {fact.fact for fact in decision.missing} == {"use.purpose"}
    assert "missing_person" in decision.missing[0].choices
    assert "use.purpose" in decision.sentence()
    assert any("use.purpose" in remedy for remedy in decision.remedy)


def test_a_problem_body_is_plain_json_with_all_that_rfc_9457_and_we_promise(house: Rules) -> None:
    decision = house.decide(asked(), NOW)
    body = json.loads(json.dumps(decision.problem()))
    assert body["status"] == 403
    assert body["type"].startswith("urn:countenance:problem:")
    assert body["detail"] == decision.sentence()
    assert body["appeal"] == "the ombudswoman"
    assert {pack["name"] for pack in body["packs"]} == {"mandate", "house"}
    for named in body["clauses"]:
        assert len(named["hash"]) == 64
        assert named["citation"]
        assert named["version"]
    with pytest.raises(ValueError, match="no problem"):
        house.decide(asked(Action.DETECT), NOW).problem()


def test_a_permit_says_under_what(house: Rules) -> None:
    assert house.decide(asked(Action.DETECT), NOW).sentence() == "Permitted under mandate, house as of 2026-11-22."


def test_no_explanation_holds_what_a_party_calls_itself(house: Rules) -> None:
    secret = "Erika Mustermann"
    request = asked(actor=Party(class_name=secret, powers=frozenset({Power.ARREST}), tier=Tier.MUNICIPAL))
    decision = house.decide(request, NOW)
    assert secret not in json.dumps(decision.problem())


def test_each_of_several_denying_clauses_is_named(house: Rules) -> None:
    wrong = replace(grant(), operation_granted=False, gallery_granted=False, active=False)
    decision = house.decide(asked(mandate=wrong), NOW)
    assert set(decision.clauses) == {"mandate.operation", "mandate.gallery", "mandate.active"}


# several packs


def test_a_forbid_of_one_pack_outweighs_the_permits_of_all_others() -> None:
    rules = Rules([small("", name="small"), small(clause("true", ident="other.a"), name="other")])
    assert rules.decide(asked(), NOW).clauses == ("other.a",)


def test_doubt_of_one_pack_outweighs_the_permits_of_all_others() -> None:
    unsure = clause('context.use.purpose == "marketing"', ident="other.a")
    rules = Rules([small("", name="small"), small(unsure, name="other")])
    decision = rules.decide(asked(), NOW)
    assert decision.verdict is Verdict.UNDETERMINED
    assert decision.clauses == ("other.a",)


def test_a_certain_no_outweighs_doubt() -> None:
    rules = Rules([small(clause("true") + clause("context.use.urgent", ident="small.b"))])
    decision = rules.decide(asked(), NOW)
    assert decision.verdict is Verdict.DENY
    assert decision.clauses == ("small.a",)


def test_a_closed_pack_that_permits_nothing_denies_by_default_though_others_permit() -> None:
    rules = Rules([small("", name="small"), small("", "closed", name="other")])
    decision = rules.decide(asked(), NOW)
    assert decision.verdict is Verdict.DENY
    assert decision.clauses == ("other.default",)


def test_a_closed_pack_that_may_permit_is_undetermined() -> None:
    rules = Rules([small(clause("context.use.urgent", "permit"), "closed")])
    decision = rules.decide(asked(), NOW)
    assert decision.verdict is Verdict.UNDETERMINED
    assert [fact.fact for fact in decision.missing] == ["use.urgent"]
    assert rules.decide(asked(use=UseFacts(urgent=True)), NOW).permitted
    assert rules.decide(asked(use=UseFacts(urgent=False)), NOW).clauses == ("small.default",)


def test_a_duty_alone_permits_nothing() -> None:
    rules = Rules([small(clause("true", "permit", notes='@duty @obligation("reviewers 2")'), "closed")])
    assert rules.decide(asked(), NOW).verdict is Verdict.DENY


def test_a_duty_whose_facts_are_not_stated_binds() -> None:
    rules = Rules([small(clause("context.use.urgent", "permit", notes='@duty @obligation("reviewers 2")'))])
    assert rules.decide(asked(), NOW).obligation_words == {"reviewers 2"}
    assert rules.decide(asked(use=UseFacts(urgent=False)), NOW).obligation_words == frozenset()


def test_a_disputed_permit_does_not_permit() -> None:
    text = clause("true", "permit").replace("in-force", "disputed")
    assert Rules([small(text, "closed")]).decide(asked(), NOW).verdict is Verdict.DENY
    assert Rules([small(clause("true", "permit"), "closed")]).decide(asked(), NOW).permitted


# time


def test_the_law_of_another_day_is_asked_by_as_of() -> None:
    text = clause("true").replace('@in_force_from("2020-01-01")', '@in_force_from("2027-12-02")')
    rules = Rules([small(text)])
    assert rules.decide(asked(), NOW).permitted
    assert not rules.decide(asked(), NOW, as_of=date(2027, 12, 2)).permitted
    assert rules.decide(asked(), NOW, as_of=date(2027, 12, 1)).permitted


def test_the_law_of_a_day_is_that_of_its_day_in_utc() -> None:
    text = clause("true").replace('@in_force_from("2020-01-01")', '@in_force_from("2026-11-23")')
    rules = Rules([small(text)])
    east = datetime.fromisoformat("2026-11-23T00:30:00+01:00")
    assert rules.decide(asked(), east).permitted
    assert not rules.decide(asked(), datetime(2026, 11, 23, tzinfo=UTC)).permitted


def test_a_clock_that_goes_backwards_denies(house: Rules) -> None:
    request = asked(Action.DETECT)
    assert house.decide(request, NOW, latest_seen=NOW).permitted
    decision = house.decide(request, NOW, latest_seen=NOW + timedelta(seconds=1))
    assert decision.clauses == ("mandate.clock",)


def test_times_without_a_zone_are_refused(house: Rules) -> None:
    with pytest.raises(ValueError, match="zone"):
        house.decide(asked(), NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="zone"):
        house.decide(asked(), NOW, latest_seen=NOW.replace(tzinfo=None))


# doubt about the engine itself


def test_a_value_that_cedar_cannot_hold_denies(house: Rules) -> None:
    rules = Rules([small(clause("context.retention.days > 5"))])
    decision = rules.decide(asked(retention=RetentionFacts(days=2**70)), NOW)
    assert decision.verdict is Verdict.DENY
    assert decision.clauses == ("countenance.rules-failed",)


def test_a_sum_that_overflows_denies() -> None:
    rules = Rules([small(clause("context.retention.days + 9223372036854775807 < 0"))])
    decision = rules.decide(asked(retention=RetentionFacts(days=5)), NOW)
    assert decision.clauses == ("countenance.rules-failed",)


@pytest.mark.parametrize("failing", ["errors", "no decision", "exception"])
def test_whatever_cedar_reports_beside_an_answer_denies(monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    rules = Rules([small(clause("context.time.now < 0"))])
    assert rules.decide(asked(), NOW).permitted
    real = cedarpy.is_authorized

    def broken(*arguments: Any) -> object:
        if failing == "exception":
            raise ValueError("no")
        answer = real(*arguments)
        assert answer.allowed
        if failing == "errors":
            answer.diagnostics._diagnostics["errors"] = ["a forbid was skipped"]
        else:
            answer._authz_resp["decision"] = "NoDecision"
        return answer

    later = NOW + timedelta(seconds=1)  # what was asked before is remembered
    monkeypatch.setattr(cedarpy, "is_authorized", broken)
    assert rules.decide(asked(), later).clauses == ("countenance.rules-failed",)
    monkeypatch.undo()
    assert rules.decide(asked(), later).permitted  # the failure is not


def test_cedar_is_asked_anew_when_any_fact_or_the_second_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    real, told = cedarpy.is_authorized, []

    def noted(request: dict[str, object], *rest: Any) -> object:
        told.append(request["context"])
        return real(request, *rest)

    rules = Rules([small(clause("context.use.urgent || context.time.now >= context.mandate.expires_at"))])
    ends = grant().expires_at
    calm, urgent = asked(use=replace(USE, urgent=False)), asked(use=replace(USE, urgent=True))
    assert rules.decide(calm, ends - timedelta(seconds=1)).permitted
    monkeypatch.setattr(cedarpy, "is_authorized", noted)
    assert rules.decide(calm, ends - timedelta(seconds=1)).permitted
    assert not told
    assert not rules.decide(urgent, ends - timedelta(seconds=1)).permitted
    assert not rules.decide(calm, ends).permitted
    assert rules.decide(calm, ends - timedelta(seconds=1)).permitted
    assert len(told) == 2


def test_only_so_many_answers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_CACHE_SIZE", 3)
    rules = Rules([small(clause("context.time.now < 0"))])
    for n in range(10):
        assert rules.decide(asked(), NOW + timedelta(seconds=n)).permitted
    (policies,) = rules._cache._slices.values()
    assert 1 <= len(policies.answers) <= 3


def test_the_schema_goes_with_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    real, schemas = cedarpy.is_authorized, []

    def noted(request: dict[str, object], policies: Any, entities: Any, schema: Any = None) -> object:
        schemas.append(schema)
        return real(request, policies, entities, schema)

    monkeypatch.setattr(cedarpy, "is_authorized", noted)
    rules = Rules([small(clause("context.use.urgent"))])
    rules.decide(asked(), NOW)
    assert len(schemas) == 2
    assert all(isinstance(schema, cedarpy.Schema) for schema in schemas)


def test_rules_without_a_pack_are_refused() -> None:
    with pytest.raises(PolicyError):
        Rules([])
    with pytest.raises(PolicyError, match="at least one rule pack"):
        Rules.load([])
    with pytest.raises(PolicyError, match="at least one rule pack"):
        Rules.load(["mandate"])


# power and not name


POWERFUL: list[Callable[[str], Request]] = [
    lambda name: asked(actor=Party(class_name=name, powers=frozenset({Power.ARREST}), tier=Tier.MUNICIPAL,
                                   jurisdictions=frozenset({"US-MI-DETROIT"})), use=USE, model=MODEL),
    lambda name: asked(actor=Party(class_name="firm"), on_behalf_of=Party(class_name=name, powers=frozenset(
        {Power.ARREST}), tier=Tier.STATE, jurisdictions=frozenset({"US-WA"})), jurisdictions=frozenset({"US-WA"})),
]  # fmt: skip


@pytest.mark.parametrize("described", POWERFUL)
def test_what_somebody_calls_itself_changes_nothing(described: Callable[[str], Request]) -> None:
    for pack in shipped():
        rules = Rules([read_pack(pack)])
        plain = rules.decide(described("anything else"), NOW)
        for name in ("police", "museum", "hospital", "tester", ""):
            assert rules.decide(described(name), NOW) == plain


def test_no_clause_can_even_name_a_class() -> None:
    with pytest.raises(PolicyError, match=r"no fact actor\.class_name"):
        small(clause('context.actor.class_name == "police"'))


def test_acting_for_a_holder_of_power_is_holding_it(house: Rules) -> None:
    agency = Party(class_name="agency", powers=frozenset({Power.DEPORT}), tier=Tier.NATIONAL)
    alone = house.decide(asked(subject=AGREED, use=USE, model=MODEL, evidence=EVIDENCE), NOW)
    acting = house.decide(asked(subject=AGREED, use=USE, model=MODEL, evidence=EVIDENCE, on_behalf_of=agency), NOW)
    assert alone.permitted
    assert not acting.permitted
    assert "house.statute" in acting.clauses


def test_a_refusals_sentence_says_which_facts_failed_and_their_values(house: Rules) -> None:
    loose = replace(MODEL, fmr=0.002)
    said = house.decide(asked(subject=AGREED, use=USE, model=loose, evidence=EVIDENCE), NOW).sentence()
    assert "(model.fmr_ppb) = 2000000" in said
    assert "(evidence.fmr_ppb) = 1000000" in said
    other = replace(MODEL, id="another model")
    assert (
        '(model.id) = "another model"'
        in house.decide(asked(subject=AGREED, use=USE, model=other, evidence=EVIDENCE), NOW).sentence()
    )


# contradictions


def test_a_gallery_scraped_by_consent_is_a_contradiction() -> None:
    with pytest.raises(BadRequest, match="both cannot be true"):
        asked(subject=AGREED, use=USE, gallery=GalleryFacts(provenance=Provenance.SCRAPED))


def test_a_jurisdiction_that_is_no_code_is_refused(house: Rules) -> None:
    rules = Rules([read_pack("eu-ai-act")])
    with pytest.raises(BadRequest, match="jurisdiction"):
        rules.decide(asked(jurisdictions=frozenset({"France"})), NOW)


def test_a_refusal_outweighs_a_grant() -> None:
    both = AuthorisationFacts(kind=AuthorisationKind.WARRANT, requested_at=NOW, granted_at=NOW, refused_at=NOW)
    assert both.state == "refused"
    assert AuthorisationFacts(kind=AuthorisationKind.NONE, granted_at=NOW).state == "none"
    assert AuthorisationFacts(kind=AuthorisationKind.WARRANT, requested_at=NOW).state == "requested"
    assert AuthorisationFacts(kind=AuthorisationKind.WARRANT).state is None
