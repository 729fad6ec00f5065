"""Files found by fuzzers: each gives a picture or an `ImageError`, and C libraries keep quiet."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from _pytest.capture import FDCapture

from countenance.engine import Limits, Picture
from countenance.engine.vision import Engine
from countenance.errors import ImageError


def test_every_bad_image_gives_a_picture_or_an_image_error_in_silence(engine: Engine, evaluation_data: Path) -> None:
    files = sorted(path for path in (evaluation_data / "bad-images").rglob("*") if path.is_file())
    assert len(files) > 400
    capture = FDCapture(2)
    capture.start()
    seen = refused = 0
    try:
        for file in files:
            for limits in (Limits(), Limits(min_side=1)):
                try:
                    assert isinstance(engine.look(file.read_bytes(), limits), Picture)
                    seen += 1
                except ImageError as error:
                    assert str(error)
                    refused += 1
        said = capture.snap()
    finally:
        capture.done()
    assert said == ""
    assert seen > 30
    assert refused > 400


@pytest.mark.parametrize("aspect", ["Landscape", "Portrait"])
def test_every_exif_orientation_shows_the_same_picture(engine: Engine, evaluation_data: Path, aspect: str) -> None:
    pictures = [
        engine.look((evaluation_data / "bad-images" / "exif-orientation" / f"{aspect}_{turn}.jpg").read_bytes())
        for turn in range(1, 9)
    ]
    assert len({(picture.width, picture.height) for picture in pictures}) == 1
    first = cv2.resize(pictures[0].pixels, (60, 60), interpolation=cv2.INTER_AREA).astype(int)
    for picture in pictures[1:]:
        other = cv2.resize(picture.pixels, (60, 60), interpolation=cv2.INTER_AREA)
        assert np.abs(first - other).mean() < 12
