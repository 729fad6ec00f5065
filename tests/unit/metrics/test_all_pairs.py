import math

import numpy as np
import pytest

from countenance.errors import BadRequest
from countenance.faces import Vector
from countenance.metrics import Comparisons, PairSums, Tradeoff, all_pairs, top_scores, verify
from countenance.metrics.all_pairs import blocks

NAMES = ["x", "y", "z", "nobody"]


def templates(n: int, d: int = 24, seed: int = 0) -> Vector:
    made = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


def by_hand(probe: np.ndarray, gallery: np.ndarray, people: np.ndarray, group: np.ndarray) -> Comparisons:
    i, j = np.triu_indices(len(probe), 1)
    score = np.einsum("nd,nd->n", probe[i].astype(np.float64), gallery[j].astype(np.float64))
    return Comparisons.of(
        score, people[i] == people[j], first=people[i], second=people[j],
        first_group=group[i], second_group=group[j], groups=NAMES, larger_is_more_alike=True,
    )  # fmt: skip


def same(found: PairSums, told: Comparisons, *, exactly: bool) -> None:
    for t, threshold in enumerate(found.thresholds):
        mine, theirs = found.verification(t), verify(told, float(threshold))
        pairs = [*zip(mine.cells, theirs.cells, strict=True)]
        rates = [(a.rate, b.rate) for a, b in pairs] + [(mine.fmr, theirs.fmr), (mine.fnmr, theirs.fnmr)]
        rates += [(a.fmr_any, b.fmr_any) for a, b in zip(mine.groups, theirs.groups, strict=True)]
        rates += [(a.fnmr, b.fnmr) for a, b in zip(mine.groups, theirs.groups, strict=True)]
        for a, b in rates:
            assert (a.errors, a.trials, a.subjects, a.known) == (b.errors, b.trials, b.subjects, b.known)
            assert a.effective_trials == pytest.approx(b.effective_trials, rel=1e-9 if exactly else 0.15)
            if exactly:
                assert a.freedom == pytest.approx(b.freedom, rel=1e-9)


@pytest.fixture(params=[13, 640], ids=["small blocks", "one block"])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", request.param)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("workers", [1, 3])
def test_all_pairs_are_counted_as_one_by_one(workers: int) -> None:
    rng = np.random.default_rng(2)
    n = 230
    people = rng.integers(0, 90, n)
    group = people % 3
    probe = templates(n)
    found = all_pairs(probe, None, people, group, NAMES, [0.45, 0.2, 0.3], workers=workers)
    told = by_hand(probe, probe, people, group)
    assert list(found.thresholds) == [0.2, 0.3, 0.45]
    assert found.pairs == n * (n - 1) // 2
    same(found, told, exactly=True)
    assert np.sort(found.genuine) == pytest.approx(np.sort(told.score[told.mated]), abs=1e-6)
    assert {f.kind for f in found.findings} == {"empty-groups"}


@pytest.mark.usefixtures("block")
def test_the_histogram_counts_every_non_mated_pair_in_its_bin() -> None:
    rng = np.random.default_rng(3)
    n = 180
    people = rng.integers(0, 70, n)
    group = people % 3
    probe = templates(n)
    found = all_pairs(probe, None, people, group, NAMES, bins=64)
    told = by_hand(probe, probe, people, group)
    for a in range(4):
        for b in range(a, 4):
            rows = ~told.mated & (np.minimum(told.first_group, told.second_group) == a)
            rows &= np.maximum(told.first_group, told.second_group) == b
            expected, _ = np.histogram(told.score[rows], found.edges)
            assert list(found.impostor_histogram[a, b]) == list(expected)
            assert found.impostors(b, a) == rows.sum()
    assert not np.tril(found.impostor_histogram.sum(axis=2), -1).any()


@pytest.mark.usefixtures("block")
def test_one_person_may_have_images_in_several_groups() -> None:
    rng = np.random.default_rng(4)
    n = 150
    people = rng.integers(0, 50, n)
    group = rng.integers(0, 3, n)
    probe = templates(n)
    found = all_pairs(probe, None, people, group, NAMES, [0.2])
    told = by_hand(probe, probe, people, group)
    same(found, told, exactly=False)
    assert found.impostor_histogram.sum() == (~told.mated).sum()
    assert "several-groups" in {f.kind for f in found.findings}


def test_a_score_may_be_an_inner_product_of_two_different_sides() -> None:
    """A cohort-normalised score: cosine less both templates' mean score with a cohort."""
    n = 120
    cosine = templates(n)
    shift = np.random.default_rng(1).normal(0, 0.1, n).astype(np.float32)
    one = np.ones(n, np.float32)
    probe, gallery = np.column_stack([cosine, -shift, one]), np.column_stack([cosine, one, -shift])
    people = np.arange(n)
    group = people % 3
    found = all_pairs(probe, gallery, people, group, NAMES, [0.2], low=-2, high=2)
    same(found, by_hand(probe, gallery, people, group), exactly=True)
    assert "no-mated" in {f.kind for f in found.findings}


