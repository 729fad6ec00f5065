from __future__ import annotations

import cv2
import numpy as np
import pytest
from tests.unit.engine.picture_files import noise

from countenance.engine.quality import quality

FACE = np.asarray(cv2.resize(noise(300, 300, seed=3), (112, 112), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def test_brightness_is_the_cube_root_of_the_share_of_white() -> None:
    for level, share in ((0, 0), (128, 79.5), (255, 100)):
        assert quality(np.full((112, 112, 3), level, dtype=np.uint8), 90).brightness == pytest.approx(share, abs=0.1)


def test_blur_lowers_sharpness_step_by_step() -> None:
    blurred = [
        quality(np.asarray(cv2.GaussianBlur(FACE, (0, 0), sigma), dtype=np.uint8), 90).sharpness
        for sigma in (0.1, 1, 2, 4, 8)
    ]
    assert blurred == sorted(blurred, reverse=True)
    assert blurred[0] > 85
    assert blurred[-1] < 65


def test_dimming_a_picture_does_not_blur_it() -> None:
    dim = (FACE * 0.5 + 20).astype(np.uint8)
    assert quality(dim, 90).sharpness == pytest.approx(quality(FACE, 90).sharpness, rel=0.05)


def test_an_even_grey_is_not_sharp() -> None:
    assert quality(np.full((112, 112, 3), 99, dtype=np.uint8), 90).sharpness == 0


def test_the_size_is_passed_through() -> None:
    assert quality(FACE, 61.5).size_px == 61.5
