import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.faces import BoundingBox
from countenance.gallery.overlap import already_there

sides = st.floats(0.01, 0.5)
boxes = st.builds(BoundingBox, st.floats(-0.2, 1), st.floats(-0.2, 1), sides, sides)


@given(boxes, boxes)
def test_overlap_is_symmetric_and_a_ratio(a: BoundingBox, b: BoundingBox) -> None:
    assert a.overlap(b) == b.overlap(a)
    assert 0 <= a.overlap(b) <= 1 + 1e-9
    assert a.overlap(a) == pytest.approx(1)


def test_overlap_of_known_boxes() -> None:
    assert BoundingBox(0, 0, 0.2, 0.2).overlap(BoundingBox(0.1, 0, 0.2, 0.2)) == pytest.approx(1 / 3)
    assert BoundingBox(0, 0, 0.2, 0.2).overlap(BoundingBox(0.2, 0, 0.2, 0.2)) == 0


@given(st.lists(boxes, max_size=6), st.lists(boxes, max_size=6))
def test_pairs_are_one_to_one(found: list[BoundingBox], stored: list[BoundingBox]) -> None:
    known = already_there(found, stored)
    assert len(set(known.values())) == len(known)
    assert all(found[i].overlap(stored[j]) >= 0.5 for i, j in known.items())


def test_a_box_that_moved_a_little_is_the_same_face() -> None:
    stored = [BoundingBox(0.1, 0.1, 0.2, 0.2), BoundingBox(0.5, 0.1, 0.2, 0.2)]
    found = [BoundingBox(0.51, 0.1, 0.2, 0.2), BoundingBox(0.8, 0.1, 0.1, 0.2), BoundingBox(0.1, 0.11, 0.2, 0.2)]
    assert already_there(found, stored) == {0: 1, 2: 0}


def test_equal_boxes_pair_in_order() -> None:
    box = BoundingBox(0.1, 0.1, 0.2, 0.2)
    assert already_there([box, box, box], [box, box]) == {0: 0, 1: 1}
