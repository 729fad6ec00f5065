import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.errors import BadRequest
from countenance.metrics import (
    chance_of_any,
    expected_false_matches,
    fmr_for_chance,
    lead,
    open_set,
    plain_rate,
    search_test,
    unknown_rate,
)


def test_known_galleries() -> None:
    assert expected_false_matches(1e-4, 10_000) == pytest.approx(1.0)
    assert chance_of_any(1e-4, 10_000) == pytest.approx(0.632, abs=1e-3)
    assert expected_false_matches(1e-4, 1_000_000) == pytest.approx(100)
    assert chance_of_any(1e-6, 1_000_000) == pytest.approx(0.632, abs=1e-3)
    assert expected_false_matches([1e-3, 1e-4], [100, 1000]) == pytest.approx(0.2)
    assert chance_of_any([1.0, 0.1], [0, 0]) == 0
    assert chance_of_any(1.0, 1) == 1


@given(st.floats(0, 0.999), st.integers(1, 10**7))
def test_the_rate_for_a_chance_is_its_inverse(fpir: float, gallery: int) -> None:
    assert chance_of_any(fmr_for_chance(fpir, gallery), gallery) == pytest.approx(fpir, abs=1e-9)


@given(st.floats(0, 1e-2), st.integers(0, 10**6))
def test_the_chance_of_any_is_at_most_the_expected_number(fmr: float, gallery: int) -> None:
    assert chance_of_any(fmr, gallery) <= expected_false_matches(fmr, gallery) + 1e-12


def test_the_published_search_of_2018_is_recreated() -> None:
    found = search_test(535, 28, 25_000)
    assert found.fpir.estimate == pytest.approx(0.0523, abs=1e-4)
    assert (found.fpir.interval.low, found.fpir.interval.high) == pytest.approx((0.0365, 0.0746), abs=1e-4)
    assert found.implied_fmr == pytest.approx(2.1e-6, abs=1e-7)
    assert found.implied_interval.holds(found.implied_fmr)


def test_a_lead_is_worth_its_prior_against_the_expected_false_candidates() -> None:
    found = lead(0.5, plain_rate(30, 300_000), 0.1, 10_000)
    assert found.right == pytest.approx(0.45 / 1.45)
    assert found.right_low < found.right < found.right_high
    assert found.chance_any == pytest.approx(0.632, abs=1e-3)
    assert lead(0.0, plain_rate(30, 300_000), 0.1, 10_000).right == 0
    assert lead(0.5, plain_rate(0, 300_000), 0.1, 10_000).right == 1
    assert lead(0.5, plain_rate(0, 300_000), 0.1, 10_000).right_low < 1
    assert math.isnan(lead(0.0, plain_rate(0, 300_000), 0.1, 10_000).right)


def test_senseless_searches_are_refused() -> None:
    with pytest.raises(BadRequest, match="prior"):
        lead(1.5, plain_rate(1, 10), 0.1, 10)
    with pytest.raises(BadRequest, match="measured"):
        lead(0.5, unknown_rate("nobody"), 0.1, 10)
    with pytest.raises(BadRequest, match="false match rates are"):
        expected_false_matches(1.5, 10)
    with pytest.raises(BadRequest, match="FPIR"):
        fmr_for_chance(0.5, 0)
    with pytest.raises(BadRequest, match="at least one probe"):
        search_test(0, 0, 10)


def people_with_images(
    persons: int, images: int, noise: float, d: int = 16
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    centre = rng.standard_normal((persons, d))
    who = np.repeat(np.arange(persons), images)
    probe = centre[who] + noise * rng.standard_normal((len(who), d))
    probe /= np.linalg.norm(probe, axis=1, keepdims=True)
    return probe.astype(np.float32), who, who % 2


def test_false_candidates_grow_with_the_gallery_as_the_formula_says_for_people_alike() -> None:
    probe, who, group = people_with_images(400, 2, 0.1)
    found = open_set(probe, None, who, group, ["x", "y"], [10, 50, 200], [0.7], repeats=4)
    fpir = [r.fpir.estimate for r in found.rates]
    assert fpir[0] < fpir[1] < fpir[2]
    for r in found.rates:
        assert r.selectivity >= r.fpir.estimate
        assert r.fpir.estimate == pytest.approx(r.formula_fpir, abs=0.08)
        assert r.fnir.estimate < 0.2
        assert len(r.fpir_by_group) == 2
        assert sum(g.trials for g in r.fpir_by_group) == r.fpir.trials


def test_searches_are_counted_as_one_by_one() -> None:
    """With every gallery the whole of the enrolled people, a repeat can be done by hand."""
    probe, who, group = people_with_images(40, 3, 1.0)  # noisy: some mates come second
    found = open_set(probe, None, who, group, ["x", "y"], [20], [0.3, 0.6], rank=1, repeats=1, seed=5)
    rng = np.random.default_rng(5)
    drawn, shuffled = rng.permutation(40), rng.permutation(120)
    enrolled = set(drawn[:20].tolist())
    # the engine sorts by group, then person: find the same rows
    order = np.lexsort((who, group))
    probe, who = probe[order], who[order]
    first: dict[int, int] = {}
    for i in shuffled:
        first.setdefault(int(who[i]), int(i))
    gallery = [first[int(p)] for p in drawn[:20]]
    for r in found.rates:
        false = missed = strangers = mated = 0
        for i in range(120):
            scores = {int(who[g]): float(probe[i] @ probe[g]) for g in gallery}
            if int(who[i]) not in enrolled:
                strangers += 1
                false += max(scores.values()) >= r.threshold
            elif i not in gallery:
                mated += 1
                own = scores[int(who[i])]
                missed += own < r.threshold or any(s > own for s in scores.values())
        assert (r.fpir.errors, r.fpir.trials) == (false, strangers)
        assert (r.fnir.errors, r.fnir.trials) == (missed, mated)


def test_a_longer_list_of_candidates_misses_fewer() -> None:
    probe, who, group = people_with_images(60, 3, 0.8)
    one, five = (open_set(probe, None, who, group, ["x", "y"], [30], [-1.0], rank=r, seed=1).rates[0] for r in (1, 5))
    assert five.fnir.errors < one.fnir.errors
    assert five.fpir.errors == one.fpir.errors


def test_repeats_are_not_new_people() -> None:
    probe, who, group = people_with_images(60, 2, 0.1)
    found = open_set(probe, None, who, group, ["x", "y"], [30], [0.7], repeats=20)
    assert found.rates[0].fpir.trials == 20 * 60
    assert found.rates[0].fpir.effective_trials < 20 * 60 / 2


def test_what_the_people_cannot_fill_or_show_is_said() -> None:
    probe, who, group = people_with_images(20, 1, 0.1)
    found = open_set(probe, None, who, group, ["x", "y", "z"], [10], [0.5])
    assert {f.kind for f in found.findings} == {"no-mated", "empty-groups"}
    assert not found.rates[0].fnir.known
    for sizes, thresholds in (([11], [0.5]), ([0], [0.5]), ([], [0.5]), ([5], [])):
        with pytest.raises(BadRequest):
            open_set(probe, None, who, group, ["x", "y"], sizes, thresholds)
    with pytest.raises(BadRequest, match="share"):
        open_set(probe, None, who, group, ["x", "y"], [5], [0.5], non_mated_share=1.0)
