"""What a type checker tells a program that uses the public API. mypy reads this file; nothing runs it.

tests/unit/test_public_api.py has mypy read it as a stranger's program too, with nothing but the installed package.
"""

from typing import assert_type

import countenance
from countenance.metrics import (
    Comparisons,
    Interval,
    Rate,
    Ratio,
    SearchTest,
    Verification,
    clopper_pearson,
    expected_false_matches,
    plain_rate,
    ratio,
    search_test,
    verify,
    verify_each,
    wilson,
)


def errors_of(comparisons: Comparisons) -> None:
    assert_type(verify(comparisons, 0.5), Verification)
    assert_type(verify_each(comparisons, (0.4, 0.5)), tuple[Verification, ...])


def rates() -> None:
    assert_type(countenance.__version__, str)
    assert_type(wilson(1, 100), Interval)
    assert_type(clopper_pearson(1, 100), Interval)
    rate = plain_rate(1, 100)
    assert_type(rate, Rate)
    assert_type(rate.interval.low, float)
    assert_type(ratio(rate, plain_rate(2, 100)), Ratio)
    assert_type(search_test(probes=535, falsely_matched=28, gallery=25_000), SearchTest)
    assert_type(expected_false_matches(1e-5, 1000), float)


def what_is_refused(rate: Rate) -> None:
    wilson("1", 100)  # type: ignore[arg-type]
    rate.errors = 2  # type: ignore[misc]
    verify([0.1, 0.9], 0.5)  # type: ignore[arg-type]
