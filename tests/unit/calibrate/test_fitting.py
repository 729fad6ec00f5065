"""The parts of a fit, on made-up people: cohorts, repeats, evened groups, curves."""

from __future__ import annotations

import numpy as np
import pytest

from countenance.calibrate.centroids import FEWEST_PEOPLE, cohort
from countenance.calibrate.curve import Group, Impostors, worst_curve
from countenance.calibrate.duplicates import one_each, same_people
from countenance.calibrate.fit_crowding import (
    PLACE,
    ImpostorPairs,
    Loss,
    Mated,
    Vectors,
    doubt,
    even,
    impostor_pairs,
)
from countenance.errors import BadRequest

D = 32
NOBODY = Mated(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0), np.zeros(0))


def crowd(n: int, tightness: float, seed: int, middle: int = 0) -> np.ndarray:
    """n people around an axis: the higher the tightness, the more alike."""
    rng = np.random.default_rng(seed)
    v = rng.normal(size=(n, D)) / np.sqrt(D)
    v[:, middle] += tightness
    return np.asarray(v / np.linalg.norm(v, axis=1, keepdims=True), dtype=np.float32)


def test_every_centre_is_the_mean_of_at_least_twenty_people() -> None:
    vectors = np.vstack([crowd(300, 0.8, 1), crowd(90, 1.5, 2, 5), crowd(3, 9.0, 3, 9)])
    centres, people = cohort(vectors, 40, 0)
    assert people.min() >= FEWEST_PEOPLE and people.sum() == len(vectors)
    assert np.linalg.norm(centres, axis=1) == pytest.approx(1.0, abs=1e-5)
    nearest = np.argmax(vectors @ centres.T, axis=1)
    assert len(np.unique(nearest)) == len(centres)


def test_too_few_people_make_no_cohort() -> None:
    with pytest.raises(BadRequest, match="20 people"):
        cohort(crowd(19, 0.5, 0), 3, 0)


def test_pictures_of_one_person_are_found_and_one_is_kept() -> None:
    vectors = crowd(600, 0.6, 4)
    again = vectors[:25] + np.random.default_rng(5).normal(size=(25, D)).astype(np.float32) * 0.03
    every = np.vstack([vectors, again / np.linalg.norm(again, axis=1, keepdims=True)]).astype(np.float32)
    gender = np.array(["female", "male"] * 300 + (["female", "male"] * 13)[:25])
    person, cut = same_people(every, gender, np.full(len(every), "any"))
    assert 0.1 < cut < 0.9
    assert (person[600:] == person[:25]).all()
    assert len(one_each(person)) >= 590


def test_the_fit_brings_groups_of_different_crowding_together() -> None:
    loose, tight = crowd(500, 0.4, 6), crowd(500, 1.1, 7, 3)
    vectors = np.vstack([loose, tight])
    label = np.array(["loose"] * 500 + ["tight"] * 500)
    rows = np.arange(1000)
    centres, _ = cohort(vectors, 20, 0)
    found = even(vectors, centres, Loss([impostor_pairs(vectors, rows, label, aim="target", weight=1.0)], NOBODY), 60)
    near = vectors @ centres.T * 20 + found.weights
    offset = found.strength * np.log(np.exp(near).sum(axis=1)) / 20
    for scores, evened in ((vectors @ vectors.T, False), (vectors @ vectors.T - offset[:, None] - offset, True)):
        own = [scores[np.ix_(label == g, label == g)][np.triu_indices(500, 1)] for g in ("loose", "tight")]
        threshold = np.quantile(np.concatenate(own), 1 - 1e-3)
        rates = sorted(float((s > threshold).mean()) for s in own)
        assert (rates[1] < 2.5 * rates[0]) == evened


def sharp_and_degraded(vectors: Vectors) -> list[ImpostorPairs]:
    """Of 1,000 rows: the first half has a target, the second a ceiling."""
    rows, one = np.arange(500), np.full(500, "any")
    return [
        impostor_pairs(vectors, rows, one, aim="target", weight=1.0),
        impostor_pairs(vectors, rows + 500, one, aim="ceiling", weight=1.0),
    ]


