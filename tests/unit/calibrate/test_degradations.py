"""The grid of degradations: pictures that all lack the same side of a face lack it whatever is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from countenance.calibrate.degradations import GRID, Degradation, Place, degrade

FACE = Place(
    np.array([20, 30, 40, 50], np.float32),
    np.array([[30, 45], [50, 45], [40, 55], [32, 65], [48, 65]], np.float32),
)


@pytest.mark.parametrize(
    ("kind", "rows", "columns"),
    [
        ("left cut off", slice(0, 100), slice(40, 100)),
        ("right cut off", slice(0, 100), slice(0, 40)),
        ("top cut off", slice(55, 100), slice(0, 100)),
        ("bottom cut off", slice(0, 55), slice(0, 100)),
    ],
)
def test_half_of_the_face_is_cut_off_on_the_same_side_whatever_is_drawn(kind: str, rows: slice, columns: slice) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    for seed in range(4):
        cut = degrade(picture, FACE, Degradation(kind, 0.5), np.random.default_rng(seed))
        assert np.array_equal(cut, picture[rows, columns])
    assert sum(how.kind == kind for how in GRID) == 2
