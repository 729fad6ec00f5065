"""The engine without weights is used as the real one is, and what it finds is made as what the real one finds."""

from __future__ import annotations

import inspect
import itertools
from typing import cast

import cv2
import numpy as np
import pytest
from tests.fakes.engine import FakeEngine, picture_of

from countenance.engine import Engine, Picture
from countenance.errors import ImageError
from countenance.faces import Template

GREY = bytes(cv2.imencode(".png", np.zeros((90, 120, 3), np.uint8))[1])


@pytest.fixture(params=["real", "fake"])
def either(request: pytest.FixtureRequest) -> tuple[Engine, bytes]:
    """An engine and a picture of nobody for it."""
    if request.param == "real":
        return request.getfixturevalue("engine"), GREY
    return cast(Engine, FakeEngine()), picture_of()


def check(engine: Engine, picture: Picture) -> None:
    """What callers rely on."""
    areas = [face.box.width * face.box.height for face in picture.faces]
    assert all(one >= other for one, other in itertools.pairwise(areas)), "the largest face comes first"
    assert all(0 <= face.confidence <= 100 for face in picture.faces)
    for faces in (picture.faces, picture.faces[::-1], ()):
        templates = engine.embed(picture, faces)
        assert len(templates) == len(faces)
        for template in templates:
            assert isinstance(template, Template)  # which has L2 norm 1
            assert template.model == engine.model
            assert template.vector.shape == (engine.dimension,)
        again = engine.embed(picture, faces)
        assert all(np.allclose(a.vector, b.vector, atol=1e-6) for a, b in zip(templates, again, strict=True))


def test_callers_cannot_tell_the_fake_from_the_engine(either: tuple[Engine, bytes]) -> None:
    engine, nobody = either
    assert len(engine.model) == 64
    assert engine.version
    assert engine.look(nobody).faces == ()
    check(engine, engine.look(nobody))
    with pytest.raises(ImageError):
        engine.look(b"no picture at all")
    frame = engine.look_at(np.zeros((100, 100, 3), np.uint8))
    assert frame.faces == ()
    assert frame.pixels.shape == (100, 100, 3)


def test_faces_of_the_fake_are_made_as_faces_are() -> None:
    engine = cast(Engine, FakeEngine())
    picture = engine.look(picture_of(12, 7))
    assert len(picture.faces) == 2
    check(engine, picture)
    one, other = engine.embed(picture, picture.faces)
    assert float(one.vector @ other.vector) < 0.9


def test_the_fake_takes_what_the_engine_takes() -> None:
    for name, method in inspect.getmembers(FakeEngine, inspect.isfunction):
        if not name.startswith("_"):
            assert list(inspect.signature(method).parameters) == list(
                inspect.signature(getattr(Engine, name)).parameters
            )
