"""The cases of issue 13: pictures as people have them. Equivalent inputs are made here from the astronaut."""

import io
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pi_heif
import pytest
from PIL import Image
from tests.integration.engine.astronaut import ASTRONAUT

from countenance.engine import Engine
from countenance.engine.limits import STORED
from countenance.errors import ImageTooLarge
from countenance.faces import DetectedFace, Pixels, Vector

DATA = Path(os.environ.get("COUNTENANCE_DATA", Path(__file__).parents[4] / "shared" / "data"))
CASES = DATA.parent / "cases"


def png(pixels: Pixels) -> bytes:
    return bytes(cv2.imencode(".png", pixels)[1])


def jpeg(pixels: Pixels, quality: int = 90) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


@pytest.fixture(scope="module")
def upright(engine: Engine) -> tuple[DetectedFace, Vector]:
    picture = engine.look(png(ASTRONAUT))
    return picture.faces[0], engine.embed(picture, picture.faces[:1])[0].vector


@pytest.mark.parametrize(("quarters", "roll"), [(1, -90), (2, 180), (3, 90)])
def test_a_turned_face_is_found_upright_with_its_roll(
    engine: Engine, upright: tuple[DetectedFace, Vector], quarters: int, roll: float
) -> None:
    picture = engine.look(png(np.ascontiguousarray(np.rot90(ASTRONAUT, quarters))))
    face = picture.faces[0]
    assert abs((face.pose.roll - upright[0].pose.roll - roll + 180) % 360 - 180) < 10
    assert float(engine.embed(picture, [face])[0].vector @ upright[1]) > 0.85
    assert face.box.area == pytest.approx(upright[0].box.area, rel=0.3)


@pytest.mark.parametrize("degrees", [45, 135, 315])
def test_a_face_that_lies_askew_is_found_with_its_roll(
    engine: Engine, upright: tuple[DetectedFace, Vector], degrees: float
) -> None:
    matrix = cv2.getRotationMatrix2D((255.5, 255.5), -degrees, 0.7)
    picture = engine.look(png(np.asarray(cv2.warpAffine(ASTRONAUT, matrix, (512, 512)), np.uint8)))
    face = picture.faces[0]
    assert abs((face.pose.roll - upright[0].pose.roll - degrees + 180) % 360 - 180) < 12
    assert float(engine.embed(picture, [face])[0].vector @ upright[1]) > 0.7


@pytest.mark.parametrize("degrees", [35, -35])
def test_a_leaning_face_is_told_with_its_roll_and_aligned_by_it(
    engine: Engine, upright: tuple[DetectedFace, Vector], degrees: float
) -> None:
    matrix = cv2.getRotationMatrix2D((255.5, 255.5), -degrees, 0.7)
    picture = engine.look_at(np.asarray(cv2.warpAffine(ASTRONAUT, matrix, (512, 512)), np.uint8))
    face = picture.faces[0]
    assert abs(face.pose.roll - upright[0].pose.roll - degrees) < 7
    assert float(engine.embed(picture, [face])[0].vector @ upright[1]) > 0.93


def test_a_face_larger_than_its_picture_is_found_as_a_plain_detection_finds_it(engine: Engine) -> None:
    file = DATA / "fairface" / "more" / "36538.jpg"
    if not file.exists():
        pytest.skip(f"no pictures at {DATA}")
    (face,) = engine.look(file.read_bytes()).faces
    assert abs(face.pose.roll) < 20


@pytest.mark.parametrize("share", [0.9, 1.15, 1.3])
def test_a_face_that_fills_the_frame_is_found(
    engine: Engine, upright: tuple[DetectedFace, Vector], share: float
) -> None:
    box = upright[0].box
    side = box.height * 512 / share
    x, y = (box.left + box.width / 2) * 512, (box.top + box.height / 2) * 512
    scale = 2000 / side
    matrix = np.array([[scale, 0, 1000 - scale * x], [0, scale, 1000 - scale * y]])
    enlarged = cv2.warpAffine(ASTRONAUT, matrix, (2000, 2000), flags=cv2.INTER_CUBIC)
    picture = engine.look(jpeg(np.asarray(enlarged, np.uint8)))
    assert len(picture.faces) == 1
    assert float(engine.embed(picture, picture.faces)[0].vector @ upright[1]) > 0.7


