from __future__ import annotations

from datetime import timedelta

import pytest
from tests.fakes.clock import Clock
from tests.fakes.engine import MODEL, vector_of

from countenance.errors import NoSuchDetectedFace
from countenance.faces import Template
from countenance.gallery import KeptFaces


def template(person: int) -> Template:
    return Template(vector_of(person), MODEL)


def test_a_face_is_kept_for_its_time_and_its_mandate() -> None:
    clock = Clock()
    kept = KeptFaces(clock)
    mine, other = kept.keep("m-1", [template(1), template(2)], 60)
    assert mine != other
    assert (kept.template("m-1", other).vector == vector_of(2)).all()
    with pytest.raises(NoSuchDetectedFace):
        kept.template("m-2", mine)
    with pytest.raises(NoSuchDetectedFace):
        kept.template("m-1", "no such id")
    clock.now += timedelta(seconds=59)
    kept.sweep()
    assert kept.template("m-1", mine)
    clock.now += timedelta(seconds=1)
    with pytest.raises(NoSuchDetectedFace):
        kept.template("m-1", mine)
    assert len(kept) == 2
    kept.sweep()
    assert len(kept) == 0


def test_the_oldest_of_a_mandate_makes_room_for_its_own() -> None:
    kept = KeptFaces(Clock(), most_of_one=2)
    ids = [kept.keep("m-1", [template(n)], 60)[0] for n in range(3)]
    (others,) = kept.keep("m-2", [template(9)], 60)
    assert len(kept) == 3
    with pytest.raises(NoSuchDetectedFace):
        kept.template("m-1", ids[0])
    assert kept.templates("m-1", ids[1:]) and kept.template("m-2", others)


def test_when_all_is_full_whoever_has_most_makes_room() -> None:
    kept = KeptFaces(Clock(), most=3)
    ids = [kept.keep("m-1", [template(n)], 60)[0] for n in range(3)]
    (new,) = kept.keep("m-2", [template(9)], 60)
    assert len(kept) == 3 and kept.template("m-2", new)
    with pytest.raises(NoSuchDetectedFace):
        kept.template("m-1", ids[0])


def test_what_is_over_makes_room_with_the_next_face() -> None:
    clock = Clock()
    kept = KeptFaces(clock)
    kept.keep("m-1", [template(1)], 60)
    clock.now += timedelta(seconds=61)
    kept.keep("m-2", [template(2)], 60)
    assert len(kept) == 1
