"""What a detector's score is worth, fitted to made-up finds; and pictures without a face."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from countenance.calibrate.confidence import Finds, as_toml, fitted, reliability
from countenance.calibrate.non_faces import KINDS, non_face
from countenance.engine.confidence import ConfidenceCurve

PICTURES = 4000


def made_up(seed: int, others_in: int = PICTURES) -> Finds:
    """Faces score high, non-faces lower; a find at score s is a face with odds that rise steeply."""
    rng = np.random.default_rng(seed)
    face = np.clip(rng.normal(0.88, 0.05, 3900), 0.6, 0.97)
    other = np.clip(rng.normal(0.72, 0.06, 200), 0.6, 0.97)
    score = np.concatenate([face, other])
    picture = rng.integers(0, PICTURES, len(score))
    return Finds(score, np.arange(len(score)) < len(face), picture, PICTURES, others_in)


def test_a_clear_face_is_worth_99_and_more_and_the_curve_rises() -> None:
    curve = fitted(made_up(1))
    assert curve.of(0.93) >= 99
    assert curve.of(0.62) < 60
    values = [curve.of(score) for score in np.linspace(0.6, 1, 100)]
    assert values == sorted(values)
    assert max(values) < 100


def test_confidence_is_the_share_of_faces_among_finds_that_were_held_out() -> None:
    lines = reliability(fitted(made_up(1)), made_up(2))
    assert sum(line.finds for line in lines) == 4100
    for line in lines:
        assert (
            -1 / line.finds**0.5 < line.faces / line.finds - line.confidence / 100 < 0.1
        )  # one non-face more is counted


def test_non_faces_of_fewer_pictures_weigh_more() -> None:
    assert fitted(made_up(1, PICTURES // 4)).of(0.75) < fitted(made_up(1)).of(0.75)


def test_halves_share_no_picture() -> None:
    fit, test = (made_up(1).half(i) for i in (0, 1))
    assert not set(fit.picture.tolist()) & set(test.picture.tolist())
    assert len(fit.score) + len(test.score) == 4100


def test_the_curve_is_written_as_a_manifest_has_it() -> None:
    curve = ConfidenceCurve((0.6, 0.9), (12.5, 99.0))
    assert as_toml(curve) == "[detection.confidence]\nscore = [0.6, 0.9]\nconfidence = [12.5, 99]\n"


@pytest.mark.parametrize(
    ("score", "confidence"),
    [
        ((0.6,), (1.0,)),
        ((0.6, 0.6), (1.0, 2.0)),
        ((0.6, 0.7), (2.0, 1.0)),
        ((0.6, 0.7), (2.0, 101.0)),
        ((0.6, 0.7), (1.0,)),
    ],
)
def test_a_curve_that_does_not_rise_is_refused(score: tuple[float, ...], confidence: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="a confidence curve"):
        ConfidenceCurve(score, confidence)


def test_every_number_is_one_picture_without_a_face_the_same_at_every_call(tmp_path: Path) -> None:
    file = tmp_path / "p.png"
    cv2.imwrite(str(file), np.random.default_rng(0).integers(0, 255, (250, 250, 3), np.uint8))
    first, again = ([non_face(i, [file], [file]) for i in range(10)] for _ in "ab")
    assert {kind for kind, _ in first} == set(KINDS)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[4][1], first[9][1])
