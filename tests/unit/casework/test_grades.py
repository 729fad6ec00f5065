"""The rule that fuses conclusions, and the rates of reviewers."""

from __future__ import annotations

import pytest

from countenance.casework import COMPONENTS, Grade, ReviewLimits, exceeded, fused, rates_of, still_wanted

SAME3, SAME2, SAME1 = Grade.STRONG_SAME, Grade.MODERATE_SAME, Grade.LIMITED_SAME
OTHER3, OTHER2, OTHER1 = Grade.STRONG_DIFFERENT, Grade.MODERATE_DIFFERENT, Grade.LIMITED_DIFFERENT
NEITHER, NOTHING = Grade.NEITHER, Grade.INSUFFICIENT


@pytest.mark.parametrize(
    ("grades", "together"),
    [
        ((), None),
        ((SAME3,), None),
        ((SAME3, SAME1), SAME1),
        ((OTHER1, OTHER3), OTHER1),
        ((NOTHING, NOTHING), NOTHING),
        ((NOTHING, NEITHER), NEITHER),
        ((SAME3, OTHER3), None),
        ((SAME3, NOTHING), None),
        ((SAME3, OTHER3, SAME2), SAME2),
        ((SAME3, OTHER1, OTHER2), OTHER1),
        ((SAME3, OTHER3, NOTHING), NEITHER),
        ((NOTHING, SAME2, NOTHING), NOTHING),
        ((NOTHING, SAME2, SAME1), SAME1),
    ],
)
def test_two_on_one_side_stand_with_the_weaker_and_else_the_middle_of_three(
    grades: tuple[Grade, ...], together: Grade | None
) -> None:
    assert fused(grades, 2) is together


def test_of_four_the_middle_leans_away_from_the_same_person() -> None:
    assert fused((SAME3, SAME3, OTHER3, OTHER3), 3) is OTHER3
    assert still_wanted((SAME1, SAME1), 3) == 1


def test_a_lead_needs_two_who_support_it() -> None:
    for third in Grade:
        together = fused((SAME3, OTHER1, third), 2)
        assert together is not None
        assert (together.side > 0) == (third.side > 0)


def test_neither_and_insufficient_are_no_error_and_count() -> None:
    rates = rates_of([(False, SAME1), (False, NOTHING), (False, OTHER3), (True, OTHER1), (True, NEITHER)])
    assert (rates.false_accept.errors, rates.false_accept.trials) == (1, 3)
    assert (rates.false_reject.errors, rates.false_reject.trials) == (1, 2)
    assert rates.false_accept.interval.low < 1 / 3 < rates.false_accept.interval.high


@pytest.mark.parametrize(
    ("strangers", "wrong", "over"), [(9, 9, False), (10, 1, False), (10, 2, True), (20, 2, False), (20, 3, True)]
)
def test_ten_known_pairs_before_a_limit_decides(strangers: int, wrong: int, over: bool) -> None:
    known = [(False, SAME1)] * wrong + [(False, OTHER1)] * (strangers - wrong)
    assert bool(exceeded(rates_of(known), ReviewLimits(false_accept=0.1))) is over


def test_false_rejects_have_a_limit_of_their_own() -> None:
    rates = rates_of([(True, OTHER1)] * 10)
    assert exceeded(rates, ReviewLimits()) == "false reject rate 10 of 10, limit 0.3"
    assert exceeded(rates, ReviewLimits(false_reject=1)) == ""


def test_components_are_told_apart_and_none_is_a_measurement() -> None:
    assert len({each.id for each in COMPONENTS}) == len(COMPONENTS) == 15
    assert not [each for each in COMPONENTS if "measure" in each.looks_at or "ratio" in each.looks_at]
