"""What ships, against templates of people who were not used to make it: a subsample, in seconds."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from countenance.calibrate.duplicates import one_each, same_people
from countenance.faces import ModelId
from countenance.scoring.calibration import Calibration
from countenance.scoring.normaliser import SHIPPED, Crowding, RawCosine

DATA = Path(os.environ.get("COUNTENANCE_DATA", Path(__file__).parents[4] / "shared" / "data"))
TEMPLATES = DATA / "fairface" / "templates_sface_train.npz"
pytestmark = pytest.mark.skipif(not TEMPLATES.is_file(), reason="no FairFace templates in the data folder")


@pytest.fixture(scope="module")
def shipped() -> tuple[Crowding, dict[str, object]]:
    manifest = next(iter(SHIPPED.glob("sface*.cohort.json")))
    return Crowding.read(manifest), json.loads(manifest.read_text())


@pytest.fixture(scope="module")
def people() -> tuple[np.ndarray, np.ndarray]:
    """One template per person, and its race-by-gender group."""
    with np.load(TEMPLATES) as arrays:
        vectors = arrays["template"][::2].astype(np.float32)
        race, gender = arrays["race"][::2], arrays["gender"][::2]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kept = one_each(same_people(vectors, gender, race)[0])
    return vectors[kept], np.char.add(np.char.add(race, " "), gender)[kept]


def rates(scorer: Crowding | RawCosine, people: tuple[np.ndarray, np.ndarray], mean: float) -> np.ndarray:
    """FMR of every group at the one threshold where their mean is `mean`."""
    vectors, group = people
    scores = []
    for name in np.unique(group):
        own = vectors[group == name]
        table = scorer.probe_side(own) @ scorer.gallery_side(own).T
        scores.append(np.sort(table[np.triu_indices(len(own), 1)]))
    low, high = -3.0, 3.0
    for _ in range(40):
        middle = (low + high) / 2
        found = np.array([1 - np.searchsorted(s, middle) / len(s) for s in scores])
        low, high = (middle, high) if found.mean() > mean else (low, middle)
    return found


def test_the_shipped_normaliser_brings_the_groups_together(
    shipped: tuple[Crowding, dict[str, object]], people: tuple[np.ndarray, np.ndarray]
) -> None:
    before, after = rates(RawCosine(), people, 1e-3), rates(shipped[0], people, 1e-3)
    assert before.max() / before.min() > 8
    assert after.max() / after.min() < 3.5  # half of the templates only: noise alone makes about 1.7


def test_no_group_gets_more_than_the_promise_by_more_than_noise(
    shipped: tuple[Crowding, dict[str, object]], people: tuple[np.ndarray, np.ndarray]
) -> None:
    vectors, group = people
    calibration = Calibration.load(shipped[0].model, shipped[0].identity)
    threshold = calibration.score(80.0)
    for name in np.unique(group):
        own = vectors[group == name]
        table = shipped[0].probe_side(own) @ shipped[0].gallery_side(own).T
        fmr = float((table[np.triu_indices(len(own), 1)] >= threshold).mean())
        assert fmr < 2e-3, name


def test_no_centre_is_anybodys_template(
    shipped: tuple[Crowding, dict[str, object]], people: tuple[np.ndarray, np.ndarray]
) -> None:
    crowding, manifest = shipped
    fewest = manifest["fewest_people_per_centre"]
    assert isinstance(fewest, int)
    assert fewest >= 20
    nearest = (people[0] @ crowding.centres.T).max()
    bound = float(str(manifest["largest_cosine_of_a_centre_to_a_picture_used"]))
    assert nearest <= bound + 0.02 < 0.95
    # a template's nearest neighbour would be its own person; a centre's is one of many who are about as near
    ranked = np.sort(people[0] @ crowding.centres.T, axis=0)[::-1]
    assert np.median(ranked[0] - ranked[9]) < 0.15


def test_the_normaliser_costs_two_columns(shipped: tuple[Crowding, dict[str, object]]) -> None:
    vectors = np.eye(128, dtype=np.float32)[:3]
    assert shipped[0].probe_side(vectors).shape == shipped[0].gallery_side(vectors).shape == (3, 130)
    assert Calibration.load(ModelId(shipped[0].model), shipped[0].identity)
