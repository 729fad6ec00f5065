"""What is no face is not enrolled under AUTO, whichever way it lies; a clear face is sure enough for AWS programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from tests.integration.engine.astronaut import ASTRONAUT

from countenance.calibrate.non_faces import KINDS
from countenance.engine import Engine
from countenance.faces import Pixels
from countenance.operations.quality import QualityFilter, reasons_against, reasons_against_templates
from countenance.scoring import load_normaliser


def taken(engine: Engine, pixels: Pixels) -> int:
    """How many faces of a picture would be enrolled under AUTO."""
    picture = engine.look_at(np.ascontiguousarray(pixels))
    templates = engine.embed(picture, picture.faces)
    level, normaliser = QualityFilter.AUTO, load_normaliser(engine.model)
    against = reasons_against_templates(picture.faces, templates, normaliser, level)
    return sum(not reasons_against(f, level) and not a for f, a in zip(picture.faces, against, strict=True))


@pytest.mark.parametrize("kind", ["surfaces", "shapes"])
def test_walls_and_things_are_not_enrolled(engine: Engine, kind: str) -> None:
    for number in range(16):
        pixels = KINDS[kind](Path(), np.random.default_rng(number))
        assert taken(engine, np.rot90(pixels, number % 4)) == 0, number


@pytest.mark.parametrize("name", ["cat", "coffee", "brick", "grass", "rocket", "coins"])
def test_a_cat_a_cup_and_a_wall_are_not_enrolled(engine: Engine, name: str) -> None:
    made = np.asarray(getattr(skimage.data, name)(), np.uint8)
    pixels = made[..., ::-1] if made.ndim == 3 else np.repeat(made[..., None], 3, axis=2)
    for turns in range(4):
        assert taken(engine, np.rot90(pixels, turns)) == 0


@pytest.mark.parametrize("turns", range(4))
def test_a_clear_face_has_the_confidence_that_programs_for_aws_ask_for(engine: Engine, turns: int) -> None:
    assert engine.look_at(np.ascontiguousarray(np.rot90(ASTRONAUT, turns))).faces[0].confidence >= 99.5
    assert taken(engine, np.rot90(ASTRONAUT, turns)) == 1
