"""Tables that tempt to a false headline, each held to Fisher's exact test of its own counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy.stats import fisher_exact
from tests.unit.audit.made_up import OUTCOMES, carried_out

from countenance.audit.formats.results import Results
from countenance.errors import BadRequest

RISKS = OUTCOMES.replace("[outcomes]", "[risks]").replace("o.csv", "r.csv") + 'high_from = 5\nlabel_warning = "x"\n'
HYPOTHESIS = '[[hypotheses]]\nmeasure = "{}"\nfactor = "grp"\nreference = "others"\n'


def classified(folder: Path, cells: list[tuple[str, str, int, int]], draft: str = OUTCOMES) -> Results:
    """An audit of a classifier. cells: group, true class "f" or "m", wrong answers, people."""
    other = {"f": "m", "m": "f"}
    rows = ["truth,predicted,grp"]
    for group, true, wrong, people in cells:
        rows += [f"{true},{other[true]},{group}"] * wrong + [f"{true},{true},{group}"] * (people - wrong)
    (folder / "o.csv").write_text("\n".join(rows) + "\n")
    return carried_out(folder, draft).results


def scored(folder: Path, cells: list[tuple[str, int, int, int, int]], draft: str = RISKS) -> Results:
    """An audit of a risk score. cells: group, true positives, false negatives, false positives, true negatives."""
    rows = ["score,outcome,grp"]
    for group, tp, fn, fp, tn in cells:
        rows += [f"9,1,{group}"] * tp + [f"2,1,{group}"] * fn + [f"9,0,{group}"] * fp + [f"2,0,{group}"] * tn
    (folder / "r.csv").write_text("\n".join(rows) + "\n")
    return carried_out(folder, draft).results


def held(results: Results) -> None:
    """No difference is shown that Fisher's exact test finds unlikely to be one, nor one of 1 in 10,000 passed over."""
    for one in results.judged:
        if one.rate is None or one.against is None or not (one.rate.trials and one.against.trials):
            continue
        table = [[s.errors, (s.trials or 0) - (s.errors or 0)] for s in (one.rate, one.against)]
        p = float(fisher_exact(table)[1])
        assert one.verdict not in ("difference shown", "difference shown, within the declared margin") or p < 0.05, one
        assert p > 1e-4 or one.verdict.startswith("difference shown"), one


@pytest.mark.parametrize(
    ("cells", "begins"),
    [
        ([("a", "f", 3, 5), ("a", "m", 0, 5), ("b", "f", 0, 6), ("b", "m", 1, 6)], "This data cannot tell whether"),
        ([(g, c, 0, 60) for g in "ab" for c in "fm"], "No error was seen in any group; that does not show"),
        ([("a", "f", 9, 60), ("a", "m", 3, 60)], "This data shows no rate that could be compared"),
        ([(g, c, 300, 3000) for g in "ab" for c in "fm"], "This data cannot tell whether"),
        ([("a", "f", 398, 400), ("b", "f", 399, 400), ("a", "m", 398, 400), ("b", "m", 399, 400)], "This data cannot"),
        ([("a", "f", 200, 200), ("b", "f", 180, 200), ("a", "m", 200, 200), ("b", "m", 180, 200)], "Where “f” is true"),
    ],
    ids=["tiny groups", "no error", "one group", "all equal", "nearly all wrong", "all wrong in one"],
)
def test_a_classifier_is_told_by_what_its_counts_show(
    tmp_path: Path, cells: list[tuple[str, str, int, int]], begins: str
) -> None:
    results = classified(tmp_path, cells)
    assert results.headline.startswith(begins)
    held(results)


@pytest.mark.parametrize(
    ("cells", "begins"),
    [
        (
            [("a", 150, 50, 20, 180), ("b", 50, 150, 100, 100)],
            "Gatekeeper wrongly calls people labelled b high risk 5 times",
        ),
        ([("a", 7000, 3000, 2000, 8000), ("b", 7000, 3000, 2300, 7700)], "Gatekeeper wrongly calls people labelled b"),
        ([("a", 20, 180, 150, 50), ("b", 20, 180, 160, 40)], "This data cannot tell whether"),
        ([("a", 0, 0, 20, 180), ("b", 0, 0, 60, 140)], "Gatekeeper wrongly calls people labelled b high risk 3 times"),
        ([("a", 100, 0, 100, 0), ("b", 100, 0, 100, 0)], "This data cannot tell whether"),
    ],
    ids=["contradictory measures", "many people", "against the outcome", "nobody with the outcome", "all called high"],
)
def test_a_risk_score_is_told_by_what_its_counts_show(
    tmp_path: Path, cells: list[tuple[str, int, int, int, int]], begins: str
) -> None:
    results = scored(tmp_path, cells)
    assert results.headline.startswith(begins)
    held(results)


def test_55_against_99_percent_is_a_difference_whatever_is_asked(tmp_path: Path) -> None:
    cells = [("a", "f", 90, 200), ("b", "f", 2, 200), ("a", "m", 2, 200), ("b", "m", 90, 200)]
    draft = f'margin_points = 0.05\n{OUTCOMES}positive = "f"\n{HYPOTHESIS.format("tpr")}'
    results = classified(tmp_path, cells, draft)
    assert "says so for 55.0 % of rows labelled a and 99.0 % of rows labelled b" in results.headline
    held(results)


def test_a_hypothesis_about_a_class_that_no_plan_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"about tpr is about one class: name it as positive under \[outcomes\]"):
        classified(tmp_path, [(g, c, 9, 60) for g in "ab" for c in "fm"], OUTCOMES + HYPOTHESIS.format("tpr"))
