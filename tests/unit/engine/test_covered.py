"""The share of an aligned face that is covered or blurred away."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from countenance.engine.covered import MOST_UNSEEN, unseen
from countenance.faces import Pixels

EYES = ((29, 46, 47, 58), (64, 46, 83, 58))
MOUTH = ((39, 86, 73, 98),)


def face(seed: int = 1) -> Pixels:
    """Something with edges everywhere, as the parts of a face have."""
    rough = np.random.default_rng(seed).normal(120, 60, (28, 28, 3))
    return np.clip(cv2.resize(rough, (112, 112), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def covered(pixels: Pixels, parts: tuple[tuple[int, int, int, int], ...]) -> Pixels:
    changed = pixels.copy()
    for left, top, right, bottom in parts:
        changed[top - 3 : bottom + 3, left - 3 : right + 3] = (90, 100, 110)
    return changed


def test_a_face_whose_eyes_and_mouth_are_there_shows_all_of_it() -> None:
    assert unseen(face()) == 0.0


@pytest.mark.parametrize("parts", [EYES, EYES[:1], EYES[1:], MOUTH, EYES + MOUTH], ids=str)
def test_a_covered_eye_or_mouth_leaves_its_share_unseen(parts: tuple[tuple[int, int, int, int], ...]) -> None:
    assert unseen(covered(face(), parts)) == pytest.approx(MOST_UNSEEN)


def test_a_covered_cheek_is_no_loss() -> None:
    assert unseen(covered(face(), ((10, 62, 24, 80),))) == 0.0


def test_the_more_a_face_is_blurred_the_less_of_it_is_seen() -> None:
    shares = [unseen(np.asarray(cv2.GaussianBlur(face(), (0, 0), sigma), np.uint8)) for sigma in (1, 4, 8, 30)]
    assert shares == sorted(shares)
    assert shares[0] == 0.0 < shares[1] < shares[-1] == pytest.approx(MOST_UNSEEN, rel=0.2)


@pytest.mark.parametrize("light", [0.15, 0.4, 0.8])
def test_less_light_on_the_same_face_changes_next_to_nothing(light: float) -> None:
    blurred = np.asarray(cv2.GaussianBlur(face(), (0, 0), 4), np.float32)
    assert unseen((blurred * light).astype(np.uint8)) == pytest.approx(unseen(blurred.astype(np.uint8)), abs=0.05)


def test_a_black_face_shows_nothing() -> None:
    assert unseen(np.zeros((112, 112, 3), np.uint8)) == pytest.approx(MOST_UNSEEN)


def test_the_size_to_which_a_face_is_aligned_does_not_matter() -> None:
    large = np.asarray(cv2.resize(covered(face(), MOUTH), (224, 224)), np.uint8)
    assert unseen(large) == pytest.approx(MOST_UNSEEN, abs=0.02)
    assert unseen(np.asarray(cv2.resize(face(), (224, 224)), np.uint8)) == 0.0
