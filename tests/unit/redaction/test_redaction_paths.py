"""Where a covered face is in the frames in which it was not found."""

from __future__ import annotations

import pytest

from countenance.faces import BoundingBox
from countenance.redaction import Follower, Move, Places, Region, RegionOrigin
from countenance.redaction.paths import HOLD_MS


def at(x: float, y: float = 0.4, side: float = 0.1, score: float = 0.9) -> Region:
    return Region(BoundingBox(x, y, side, side), score)


def test_a_face_that_is_missed_for_some_frames_is_covered_on_the_way_and_marked() -> None:
    follower = Follower()
    follower.update(1000.0, [at(0.2)])
    follower.update(1040.0, [])
    follower.update(1120.0, [at(0.24, side=0.14)])
    (move,) = follower.moves
    places = Places(follower.moves, follower.hold_ms)
    (found,), _ = places.at(1000.0)
    (between,), _ = places.at(1060.0)
    assert (found.why, between.why) == (RegionOrigin.FOUND, RegionOrigin.BETWEEN)
    assert found.sure and not between.sure
    assert between.box.left + between.box.width / 2 == pytest.approx(0.28)
    assert between.box.width == 0.14, "as large as the larger of both"
    assert len(move.moments) == 2


def test_a_face_is_covered_a_while_before_and_after_it_was_found_and_not_for_ever() -> None:
    follower = Follower()
    follower.update(2000.0, [at(0.2)])
    places = Places(follower.moves, follower.hold_ms)
    seen = [len(places.at(moment)[0]) for moment in (1000.0, 2000 - HOLD_MS, 2000.0, 2000 + HOLD_MS, 3000.0)]
    assert seen == [0, 1, 1, 1, 0]
    (held,), _ = Places(follower.moves, follower.hold_ms).at(1900.0)
    assert held.why is RegionOrigin.HELD and not held.sure


def test_with_a_step_between_the_frames_looked_at_nothing_is_open_between_them() -> None:
    follower = Follower(step_ms=5000.0)
    for second in (0, 5, 10):
        follower.update(1000.0 * second, [at(0.2 + second / 500)])
    assert len(follower.moves) == 1
    places = Places(follower.moves, follower.hold_ms)
    assert all(places.at(100.0 * tenth)[0] for tenth in range(150))


def test_two_people_in_one_frame_are_two_paths_and_a_late_comer_is_a_third() -> None:
    follower = Follower()
    for step in range(5):
        follower.update(40.0 * step, [at(0.1 + 0.01 * step), at(0.7 - 0.01 * step)])
    follower.update(5000.0, [at(0.14)])
    assert [len(move.moments) for move in follower.moves] == [5, 5, 1]


def test_only_finds_that_were_chosen_stay_uncovered() -> None:
    move = Move([0.0, 100.0, 200.0], [at(0.1), at(0.1), at(0.1)], {0, 1})
    places = Places([move], HOLD_MS)
    left = [bool(places.at(moment)[1]) for moment in (0.0, 50.0, 100.0, 200.0, 250.0)]
    assert left == [True, False, True, False, False]


def test_a_low_score_is_for_a_person_to_look_at() -> None:
    assert not at(0.1, score=0.3).sure
    assert at(0.1, score=0.7).sure
