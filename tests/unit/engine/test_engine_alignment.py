import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from countenance.engine.alignment import TARGET, aligned, similarity

finite = st.floats(-500, 500)


@given(st.floats(0.05, 20), st.floats(-np.pi, np.pi), finite, finite)
def test_points_that_are_a_similarity_of_the_target_are_taken_exactly_to_it(
    scale: float, angle: float, x: float, y: float
) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = TARGET @ turn.T + [x, y]
    matrix = similarity(points, TARGET)
    assert np.allclose(points @ matrix[:, :2].T + matrix[:, 2], TARGET, atol=1e-6)


@given(st.lists(st.tuples(finite, finite), min_size=5, max_size=5, unique=True), st.integers(0, 2**32 - 1))
def test_no_other_similarity_comes_closer(five: list[tuple[float, float]], seed: int) -> None:
    points = np.array(five)
    matrix = similarity(points, TARGET)
    assert np.isclose(matrix[0, 0], matrix[1, 1])
    assert np.isclose(matrix[0, 1], -matrix[1, 0])

    def error(m: NDArray[np.float64]) -> float:
        return float(((points @ m[:, :2].T + m[:, 2] - TARGET) ** 2).sum())

    rng = np.random.default_rng(seed)
    for _ in range(5):
        a, b, x, y = rng.normal(0, 1e-3, 4)
        assert error(matrix) <= error(matrix + np.array([[a, -b, x], [b, a, y]])) + 1e-6


def test_points_that_coincide_are_shifted_only() -> None:
    matrix = similarity(np.full((5, 2), 3.0), TARGET)
    assert np.allclose(matrix[:, :2], np.eye(2))
    assert np.allclose(matrix @ [3, 3, 1], TARGET.mean(axis=0))


def test_a_face_that_already_lies_on_the_target_is_cut_out_unchanged() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    assert np.array_equal(aligned(picture, TARGET, 112, 112), picture)


def test_other_sizes_scale_the_target() -> None:
    small = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    picture = np.asarray(cv2.resize(small, (112, 112)), np.uint8)
    cut = aligned(picture, TARGET, 160, 160)
    expected = cv2.warpAffine(picture, np.array([[160 / 112, 0, 0], [0, 160 / 112, 0]]), (160, 160))
    assert np.abs(cut.astype(int) - expected).max() <= 1


def test_what_lies_outside_the_picture_is_black() -> None:
    picture = np.full((112, 112, 3), 255, dtype=np.uint8)
    assert not aligned(picture, TARGET + np.array([60, 0]), 112, 112)[:, 60:].any()
