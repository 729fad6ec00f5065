"""What becomes of a lead whose enrolled face is erased while people judge it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.fakes.engine import picture_of
from tests.fakes.postgres import sqlite_only
from tests.unit.casework.conftest import CaseWorld

from countenance.administration import CaseSearch, Grade, SearchState
from countenance.database import reading
from countenance.errors import Conflict, NotFound
from countenance.operations import DeleteGallery, Erase


def erase_face(world: CaseWorld, search: CaseSearch) -> None:
    world.guard.carry_out(world.caller, Erase("g1", (search.leads[0].face_id,)))


def erase_gallery(world: CaseWorld, search: CaseSearch) -> None:
    world.guard.carry_out(world.caller, DeleteGallery("g1"))


def sealed(world: CaseWorld, search: CaseSearch) -> bytes:
    """The sealed picture of the first lead, as it lies in the database."""
    asked = sa.text("select sealed from casework_pictures where owner = :owner and part = '0'")
    with reading(world.records._engine) as connection:
        return bytes(connection.execute(asked, {"owner": search.search_id}).scalar_one())


@sqlite_only
@pytest.mark.parametrize("erase", [erase_face, erase_gallery])
def test_its_sealed_picture_goes_with_it_and_leaves_nothing_in_the_data_folder(
    reviewed: CaseWorld, erase: Callable[[CaseWorld, CaseSearch], None], tmp_path: Path
) -> None:
    search = reviewed.under_review()
    kept = sealed(reviewed, search)

    def in_the_folder() -> list[str]:
        part = kept[12:4000]  # a row is written over several pages: the first part lies in one piece
        return [path.name for path in tmp_path.rglob("*") if path.is_file() and part[:400] in path.read_bytes()]

    assert in_the_folder()
    item = reviewed.reviews.next("rex")
    assert item
    reviewed.reviews.looked(item, "rex", frozenset({"nose"}))
    erase(reviewed, search)
    assert reviewed.records.pictures_of(search.search_id) == {"probe"}
    assert not in_the_folder()
    with pytest.raises(Conflict, match="over"):
        reviewed.reviews.picture(item, "rex", probe=False)
    assert reviewed.reviews.next("roy") is None


def test_the_review_ends_without_it(reviewed: CaseWorld) -> None:
    search = reviewed.under_review()
    reviewed.judged("rex", Grade.STRONG_SAME)
    erase_face(reviewed, search)
    assert reviewed.seen(search).state is SearchState.REVIEW
    reviewed.reviews.sweep()
    found = reviewed.seen(search)
    assert found.state is SearchState.REVIEWED
    assert found.shown == ()
    assert [each.grade for each in found.conclusions] == [Grade.INSUFFICIENT]
    assert not reviewed.records.owners_of_pictures()
    reviewed.reviews.sweep()


def test_nobody_brings_its_picture_any_more(reviewed: CaseWorld) -> None:
    search = reviewed.searched(reviewed.opened(), 3)
    erase_face(reviewed, search)
    assert reviewed.cases.file.missing(search.search_id) == {}
    with pytest.raises((Conflict, NotFound)):
        reviewed.cases.bring(search.search_id, 0, "sue", picture_of(3))
    reviewed.reviews.sweep()
    assert reviewed.seen(search).state is SearchState.REVIEWED


def test_other_faces_leave_it_alone(reviewed: CaseWorld) -> None:
    search = reviewed.under_review()
    reviewed.guard.carry_out(reviewed.caller, Erase("g1", ("00000001-0000-4000-8000-000000000000",)))
    assert reviewed.records.pictures_of(search.search_id) == {"probe", "0"}
    assert reviewed.cases.file.erased(search.search_id) == frozenset()
