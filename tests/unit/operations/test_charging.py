"""Every operation that compares faces is charged, and what a budget does not cover leaves no answer but an entry."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import tests.fakes.engine as fake
from tests.fakes.engine import picture_of, vector_of
from tests.unit.operations.conftest import NOW, World

from countenance.errors import BudgetSpent, NotFound
from countenance.gallery import Gallery
from countenance.mandates import Holder, Terms
from countenance.operations import (
    Associate,
    Caller,
    Compare,
    CreateGallery,
    CreateUser,
    Detect,
    Enrol,
    Operation,
    SearchByFace,
    SearchByImage,
    SearchUsersByFace,
    SearchUsersByImage,
    SearchUsersByUser,
)


def caller(world: World, budget: str) -> Caller:
    terms = Terms("payment", "consent", ("*",), ("*",), "{}", budget)
    asked = world.register.request(Holder("A"), terms, requested_by="ann", expires_at=NOW + timedelta(days=1))
    world.register.approve(asked.mandate_id, approved_by="ben")
    return Caller(world.register.issue_key(asked.mandate_id).access_key)


@pytest.fixture
def face_id(world: World) -> str:
    setting_up = caller(world, "")
    world.guard.carry_out(setting_up, CreateGallery("g0"))
    world.guard.carry_out(setting_up, CreateUser("g0", "u-1"))
    faces = world.guard.carry_out(setting_up, Enrol("g0", picture_of(1))).result.faces
    world.guard.carry_out(setting_up, Associate("g0", "u-1", (faces[0][0].face_id,)))
    return str(world.guard.carry_out(setting_up, Enrol("g0", picture_of(2))).result.faces[0][0].face_id)


def comparing(face_id: str) -> list[Operation[Any, Any]]:
    return [
        Compare(picture_of(1), picture_of(2)),
        SearchByImage("g0", picture_of(1)),
        SearchByFace("g0", face_id),
        SearchUsersByImage("g0", picture_of(1)),
        SearchUsersByFace("g0", face_id),
        SearchUsersByUser("g0", "u-1"),
        Associate("g0", "u-1", (face_id,)),
    ]


@pytest.mark.parametrize("which", range(7))
def test_what_compares_faces_is_charged_and_refused_when_the_budget_is_spent(
    world: World, face_id: str, which: int
) -> None:
    ask = comparing(face_id)[which]
    asking = caller(world, "day=1")
    assert "day=0" in world.guard.carry_out(asking, ask).headers["x-countenance-budget-left"]
    with pytest.raises(BudgetSpent) as caught:
        world.guard.carry_out(asking, ask)
    last = world.ledger.entry(world.ledger.size - 1)
    assert (last.fields["outcome"], last.fields["budget"]) == ("BudgetSpent", "day")
    assert caught.value.receipt == world.ledger.receipt(world.ledger.size - 1).header()
    world.guard.carry_out(asking, Detect(picture_of(1)))  # finding faces costs nothing


def test_the_result_names_the_charge_also_where_the_call_fails_after_it(
    world: World, face_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = caller(world, "")
    for ask in comparing(face_id):
        world.guard.carry_out(asking, ask)
    before = [str(e.fields["charged"]) for e in world.ledger.entries() if "charged" in e.fields]
    assert [int(head.partition(":")[0]) for head in before] == list(range(1, len(before) + 1))

    def failing(*_: object) -> None:
        raise NotFound("gone meanwhile")

    monkeypatch.setattr(Associate, "act", failing)
    with pytest.raises(NotFound):
        world.guard.carry_out(asking, Associate("g0", "u-1", (face_id,)))
    last = world.ledger.entry(world.ledger.size - 1).fields
    assert last["outcome"] == "NotFound"
    assert str(last["charged"]).startswith(f"{len(before) + 1}:")


def test_nothing_is_associated_beyond_the_budget(world: World, face_id: str) -> None:
    asking = caller(world, "subject=1")
    with pytest.raises(BudgetSpent):
        other = world.gallery.faces("g0", limit=1).items[0].face_id
        world.guard.carry_out(asking, Associate("g0", "u-1", (face_id, other), 0.0))
    assert [user.faces for user in _users(world.gallery)] == [1]


def test_each_face_of_a_target_picture_is_a_comparison(world: World) -> None:
    asking = caller(world, "day=3")
    with pytest.raises(BudgetSpent):
        world.guard.carry_out(asking, Compare(picture_of(1), picture_of(2, 3, 4, 5)))
    world.guard.carry_out(asking, Compare(picture_of(1), picture_of(2, 3, 4)))


def test_one_person_is_compared_with_others_as_often_as_the_budget_says(world: World) -> None:
    asking = caller(world, "")
    for other in range(2, 22):
        world.guard.carry_out(asking, Compare(picture_of(other), picture_of(1)))
    with pytest.raises(BudgetSpent) as caught:
        world.guard.carry_out(asking, Compare(picture_of(99), picture_of(1)))
    assert caught.value.which == "subject"


def _users(gallery: Gallery) -> tuple[Any, ...]:
    return gallery.users("g0", limit=10).items


def test_the_result_names_how_many_probes_were_near_duplicates_and_nothing_where_none_was(
    world: World, face_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alike = vector_of(3) + 0.1 * vector_of(4)
    monkeypatch.setattr(fake, "vector_of", lambda n: vector_of(n) if n < 50 else alike / np.linalg.norm(alike))
    asking = caller(world, "")
    named = []
    for person in (3, 4, 53):
        world.guard.carry_out(asking, SearchByImage("g0", picture_of(person)))
        named.append(world.ledger.entry(world.ledger.size - 1).fields.get("near_duplicates"))
    assert named == [None, None, 1]
