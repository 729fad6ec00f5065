"""The example of systems side by side runs as its README says, and gives the figures that were published."""

from __future__ import annotations

import csv
import html
import json
import re
from typing import Any

import pytest
from tests.integration.test_examples import EXAMPLES, shell

FOLDER = EXAMPLES / "gender-shades"
TOTALS_2018 = {
    "Microsoft": {"All": 0.48, "F": 0.9, "M": 0.15, "darker": 0.89, "lighter": 0.15},
    "Face++": {"All": 1.6, "F": 2.5, "M": 0.9, "darker": 2.6, "lighter": 0.7},
    "IBM": {"All": 4.41, "F": 9.36, "M": 0.43, "darker": 8.16, "lighter": 1.17},
    "Amazon": {"All": 8.66, "F": 18.73, "M": 0.57, "darker": 15.11, "lighter": 3.08},
    "Kairos": {"All": 6.6, "F": 14.1, "M": 0.6, "darker": 11.1, "lighter": 2.8},
}
TOTALS_2017 = {"Microsoft": 6.3, "IBM": 12.1}
"""Over everybody. Not Face++: its published total does not follow from its published groups."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("gender-shades")
    shell(folder, {"COUNTENANCE_HOME": str(folder / "home")}).follow("gender-shades")
    pages = folder / "gender-shades" / "pages"
    return html.unescape((pages / "systems.html").read_text()), json.loads((pages / "systems.json").read_text())


def rates(found: dict[str, Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Shares of errors by system, day and group."""
    return {
        (system["name"], audit["answered"], rate["group"]): rate["share"]
        for system in found["systems"]
        for audit in system["audits"]
        for rate in audit["rates"]
        if rate["measure"] == "error"
    }


def test_every_published_rate_of_a_group_comes_out_within_rounding(found: tuple[str, dict[str, Any]]) -> None:
    page, numbers = found
    measured = rates(numbers)
    with (FOLDER / "published.csv").open(newline="") as file:
        published = list(csv.DictReader(file))
    assert len(published) == 4 * (3 + 5)
    for cell in published:
        share = measured[cell["system"], cell["answered"], f"{cell['skin']} · {cell['gender']}"]
        assert share["trials"] == int(cell["n"])
        half_a_person, last_digit = 50 / share["trials"], 0.5 * 10 ** -len(cell["error_pct"].partition(".")[2])
        off = abs(100 * share["estimate"] - float(cell["error_pct"]))
        assert off <= half_a_person + last_digit, cell
        assert f"({share['errors']} of {share['trials']}" in page


def test_the_published_totals_that_nothing_was_made_of_come_out_too(found: tuple[str, dict[str, Any]]) -> None:
    measured = rates(found[1])
    words = {"All": "everybody", "F": "female", "M": "male"}
    for system, totals in TOTALS_2018.items():
        for group, pct in totals.items():
            share = measured[system, "2018-08", words.get(group, group)]
            assert 100 * share["estimate"] == pytest.approx(pct, abs=0.1), (system, group)
    for system, pct in TOTALS_2017.items():
        assert 100 * measured[system, "2017", "everybody"]["estimate"] == pytest.approx(pct, abs=0.06)
    assert 100 * measured["Face++", "2017", "everybody"]["estimate"] == pytest.approx(9.13, abs=0.01)


def test_the_report_names_the_rates_that_nothing_confirms(found: tuple[str, dict[str, Any]]) -> None:
    with (FOLDER / "published.csv").open(newline="") as file:
        open_ = [cell for cell in csv.DictReader(file) if cell["checked"] == "totals"]
    assert f"{len(open_)} of the 20 rates of 2018 are unconfirmed" in found[0]
    assert f"`totals`, {len(open_)} of the 32: unconfirmed" in (FOLDER / "README.md").read_text()
    whose: dict[tuple[str, str], set[str]] = {(cell["skin"], cell["gender"]): set() for cell in open_}
    for cell in open_:
        whose[cell["skin"], cell["gender"]].add(cell["system"])
    assert whose["darker", "male"] == whose["lighter", "female"] == {"Face++", "IBM", "Amazon", "Kairos"}
    assert whose["lighter", "male"] == {"Face++", "IBM"} and len(whose) == 3


def test_the_report_leads_with_the_strongest_finding_and_claims_no_change_that_is_not_shown(
    found: tuple[str, dict[str, Any]],
) -> None:
    page, numbers = found
    assert numbers["headline"] == (
        "Amazon is wrong about 31.4 % of darker-skinned women and none of lighter-skinned men."
    )
    said = "\n".join(numbers["said"])
    microsoft = next(line for line in numbers["said"] if line.startswith("Microsoft") and "skin x gender" in line)
    fewer, _, rest = microsoft.partition("no change is shown for ")
    assert "darker-skinned · women (20.7 % → 1.48 %)" in fewer
    assert "lighter-skinned · women" in rest and "lighter-skinned · women" not in fewer
    assert "Amazon" not in said and "Audited once, so that nothing is said about changes: Amazon and Kairos." in page
    assert not any(line["found"]["paired"] for line in (*numbers["between"], *numbers["changes"]))
    panels = re.findall(r'<p class="panel">(.*?)</p>', page)
    assert panels[:5] == ["Microsoft", "Face++", "IBM", "Amazon", "Kairos"]
