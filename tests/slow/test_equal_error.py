"""The full re-check: what ships, and a fit from nothing, against people who were held out (many minutes)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from countenance.calibrate.centroids import cohort
from countenance.calibrate.evaluation import Evaluation, evaluate
from countenance.calibrate.fit import People, make_normaliser
from countenance.calibrate.labelled_pictures import shots
from countenance.calibrate.people import everybody
from countenance.engine import Engine
from countenance.faces import ModelId
from countenance.scoring.calibration import Calibration
from countenance.scoring.normaliser import Crowding, RawCosine, load_normaliser
from countenance.settings import load

DATA = Path(os.environ.get("COUNTENANCE_DATA", Path(__file__).parents[3] / "shared" / "data"))
SHIPPED_SEED = 1
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(5400),
    pytest.mark.skipif(not (DATA / "fairface" / "labels.csv").is_file(), reason="no labelled pictures"),
]


@pytest.fixture(scope="module")
def people() -> tuple[People, People, ModelId]:
    """The half that what ships was fitted to, the half held out, and the model."""
    settings = load()
    engine = Engine.open(settings.models_cache, settings.detector, "sface")
    everyone = everybody(shots(DATA), engine, settings.home / "calibrating", 2)[0]
    engine.close()
    return everyone.part(0, 2, SHIPPED_SEED), everyone.part(1, 2, SHIPPED_SEED), engine.model


def check(before: Evaluation, after: Evaluation) -> None:
    assert before.points[0].ratio.ratio > 8
    assert after.points[0].ratio.interval.low <= 2.0 and after.points[0].ratio.ratio < 3.0
    assert after.points[1].ratio.interval.low <= 3.0
    assert dict(after.points[0].fnmr)["all"].estimate < dict(before.points[0].fnmr)["all"].estimate / 2
    raw, even = dict(before.press[1][2])["all"], dict(after.press[1][2])["all"]
    assert even.estimate <= raw.interval.high


def test_what_ships_evens_people_whom_it_never_saw(people: tuple[People, People, ModelId]) -> None:
    _, held_out, model = people
    check(evaluate([(held_out, RawCosine())]), evaluate([(held_out, load_normaliser(model))]))


def test_a_fit_from_nothing_does_as_well_the_other_way_round(people: tuple[People, People, ModelId]) -> None:
    fitted_to, held_out, model = people
    made = make_normaliser(held_out, model, SHIPPED_SEED).normaliser
    check(evaluate([(fitted_to, RawCosine())]), evaluate([(fitted_to, made)]))


@pytest.mark.parametrize("raw", [True, False], ids=["plain", "normalised"])
def test_the_worst_group_held_out_gets_what_was_promised(people: tuple[People, People, ModelId], raw: bool) -> None:
    _, held_out, model = people
    scorer = RawCosine() if raw else load_normaliser(model)
    calibration = Calibration.load(model, scorer.identity)
    from countenance.calibrate.fit import impostor_groups

    for similarity, promise in ((80.0, 1e-3), (90.0, 1e-4)):
        threshold = calibration.score(similarity)
        for group in impostor_groups([(held_out, scorer)])[0]:
            assert group.counted(threshold).rate(1 - 0.05 / 16).interval.low <= promise, group.name


def test_no_centre_leans_on_any_one_of_those_it_is_the_mean_of(people: tuple[People, People, ModelId]) -> None:
    fitted_to, _, model = people
    normaliser = load_normaliser(model)
    assert isinstance(normaliser, Crowding)
    shipped = normaliser.centres
    for kind in (fitted_to.tight, fitted_to.widened):
        vectors = kind.vectors.astype(np.float64)
        centres, behind = cohort(kind.vectors, len(kind) // 15, SHIPPED_SEED)
        assert behind.min() >= 20
        assert (centres @ shipped.T).max(axis=1).min() > 0.99, "these are not the people that what ships was made of"
        assert (vectors @ shipped.T).max() < 0.95
        nearest = np.argmax(kind.vectors @ centres.T, axis=1)
        for centre in range(len(centres)):
            own = vectors[nearest == centre]
            total = own.sum(axis=0)
            without = total - own
            others = np.einsum("ij,ij->i", own, without) / np.linalg.norm(without, axis=1)
            # how much nearer to a person the centre is than the mean of the others there would be
            assert (own @ total / np.linalg.norm(total) - others).max() < 0.12
