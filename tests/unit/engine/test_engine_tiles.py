import itertools

from hypothesis import given
from hypothesis import strategies as st

from countenance.engine.finding import TILE, TILE_STEP, _starts, _tile


@given(st.integers(641, 16_384), st.sampled_from(range(64, 800, 32)))
def test_tiles_cover_a_side_and_share_with_their_neighbours_what_a_face_needs(length: int, overlap: int) -> None:
    side = _tile(length, overlap)
    starts = _starts(length, side, overlap)
    assert side <= TILE
    assert side % TILE_STEP == 0
    assert starts[0] == 0
    assert starts[-1] + side >= length
    assert all(second - first <= side - overlap for first, second in itertools.pairwise(starts))
