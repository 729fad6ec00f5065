"""The figures in docs/equal-error.md are those of the benchmark's result, and none is typed elsewhere in it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from benchmarks.equal_error_page import BEGIN, END, aims, figures

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "equal-error.md").read_text()
RESULT = json.loads((ROOT / "benchmarks" / "results" / "equal_error.json").read_text())


def test_the_figures_are_those_of_the_last_run() -> None:
    assert figures(RESULT) in PAGE, "run python -m benchmarks.equal_error_page"


def test_no_measured_rate_is_typed_beside_them() -> None:
    typed = PAGE[: PAGE.index(BEGIN)] + PAGE[PAGE.index(END) :]
    assert not re.search(r"\d\.\d+ ?%|\d\.\d+ times|\d\.\d+ to \d", typed)


def method(name: str, ratio: float | None, missed: float, women: float, men: float) -> dict[str, object]:
    rates = {who: {"rate": rate, "low": rate / 2, "high": rate * 2} for who, rate in
             (("all", missed), ("women", women), ("men", men))}  # fmt: skip
    worst = {"ratio": ratio, "low": 1.0, "high": None}
    own = dict.fromkeys(("0.001", "0.0001"), rates)
    return {"name": name, "ratio": worst, "ratio_3e-4": worst, "age_ratio": worst, "fnmr": rates, "own": own}


def test_an_aim_is_met_at_its_bound_and_not_beyond_it() -> None:
    raw = method("raw", 10.0, 0.05, 0.05, 0.05)
    met = {ratio: aims([raw, method("x", ratio, 0.01, 0.01, 0.005)], "raw", "x") for ratio in (2.0, 2.01, 3.01)}
    assert [each["met"] for each in met[2.0]] == [True] * 7
    assert [each["met"] for each in met[2.01]][:3] == [False, True, True]
    assert [each["met"] for each in met[3.01]][:3] == [False, False, False]


def test_a_ratio_without_an_end_meets_no_aim() -> None:
    raw = method("raw", 10.0, 0.05, 0.05, 0.05)
    found = aims([raw, method("x", None, 0.01, 0.01, 0.0)], "raw", "x")
    assert not any(each["met"] for each in found[:3]) and not found[5]["met"]