def test_degraded_pictures_that_all_look_alike_match_no_more_often_than_a_ceiling_says() -> None:
    sharp = crowd(500, 0.4, 6)
    # what tells people apart is all but gone, in most directions, and all are drawn to one place
    alike = sharp * 0.2 + np.where(np.arange(D) < 4, sharp, 0) * np.sqrt(D / 4) + 0.5 * np.eye(D)[D - 1]
    vectors = np.vstack([sharp, alike / np.linalg.norm(alike, axis=1, keepdims=True)]).astype(np.float32)
    centres = np.vstack([cohort(vectors[:500], 20, 0)[0], cohort(vectors[500:], 4, 0)[0]])
    sets = sharp_and_degraded(vectors)

    def degraded_rate(given: list[ImpostorPairs]) -> float:
        found = even(vectors, centres, Loss(given, NOBODY), 100)
        near = vectors @ centres.T * 20 + found.weights
        offset = found.strength * np.log(np.exp(near).sum(axis=1)) / 20
        scores = vectors @ vectors.T - offset[:, None] - offset
        upper = np.triu_indices(500, 1)
        threshold = np.quantile(scores[:500, :500][upper], 1 - 1e-3)
        return float((scores[500:, 500:][upper] > threshold).mean())

    assert degraded_rate(sets[:1]) > 5e-3
    assert degraded_rate(sets) < 1e-3


def test_a_doubt_takes_from_degraded_pictures_and_leaves_others_as_they_are() -> None:
    sharp = crowd(500, 0.4, 6)
    alike = sharp + 0.6 * np.eye(D, dtype=np.float32)[D - 1]
    vectors = np.vstack([sharp, alike / np.linalg.norm(alike, axis=1, keepdims=True)]).astype(np.float32)
    sets = sharp_and_degraded(vectors)
    own = np.sort((sharp @ sharp.T)[np.triu_indices(500, 1)])
    levels = np.array([own[-1 - int(rate * len(own))] for rate in (1e-2, 3e-3, 1e-3, 3e-4, 1e-4)], np.float64)
    found = doubt(vectors, np.zeros(1000), levels, Loss(sets, NOBODY), 100)
    taken = np.logaddexp(0, 20 * (vectors @ found.direction - PLACE)) / 20
    scores = vectors @ vectors.T - taken[:, None] - taken
    upper = np.triu_indices(500, 1)
    threshold = np.quantile(scores[:500, :500][upper], 1 - 1e-3)
    assert ((vectors @ vectors.T)[500:, 500:][upper] > levels[2]).mean() > 5e-3
    assert (scores[500:, 500:][upper] > threshold).mean() < 2e-3
    assert np.median(taken[:500]) < 0.2 * np.median(taken[500:])


def test_pairs_within_a_second_label_are_counted_together() -> None:
    vectors = crowd(40, 2.0, 3)
    labels, within = np.full(40, "blur"), np.array(["a", "b"] * 20)
    found = impostor_pairs(vectors, np.arange(40), labels, aim="ceiling", weight=1.0, within=within)
    assert found.trials.tolist() == [2 * 190]
    assert ((found.first - found.second) % 2 == 0).all() and len(found.first) > 0


def test_the_curve_is_the_worst_groups_bound_and_ends_at_the_floor() -> None:
    groups = [
        Group.of(Impostors.of("a", [(crowd(400, 0.4, 8),) * 2]), 0),
        Group.of(Impostors.of("b", [(crowd(400, 1.0, 9),) * 2]), 0),
    ]
    curve = worst_curve(groups)
    assert (np.diff(curve.scores) > 0).all() and (np.diff(curve.log_rates) < 0).all()
    assert curve.log_rates[0] == 0.0 and curve.log_rates[-1] == -9.0
    score = float(np.interp(2.0, -curve.log_rates, curve.scores))
    assert max(float(g.bounds(np.array([score]))[0]) for g in groups) == pytest.approx(1e-2, rel=0.2)
    assert groups[0].fmr(score) < groups[1].fmr(score) < 0.95e-2


def test_a_group_of_few_people_is_promised_less_than_its_rate_and_one_of_many_nearly_that() -> None:
    few, many = (Group.of(Impostors.of("x", [(crowd(n, 0.8, 8),) * 2]), 0) for n in (90, 900))
    at = [g.impostors.scores[-max(int(len(g.impostors.scores) * 1e-2), 40)] for g in (few, many)]
    doubt = [float(g.bounds(np.array([s]))[0]) / g.fmr(float(s)) for g, s in zip((few, many), at, strict=True)]
    assert doubt[0] > 1.15 > doubt[1] > 1.0
    beyond = float(few.impostors.scores[-5])
    assert float(few.bounds(np.array([beyond]))[0]) / few.fmr(beyond) > 1.15


def test_no_pair_spans_two_parts() -> None:
    one, other = crowd(10, 0.4, 1), crowd(7, 0.4, 2)
    joined = Impostors.of("x", [(one, one), (other, other)])
    assert len(joined.scores) == 45 + 21
    assert not ((joined.people[:, 0] < 10) & (joined.people[:, 1] >= 10)).any()
