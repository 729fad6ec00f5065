"""Pictures as they came from outside: strangers in turned, blurred and covered pictures do not match under AUTO."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from countenance.engine import Engine
from countenance.operations.quality import QualityFilter, reasons_against, reasons_against_templates
from countenance.scoring import Calibration, load_normaliser

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
    vectors = []
    for file in files:
        picture = engine.look(file.read_bytes())
        assert picture.faces, file.name
        face = picture.faces[0]
        templates = engine.embed(picture, [face])
        level = QualityFilter.AUTO
        if not reasons_against(face, level) and not reasons_against_templates([face], templates, normaliser, level)[0]:
            vectors.append(templates[0].vector)
    rows = np.array(vectors, np.float32).reshape(-1, engine.dimension)
    scores = normaliser.probe_side(rows) @ normaliser.gallery_side(rows).T
    similarity = calibration.similarity(scores[np.triu_indices(len(rows), 1)].astype(np.float64))
    assert int((similarity >= 80).sum()) <= at_most