def test_a_score_that_depends_on_the_order_is_refused() -> None:
    probe = templates(40)
    with pytest.raises(BadRequest, match="depends on which is the probe"):
        all_pairs(probe, templates(40, seed=5), np.arange(40), np.zeros(40, int), ["x"])


def test_a_person_with_more_images_than_a_block_is_one_unit_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 8)
    people = np.r_[np.zeros(40, int), np.arange(1, 30)]
    group = np.zeros(69, int)
    probe = templates(69)
    found = all_pairs(probe, None, people, group, NAMES, [0.1])
    same(found, by_hand(probe, probe, people, group), exactly=True)
    assert len(found.genuine) == 40 * 39 // 2


def test_thresholds_at_edges_are_exact_and_never_too_low() -> None:
    probe = templates(400)
    people = np.arange(400)
    found = all_pairs(probe, None, people, people % 3, NAMES, bins=512)
    told = by_hand(probe, probe, people, people % 3)
    exact = Tradeoff.of(told.score, [0.0])
    for target in (0.3, 1e-2, 1e-3):
        t = found.threshold_at(target)
        assert np.mean(told.score >= t) <= target
        assert float(exact.threshold_at(target)) <= t <= float(exact.threshold_at(target)) + 2 * 2 / 512
    at_edge = all_pairs(probe, None, people, people % 3, NAMES, [found.threshold_at(1e-2)]).verification(0)
    assert at_edge.fmr.estimate <= 1e-2
    inside = told.score[(told.first_group == 1) & (told.second_group == 1)]
    assert np.mean(inside >= found.threshold_at(0.1, 1, 1)) <= 0.1
    assert math.isinf(found.threshold_at(0.1, 3, 3))


def test_the_binned_curve_is_right_to_a_bin() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(100), 3)
    centre = templates(100)
    probe = centre[people] + 0.25 * rng.standard_normal((300, 24)).astype(np.float32)
    probe /= np.linalg.norm(probe, axis=1, keepdims=True)
    found = all_pairs(probe, None, people, people % 3, NAMES)
    exact = Tradeoff.among(by_hand(probe, probe, people, people % 3)).eer()
    assert found.tradeoff().eer().rate == pytest.approx(exact.rate, abs=2e-3)
    assert found.tradeoff(0, 0).eer().rate < 0.5
    assert len(found.tradeoff(0).impostor) == sum(found.impostors(0, g) for g in range(4))


def test_the_highest_scores_are_all_found_with_their_people() -> None:
    rng = np.random.default_rng(6)
    people = rng.integers(0, 60, 200)
    probe = templates(200)
    told = by_hand(probe, probe, people, np.zeros(200, int))
    i, j = np.triu_indices(200, 1)
    wanted = ~told.mated & (told.score >= 0.4)
    scores, rows = top_scores(probe, None, people, 0.4, 10_000)
    assert scores == pytest.approx(told.score[wanted], abs=1e-6)
    assert (rows == np.column_stack([i[wanted], j[wanted]])).all()
    with pytest.raises(BadRequest, match=f"{wanted.sum()} scores lie at or above"):
        top_scores(probe, None, people, 0.4, 10)


def test_memory_is_stated_and_small() -> None:
    n = 2000
    found = all_pairs(templates(n, 32), None, np.arange(n), np.arange(n) % 3, NAMES, [0.5], workers=1)
    assert found.peak_bytes < n * n * 4 / 2, "less than half of all scores"
    assert found.peak_bytes > n * 32 * 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probe_side": np.full((4, 2), np.nan, np.float32)}, "NaN or infinite"),
        ({"probe_side": np.zeros((4, 0), np.float32)}, "one row of numbers"),
        ({"probe_side": np.zeros(4, np.float32)}, "one row of numbers"),
        ({"gallery_side": np.zeros((4, 3), np.float32)}, "have shapes"),
        ({"people": [1, 2, 3]}, "one person and one group"),
        ({"group": [0, 1, 2, 9]}, "codes run from 0 to 3"),
        ({"group": [0.0, 1.0, 0.0, 1.0]}, "one person and one group"),
        ({"thresholds": [math.nan]}, "finite numbers"),
        ({"thresholds": list(range(65))}, "up to 64"),
        ({"low": 1.0, "high": 1.0}, "from a lower to a higher"),
    ],
)
def test_bad_templates_are_clear_errors(changes: dict[str, object], message: str) -> None:
    given: dict[str, object] = {
        "probe_side": templates(4, 2), "gallery_side": None, "people": [1, 2, 3, 4],
        "group": [0, 1, 2, 0], "groups": NAMES,
    }  # fmt: skip
    with pytest.raises(BadRequest, match=message):
        all_pairs(**(given | changes))  # type: ignore[arg-type]


def test_one_template_or_one_person_is_said() -> None:
    with pytest.raises(BadRequest, match="two templates"):
        all_pairs(templates(1), None, [0], [0], ["x"])
    found = all_pairs(templates(3), None, [7, 7, 7], [0, 0, 0], ["x"])
    assert {f.kind for f in found.findings} == {"no-non-mated", "single-group"}
    assert len(found.genuine) == 3
    with pytest.raises(BadRequest):
        found.tradeoff()
