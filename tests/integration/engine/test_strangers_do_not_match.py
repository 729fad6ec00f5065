"""Pictures as they came from outside: strangers in turned, blurred and covered pictures do not match under AUTO."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.integration.serving import HOME

from countenance.calibrate.degradations import Degradation, Place, degrade
from countenance.demo.faces import orl_faces
from countenance.engine import Engine
from countenance.faces import Pixels, Template
from countenance.operations.quality import QualityFilter, reasons_against, reasons_against_templates
from countenance.scoring import Calibration, load_normaliser, scored

CASES = Path(os.environ.get("COUNTENANCE_DATA", "../shared/data")).parent / "cases" / "pictures"


@pytest.mark.parametrize(
    ("folder", "at_most"),
    [("upside-down", 1), ("sideways", 0), ("blurred", 0), ("sunglasses", 0)],
)
def test_pairs_of_strangers_at_80(engine: Engine, folder: str, at_most: int) -> None:
    """Of 28 pairs upside down one (84) remains; upright, strangers of the same set match as often."""
    files = sorted((CASES / folder).glob("*.png"))
    if not files:
        pytest.skip(f"no pictures at {CASES}")
    normaliser = load_normaliser(engine.model)
    calibration = Calibration.load(engine.model, normaliser.identity)
    templates: list[Template] = []
    for file in files:
        picture = engine.look(file.read_bytes())
        assert picture.faces, file.name
        face = picture.faces[0]
        made = engine.embed(picture, [face])
        level = QualityFilter.AUTO
        if not reasons_against(face, level) and not reasons_against_templates([face], made, normaliser, level)[0]:
            templates += made
    if not templates:  # all refused
        return
    scores = scored(normaliser, templates, templates)[np.triu_indices(len(templates), 1)]
    similarity = calibration.similarity(scores.astype(np.float64))
    assert int((similarity >= 80).sum()) <= at_most


@pytest.mark.parametrize(
    ("how", "at_most"), [(Degradation("mask", 0.5), 2), (Degradation("sunglasses", 1.0), 2)], ids=lambda how: str(how)
)
def test_strangers_behind_masks_or_dark_glasses_do_not_match(engine: Engine, how: Degradation, at_most: int) -> None:
    """Of 780 pairs of one studio's 40 people, none refused; two pairs are 2.6 in 1,000. Without the reserve 20 match
    behind masks and 13 behind glasses.
    """
    normaliser = load_normaliser(engine.model)
    calibration = Calibration.load(engine.model, normaliser.identity)
    templates = []
    for number, photo in enumerate(photo for photo in orl_faces(HOME / "demo-faces") if photo.number == 1):
        small = np.asarray(cv2.imdecode(np.frombuffer(photo.png, np.uint8), cv2.IMREAD_COLOR), np.uint8)
        pixels = np.asarray(cv2.resize(small, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC), np.uint8)
        changed = degrade(pixels, place(engine, pixels), how, np.random.default_rng(number))
        picture = engine.look(png(changed))
        templates += engine.embed(picture, picture.faces[:1])
    assert len(templates) == 40
    scores = scored(normaliser, templates, templates)[np.triu_indices(40, 1)]
    assert int((calibration.similarity(scores.astype(np.float64)) >= 80).sum()) <= at_most


def png(pixels: Pixels) -> bytes:
    return bytes(cv2.imencode(".png", pixels)[1])


def place(engine: Engine, pixels: Pixels) -> Place:
    (face,) = engine.look(png(pixels)).faces
    return Place.of(face, pixels.shape[1], pixels.shape[0])
