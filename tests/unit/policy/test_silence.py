"""Laws that hold for all requests: saying less never permits more, and neither does taking a safeguard away."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.policy import Drawer

from countenance.policy import Request, Rules, Verdict
from countenance.policy.authoring.changed_facts import DERIVED, with_fact
from countenance.policy.facts import FACT, FACTS, CedarValue, Moment, context, seconds
from countenance.policy.packs.pack import read_pack, shipped

MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
PROGRESS = ("authorisation.requested_at", "authorisation.granted_at", "authorisation.refused_at")
"""Times that state together how far an authorisation has come; they are left unstated together."""
OPTIONAL = [fact.path for fact in FACTS if fact.optional and fact.path not in (*DERIVED, *PROGRESS[1:])]
OPTIONAL.append("authorisation.state")

SAFEGUARDS: dict[str, CedarValue] = {
    **dict.fromkeys(
        (
            "use.statute",
            "case.opened",
            "authorisation.limited",
            "authorisation.within_limits",
            "gallery.for_this_deployment",
            "gallery.reviewed",
            "subject.guardian_agreed",
            "subject.targeted",
            "subject.alternative_offered",
            "subject.takes_part",
            "evidence.signed",
            "evidence.operational",
            "review.human",
            "review.corroborated",
            "assessment.dpia",
            "assessment.fria",
            "assessment.equality",
            "assessment.registered",
            "assessment.opted_in",
            "assessment.accountability_report",
            "assessment.policy_published",
            "assessment.test_interface",
            "notice.subjects",
            "notice.written",
            "notice.public",
            "notice.workers",
            "retention.ends_with_purpose",
            "retention.schedule_published",
        ),
        True,
    ),
    **dict.fromkeys(
        (
            "use.for_profit",
            "use.sustained",
            "probe.sketch",
            "probe.altered",
            "subject.protected_activity",
            "subject.chosen_by_trait",
            "review.sole_basis",
        ),
        False,
    ),
}
"""What makes a use safer, and how it is stated."""


@pytest.fixture(scope="module")
def drawer() -> Drawer:
    return Drawer(7)


@pytest.fixture(scope="module")
def rules() -> dict[str, Rules]:
    together = {"all": Rules([read_pack(name) for name in shipped()])}
    return together | {name: Rules([read_pack(name)]) for name in shipped()}


def unstated(request: Request, path: str) -> Request:
    """`request` without the fact at `path`."""
    for forgotten in PROGRESS if path == "authorisation.state" else (path,):
        request = with_fact(request, forgotten, None)
    return request


def verdict(rules: Rules, request: Request, moment: Moment) -> Verdict:
    return rules.judge(request, moment, moment.now.date()).verdict


@MANY
@given(data=st.data())
def test_leaving_a_fact_unstated_never_turns_a_no_into_a_yes(
    data: st.DataObject, drawer: Drawer, rules: dict[str, Rules]
) -> None:
    request, moment = drawer.next()
    path = data.draw(st.sampled_from(OPTIONAL))
    silent = unstated(request, path)
    for name, rule in rules.items():
        if verdict(rule, silent, moment) is Verdict.PERMIT:
            assert verdict(rule, request, moment) is Verdict.PERMIT, (name, path)


@MANY
@given(data=st.data())
def test_leaving_a_fact_unstated_never_turns_doubt_into_certainty_of_another_kind(
    data: st.DataObject, drawer: Drawer, rules: dict[str, Rules]
) -> None:
    request, moment = drawer.next()
    silent = unstated(request, data.draw(st.sampled_from(OPTIONAL)))
    for rule in rules.values():
        before, after = verdict(rule, request, moment), verdict(rule, silent, moment)
        assert after in (before, Verdict.UNDETERMINED)


def test_an_expired_warrant_that_says_not_when_it_was_granted_is_not_urgency_without_one(
    rules: dict[str, Rules],
) -> None:
    """In danger to life a use without leave is allowed for a day; silence about a warrant is not "no warrant"."""
    pack = read_pack("house")
    request, moment = next((case.request, case.moment) for case in pack.cases if case.request.authorisation)
    at = seconds(moment.now)
    expired: list[tuple[str, CedarValue | None]] = [
        ("authorisation.kind", "warrant"), ("authorisation.granted_at", at - 60), ("authorisation.expires_at", at),
        ("authorisation.refused_at", None), ("authorisation.requested_at", None),
        ("use.exigent", True), ("use.began_at", at), ("actor.powers", ["arrest"]),
    ]  # fmt: skip
    for path, value in expired:
        request = with_fact(request, path, value)
    decided = rules["house"].judge(request, moment, moment.now.date())
    assert (decided.verdict, "house.authorisation" in decided.clauses) == (Verdict.DENY, True)
    silent = unstated(request, "authorisation.state")
    decided = rules["house"].judge(silent, moment, moment.now.date())
    assert decided.verdict is Verdict.UNDETERMINED
    assert "authorisation.state" in {fact.fact for fact in decided.missing}
    urgent = with_fact(silent, "authorisation.kind", "none")
    assert verdict(rules["house"], urgent, moment) is Verdict.PERMIT


@MANY
@given(data=st.data())
def test_adding_a_safeguard_never_turns_a_yes_into_a_no(
    data: st.DataObject, drawer: Drawer, rules: dict[str, Rules]
) -> None:
    request, moment = drawer.next()
    path = data.draw(st.sampled_from(sorted(SAFEGUARDS)))
    safer = with_fact(request, path, SAFEGUARDS[path])
    for name, rule in rules.items():
        if verdict(rule, request, moment) is Verdict.PERMIT:
            assert verdict(rule, safer, moment) is Verdict.PERMIT, (name, path)


@MANY
@given(data=st.data())
def test_what_a_party_calls_itself_changes_no_decision(
    data: st.DataObject, drawer: Drawer, rules: dict[str, Rules]
) -> None:
    request, moment = drawer.next()
    renamed = replace(request, actor=replace(request.actor, class_name=data.draw(st.text(max_size=20))))
    day = moment.now.date()
    assert rules["all"].judge(request, moment, day) == rules["all"].judge(renamed, moment, day)


@MANY
@given(data=st.data())
def test_gaining_a_power_to_take_away_freedom_never_permits_more_under_the_house_rules(
    data: st.DataObject, drawer: Drawer, rules: dict[str, Rules]
) -> None:
    request, moment = drawer.next()
    power = data.draw(st.sampled_from(["arrest", "detain", "deport", "prosecute", "correct", "military"]))
    stronger = with_fact(request, "actor.powers", sorted({*request.actor.powers, power}))
    if verdict(rules["house"], stronger, moment) is Verdict.PERMIT:
        assert verdict(rules["house"], request, moment) is Verdict.PERMIT


@MANY
@given(data=st.data())
def test_a_pack_more_never_permits_more(data: st.DataObject, drawer: Drawer, rules: dict[str, Rules]) -> None:
    request, moment = drawer.next()
    if verdict(rules["all"], request, moment) is Verdict.PERMIT:
        assert all(verdict(rule, request, moment) is Verdict.PERMIT for rule in rules.values())


@MANY
@given(data=st.data())
def test_stating_again_what_is_stated_changes_nothing(data: st.DataObject, drawer: Drawer) -> None:
    request, moment = drawer.next()
    fact = data.draw(st.sampled_from([fact for fact in FACTS if fact.path not in DERIVED]))
    seen = context(request, moment)[fact.group].get(fact.name)
    if seen is not None and not (fact.group == "behalf" and request.on_behalf_of is None):
        again = context(with_fact(request, fact.path, seen), moment)
        assert again == context(request, moment)


def test_every_safeguard_is_a_fact_that_can_be_stated() -> None:
    assert all(path in FACT and path not in DERIVED and FACT[path].cedar == "Bool" for path in SAFEGUARDS)


def test_seconds_are_rounded_down() -> None:
    _, moment = Drawer(1).next()
    assert seconds(moment.now.replace(microsecond=999999)) == seconds(moment.now.replace(microsecond=0))
