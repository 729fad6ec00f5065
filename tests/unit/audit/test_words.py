from __future__ import annotations

import pytest

from countenance.audit.findings.words import Names, between, count, listed, of, one_in, percent, times
from countenance.audit.formats.results import Bounds, rate_of, share
from countenance.metrics.statistics.intervals import plain_rate, pooled, unknown_rate


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (0.5, "50.0 %"),
        (0.0123, "1.23 %"),
        (0.00012345, "0.0123 %"),
        (1e-6, "0.000100 %"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.0099996, "1.00 %"),
    ],
)
def test_percentages_keep_three_digits(rate: float, said: str) -> None:
    assert percent(rate) == said


def test_what_is_not_known_is_not_a_number() -> None:
    assert percent(None) == one_in(None) == "unknown"
    assert times(None) == times(None, Bounds(0.0, None, 0.95)) == "not known"
    assert times(None, Bounds(1.5, None, 0.95)) == "unbounded"


def test_rates_are_told_as_one_in_so_many() -> None:
    assert (one_in(0.001), one_in(0.3), one_in(0.0)) == ("1 in 1,000", "1 in 3.3", "none seen")


def test_counts_and_ratios_are_round() -> None:
    assert (count(0.034), count(6.26), count(1234.5)) == ("0.034", "6.3", "1,234")
    assert (times(1.04), times(0.962), times(1.0)) == ("1.04 times", "0.962 times", "1 times")
    assert (times(1.234), times(34.5), times(1234)) == ("1.2 times", "34 times", "1,234 times")
    assert between(Bounds(1.5, None, 0.95)) == "1.5 or more"
    assert between(Bounds(None, 2.0, 0.95)) == "0 to 2"


def test_an_interval_shows_on_which_side_of_one_it_lies() -> None:
    assert between(Bounds(1.03, 1.44, 0.95)) == "1.03 to 1.4"
    assert between(Bounds(0.62, 0.9996, 0.95)) == "0.62 to 0.9996"
    assert between(Bounds(8.14, 17.2, 0.95)) == "8.1 to 17"
    assert between(Bounds(0.00012, None, 0.95)) == "0.00012 or more"


def test_lists_stop_somewhere() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefgh")) == "a, b, c, d, e, f and 2 more"


def test_a_share_is_withheld_when_few_people_stand_behind_it() -> None:
    import dataclasses

    rate = dataclasses.replace(plain_rate(3, 50), subjects=9)
    assert share(rate, 10).errors is None
    assert of(share(rate, 10)) == "withheld: fewer than 10 people"
    assert share(rate, 9).errors == 3
    assert of(share(unknown_rate("nobody was compared"))) == "nobody was compared"


def test_a_share_turns_back_into_its_rate() -> None:
    rate = plain_rate(3, 50)
    assert rate_of(share(rate)) == rate


def test_pooling_rates_of_independent_trials_is_adding_counts() -> None:
    whole = pooled([plain_rate(3, 50), plain_rate(1, 150), unknown_rate("none")])
    assert (whole.errors, whole.trials, whole.effective_trials) == (4, 200, 200)
    assert not pooled([unknown_rate("none")]).known


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("Unknown", "people whose race is unknown"),
        ("not stated", "people whose race is not stated"),
        ("Other", "people labelled Other"),
    ],
)
def test_people_of_whom_no_group_is_known_are_not_called_a_group(label: str, said: str) -> None:
    assert Names({}).people("race", label)[0] == said
