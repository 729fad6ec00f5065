"""A difference that runs the other way within every group of another factor is told with that."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.audit.made_up import OUTCOMES, carried_out

TURNED = {
    ("North", "Red"): (540, 900),
    ("North", "Blue"): (75, 100),
    ("South", "Red"): (5, 100),
    ("South", "Blue"): (135, 900),
}
"""Of people without the outcome, those called high risk: Red more often in all, less often in either region."""
ALIKE = {place: (n * (3 if place[1] == "Red" else 2) // 10, n) for place, (_, n) in TURNED.items()}
FEW = {**TURNED, ("South", "Red"): (0, 12), ("North", "Blue"): (10, 12)}
FACTORS = OUTCOMES.replace('["grp"]', '["race", "region"]')
RISKS = FACTORS.replace("[outcomes]", "[risks]").replace("o.csv", "r.csv") + 'high_from = 5\nlabel_warning = "x"\n'


def findings(folder: Path, cells: dict[tuple[str, str], tuple[int, int]], risks: bool, times: int = 0) -> str:
    """times: rows of each person, which the plan knows by their ids; 0: it knows no ids."""
    rows = ["score,outcome,truth,predicted,region,race"]
    for (region, race), (wrong, people) in cells.items():
        rows += [f"9,0,m,f,{region},{race}"] * wrong + [f"2,0,m,m,{region},{race}"] * (people - wrong)
        rows += [f"9,1,f,f,{region},{race}", f"2,1,f,f,{region},{race}"] * (30 if risks else 0)
    plan = RISKS if risks else FACTORS
    if times:
        rows = [f"{row},{'who' if at == 0 else (at - 1) // times}" for at, row in enumerate(rows)]
        table = "[risks]" if risks else "[outcomes]"
        plan = plan.replace(table, f'{table}\nsubject = "who"')
    (folder / ("r.csv" if risks else "o.csv")).write_text("\n".join(rows) + "\n")
    return " ".join(carried_out(folder, plan).results.findings)


@pytest.mark.parametrize(("risks", "what"), [(True, "wrongly called high risk"), (False, "misclassified")])
def test_a_difference_that_turns_round_within_another_factor_is_told(tmp_path: Path, risks: bool, what: str) -> None:
    said = findings(tmp_path, TURNED, risks)
    assert (
        f"people of race 'Red' are {what} more often than those of 'Blue', and less often within every group of" in said
    )
    assert "group of region" in said and "people of region" not in said


@pytest.mark.parametrize("cells", [ALIKE, FEW], ids=["the same way everywhere", "too few to tell in one"])
def test_a_difference_that_does_not_turn_round_is_not_said_to(
    tmp_path: Path, cells: dict[tuple[str, str], tuple[int, int]]
) -> None:
    assert "less often within" not in findings(tmp_path, cells, risks=True)


@pytest.mark.parametrize("risks", [True, False])
@pytest.mark.parametrize(("times", "told"), [(1, True), (5, False)])
def test_rows_of_one_person_count_once(tmp_path: Path, risks: bool, times: int, told: bool) -> None:
    """As many rows of a fifth of the people show nothing in the smaller groups."""
    assert ("less often within" in findings(tmp_path, TURNED, risks, times)) == told
