"""Many small faces in one large picture: each is found once, where it is, however the file stores its pixels."""

import random
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.unit.engine.picture_files import with_orientation

from countenance.engine import LARGEST_FACE, Engine
from countenance.engine.finding import _share
from countenance.faces import BoundingBox, Pixels

pytestmark = pytest.mark.slow

SIDE, STEP, FIRST = 3000, 500, 185


@pytest.fixture(scope="module")
def photos(evaluation_data: Path) -> list[Path]:
    found = sorted(evaluation_data.glob("lfw/images/*/*.jpg"))
    if not found:
        pytest.skip(f"no LFW in {evaluation_data}")
    return found


def collage(photos: list[Path], seed: int, side: int) -> tuple[Pixels, list[Path]]:
    """36 pictures of LFW, `side` pixels each, in 9 megapixels; row by row."""
    sheet = np.full((SIDE, SIDE, 3), (140, 130, 120), np.uint8)
    chosen = random.Random(seed).sample(photos, 36)
    for number, photo in enumerate(chosen):
        top, left = FIRST + number // 6 * STEP, FIRST + number % 6 * STEP
        small = cv2.resize(np.asarray(cv2.imread(str(photo))), (side, side), interpolation=cv2.INTER_AREA)
        sheet[top : top + side, left : left + side] = small
    return sheet, chosen


def jpeg(pixels: Pixels) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 92])[1])


def placed(box: BoundingBox, number: int, side: int) -> BoundingBox:
    """A box of one picture, in the collage."""
    top, left = FIRST + number // 6 * STEP, FIRST + number % 6 * STEP
    return BoundingBox(
        (left + box.left * side) / SIDE,
        (top + box.top * side) / SIDE,
        box.width * side / SIDE,
        box.height * side / SIDE,
    )


@pytest.mark.parametrize("seed", [1001, 1003])
def test_small_faces_are_boxed_as_closely_as_in_their_own_pictures(
    engine: Engine, photos: list[Path], seed: int
) -> None:
    side = 130
    sheet, chosen = collage(photos, seed, side)
    boxes = [face.box for face in engine.look(jpeg(sheet)).faces]
    close = 0
    for number, photo in enumerate(chosen):
        (alone, *_) = engine.look(photo.read_bytes()).faces
        close += max(placed(alone.box, number, side).overlap(box) for box in boxes) > 0.7
    assert close >= 33  # 26 and 27 where blurred finds counted
    places = [np.array([box.left, box.top, box.width, box.height], np.float32) for box in boxes]
    shares = [_share(one, other) for i, one in enumerate(places) for other in places[:i]]
    assert max(shares) < 0.3  # neighbours in one photograph; up to 1.0 where blurred finds counted


def test_the_largest_of_small_faces_is_the_same_whether_one_or_all_are_looked_for(
    engine: Engine, photos: list[Path]
) -> None:
    sheet, _ = collage(photos, 1001, 90)
    every, (largest,) = engine.look(jpeg(sheet)).faces, engine.look(jpeg(sheet), LARGEST_FACE).faces
    assert largest.box.overlap(every[0].box) > 0.9


def test_a_collage_has_the_same_faces_turned_by_exif_or_by_pixels(engine: Engine, photos: list[Path]) -> None:
    sheet, _ = collage(photos, 1001, 130)
    upright = engine.look(jpeg(sheet)).faces
    stored = with_orientation(jpeg(np.ascontiguousarray(np.rot90(sheet))), 6)
    turned = engine.look(stored).faces
    assert len(turned) == len(upright)
    assert all(max(one.box.overlap(other.box) for other in upright) > 0.8 for one in turned)
