"""A search for less than the evidence carries is answered at what it carries, and says so."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from tests.fakes.engine import MODEL, picture_of
from tests.unit.operations.conftest import CALIBRATION, NOW, World

from countenance.audit.evidence import Evidence, EvidenceSubject
from countenance.engine import LARGEST_FACE
from countenance.errors import Denied
from countenance.operations import (
    Associate,
    Compare,
    CreateGallery,
    Guard,
    SearchByFace,
    SearchByImage,
    SearchUsersByFace,
    SearchUsersByImage,
    SearchUsersByUser,
)
from countenance.operations.floor import least_similarity
from countenance.policy import Verdict

FACE = "00000001-0000-4000-8000-000000000000"


def evidence(fmr: float = 1e-3, days: float = 1, model: str = MODEL) -> Evidence:
    subject = EvidenceSubject(
        model=model,
        model_version="1",
        normaliser="raw",
        calibration=CALIBRATION.identity,
        threshold_fmr=fmr,
        threshold_score=0.6,
    )
    return Evidence(
        subject=subject,
        issued_at=NOW.isoformat(),
        expires_at=(NOW + timedelta(days=days)).isoformat(),
        operational=False,
        independent=False,
        audits=(),
        groups=(),
        issuer="0" * 64,
    )


def holding(world: World, *every: Evidence) -> Guard:
    tools = replace(world.guard._tools, evidence=every)
    rules, ledger = cast("Any", world.rules), cast("Any", world.ledger)
    return Guard(tools, rules, ledger, world.register, world.custody, world.moratoria, world.clock, world.budgets)


SEARCHES = [
    SearchByImage("g0", picture_of(1), similarity=70.0),
    SearchByFace("g0", FACE, similarity=0.8),
    SearchUsersByFace("g0", FACE, similarity=10.0),
    SearchUsersByUser("g0", "u-1", similarity=0.0),
    SearchUsersByImage("g0", picture_of(1), similarity=79.999),
]


def ready(world: World) -> None:
    world.gallery.create("g0", world.engine.model, world.engine.version, {})
    world.gallery.create_user("g0", "u-1")
    seen = world.engine.look(picture_of(1), LARGEST_FACE)
    world.gallery.enrol("g0", "0" * 64, None, list(zip(seen.faces, world.engine.embed(seen, seen.faces), strict=True)))


@pytest.mark.parametrize("ask", SEARCHES, ids=lambda ask: type(ask).__name__)
def test_a_search_below_the_evidence_is_carried_out_at_it(world: World, ask: Any) -> None:
    ready(world)
    answer = holding(world, evidence()).carry_out(world.caller, ask)
    assert answer.headers["x-countenance-threshold"] == "80"
    (entry,) = [e for e in world.ledger.entries() if e.kind == "decision"]
    assert (entry.fields["min_similarity"], entry.fields["asked_similarity"]) == (80.0, ask.similarity)
    assert world.rules.asked[-1].model.fmr == pytest.approx(1e-3)
    assert answer.result.expected_false_matches <= 1e-3 * 1.0001


@pytest.mark.parametrize("similarity", [80.0, 80.5, 99.0, 100.0])
def test_a_search_at_or_above_the_evidence_is_left_alone(world: World, similarity: float) -> None:
    ready(world)
    answer = holding(world, evidence()).carry_out(
        world.caller, SearchByImage("g0", picture_of(1), similarity=similarity)
    )
    assert "x-countenance-threshold" not in answer.headers
    (entry,) = [e for e in world.ledger.entries() if e.kind == "decision"]
    assert entry.fields["min_similarity"] == similarity
    assert "asked_similarity" not in entry.fields


@pytest.mark.parametrize("held", [(), (evidence(days=-1),), (evidence(model="f" * 64),)], ids=["none", "old", "other"])
def test_without_evidence_in_date_the_rules_see_what_was_asked_for(world: World, held: tuple[Evidence, ...]) -> None:
    ready(world)
    answer = holding(world, *held).carry_out(world.caller, SearchByImage("g0", picture_of(1), similarity=70.0))
    assert "x-countenance-threshold" not in answer.headers
    assert world.rules.asked[-1].model.fmr == pytest.approx(10 ** (-70 / 80 * 3))


@pytest.mark.parametrize(
    "ask", [Compare(picture_of(1), picture_of(2), similarity=1.0), Associate("g0", "u-1", (FACE,), 5.0)]
)
def test_what_searches_no_gallery_keeps_its_threshold(world: World, ask: Any) -> None:
    ready(world)
    answer = holding(world, evidence()).carry_out(world.caller, ask)
    assert "x-countenance-threshold" not in answer.headers


@pytest.mark.parametrize("fmr", [1e-9, 3.3e-7, 1e-6, 1e-5, 4.4e-5, 1e-4, 1e-3, 0.0123, 0.5, 1.0])
def test_the_floor_is_the_least_similarity_that_the_rules_would_take(fmr: float) -> None:
    floor = least_similarity(CALIBRATION, fmr)
    assert CALIBRATION.fmr(CALIBRATION.score(floor)) <= fmr * (1 + 1e-9)
    if floor > 0.01:
        assert CALIBRATION.fmr(CALIBRATION.score(floor - 0.01)) > fmr


@pytest.mark.parametrize("verdict", [Verdict.DENY])
def test_a_refusal_is_logged_without_face_gallery_or_name(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(Denied):
        world.guard.carry_out(world.caller, CreateGallery("g-of-ann"))
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == f"refused: {world.key.mandate_id} asked for create_gallery (deny): test-1"
    for private in ("g-of-ann", "museum", world.key.secret, world.key.access_key):
        assert private not in line
