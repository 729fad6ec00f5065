"""What an evaluation says of made-up people, whatever the scale of their scores."""

from __future__ import annotations

import numpy as np
import pytest

from countenance.calibrate.curve import Impostors
from countenance.calibrate.evaluation import evaluate, threshold_at_mean
from countenance.calibrate.fit import People
from countenance.calibrate.labelled_pictures import Portraits
from countenance.scoring.normaliser import RawCosine

D = 24


class Stretched:
    """Cosine times a hundred: what a z-score may look like."""

    identity = "stretched"
    reserve = 0.0

    def probe_side(self, vectors: np.ndarray, unseen: np.ndarray | None = None) -> np.ndarray:
        return (vectors * 100).astype(np.float32)

    def gallery_side(self, vectors: np.ndarray, unseen: np.ndarray | None = None) -> np.ndarray:
        return vectors.astype(np.float32)


def portraits(vectors: np.ndarray, person: np.ndarray, group: np.ndarray) -> Portraits:
    n = len(vectors)
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    race, gender = np.array(["any"] * n), group
    return Portraits(unit, person, gender, race, np.array(["20-29"] * n), np.full(n, 50.0))


@pytest.fixture(scope="module")
def people() -> People:
    rng = np.random.default_rng(1)
    gender = np.array(["female", "male"] * 150)
    faces = rng.normal(size=(300, D))
    faces[gender == "female", 0] += 3.0
    tight = portraits(faces, np.array([f"t{i}" for i in range(300)]), gender)
    press = rng.normal(size=(60, D)).repeat(2, axis=0)
    named = np.array([f"p{i}" for i in range(60)]).repeat(2)
    both = portraits(press + rng.normal(size=(120, D)) * 0.4, named, np.array(["female", "male"] * 30).repeat(2))
    return People(both, tight, tight[np.zeros(300, bool)])


def test_the_scale_of_a_score_changes_no_rate(people: People) -> None:
    plain, stretched = evaluate([(people, RawCosine())]), evaluate([(people, Stretched())])
    for one, other in zip(plain.points, stretched.points, strict=True):
        assert other.threshold == pytest.approx(100 * one.threshold, rel=1e-4)
        assert [r.errors for _, r in other.groups] == [r.errors for _, r in one.groups]
        assert dict(other.fnmr)["all"].errors == dict(one.fnmr)["all"].errors


@pytest.mark.parametrize("scale", [0.01, 1.0, 500.0])
def test_at_the_threshold_the_mean_rate_is_the_target_and_just_below_it_is_more(scale: float) -> None:
    rng = np.random.default_rng(2)
    nobody = np.zeros((20_000, 2), np.int64)
    groups = [Impostors(name, np.sort(rng.normal(size=20_000) + shift) * scale, nobody) for name, shift in
              (("a", 0.0), ("b", 0.5))]  # fmt: skip
    for target in (1e-2, 1e-3):
        found = threshold_at_mean(groups, target)
        rates = [np.mean([g.above(t) / 20_000 for g in groups]) for t in (found, found - 0.02 * scale)]
        assert rates[0] <= target < rates[1]
        assert rates[0] > target * 0.9


def test_a_target_that_no_pair_may_reach_lies_above_every_score() -> None:
    group = Impostors("a", np.array([0.1, 0.2, 0.3]), np.zeros((3, 2), np.int64))
    assert threshold_at_mean([group], 0.1) > 0.3
