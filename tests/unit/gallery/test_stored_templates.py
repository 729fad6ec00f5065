"""Which stored values are templates: whole, finite, and of norm 1."""

from __future__ import annotations

import numpy as np
import pytest
from tests.fakes.engine import MODEL, vector_of

from countenance import faces
from countenance.faces import Template
from countenance.gallery.stored_templates import NORM_TOLERANCE, undamaged

UNIT = vector_of(1).astype("<f4")
SIZE = len(UNIT)


def stored(vector: np.ndarray) -> bytes:
    return vector.astype("<f4").tobytes()


def with_one(value: float) -> bytes:
    vector = UNIT.copy()
    vector[3] = value
    return stored(vector)


def test_templates_of_norm_1_are_whole_wherever_they_stand() -> None:
    bad: list[object] = [b"", None, 3, "text", stored(UNIT)[:-1], stored(UNIT) + b"x", bytes(4 * SIZE)]
    bad += [with_one(np.nan), with_one(np.inf), with_one(-np.inf), with_one(1e30), stored(100 * UNIT)]
    bad += [stored(np.full(SIZE, np.finfo("<f4").max))]
    mixed = [value for each in bad for value in (each, stored(UNIT))]
    assert undamaged(mixed, SIZE).tolist() == [False, True] * len(bad)
    assert not undamaged(bad, SIZE).any()
    assert undamaged([], SIZE).shape == (0,)


@pytest.mark.parametrize("factor", [1 - 1.1 * NORM_TOLERANCE, 1 + 1.1 * NORM_TOLERANCE, 0.5, 2.0, 1e-30])
def test_a_template_that_is_shorter_or_longer_is_damaged(factor: float) -> None:
    assert not undamaged([stored(factor * UNIT)], SIZE)[0]


@pytest.mark.parametrize("factor", [1 - 0.9 * NORM_TOLERANCE, 1.0, 1 + 0.9 * NORM_TOLERANCE])
def test_a_template_within_the_tolerance_is_whole(factor: float) -> None:
    assert undamaged([stored(factor * UNIT)], SIZE)[0]


@pytest.mark.parametrize("factor", [1 - 0.999 * faces.NORM_TOLERANCE, 1 + 0.999 * faces.NORM_TOLERANCE])
def test_what_can_be_enrolled_is_never_damaged(factor: float) -> None:
    vector = (factor * UNIT).astype(np.float32)
    assert undamaged([stored(Template(vector, MODEL).vector)], SIZE)[0]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), "0.5", b"", None])
def test_what_is_stored_beside_it_is_a_share_of_the_face(share: object) -> None:
    assert undamaged([stored(UNIT)] * 3, SIZE, [0, share, 1.0]).tolist() == [True, False, True]


def test_a_gallery_without_a_dimension_has_no_whole_template() -> None:
    assert undamaged([stored(UNIT), b""], 0).tolist() == [False, False]
