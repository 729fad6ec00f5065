"""Rates and expected numbers are told in two significant digits."""

from __future__ import annotations

import pytest

from countenance.casework import two_digits


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (11_027_719, "11,000,000"), (996.0, "1,000"), (57.4, "57"), (9.96, "10"), (4.25, "4.2"), (1.0, "1"),
        (0.00312, "0.0031"), (9.068e-8, "9.1e-08"), (0.0, "0"),
    ],
)  # fmt: skip
def test_two_significant_digits(value: float, said: str) -> None:
    assert two_digits(value) == said
