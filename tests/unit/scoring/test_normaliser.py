"""Normalisers: raw cosine changes nothing, crowding is what its formula says, and damaged files are refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.errors import ModelError
from countenance.faces import ModelId, Template
from countenance.scoring.calibration import Calibration
from countenance.scoring.normaliser import SHIPPED, Crowding, RawCosine, load_normaliser, scored

MODEL = ModelId("ab" * 32)
D, M = 16, 30


def unit(rows: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, D)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def made(folder: Path, **changes: object) -> Path:
    array = np.column_stack([unit(M, 1), np.linspace(-1, 1, M)]).astype(np.float16)
    path = folder / "x.cohort.npy"
    np.save(path, array)
    value = {
        "model": MODEL,
        "array": path.name,
        "array_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "sharpness": 20.0,
        "strength": 0.5,
        "level": -0.1,
        **changes,
    }
    manifest = folder / "x.cohort.json"
    manifest.write_text(json.dumps(value))
    return manifest


@pytest.fixture(scope="module")
def crowding(tmp_path_factory: pytest.TempPathFactory) -> Crowding:
    return Crowding.read(made(tmp_path_factory.mktemp("cohort")))


def test_raw_cosine_keeps_templates_as_they_are() -> None:
    vectors = unit(5, 0)
    raw = RawCosine()
    assert raw.identity == "raw"
    assert (raw.gallery_side(vectors) == vectors).all() and (raw.probe_side(vectors) == vectors).all()


def test_a_model_that_nothing_ships_for_is_scored_raw() -> None:
    assert load_normaliser(ModelId("00" * 32)).identity == "raw"


def test_crowding_is_the_formula_of_its_docstring(crowding: Crowding) -> None:
    v = unit(7, 3).astype(np.float64)
    terms = np.exp(crowding.weights.astype(np.float64) + 20.0 * v @ crowding.centres.astype(np.float64).T)
    expected = 0.5 / 20.0 * (np.log(terms.sum(axis=1)) - np.log(M)) - 0.1
    assert crowding.crowding(v.astype(np.float32)) == pytest.approx(expected, abs=1e-5)


def test_a_doubt_adds_what_lies_far_along_its_direction(tmp_path: Path, crowding: Crowding) -> None:
    direction = [0.0] * (D - 1) + [1.5]
    doubting = Crowding.read(made(tmp_path, doubt={"direction": direction, "place": 0.2}))
    v = np.zeros((3, D), np.float32)
    v[0, 0] = v[1, D - 1] = 1.0
    v[2] = -v[1]
    more = doubting.crowding(v) - crowding.crowding(v)
    assert more == pytest.approx(np.log1p(np.exp(20 * (np.array([0.0, 1.5, -1.5]) - 0.2))) / 20, abs=1e-5)
    assert more[1] > 1.2 and more[0] < 0.001


@pytest.mark.parametrize(
    "doubt", [{"direction": [0.1] * (D - 1), "place": 0.2}, {"direction": [float("nan")] * D, "place": 0.2}, {}]
)
def test_a_damaged_doubt_is_refused(tmp_path: Path, doubt: dict[str, object]) -> None:
    made(tmp_path, doubt=doubt)
    with pytest.raises(ModelError):
        load_normaliser(MODEL, tmp_path)


@given(st.integers(0, 10_000))
def test_the_score_is_cosine_less_both_crowdings_whoever_is_the_probe(crowding: Crowding, seed: int) -> None:
    a, b = unit(4, seed), unit(4, seed + 1)
    scores = crowding.probe_side(a) @ crowding.gallery_side(b).T
    expected = a @ b.T - crowding.crowding(a)[:, None] - crowding.crowding(b)[None]
    assert scores == pytest.approx(expected, abs=1e-5)
    assert scores == pytest.approx((crowding.probe_side(b) @ crowding.gallery_side(a).T).T, abs=1e-5)


def test_a_face_in_a_crowd_is_more_crowded_than_one_far_from_all(crowding: Crowding) -> None:
    near = crowding.centres[np.argmax(crowding.weights)]
    far = -crowding.centres.mean(axis=0)
    both = np.stack([near / np.linalg.norm(near), far / np.linalg.norm(far)]).astype(np.float32)
    inside, outside = crowding.crowding(both)
    assert inside > outside + 0.1


def test_a_row_does_not_depend_on_the_rows_it_came_with(crowding: Crowding) -> None:
    many = unit(5000, 5)
    assert crowding.crowding(many)[4999:] == pytest.approx(crowding.crowding(many[4999:]), abs=1e-6)


@pytest.mark.parametrize("damage", ["other array", "no array", "no key", "not json", "no weights", "not finite"])
def test_a_damaged_cohort_is_refused(tmp_path: Path, damage: str) -> None:
    manifest = made(tmp_path)
    array = tmp_path / "x.cohort.npy"
    if damage == "other array":
        array.write_bytes(array.read_bytes()[:-1] + b"\x01")
    elif damage == "no array":
        array.unlink()
    elif damage == "no key":
        manifest.write_text(json.dumps({"model": MODEL}))
    elif damage == "not json":
        manifest.write_text("{")
    else:
        np.save(array, np.zeros((0, D + 1)) if damage == "no weights" else np.full((3, D + 1), np.nan))
        value = json.loads(manifest.read_text())
        value["array_sha256"] = hashlib.sha256(array.read_bytes()).hexdigest()
        manifest.write_text(json.dumps(value))
    with pytest.raises(ModelError):
        load_normaliser(MODEL, tmp_path)


def test_identity_changes_with_anything_that_changes_scores(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, other = Crowding.read(made(tmp_path)), Crowding.read(made(tmp_path / "other", level=-0.2))
    assert one.identity != other.identity


SHIPPED_COHORTS = sorted(SHIPPED.glob("*.cohort.json"))


@pytest.mark.parametrize("manifest", SHIPPED_COHORTS, ids=lambda path: path.stem)
def test_every_shipped_cohort_holds_nobody_is_small_and_says_whose_it_is(manifest: Path) -> None:
    value = json.loads(manifest.read_text())
    assert value["fewest_people_per_centre"] >= 20
    assert sum(p.stat().st_size for p in manifest.parent.glob(f"{manifest.name.split('.')[0]}.*")) < 1_000_000
    assert value["licence"] == "CC-BY-4.0" and "FairFace" in value["attribution"] and value["made_by"]
    found = Crowding.read(manifest)
    assert np.linalg.norm(found.centres, axis=1) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("manifest", SHIPPED_COHORTS, ids=lambda path: path.stem)
def test_every_shipped_normaliser_has_a_calibration(manifest: Path) -> None:
    found = Crowding.read(manifest)
    assert load_normaliser(found.model).identity == found.identity
    assert Calibration.load(found.model, found.identity).normaliser == found.identity


def test_two_faces_that_are_cut_off_lose_the_reserve_and_whole_ones_nothing(crowding: Crowding) -> None:
    reserved = replace(crowding, reserve=0.6)
    a, b = unit(5, 7), unit(6, 8)
    cut_a, cut_b = (np.linspace(0, 1, n).astype(np.float32) for n in (5, 6))
    before = crowding.probe_side(a) @ crowding.gallery_side(b).T
    after = reserved.probe_side(a, cut_a) @ reserved.gallery_side(b, cut_b).T
    assert before - after == pytest.approx(0.6 * np.sqrt(np.outer(cut_a, cut_b)), abs=1e-5)
    assert after == pytest.approx((reserved.probe_side(b, cut_b) @ reserved.gallery_side(a, cut_a).T).T, abs=1e-5)
    for one in (
        reserved.probe_side(a) @ reserved.gallery_side(b, cut_b).T,
        reserved.probe_side(a, cut_a) @ reserved.gallery_side(b).T,
    ):
        assert one == pytest.approx(before, abs=1e-5)
    templates = [[Template(v, MODEL, float(c)) for v, c in zip(rows, cut, strict=True)] for rows, cut in
                 ((a, cut_a), (b, cut_b))]  # fmt: skip
    assert scored(reserved, *templates) == pytest.approx(after, abs=1e-6)


def test_a_reserve_is_read_for_its_model_only_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    made(tmp_path)
    assert load_normaliser(MODEL, tmp_path).reserve == 0.0
    (tmp_path / "x.reserve.json").write_text(json.dumps({"model": MODEL, "reserve": 0.3}))
    assert load_normaliser(MODEL, tmp_path).reserve == 0.3
    for damaged in ({"model": MODEL}, {"model": MODEL, "reserve": -1}, {"model": MODEL, "reserve": "much"}):
        (tmp_path / "x.reserve.json").write_text(json.dumps(damaged))
        with pytest.raises(ModelError):
            load_normaliser(MODEL, tmp_path)


def test_what_ships_has_a_reserve() -> None:
    manifest = json.loads(next(SHIPPED.glob("*.cohort.json")).read_text())
    shipped = load_normaliser(ModelId(manifest["model"]))
    assert isinstance(shipped, Crowding) and shipped.reserve > 0
