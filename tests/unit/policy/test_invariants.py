"""Promises about all requests at once, proved by z3; and holes that it finds, shown to Cedar too."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import cedarpy
import pytest
import z3
from tests.unit.policy import oracle
from tests.unit.policy.smt import World, example, facts_of, permitted
from tests.unit.policy.test_silence import SAFEGUARDS

from countenance.policy.clauses import Effect
from countenance.policy.facts import FACTS, schema
from countenance.policy.packs.pack import SHIPPED, read_pack, shipped

TODAY = date(2026, 11, 22)
LATER = date(2027, 12, 2)
TEXTS = {name: oracle.read(SHIPPED / name) for name in shipped()}
LAW_ENFORCEMENT = ("arrest", "detain", "prosecute", "correct")


def word(world: World, path: str, *texts: str) -> Any:
    """That the fact is stated, and one of `texts`."""
    return z3.And(world.stated(path), z3.Or(*(world.var(path) == world.word(text) for text in texts)))


def yes(world: World, path: str) -> Any:
    return z3.And(world.stated(path), world.var(path))


def live_police(world: World) -> Any:
    return z3.And(
        z3.Or(*(world.holds("holder.powers", power) for power in LAW_ENFORCEMENT)),
        world.holds("places.touched", "EU"),
        word(world, "use.mode", "real_time"),
        yes(world, "space.public"),
    )


@pytest.mark.parametrize("operation", ["identify", "track"])
def test_eu_no_live_identification_in_public_by_law_enforcement_without_leave_or_urgency(operation: str) -> None:
    world = World()
    unlawful = z3.And(
        permitted(world, [TEXTS["eu-ai-act"]], operation, TODAY),
        live_police(world),
        z3.Not(word(world, "authorisation.state", "granted")),
        z3.Not(yes(world, "use.urgent")),
    )
    assert example(world, unlawful) is None


@pytest.mark.parametrize("operation", ["identify", "track"])
@pytest.mark.parametrize(
    "lacking",
    [
        ("subject.targeted", None),
        ("assessment.fria", None),
        ("assessment.opted_in", None),
        ("authorisation.limited", None),
        ("authorisation.within_limits", None),
    ],
)
def test_eu_no_live_identification_in_public_lacks_a_safeguard(operation: str, lacking: tuple[str, None]) -> None:
    world = World()
    assert (
        example(
            world,
            permitted(world, [TEXTS["eu-ai-act"]], operation, TODAY),
            live_police(world),
            z3.Not(yes(world, lacking[0])),
        )
        is None
    )


def test_eu_a_refused_authorisation_ends_live_use() -> None:
    world = World()
    refused = word(world, "authorisation.state", "refused")
    assert (
        example(world, permitted(world, [TEXTS["eu-ai-act"]], "identify", TODAY), live_police(world), refused) is None
    )


def test_eu_an_urgent_use_without_a_request_ends_after_24_hours() -> None:
    world = World()
    late = world.var("time.now") > world.var("use.began_at") + 86400
    silent = word(world, "authorisation.state", "none")
    assert (
        example(
            world, permitted(world, [TEXTS["eu-ai-act"]], "identify", TODAY), live_police(world), silent,
            world.stated("use.began_at"), late,
        )
        is None
    )  # fmt: skip


def test_eu_after_december_2027_a_suspect_is_looked_for_afterwards_only_with_leave_or_within_48_hours() -> None:
    world = World()
    later = z3.And(
        z3.Or(*(world.holds("holder.powers", power) for power in LAW_ENFORCEMENT)),
        world.holds("places.touched", "EU"),
        word(world, "use.mode", "afterwards"),
        word(world, "use.purpose", "criminal_investigation"),
        z3.Not(z3.And(yes(world, "case.initial"), yes(world, "case.objective_facts"))),
        word(world, "authorisation.state", "none"),
        world.stated("use.began_at"),
        world.var("time.now") > world.var("use.began_at") + 172800,
    )
    assert example(world, permitted(world, [TEXTS["eu-ai-act"]], "identify", LATER), later) is None
    earlier = World()
    assert example(earlier, permitted(earlier, [TEXTS["eu-ai-act"]], "identify", TODAY)) is not None


@pytest.mark.parametrize("operation", ["identify", "enrol", "verify", "erase", "disclose", "read"])
def test_nothing_is_permitted_without_a_mandate_in_order(operation: str) -> None:
    world = World()
    out_of_order = z3.Or(
        z3.Not(world.var("mandate.active")),
        z3.Not(world.var("mandate.operation_granted")),
        z3.Not(world.var("mandate.gallery_granted")),
        world.var("time.now") >= world.var("mandate.expires_at"),
        world.var("time.now") < world.var("mandate.starts_at"),
        world.var("time.now") < world.var("time.latest_seen"),
        world.var("moratorium.in_force"),
    )
    assert example(world, permitted(world, [TEXTS["mandate"]], operation, TODAY), out_of_order) is None


@pytest.mark.parametrize("operation", ["identify", "track"])
def test_house_nobody_identifies_without_signed_evidence_for_this_model_and_threshold(operation: str) -> None:
    world = World()
    unfounded = z3.Or(
        z3.Not(yes(world, "evidence.signed")),
        world.var("evidence.model") != world.var("model.id"),
        world.var("model.fmr_ppb") > world.var("evidence.fmr_ppb"),
        world.var("time.now") >= world.var("evidence.expires_at"),
    )
    assert example(world, permitted(world, [TEXTS["house"]], operation, TODAY), unfounded) is None


@pytest.mark.parametrize("operation", ["identify", "track", "enrol"])
@pytest.mark.parametrize("fact", ["use.purpose", "use.legal_basis"])
def test_house_nobody_enrols_or_identifies_without_stating_purpose_and_legal_basis(operation: str, fact: str) -> None:
    world = World()
    open_ = permitted(world, [TEXTS["house"]], operation, TODAY)
    assert example(world, open_, z3.Not(world.stated(fact))) is None


@pytest.mark.parametrize("lacking", ["use.statute"])
def test_house_power_over_people_needs_a_statute(lacking: str) -> None:
    world = World()
    power = z3.Or(world.holds("actor.powers", "deport"), world.holds("behalf.powers", "deport"))
    assert (
        example(world, permitted(world, [TEXTS["house"]], "identify", TODAY), power, z3.Not(yes(world, lacking)))
        is None
    )


def test_house_nobody_is_looked_for_live_in_public_without_being_the_target() -> None:
    world = World()
    crowd = z3.And(
        word(world, "use.mode", "real_time"), yes(world, "space.public"), z3.Not(yes(world, "subject.targeted"))
    )
    assert example(world, permitted(world, [TEXTS["house"]], "identify", TODAY), crowd) is None


@pytest.mark.parametrize("operation", ["enrol", "identify", "track"])
def test_house_no_scraped_gallery_whatever_its_use_is_called(operation: str) -> None:
    """Save by consent, which no request can state of a scraped gallery."""
    world = World()
    scraped = z3.And(word(world, "gallery.provenance", "scraped"), z3.Not(word(world, "use.legal_basis", "consent")))
    assert example(world, permitted(world, [TEXTS["house"]], operation, TODAY), scraped) is None


@pytest.mark.parametrize("operation", ["identify", "track", "enrol", "disclose"])
def test_virginias_local_police_get_nothing_without_a_statute_since_july_2026(operation: str) -> None:
    world = World()
    police = z3.And(
        world.holds("places.touched", "US-VA"),
        world.holds("actor.powers", "arrest"),
        word(world, "actor.tier", "municipal"),
        word(world, "behalf.tier", "none", "municipal"),
        z3.Not(yes(world, "use.statute")),
    )
    assert example(world, permitted(world, [TEXTS["virginia"]], operation, TODAY), police) is None


def without(text: oracle.Text, *ids: str) -> oracle.Text:
    return replace(text, rules=tuple(rule for rule in text.rules if rule.id not in ids))


def test_the_proofs_rest_on_the_clauses_without_the_clause_a_request_slips_through() -> None:
    world = World()
    lax = without(TEXTS["eu-ai-act"], "eu-ai-act.5-3")
    unlawful = z3.And(live_police(world), word(world, "authorisation.state", "none"), z3.Not(yes(world, "use.urgent")))
    assert example(world, permitted(world, [lax], "identify", TODAY), unlawful) is not None
    world = World()
    lax = without(TEXTS["house"], "house.evidence")
    unfounded = z3.Not(yes(world, "evidence.signed"))
    assert example(world, permitted(world, [lax], "identify", TODAY), unfounded) is not None
    world = World()
    lax = without(TEXTS["mandate"], "mandate.clock")
    backwards = world.var("time.now") < world.var("time.latest_seen")
    assert example(world, permitted(world, [lax], "identify", TODAY), backwards) is not None


HOLES = [
    ("amazon-blog", "actor.tier", "national"),
    ("amazon-terms", "actor.tier", "national"),
    ("microsoft", "actor.tier", "national"),
    ("amazon-terms", "use.purpose", "public_order"),
    ("ibm", "actor.tier", "municipal"),
    ("google", "actor.tier", "municipal"),
]


@pytest.mark.parametrize(("name", "path", "value"), HOLES)
def test_the_hole_in_a_pledge_is_found_and_cedar_agrees(name: str, path: str, value: str) -> None:
    world = World()
    open_ = permitted(world, [TEXTS[name]], "identify", TODAY)
    police = world.holds("actor.powers", "arrest")
    model = example(world, open_, police, world.holds("actor.jurisdictions", "US"), word(world, path, value))
    assert model is not None
    facts = facts_of(world, model)
    assert oracle.due([TEXTS[name]], "identify", facts, TODAY).verdict == "permit"
    assert not forbidden_by_cedar((SHIPPED / name / "clauses.cedar").read_text(), facts)


def forbidden_by_cedar(text: str, facts: dict[str, dict[str, Any]]) -> bool:
    """Whether Cedar itself, on the clauses as written and with every fact stated, denies."""
    whole = {group: dict(members) for group, members in facts.items()}
    for fact in FACTS:
        empty: Any = {"Bool": False, "Long": 0, "String": "", "Set<String>": []}[fact.cedar]
        whole[fact.group].setdefault(fact.name, empty)
    rules = [rule for rule in oracle.parse(text) if rule.in_force(TODAY)]
    policies = text.split("\n\n")
    kept = "\n".join(part for part in policies if any(f'@id("{rule.id}")' in part for rule in rules))
    call = {
        "principal": 'Mandate::"-"',
        "action": 'Action::"identify"',
        "resource": 'Gallery::"-"',
        "context": json.dumps(whole),
    }
    answer = cedarpy.is_authorized(
        call, kept + "\npermit (principal, action, resource);", "[]", schema(all_stated=True)
    )
    assert not answer.diagnostics.errors
    return not answer.allowed


DUTIES_ONLY = {"new-jersey"}
"""Packs that forbid nothing: what they say is owed after a search."""


def test_a_pack_of_duties_alone_owes_something() -> None:
    for name in DUTIES_ONLY:
        assert {c.effect for c in read_pack(name).clauses if c.obligations} == {Effect.DUTY}


@pytest.mark.parametrize("name", [n for n in shipped() if n != "mandate" and n not in DUTIES_ONLY])
def test_every_pack_leaves_something_open_and_stops_something(name: str) -> None:
    operations = ("identify", "enrol", "verify", "detect", "infer_emotion")
    opened = World()
    assert any(example(opened, permitted(opened, [TEXTS[name]], op, TODAY)) is not None for op in operations)
    stopped = World()
    assert any(example(stopped, z3.Not(permitted(stopped, [TEXTS[name]], op, TODAY))) is not None for op in operations)


@pytest.mark.parametrize("path", sorted(SAFEGUARDS))
def test_for_all_requests_and_packs_a_safeguard_never_turns_a_yes_into_a_no(path: str) -> None:
    for operation in ("identify", "enrol", "track", "disclose"):
        for text in TEXTS.values():
            world = World()
            before = permitted(world, [text], operation, TODAY)
            var, stated = world.var(path), world.stated(path)
            after = z3.substitute(before, (var, z3.BoolVal(bool(SAFEGUARDS[path]))), (stated, z3.BoolVal(True)))
            if not after.eq(before):
                assert example(world, before, z3.Not(after)) is None, (text.name, operation)


def test_for_all_requests_and_packs_silence_never_permits_what_speech_forbids() -> None:
    optional = [fact for fact in FACTS if fact.optional]
    for text in TEXTS.values():
        for operation in ("identify", "enrol", "disclose"):
            world = World()
            spoken = permitted(world, [text], operation, TODAY)
            for fact in optional:
                silent = z3.substitute(spoken, (world.stated(fact.path), z3.BoolVal(False)))
                if not silent.eq(spoken):
                    assert example(world, silent, z3.Not(spoken)) is None, (text.name, operation, fact.path)
