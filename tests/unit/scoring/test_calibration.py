"""The serving side of calibration: monotone, invertible, anchored, and silent about models it does not know."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.errors import BadRequest, ModelError
from countenance.faces import ModelId
from countenance.scoring.calibration import SHIPPED, Calibration, expected_false_matches

MODEL = ModelId("ab" * 32)
CURVE = {"score": [-0.5, 0.0, 0.3, 0.5, 1.4], "log10_fmr": [0.0, -0.4, -2.0, -4.0, -9.0]}


def content(**changes: object) -> bytes:
    return json.dumps({"model": MODEL, "normaliser": "raw", "curve": CURVE, **changes}).encode()


CALIBRATION = Calibration.parse(content())
SCORES = st.floats(-2.0, 2.0)


@pytest.mark.parametrize(
    ("similarity", "fmr"), [(80, 1e-3), (90, 1e-4), (99, 1e-5), (99.9, 1e-6), (100, 1e-9)]
)  # the scale that callers build thresholds on
def test_each_anchor_is_the_similarity_of_its_false_match_rate(similarity: float, fmr: float) -> None:
    assert CALIBRATION.similarity(CALIBRATION.score_at_fmr(fmr)) == pytest.approx(similarity, abs=1e-9)
    assert CALIBRATION.fmr(CALIBRATION.score(similarity)) == pytest.approx(fmr, rel=1e-9)


@given(SCORES, SCORES)
def test_a_higher_score_is_never_less_similar_nor_more_often_wrong(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert CALIBRATION.similarity(low) <= CALIBRATION.similarity(high)
    assert CALIBRATION.fmr(low) >= CALIBRATION.fmr(high)


@given(st.floats(-0.49, 1.39))
def test_similarity_leads_back_to_the_score_it_came_from(score: float) -> None:
    assert CALIBRATION.score(CALIBRATION.similarity(score)) == pytest.approx(score, abs=1e-9)


@given(st.floats(1e-9, 1.0))
def test_the_false_match_rate_leads_back_to_itself(fmr: float) -> None:
    score = CALIBRATION.score_at_fmr(fmr)
    assert fmr == 1.0 or CALIBRATION.fmr(score) == pytest.approx(fmr, rel=1e-6)


@given(st.lists(SCORES, min_size=1, max_size=9))
def test_an_array_is_answered_as_its_numbers_are(scores: list[float]) -> None:
    array = np.array(scores)
    assert CALIBRATION.similarity(array) == pytest.approx([CALIBRATION.similarity(s) for s in scores], rel=1e-12)
    assert CALIBRATION.fmr(array) == pytest.approx([CALIBRATION.fmr(s) for s in scores], rel=1e-12)
    assert isinstance(CALIBRATION.fmr(scores[0]), float)


def test_the_ends_of_the_scale_are_reached_and_not_passed() -> None:
    assert CALIBRATION.similarity(np.array([-3.0, 3.0])).tolist() == [0.0, 100.0]
    assert CALIBRATION.fmr(np.array([-3.0, 3.0])).tolist() == pytest.approx([1.0, 1e-9])
    assert CALIBRATION.score(0.0) == -np.inf


@pytest.mark.parametrize("similarity", [-0.1, 100.1, float("nan")])
def test_a_similarity_off_the_scale_is_refused(similarity: float) -> None:
    with pytest.raises(BadRequest, match=r"0\.\.100"):
        CALIBRATION.score(similarity)


@pytest.mark.parametrize("fmr", [0.0, 1e-10, 1.1, float("nan")])
def test_a_rate_that_no_data_could_show_is_refused(fmr: float) -> None:
    with pytest.raises(BadRequest, match="false match rate"):
        CALIBRATION.score_at_fmr(fmr)


def test_identity_is_the_hash_of_the_file() -> None:
    assert CALIBRATION.identity == hashlib.sha256(content()).hexdigest()


@pytest.mark.parametrize(
    "damage",
    [
        {"curve": {"score": [0.0, 0.0, 1.0], "log10_fmr": [0.0, -2.0, -9.0]}},
        {"curve": {"score": [0.0, 0.5, 1.0], "log10_fmr": [0.0, 0.0, -9.0]}},
        {"curve": {"score": [0.0, 0.5, 1.0], "log10_fmr": [0.0, -2.0, -5.0]}},
        {"curve": {"score": [0.0, 0.5, 1.0], "log10_fmr": [-1.0, -2.0, -9.0]}},
        {"curve": {"score": [0.0, 1.0], "log10_fmr": [0.0, -2.0, -9.0]}},
        {"curve": {"score": [0.0], "log10_fmr": [0.0]}},
        {"curve": {"score": ["x", 1.0], "log10_fmr": [0.0, -9.0]}},
        {"curve": None},
    ],
)
def test_a_curve_that_is_not_monotone_or_whole_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="damaged"):
        Calibration.parse(content(**damage))


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(ModelError, match="damaged"):
        Calibration.parse(b"\x00")


def test_another_model_or_normaliser_has_no_calibration(tmp_path: Path) -> None:
    (tmp_path / "one.calibration.json").write_bytes(content())
    assert Calibration.load(MODEL, "raw", tmp_path).identity == CALIBRATION.identity
    for model, normaliser in ((ModelId("cd" * 32), "raw"), (MODEL, "ef" * 32)):
        with pytest.raises(ModelError, match="run countenance calibrate"):
            Calibration.load(model, normaliser, tmp_path)


def test_the_operators_own_calibration_goes_before_the_shipped_one(tmp_path: Path) -> None:
    shipped = next(iter(sorted(SHIPPED.glob("*.calibration.json"))))
    theirs = json.loads(shipped.read_bytes())
    (tmp_path / "own.calibration.json").write_bytes(content(model=theirs["model"], normaliser=theirs["normaliser"]))
    found = Calibration.load(ModelId(theirs["model"]), theirs["normaliser"], tmp_path)
    assert found.scores.tolist() == CURVE["score"]


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.calibration.json")), ids=lambda path: path.stem)
def test_every_shipped_calibration_can_be_loaded_by_its_own_names(path: Path) -> None:
    parsed = Calibration.parse(path.read_bytes())
    assert Calibration.load(parsed.model, parsed.normaliser).identity == parsed.identity


def test_expected_false_matches_is_rate_times_gallery() -> None:
    assert expected_false_matches(1e-4, 30_000) == pytest.approx(3.0)
    with pytest.raises(BadRequest):
        expected_false_matches(1.5, 10)
    with pytest.raises(BadRequest):
        expected_false_matches(0.5, -1)
