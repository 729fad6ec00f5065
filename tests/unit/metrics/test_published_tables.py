"""Published audits, recomputed from the tables that hold them. Only rows that are marked as confirmed are tested."""

import csv
import os
from pathlib import Path
from statistics import median

import pytest

from countenance.metrics import plain_rate, search_test, summarise

DATA = Path(os.environ.get("COUNTENANCE_DATA", Path(__file__).parents[5] / "shared" / "data"))


def table(name: str) -> list[dict[str, str]]:
    file = DATA / "tables" / name
    if not file.exists():
        pytest.skip("no evaluation data: set COUNTENANCE_DATA")
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_medians_of_nists_table_by_sex_and_race() -> None:
    rows = table("nist_frvt_11_gender_race.csv")
    assert len(rows) == 240
    medians = {c: median(float(r[c]) for r in rows) for c in ("MW_MW", "MB_MB", "FW_FW", "FB_FB")}
    assert [round(m, 4) for m in medians.values()] == [0.0010, 0.0023, 0.0029, 0.0117]
    rates = [plain_rate(round(m * 10**6), 10**6) for m in medians.values()]
    found = summarise(rates, [])
    assert found.fmr_max_over_min.value == pytest.approx(11.7, abs=0.3)
    assert found.fmr_max_over_geomean.value == pytest.approx(3.9, abs=0.2)


def test_the_search_of_members_of_congress() -> None:
    rows = {r["quantity"]: r for r in table("aclu_rekognition_congress_2018.csv")}
    probes, false, gallery = (int(rows[q]["value"]) for q in ("members_probed", "false_matches", "gallery_mugshots"))
    assert all(rows[q]["status"] == "confirmed" for q in ("members_probed", "false_matches", "gallery_mugshots"))
    found = search_test(probes, false, gallery)
    assert found.fpir.estimate == pytest.approx(28 / 535)
    assert found.implied_fmr == pytest.approx(2.1e-6, abs=1e-7)


def test_the_confirmed_cells_of_gender_shades_are_the_ones_tested() -> None:
    rows = [
        r
        for r in table("gender_shades_2018.csv")
        if r["status"].startswith("confirmed") and r["metric"] == "error_rate"
    ]
    cells = {(r["system"], r["group"]): (int(r["n"]), float(r["value_pct"])) for r in rows if len(r["group"]) == 2}
    assert len(cells) == 12
    for rows_in_cell, percent in cells.values():
        errors = round(rows_in_cell * percent / 100)
        # not exactly: no count of 271 darker women is 20.8 or 34.5 %, so those rates had another denominator
        assert 100 * errors / rows_in_cell == pytest.approx(percent, abs=0.2)
