"""Enrolled faces that their pictures cut off: what is stored, how they score, and what the record has of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine
from tests.unit.gallery.people import MODEL, Ticking, counted, detected, people, template

from countenance.database import open_database
from countenance.faces import ModelId, Template
from countenance.gallery import Gallery
from countenance.gallery.bound import bound_face, face_row
from countenance.gallery.search import index
from countenance.scoring.calibration import Calibration
from countenance.scoring.normaliser import Crowding

CENTRES = np.stack([template(seed).vector for seed in range(50, 53)])
RESERVE = 0.4
NORMALISER = Crowding(MODEL, "x", CENTRES, np.zeros(3, np.float32), 20.0, 0.0, 0.0, reserve=RESERVE)
CALIBRATION = Calibration(MODEL, "x", "x", np.array([-1.0, 1.0]), np.array([0.0, -9.0]))


def cut(seed: int, share: float) -> Template:
    return replace(template(seed), unseen=share)


@pytest.fixture
def database(tmp_path: Path) -> Engine:
    return open_database(tmp_path / "c.sqlite")


@pytest.fixture
def gallery(database: Engine) -> Gallery:
    """Holds a whole face, and the same one twice as two pictures cut it off."""
    gallery = Gallery(database, NORMALISER, Ticking(), counted())
    gallery.create("staff", MODEL, "sface-1", {})
    for digest, each in (("whole", template(1)), ("quarter", cut(1, 0.25)), ("all", cut(1, 1.0))):
        gallery.enrol("staff", digest, None, [(detected(), each)])
    return gallery


def scores(gallery: Gallery, probe: Template) -> list[float]:
    """Of the whole face, the one of which a quarter is cut off, and the one of which all is."""
    hits = gallery.search("staff", probe, limit=9, min_score=-9).hits
    return [score for _, score in sorted(hits, key=lambda hit: hit[0].face_id)]


@pytest.mark.parametrize("coded", [False, True])
def test_a_pair_loses_the_reserve_times_the_root_of_both_shares(
    gallery: Gallery, coded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if coded:  # as in large galleries
        monkeypatch.setattr(index, "CODED", 3)
        for start in range(0, 300, 50):
            gallery.enrol("staff", f"d{start}", None, people(*range(1000 + start, 1050 + start)))
        both = gallery.search("staff", cut(1, 0.25), limit=3, min_score=-9).hits
        assert [score for _, score in both] == pytest.approx([1.0, 1 - RESERVE / 4, 1 - RESERVE / 2], abs=1e-5)
        return
    assert scores(gallery, cut(1, 0.25)) == pytest.approx([1.0, 1 - RESERVE / 4, 1 - RESERVE / 2], abs=1e-5)
    assert scores(gallery, cut(1, 1.0)) == pytest.approx([1.0, 1 - RESERVE / 2, 1 - RESERVE], abs=1e-5)


def test_a_whole_probe_loses_nothing(gallery: Gallery) -> None:
    assert scores(gallery, template(1)) == pytest.approx([1.0, 1.0, 1.0], abs=1e-5)


def test_an_enrolled_face_keeps_its_share_as_a_probe_and_as_a_users(gallery: Gallery) -> None:
    face_ids = [face.face_id for face in gallery.faces("staff", limit=9).items]
    assert [gallery.template("staff", face_id).unseen for face_id in face_ids] == [0.0, 0.25, 1.0]
    gallery.create_user("staff", "ann")
    gallery.associate("staff", "ann", face_ids[1:2], calibration=CALIBRATION, similarity=0.0)
    assert [each.unseen for each in gallery.user_templates("staff", "ann")] == [0.25]
    least = CALIBRATION.similarity(1 - RESERVE / 4)
    done = gallery.associate("staff", "ann", face_ids[2:], calibration=CALIBRATION, similarity=least)
    assert done.face_ids == ()  # they lose half the reserve
    done = gallery.associate("staff", "ann", face_ids[:1], calibration=CALIBRATION, similarity=least)
    assert done.face_ids == (face_ids[0],)


def test_the_record_of_a_whole_face_is_as_before_shares_were_stored() -> None:
    assert len(face_row(3, ["id", 1, 0.0, 0.0, 1.0, 1.0, 99.0, 5, b"t", 0.0]).values) == 9
    assert face_row(3, ["id", 1, 0.0, 0.0, 1.0, 1.0, 99.0, 5, b"t", 0.5]).values[-1] == 0.5
    assert face_row(3, ["id", 1, 0.0, 0.0, 1.0, 1.0, 99.0, 5, b"t", b""]).values[-1] == b""
    values = {"gallery": 3, "face_id": "id", "image": 1, "box_left": 0.0, "box_top": 0.0, "box_width": 1.0}
    values |= {"box_height": 1.0, "confidence": 99.0, "enrolled_us": 5, "template": b"t", "unseen": 0.5}
    assert bound_face(values).values == ("id", 1, 0.0, 0.0, 1.0, 1.0, 99.0, 5, b"t", 0.5)


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
def test_a_template_refuses_what_is_no_share(share: float) -> None:
    with pytest.raises(ValueError, match="a share lies in"):
        Template(template(1).vector, ModelId(MODEL), share)
