"""Raw cosine is the normaliser that changes nothing."""

from __future__ import annotations

import numpy as np

from countenance.faces import ModelId
from countenance.gallery.normaliser import RawCosine, load_normaliser


def test_raw_cosine_keeps_templates_as_they_are() -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    raw = RawCosine()
    assert raw.identity == "raw"
    assert (raw.gallery_side(vectors) == vectors).all() and (raw.probe_side(vectors) == vectors).all()


def test_a_model_that_nothing_ships_for_is_scored_raw() -> None:
    assert load_normaliser(ModelId("00" * 32)).identity == "raw"
