"""Faces whose templates look like nobody in particular are refused by name, where a filter was asked for."""

from __future__ import annotations

import numpy as np
from tests.fakes.engine import MODEL, face_at, vector_of

from countenance.faces import Template
from countenance.operations.quality import QualityFilter, reasons_against_templates
from countenance.scoring.normaliser import Crowding, RawCosine, Recognition

NOBODY = vector_of(1000)
CENTRES = np.stack([vector_of(2000), vector_of(2001), NOBODY])
WEIGHTS = np.zeros(3, np.float32)
NORMALISER = Crowding(MODEL, "made-up", CENTRES, WEIGHTS, 20.0, 0.5, 0.0, Recognition(1, 4.0, 20.0))
CLEAR, LOST = Template(vector_of(7), MODEL), Template(NOBODY, MODEL)


def test_a_template_beyond_use_is_refused_by_name_and_a_clear_one_is_not() -> None:
    faces = [face_at(0, sharpness=95.0), face_at(1, sharpness=95.0)]
    assert reasons_against_templates(faces, [CLEAR, LOST], NORMALISER, QualityFilter.AUTO) == [
        (),
        ("LOW_FACE_QUALITY",),
    ]


def test_what_the_picture_lacks_is_said_beside_it() -> None:
    soft = face_at(0, sharpness=16.0)
    assert reasons_against_templates([soft], [LOST], NORMALISER, QualityFilter.AUTO) == [
        ("LOW_FACE_QUALITY", "LOW_SHARPNESS")
    ]


def test_without_a_filter_or_without_degraded_centres_nothing_is_refused() -> None:
    face = [face_at(0)]
    assert reasons_against_templates(face, [LOST], NORMALISER, QualityFilter.NONE) == [()]
    assert reasons_against_templates(face, [LOST], RawCosine(), QualityFilter.AUTO) == [()]
    plain = Crowding(MODEL, "made-up", CENTRES, WEIGHTS, 20.0, 0.5, 0.0)
    assert reasons_against_templates(face, [LOST], plain, QualityFilter.AUTO) == [()]


def test_recognisability_falls_towards_the_degraded_centres_within_0_and_100() -> None:
    between = CLEAR.vector + NOBODY
    rows = np.stack([CLEAR.vector, between / np.linalg.norm(between), NOBODY]).astype(np.float32)
    found = NORMALISER.recognisability(rows)
    assert found is not None
    assert 100 >= found[0] > found[1] > found[2] >= 0
