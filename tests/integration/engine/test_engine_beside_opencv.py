"""The engine beside OpenCV's own FaceDetectorYN and FaceRecognizerSF, with the same weights."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.integration.engine.astronaut import ASTRONAUT

from countenance.engine import Engine, load_manifests
from countenance.faces import Pixels, Vector

_YUNET = load_manifests()["yunet"].detection
assert _YUNET is not None
HOW = _YUNET

Rows = NDArray[np.float32]
"""What OpenCV's detector says of each face, shape (n, 15): box, five points, score."""


class OpenCV:
    def __init__(self, weights: Path) -> None:
        models = load_manifests()
        self._detector = cv2.FaceDetectorYN.create(
            str(weights / models["yunet"].file), "", (1, 1), HOW.min_score, HOW.max_overlap, HOW.max_candidates
        )
        self._recogniser = cv2.FaceRecognizerSF.create(str(weights / models["sface"].file), "")

    def __call__(self, pixels: Pixels) -> tuple[Rows, list[Vector]]:
        """Rows of OpenCV's detector, largest first, and a unit template for each."""
        self._detector.setInputSize(pixels.shape[1::-1])
        detected = self._detector.detect(pixels)[1]
        rows: Rows = np.zeros((0, 15), np.float32) if detected is None else np.asarray(detected, np.float32)
        rows = rows[np.argsort(-rows[:, 2] * rows[:, 3])]
        return rows, [self.at(pixels, row[4:14].reshape(5, 2)) for row in rows]

    def at(self, pixels: Pixels, points: NDArray[np.floating]) -> Vector:
        """The mean of OpenCV's unit templates of the face at five points and of its mirror image."""
        row = np.concatenate((np.zeros(4), points.ravel(), [1.0])).astype(np.float32)
        cut = self._recogniser.alignCrop(pixels, row)
        both = [self._recogniser.feature(np.ascontiguousarray(side))[0].copy() for side in (cut, cut[:, ::-1])]
        template = np.sum([one / np.linalg.norm(one) for one in both], axis=0)
        return np.asarray(template / np.linalg.norm(template), np.float32)


@pytest.fixture(scope="module")
def opencv(weights: Path) -> OpenCV:
    return OpenCV(weights)


def compare(engine: Engine, opencv: OpenCV, image: bytes) -> tuple[int, int, float]:
    """(as OpenCV sees them, looked at again, cosine): of the faces in `image` that both find, how many are the same to
    a twentieth of a pixel, how many are not, and the smallest cosine of templates.

    Where the points lean, or crops of the face in other turns say so, the engine takes the points of a turned crop.
    Whatever points it takes, OpenCV makes the same template at them.
    """
    picture = engine.look(image)
    templates = engine.embed(picture, picture.faces)
    rows, theirs = opencv(picture.pixels)
    size = np.array([picture.width, picture.height] * 2)
    same, moved, cosines = 0, 0, []
    for face, template in zip(picture.faces, templates, strict=True):
        marks = face.landmarks
        five = [marks.left_eye, marks.right_eye, marks.nose, marks.left_mouth, marks.right_mouth]
        points = np.array([(point.x, point.y) for point in five]).ravel() * np.tile(size[:2], 5)
        cosines.append(float(template.vector @ opencv.at(picture.pixels, points.reshape(5, 2).astype(np.float32))))
        box = np.array([face.box.left, face.box.top, face.box.width, face.box.height]) * size
        away = np.abs(rows[:, :2] + rows[:, 2:4] / 2 - box[:2] - box[2:] / 2).max(axis=1, initial=0)
        if not len(rows) or away.min() > box[2] / 4:
            continue  # found at another scale or in a turned picture, where OpenCV does not look
        row, their = rows[away.argmin()], theirs[away.argmin()]
        if np.abs(box - row[:4]).max() < 0.05 and np.abs(points - row[4:14]).max() < 0.05:
            assert face.confidence == pytest.approx(HOW.confidence.of(float(row[14])), abs=0.01)
            cosines.append(float(template.vector @ their))
            same += 1
        else:
            moved += 1
    return same, moved, min(cosines, default=1.0)


def test_an_astronaut_is_seen_as_opencv_sees_her(engine: Engine, opencv: OpenCV) -> None:
    image = bytes(cv2.imencode(".png", ASTRONAUT)[1])
    assert len(engine.look(image).faces) == 1
    same, moved, cosine = compare(engine, opencv, image)
    assert (same, moved) == (1, 0)
    assert cosine > 0.999


def test_faces_of_lfw_are_seen_as_opencv_sees_them(engine: Engine, opencv: OpenCV, evaluation_data: Path) -> None:
    files = sorted((evaluation_data / "lfw" / "images").rglob("*.jpg"))[::150]
    assert len(files) > 50
    same, moved, cosines = zip(*(compare(engine, opencv, file.read_bytes()) for file in files), strict=True)
    assert min(cosines) > 0.999
    assert sum(same) > 85
    assert sum(moved) <= 0.15 * (sum(same) + sum(moved))


def test_a_large_picture_is_seen_as_opencv_sees_the_same_picture_reduced(weights: Path, opencv: OpenCV) -> None:
    engine = Engine.open(weights, "yunet", "sface", threads=2, smallest_face=100)  # found where 640 pixels are searched
    large = cv2.resize(ASTRONAUT, (3072, 3072), interpolation=cv2.INTER_CUBIC)
    picture = engine.look(cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
    assert (picture.width, picture.height, picture.reduction) == (3072, 3072, 4)
    rows, theirs = opencv(picture.pixels)
    (face,) = picture.faces
    (ours,) = engine.embed(picture, [face])
    # The detector saw 640 pixels here and 768 there, so the points differ a little, and with them the templates.
    size = np.array(picture.pixels.shape[1::-1])
    assert np.abs(np.array([face.box.left, face.box.top]) * size - rows[0][:2]).max() < 5
    assert float(ours.vector @ theirs[0]) > 0.9
    # Cut out at the same five points, they are the same.
    points = picture.position([face.landmarks.left_eye, face.landmarks.right_eye, face.landmarks.nose])
    rest = picture.position([face.landmarks.left_mouth, face.landmarks.right_mouth])
    assert float(ours.vector @ opencv.at(picture.pixels, np.concatenate((points, rest)))) > 0.999


def test_one_person_is_more_like_herself_than_like_others(engine: Engine, evaluation_data: Path) -> None:
    people = ["George_W_Bush", "Serena_Williams", "Tony_Blair", "Jennifer_Capriati"]
    files = [sorted((evaluation_data / "lfw" / "images" / person).glob("*.jpg"))[:6] for person in people]
    images = [file.read_bytes() for person in files for file in person]
    vectors = np.stack([sighting.templates[0].vector for sighting in engine.templates(images, choose="centre")])
    same = np.kron(np.eye(len(people), dtype=bool), np.ones((6, 6), dtype=bool))
    cosines = vectors @ vectors.T
    assert np.median(cosines[same & ~np.eye(24, dtype=bool)]) > 0.45
    assert np.median(cosines[~same]) < 0.2
