"""Faces that pictures cut off, through the guard with real weights: two of them are given less similarity, and a whole
face and one that is cut off are not.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.integration.serving import HOME, grant, need_weights, opened

from countenance.app import Countenance
from countenance.demo.faces import orl_faces
from countenance.errors import NoFace
from countenance.faces import Template
from countenance.operations import Caller, Compare, CreateGallery, Enrol, SearchByFace, SearchByImage
from countenance.operations.quality import QualityFilter
from countenance.scoring import coarse, scored
from countenance.scoring.normaliser import Crowding

NONE = QualityFilter.NONE


def picture(png: bytes, cut: float = 0.0) -> bytes:
    """Three times as large, without its upper part."""
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    large = cv2.resize(pixels, None, fx=3, fy=3)[round(3 * cut * len(pixels)) :]
    return cv2.imencode(".png", large)[1].tobytes()


def template(app: Countenance, image: bytes) -> Template:
    seen = app.engine.look(image)
    return app.engine.embed(seen, seen.faces[:1])[0]


def test_two_cut_off_faces_lose_similarity_in_searches_and_comparisons_and_others_do_not(tmp_path: Path) -> None:
    own = {"COUNTENANCE_HOME": str(tmp_path / "home"), "COUNTENANCE_WEIGHTS": str(need_weights())}
    first, second = (face.png for face in orl_faces(HOME / "demo-faces")[:2])  # of one person
    whole, cut, probe = picture(second), picture(second, 0.36), picture(first, 0.36)
    key = grant(own).access_key
    with opened(own) as app:
        caller, normaliser, calibration = Caller(key), app.tools.normaliser, app.tools.calibration
        assert isinstance(normaliser, Crowding) and normaliser.reserve > 0
        app.guard.carry_out(caller, CreateGallery("g"))
        with pytest.raises(NoFace, match="LOW_FACE_QUALITY"):
            app.guard.carry_out(caller, SearchByImage("g", probe, quality=QualityFilter.AUTO))
        for name, image in (("whole", whole), ("cut", cut)):
            app.guard.carry_out(caller, Enrol("g", image, name, quality=NONE))
        templates = {name: template(app, image) for name, image in (("whole", whole), ("cut", cut), ("probe", probe))}
        assert templates["whole"].unseen == 0 < min(templates["cut"].unseen, templates["probe"].unseen)

        def similarity(one: str, other: str, of: Crowding) -> float:
            score = float(scored(of, [templates[one]], [templates[other]])[0, 0])
            return coarse(calibration.similarity(score))

        bare = replace(normaliser, reserve=0.0)
        assert similarity("probe", "cut", normaliser) < similarity("probe", "cut", bare)
        assert similarity("probe", "whole", normaliser) == similarity("probe", "whole", bare)
        found = app.guard.carry_out(caller, SearchByImage("g", probe, similarity=0.0)).result
        shown = {each.face.external_id: each.similarity for each in found.candidates}
        assert shown == {
            name: pytest.approx(similarity("probe", name, normaliser), abs=0.01) for name in ("whole", "cut")
        }
        ids = {each.external_id: each.face_id for each in app.gallery.faces("g", limit=9).items}
        enrolled = app.guard.carry_out(caller, SearchByFace("g", ids["cut"], similarity=0.0)).result
        assert enrolled.candidates[0].similarity == pytest.approx(similarity("cut", "whole", bare), abs=0.01)
        for other in ("whole", "cut"):
            compared = app.guard.carry_out(caller, Compare(probe, {"whole": whole, "cut": cut}[other], 0.0)).result
            ((_, alike),) = compared.matches
            assert alike == pytest.approx(similarity("probe", other, normaliser), abs=0.01)
