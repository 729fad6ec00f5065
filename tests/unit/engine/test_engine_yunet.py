import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.engine.manifest import Detection
from countenance.engine.yunet import Found, Maps, output_names, padded, read_maps, working_size

HOW = Detection("yunet", (8, 16, 32), 0.6, 0.3, 5000, ((0.0, 0.0, 0.0),) * 5)


def empty_maps(width: int = 64, height: int = 64) -> dict[str, Maps]:
    return {
        f"{kind}_{stride}": np.zeros((1, (width // stride) * (height // stride), n), dtype=np.float32)
        for stride in HOW.strides
        for kind, n in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
    }


def put(
    maps: dict[str, Maps],
    stride: int,
    row: int,
    column: int,
    *,
    cls: float = 1.0,
    obj: float = 1.0,
    box: tuple[float, float, float, float] = (0.5, 0.5, 0.0, 0.0),
    width: int = 64,
) -> None:
    cell = row * (width // stride) + column
    maps[f"cls_{stride}"][0, cell] = cls
    maps[f"obj_{stride}"][0, cell] = obj
    maps[f"bbox_{stride}"][0, cell] = box
    maps[f"kps_{stride}"][0, cell] = np.arange(10) / 10


def found_in(maps: dict[str, Maps], width: int = 64) -> Found:
    return read_maps([maps[name] for name in output_names(HOW.strides)], width, HOW)


def test_nothing_above_the_score_is_no_face() -> None:
    maps = empty_maps()
    put(maps, 16, 1, 1, cls=0.5, obj=0.5)
    found = found_in(maps)
    assert found.boxes.shape == (0, 4)
    assert found.points.shape == (0, 5, 2)


def test_box_points_and_score_are_read_from_their_cell() -> None:
    maps = empty_maps()
    put(maps, 16, 2, 3, cls=0.81, obj=1.0, box=(0.25, 0.5, math.log(2), math.log(1.5)))
    found = found_in(maps)
    assert found.scores == pytest.approx([0.9])
    # centre (3.25, 2.5) x 16, size (2, 1.5) x 16
    assert found.boxes[0] == pytest.approx([52 - 16, 40 - 12, 32, 24])
    assert found.points[0, 0] == pytest.approx([(3 + 0.0) * 16, (2 + 0.1) * 16])
    assert found.points[0, 4] == pytest.approx([(3 + 0.8) * 16, (2 + 0.9) * 16])


def test_scores_beyond_one_are_clipped() -> None:
    maps = empty_maps()
    put(maps, 32, 0, 0, cls=7.0, obj=0.49)
    assert found_in(maps).scores == pytest.approx([0.7])


def test_of_two_boxes_that_overlap_the_stronger_stays() -> None:
    maps = empty_maps()
    put(maps, 8, 2, 2, cls=0.9, box=(0.5, 0.5, math.log(4), math.log(4)))
    put(maps, 8, 2, 3, cls=0.8, box=(0.0, 0.5, math.log(4), math.log(4)))
    found = found_in(maps)
    assert len(found.scores) == 1
    assert found.scores[0] == pytest.approx(math.sqrt(0.9))


def test_two_boxes_apart_both_stay_strongest_first() -> None:
    maps = empty_maps()
    put(maps, 8, 0, 0, cls=0.8)
    put(maps, 8, 5, 5, cls=0.9)
    assert found_in(maps).scores == pytest.approx([math.sqrt(0.9), math.sqrt(0.8)])


@pytest.mark.parametrize("nonsense", [np.nan, -np.inf])
def test_a_box_without_a_size_is_dropped(nonsense: float) -> None:
    maps = empty_maps()
    put(maps, 8, 0, 0, box=(0.5, 0.5, nonsense, 0.0))
    put(maps, 8, 5, 5)
    assert len(found_in(maps).scores) == 1


def test_padding_keeps_the_picture_in_the_corner_and_adds_black() -> None:
    sheet = padded(np.full((33, 64, 3), 7, dtype=np.uint8), 32)
    assert sheet.shape == (64, 64, 3)
    assert np.all(sheet[:33] == 7)
    assert not sheet[33:].any()


@given(st.integers(1, 20000), st.integers(1, 20000))
def test_the_working_size_keeps_proportions_and_never_enlarges(width: int, height: int) -> None:
    small = working_size(width, height, (640, 640))
    assert max(small) <= 640
    assert max(small) == min(640, max(width, height))
    assert small[0] <= width
    assert small[1] <= height
    assert min(small) == pytest.approx(min(width, height) * min(1, 640 / max(width, height)), abs=1)
