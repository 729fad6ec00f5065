"""What is left of a head: a few means, whatever its size; and nothing round it is touched."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from countenance.faces import BoundingBox
from countenance.redaction import STYLES, Style, cover, head
from countenance.redaction.covering import CELLS, JITTER

BOX = BoundingBox(0.4, 0.4, 0.2, 0.2)


def noise(height: int, width: int, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("style", STYLES)
def test_the_whole_head_is_covered_and_nothing_else(style: Style) -> None:
    picture = noise(200, 300)
    made = cover(picture, [BOX], style)
    changed = (made != picture).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    whole = head(BOX)
    assert rows[0] == int(whole.top * 200)
    assert rows[-1] == int(np.ceil((whole.top + whole.height) * 200)) - 1
    assert columns[0] == int(whole.left * 300)
    assert columns[-1] == int(np.ceil((whole.left + whole.width) * 300)) - 1
    assert whole.left < BOX.left and whole.top < BOX.top
    assert whole.left + whole.width > BOX.left + BOX.width
    assert whole.top + whole.height > BOX.top + BOX.height


@pytest.mark.parametrize("side", [6, 20, 60, 400, 1500])
def test_no_detail_is_left_however_large_the_head_is(side: int) -> None:
    """Two heads with the same few means and quite different detail differ by the jitter only."""
    rng = np.random.default_rng(2)
    one = np.full((side, side, 3), 120, np.int16)
    detail = rng.integers(-100, 101, (side, side, 3))
    whole = BoundingBox(-1.0, -1.0, 3.0, 3.0)
    for name in ("detail", "negative"):
        sign = 1 if name == "detail" else -1
        picture = np.clip(one + sign * detail, 0, 255).astype(np.uint8)
        made = cover(picture, [whole]).astype(np.int16)
        cells = max(1, side // CELLS)
        means = [
            picture[r : r + cells, c : c + cells].reshape(-1, 3).mean(axis=0)
            for r in range(0, side - cells + 1, cells)
            for c in range(0, side - cells + 1, cells)
        ]
        assert made.max() <= np.max(means) + JITTER + 2 or side < 8 * CELLS
        gradient = np.abs(np.diff(made, axis=0)).max() if side > 1 else 0
        assert side < 60 or gradient <= 2 * JITTER


def test_the_same_head_is_never_covered_by_the_same_colours() -> None:
    picture = noise(100, 100)
    assert (cover(picture, [BOX]) != cover(picture, [BOX])).any()


def test_filling_leaves_nothing_of_the_head() -> None:
    one, other = noise(80, 80, 3), noise(80, 80, 4)
    whole = BoundingBox(0.0, 0.0, 1.0, 1.0)
    assert (cover(one, [whole], "fill") == cover(other, [whole], "fill")).all()


@pytest.mark.parametrize(
    "box",
    [
        BoundingBox(-0.5, -0.5, 0.2, 0.2),
        BoundingBox(1.5, 0.2, 0.1, 0.1),
        BoundingBox(0.99, 0.99, 0.5, 0.5),
        BoundingBox(0.5, 0.5, 1e-6, 1e-6),
        BoundingBox(-3.0, -3.0, 9.0, 9.0),
    ],
)
def test_boxes_at_and_beyond_the_edges_are_cut(box: BoundingBox) -> None:
    picture = noise(50, 70)
    made = cover(picture, [box])
    assert made.shape == picture.shape
    assert (picture == noise(50, 70)).all(), "the original is left as it is"
