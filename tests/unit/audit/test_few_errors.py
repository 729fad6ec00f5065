"""What is said where few errors, or none, or nothing else, were seen: bounds, and no multiplication of one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.audit import made_up
from tests.unit.audit.made_up import pairs
from tests.unit.audit.test_report import Page

from countenance.audit.bundle import Bundle
from countenance.audit.findings.search_facts import facts_of_bundle, facts_of_test
from countenance.audit.findings.words import interval, rate, seen
from countenance.audit.formats.results import share
from countenance.audit.report.page import card_page, leaflet_page, report_page
from countenance.audit.report.questions import embed_svg
from countenance.metrics import plain_rate


def audited(folder: Path, matches: tuple[int, int], impostors: int = 255, missed: tuple[int, int] = (9, 3)) -> Bundle:
    """An audit of two groups of 60: false matches among so many impostors, misses among 60 mates."""
    drawn = [(a, b) for a in range(60) for b in range(a)][:: 1770 // impostors][:impostors]
    groups = zip("AB", matches, missed, strict=True)
    return made_up.audited(folder, [line for g, false, misses in groups for line in pairs(g, 60, misses, drawn, false)])


@pytest.mark.parametrize("matches", [(1, 0), (0, 0), (3, 2)])
def test_a_handful_of_false_matches_is_never_multiplied_into_candidates(
    tmp_path: Path, matches: tuple[int, int]
) -> None:
    bundle = audited(tmp_path, matches)
    facts = facts_of_bundle(bundle, 10_000, None, None)
    pages = [Page(report_page(bundle)).text, Page(leaflet_page(facts)).text, " ".join(facts.sentences())]
    candidates = max(matches) * 10_000 / 255
    multiplied = (f"{1000 * candidates:,.0f}", f"about {candidates:,.0f}", f"average {candidates:,.0f}")
    for page in pages:
        assert "oo few" in page
        assert not [said for said in multiplied if candidates and said in page]
    assert "people in the gallery" not in pages[0]  # no curve
    assert 'class="wrong"' not in leaflet_page(facts)
    faces = bundle.results.faces
    assert faces is not None
    for line in faces.searches:
        assert line.enough is False and line.expected_low is not None and line.expected_high is not None
        assert line.expected_low <= line.expected_false <= line.expected_high


def test_of_many_false_matches_searches_are_told_with_an_interval(tmp_path: Path) -> None:
    bundle = audited(tmp_path, (40, 12), 1700)
    page = Page(report_page(bundle)).text
    assert "oo few to tell" not in page
    assert all(line.enough for line in bundle.results.faces.searches)  # type: ignore[union-attr]
    facts = facts_of_bundle(bundle, 100, None, None)
    assert "on average 2.4 false candidates" in " ".join(facts.sentences())


def test_a_published_test_with_few_matches_says_between_what_it_leaves_the_truth() -> None:
    none, one = (" ".join(facts_of_test(90, n, 25_000, 0.2).sentences()) for n in (0, 1))
    assert "0 false matches were seen in 90 searches" in none and "at most" in none and "at least" in none
    assert "1 false match was seen in 90 searches" in one and "anything from" in one
    assert "If 20.0 % of the people" in one


@pytest.mark.parametrize(
    ("errors", "trials", "said"),
    [
        (0, 54, "0 of 54, at most 6.64 %"),
        (54, 54, "54 of 54, at least 93.4 %"),
        (12, 86, "14.0 % (12 of 86)"),
        (1, 1, "1 of 1, at least 20.7 %"),
    ],
)
def test_none_of_all_and_all_of_all_are_shown_with_the_bound(errors: int, trials: int, said: str) -> None:
    found = share(plain_rate(errors, trials))
    assert seen(found) == said
    if errors in (0, trials):
        assert interval(found) == rate(found) == said.partition(", ")[2]
    else:
        assert " to " in interval(found) and rate(found) == "14.0 %"


def test_every_bare_count_of_none_or_all_has_its_bound_beside_it(tmp_path: Path) -> None:
    bundle = audited(tmp_path, (40, 0), 1700, missed=(60, 0))
    svg = embed_svg(bundle)
    assert svg is not None
    for said in re.findall(r">([^<>]*\b0 of [\d,]+[^<>]*)<", svg) + re.findall(r">([^<>]*\b60 of 60[^<>]*)<", svg):
        assert "at most" in said or "at least" in said
    assert "60 of 60, at least" in svg and "0 of 60, at most" in svg
    for page in (report_page(bundle), card_page(bundle)):
        for row in re.findall(r"<tr>.*?</tr>", page, re.S):
            if re.search(r"\b0 of [1-9]|\b60 of 60\b", row):
                assert "at most" in row or "at least" in row, row
    numbers = bundle.results.numbers
    assert "60 of 60, at least 94.0 %" in numbers.worst and "at least 940 fail" in numbers.meaning
