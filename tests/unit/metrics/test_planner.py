import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize

from countenance.errors import BadRequest
from countenance.metrics import (
    Design,
    attempts_for_fnmr,
    fnmr_for_attempts,
    ratio_for_subjects,
    relative_variance,
    smallest_fmr,
    subjects_for_equivalence,
    subjects_for_ratio,
)

# people per group for a ratio, power 80 %, alpha 5 % two-sided: worked out independently of this project
RATIOS = {
    1e-3: {(1.5, 1): 634, (2, 0): 222, (2, 1): 297, (2, 4): 605, (3, 1): 161, (5, 1): 99, (10, 1): 64},
    1e-4: {(1.5, 1): 1468, (2, 0): 701, (2, 1): 769, (2, 4): 1009, (3, 1): 444, (5, 1): 283, (10, 1): 187},
    1e-5: {(1.5, 1): 4186, (2, 0): 2215, (2, 1): 2281, (2, 4): 2492, (3, 1): 1344, (5, 1): 866, (10, 1): 578},
    1e-6: {(1.5, 1): 12808, (2, 0): 7002, (2, 1): 7067, (2, 4): 7268, (3, 1): 4191, (5, 1): 2710, (10, 1): 1812},
}


@pytest.mark.parametrize("fmr", RATIOS)
def test_people_for_a_ratio(fmr: float) -> None:
    for (ratio, cv2), people in RATIOS[fmr].items():
        assert subjects_for_ratio(ratio, Design(fmr, cv2=cv2)) == people


def test_a_family_of_28_hypotheses_needs_more_people() -> None:
    assert [subjects_for_ratio(2, Design(f, tests=28)) for f in (1e-3, 1e-4, 1e-5, 1e-6)] == [471, 1131, 3268, 10041]


designs = st.builds(
    Design, st.floats(1e-6, 1e-2), st.floats(0.5, 0.95), st.floats(0.001, 0.2), st.floats(0, 5), st.integers(1, 50)
)


@given(st.floats(1.1, 20), designs)
def test_the_two_ways_of_planning_agree(ratio: float, design: Design) -> None:
    people = subjects_for_ratio(ratio, design)
    assert ratio_for_subjects(people, people, design) <= ratio * (1 + 1e-9)
    assert ratio_for_subjects(people - 1, people - 1, design) > ratio * (1 - 1e-9)


def test_the_planned_power_is_reached_by_simulation() -> None:
    from countenance.metrics import ratio as over
    from countenance.metrics import tally_pairs

    design = Design(fmr=0.02, cv2=0.0)
    people = subjects_for_ratio(1.6, design)
    rng = np.random.default_rng(0)
    i, j = np.triu_indices(people, 1)
    shown = 0
    for _ in range(400):
        worse, better = (tally_pairs(i, j, rng.random(len(i)) < f, np.ones(len(i), int)).rate() for f in (0.032, 0.02))
        shown += over(worse, better).at(0.95).low > 1
    assert 0.7 <= shown / 400 <= 0.9


def test_too_few_people_can_show_nothing() -> None:
    assert math.isinf(ratio_for_subjects(3, 3, Design(1e-5)))
    assert ratio_for_subjects(400, 400, Design(1e-4)) == pytest.approx(3.3, abs=0.1)
    assert ratio_for_subjects(100, 100, Design(1e-3)) == pytest.approx(5, abs=0.1)


def test_equivalence_needs_more_people_than_the_same_margin_as_a_difference() -> None:
    design = Design(1e-3)
    assert subjects_for_equivalence(2, design) > subjects_for_ratio(2, design)
    assert subjects_for_equivalence(1.2, design) > subjects_for_equivalence(2, design)


def test_mated_comparisons_for_two_rates() -> None:
    wanted = {(0.01, 0.02): 2318, (0.01, 0.03): 768, (0.02, 0.04): 1141, (0.05, 0.10): 434, (0.005, 0.01): 4673}
    for (better, worse), attempts in wanted.items():
        assert attempts_for_fnmr(better, worse) == pytest.approx(attempts, abs=1)
    assert attempts_for_fnmr(0.01, 0.02, design_effect=2) == pytest.approx(2 * 2318, abs=2)


@given(st.floats(0.05, 0.4), st.floats(0.02, 0.15))
def test_mated_comparisons_agree_with_statsmodels_nearby(better: float, gap: float) -> None:
    """Its arcsine effect size is another approximation of the same thing."""
    mine = attempts_for_fnmr(better, better + gap)
    theirs = NormalIndPower().solve_power(proportion_effectsize(better + gap, better), alpha=0.05, power=0.8)
    assert mine == pytest.approx(theirs, rel=0.15, abs=3)


@given(st.floats(0, 0.3), st.integers(20, 100_000))
def test_the_reverse_for_mated_comparisons_agrees(better: float, attempts: int) -> None:
    worse = fnmr_for_attempts(better, attempts)
    if not math.isnan(worse):
        assert attempts_for_fnmr(better, worse) <= attempts


def test_the_rule_of_thirty_for_all_pairs() -> None:
    assert smallest_fmr(100) == pytest.approx(30 / 4950)
    assert smallest_fmr(2) == 1.0
    assert smallest_fmr(0) == 1.0


def test_the_spread_of_personal_rates_is_found_from_a_pilot() -> None:
    rng = np.random.default_rng(1)
    for cv2 in (0.0, 1.0, 4.0):
        personal = 0.01 * (rng.gamma(1 / cv2, cv2, 4000) if cv2 else np.ones(4000))
        trials = np.full(4000, 2000)
        assert relative_variance(rng.binomial(trials, np.minimum(personal, 1)), trials) == pytest.approx(cv2, abs=0.3)
    with pytest.raises(BadRequest, match="without a false match"):
        relative_variance([0, 0], [10, 10])
    with pytest.raises(BadRequest, match="two columns"):
        relative_variance([3], [2])


@pytest.mark.parametrize(
    "question",
    [
        lambda: Design(0.0),
        lambda: Design(1e-3, power=1.0),
        lambda: Design(1e-3, tests=0),
        lambda: subjects_for_ratio(1.0, Design(1e-3)),
        lambda: subjects_for_ratio(2.0, Design(0.6)),
        lambda: subjects_for_ratio(1 + 1e-9, Design(1e-3)),
        lambda: subjects_for_equivalence(0.5, Design(1e-3)),
        lambda: attempts_for_fnmr(0.2, 0.1),
        lambda: attempts_for_fnmr(0.1, 0.2, design_effect=0.5),
        lambda: attempts_for_fnmr(0.1, 0.2, power=2),
    ],
)
def test_questions_without_an_answer_are_refused(question: object) -> None:
    with pytest.raises(BadRequest):
        question()  # type: ignore[operator]
