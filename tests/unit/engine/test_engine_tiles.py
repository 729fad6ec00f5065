import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from countenance.engine import load_manifests
from countenance.engine.finding import TILE, TILE_STEP, _apart, _starts, _tile
from countenance.engine.yunet import Found


@given(st.integers(641, 16_384), st.sampled_from(range(64, 800, 32)))
def test_tiles_cover_a_side_and_share_with_their_neighbours_what_a_face_needs(length: int, overlap: int) -> None:
    side = _tile(length, overlap)
    starts = _starts(length, side, overlap)
    assert side <= TILE
    assert side % TILE_STEP == 0
    assert starts[0] == 0
    assert starts[-1] + side >= length
    assert all(second - first <= side - overlap for first, second in itertools.pairwise(starts))


def found(*faces: tuple[float, float, float, float, float]) -> Found:
    rows = np.array(faces, np.float32)
    return Found(rows[:, :4], np.zeros((len(rows), 5, 2), np.float32), rows[:, 4])


def test_one_face_is_not_told_in_two_turns() -> None:
    how = load_manifests()["yunet"].detection
    assert how is not None
    sharing = found((100, 100, 50, 60, 0.9), (128, 102, 46, 46, 0.8))  # 0.45 of the smaller, 0.23 of both
    assert len(_apart(sharing, [0.0, 0.0], how).scores) == 2
    assert _apart(sharing, [0.0, 225.0], how).scores.tolist() == [np.float32(0.9)]
    beside = found((100, 100, 50, 60, 0.9), (140, 102, 46, 46, 0.8))
    assert len(_apart(beside, [0.0, 225.0], how).scores) == 2