@pytest.mark.parametrize("across", [20, 45])
def test_small_faces_of_a_large_picture_are_found(
    engine: Engine, upright: tuple[DetectedFace, Vector], across: int
) -> None:
    scale = across / (upright[0].box.width * 512)
    small = cv2.resize(ASTRONAUT[:300, 100:400], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    sheet = np.full((3000, 4000, 3), 110, np.uint8)
    for row in range(5):
        for column in range(8):
            top, left = 200 + 500 * row, 200 + 450 * column
            sheet[top : top + small.shape[0], left : left + small.shape[1]] = small
    assert len(engine.look(jpeg(sheet)).faces) == 40


def test_forty_eight_megapixels_are_read(engine: Engine) -> None:
    sheet = np.full((6048, 8064, 3), 110, np.uint8)
    sheet[2000:4048, 3000:5048] = cv2.resize(ASTRONAUT, (2048, 2048))
    assert len(engine.look(jpeg(sheet, 80), replace(STORED, max_bytes=2**25)).faces) == 1


def test_bytes_behind_a_jpeg_are_not_its_scans(engine: Engine) -> None:
    assert len(engine.look(jpeg(ASTRONAUT) + b"\xff\xda\0\x02" * 101).faces) == 1


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "GIF", "BMP", "TIFF"])
def test_other_kinds_of_files_are_read(engine: Engine, kind: str) -> None:
    file = io.BytesIO()
    Image.fromarray(ASTRONAUT[..., ::-1]).save(file, kind)
    assert len(engine.look(file.getvalue()).faces) == 1


def test_the_heic_decoder_has_no_encoder() -> None:
    assert not any("x265" in name.lower() for name in pi_heif.libheif_info().get("encoders", {}).values())


@pytest.mark.parametrize(("folder", "roll"), [("upside-down", 180), ("sideways", 90)], ids=["upside down", "sideways"])
def test_shared_turned_pictures_are_found_turned(engine: Engine, folder: str, roll: float) -> None:
    files = sorted((CASES / "pictures" / folder).glob("*.png"))
    if not files:
        pytest.skip(f"no pictures at {CASES}")
    for file in files:
        faces = engine.look(file.read_bytes()).faces
        assert len(faces) == 1, file.name
        assert all(abs(abs(face.pose.roll) - roll) < 30 for face in faces), file.name


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("close-up/s01_2000px.jpg", 1),
        ("close-up/s08_2000px.jpg", 1),
        ("close-up/s01_320px.jpg", 1),
        ("close-up/s08_320px.jpg", 1),
        ("small-faces-12mp/p.jpg", 40),
        ("48-megapixels/p.jpg", 1),
        ("motion-photo/m.jpg", 1),
        ("skipped/phone.webp", 1),
        ("skipped/named_wrongly.jpg", 1),
        ("skipped/scan.tif", 1),
        ("skipped/saved.jfif", 1),
    ],
)
def test_shared_pictures_have_the_faces_that_their_readme_says(engine: Engine, name: str, number: int) -> None:
    file = CASES / "pictures" / name
    if not file.exists():
        pytest.skip(f"no pictures at {CASES}")
    assert len(engine.look(file.read_bytes(), STORED).faces) == number


def test_a_progressive_jpeg_of_many_large_scans_is_refused_before_it_is_decoded(engine: Engine) -> None:
    file = CASES / "faults" / "progressive-100-scans.jpg"
    if not file.exists():
        pytest.skip(f"no pictures at {CASES}")
    with pytest.raises(ImageTooLarge, match="pixels are scanned"):
        engine.look(file.read_bytes(), STORED)


def test_small_faces_of_a_large_picture_that_lies_on_its_side_are_found_and_covered(
    engine: Engine, upright: tuple[DetectedFace, Vector]
) -> None:
    scale = 22 / (upright[0].box.width * 512)
    small = cv2.resize(ASTRONAUT[:300, 100:400], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    sheet = np.full((320, 1600, 3), 110, np.uint8)
    for left in (300, 1000):
        sheet[100 : 100 + small.shape[0], left : left + small.shape[1]] = small
    lying = np.ascontiguousarray(np.rot90(sheet))
    faces = engine.look_at(lying).faces
    assert len(faces) == 2
    assert all(abs((face.pose.roll - upright[0].pose.roll + 270) % 360 - 180) < 30 for face in faces)
    boxes = [face.box for face in faces]
    covered = [max(box.overlap(each.box) for each in engine.spot(lying, 0.6)) for box in boxes]
    assert min(covered) > 0.4
