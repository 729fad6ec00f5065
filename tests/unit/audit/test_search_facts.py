from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.audit import made_up
from tests.unit.audit.test_report import Page

from countenance.audit.analysis.disclosure import rest_of
from countenance.audit.bundle import Bundle, read_bundle, write_bundle
from countenance.audit.findings.advice import advice_of, mix_of
from countenance.audit.findings.search_facts import SearchFacts, facts_of_bundle, facts_of_test
from countenance.audit.report.page import leaflet_page
from countenance.errors import BadRequest


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    write_bundle(tmp_path / "b", made_up.files())
    return read_bundle(tmp_path / "b")


def test_the_aclus_test_of_2018_comes_out() -> None:
    facts = facts_of_test(535, 28, 25_000, None)
    assert 1000 * facts.chance == pytest.approx(52.3, abs=0.1)
    low, high = facts.chance_bounds
    assert (100 * low, 100 * high) == pytest.approx((3.65, 7.46), abs=0.01)
    assert facts.fmr == pytest.approx(2.15e-6, rel=0.01)
    assert "28 of 535" in facts.source


def test_numbers_that_say_nothing_are_left_out() -> None:
    stated = " ".join(SearchFacts(1000, 1e-5, 1e-5, 1e-5, 0.02, 0.2, "all", "stated").sentences())
    assert "as far as the measurement can tell" not in stated
    hopeless = SearchFacts(1_000_000, 1e-3, 9e-4, 2e-3, 0.02, None, "all", "made up")
    assert "practically all name somebody all the same." in " ".join(hopeless.sentences())
    assert "between" not in leaflet_page(hopeless).split("What the search did")[1].split("How likely")[0]


def test_the_worst_group_of_an_audit_speaks_unless_another_is_named(bundle: Bundle) -> None:
    worst = facts_of_bundle(bundle, 10_000, None, None)
    assert worst.group == "women, darker" and worst.fmr == 240 / 120_000
    assert worst.expected == pytest.approx(20.0)
    other = facts_of_bundle(bundle, 10_000, "group=men, lighter", 0.5)
    assert other.fmr == 12 / 120_000
    with pytest.raises(BadRequest, match="no rate of 'group=x'"):
        facts_of_bundle(bundle, 10_000, "group=x", None)


def test_a_merger_of_small_groups_speaks_only_when_named(bundle: Bundle) -> None:
    rest = rest_of(bundle.plan.small_cell)
    faces = bundle.results.faces
    assert faces is not None
    first, *others = faces.analyses
    groups = tuple(replace(g, group=rest) if g.group == "women, darker" else g for g in first.groups)
    merged = replace(
        bundle, results=replace(bundle.results, faces=replace(faces, analyses=(replace(first, groups=groups), *others)))
    )
    assert facts_of_bundle(merged, 10_000, None, None).group not in (rest, "women, darker")
    assert facts_of_bundle(merged, 10_000, f"{first.name}={rest}", None).group == rest


def test_a_lead_is_worth_less_in_a_larger_gallery_and_more_with_a_larger_prior() -> None:
    worth = [
        [SearchFacts(n, 1e-5, 1e-5, 1e-5, 0.02, None, "all", "made up").right_at(p) for p in (0.01, 0.1, 0.5)]
        for n in (100, 10_000, 1_000_000)
    ]
    for row in worth:
        assert row == sorted(row)
    for column in zip(*worth, strict=True):
        assert list(column) == sorted(column, reverse=True)
    assert all(0 < value <= 1 for row in worth for value in row)


def test_without_a_stated_prior_both_ends_are_told() -> None:
    facts = SearchFacts(10_000, 1e-4, 5e-5, 2e-4, 0.01, None, "everybody", "made up")
    said = " ".join(facts.sentences())
    assert "1 in 10,000" in said and "10,000 comparisons" in said
    assert "depends on how often" in said
    stated = " ".join(SearchFacts(10_000, 1e-4, 5e-5, 2e-4, 0.01, 0.25, "everybody", "made up").sentences())
    assert "If 25.0 % of the people searched for" in stated


@pytest.mark.parametrize(
    "change", [{"gallery": 0}, {"fmr": 2.0}, {"fmr_low": 0.5}, {"prior": 1.0}, {"prior": 0.0}, {"fmr_high": 1e-9}]
)
def test_facts_that_cannot_be_are_refused(change: dict[str, float]) -> None:
    made = {"gallery": 100, "fmr": 1e-4, "fmr_low": 1e-5, "fmr_high": 1e-3, "fnmr": 0.1, "prior": None}
    with pytest.raises(BadRequest):
        SearchFacts(**{**made, **change}, group="g", source="s")  # type: ignore[arg-type]


def test_a_rate_of_zero_has_a_leaflet_too() -> None:
    facts = SearchFacts(1000, 0.0, 0.0, 1e-4, None, None, "all", "made up")
    assert facts.right_at(0.5) == pytest.approx(1.0)
    assert "none seen" in " ".join(facts.sentences())


@pytest.mark.parametrize("gallery", [10, 1000, 100_000])
def test_the_leaflet_marks_as_many_signs_as_the_chance_says(gallery: int) -> None:
    facts = SearchFacts(gallery, 1e-4, 5e-5, 2e-4, None, None, "everybody", "made up")
    page = leaflet_page(facts)
    assert len(re.findall(r'<i class="wrong"></i>', page)) - 1 == round(100 * facts.chance)  # one is the key
    said = Page(page).text
    assert "A candidate is a lead, not an identification" in said
    assert "the best case" in said
    assert Page(page).fetched == []


def test_advice_comes_from_the_curves_of_a_bundle_alone(bundle: Bundle) -> None:
    found = advice_of(bundle, 100, 0.5, None, {})
    assert 0.25 <= found.shown <= 0.49
    assert all(line.fpir_upper <= 0.5 for line in found.advice.groups)
    stricter = advice_of(bundle, 1000, 0.5, None, {})
    assert not stricter.shown < found.shown


def test_advice_for_a_mixture_of_ones_own(bundle: Bundle) -> None:
    even = advice_of(bundle, 100, 0.5, "group", {})
    worse = advice_of(bundle, 100, 0.5, "group", mix_of(["women, darker=1.0"]))
    assert worse.advice.groups[0].fpir >= even.advice.groups[0].fpir or worse.shown > even.shown


@pytest.mark.parametrize(
    ("analysis", "mix", "words"),
    [
        ("race", [], "no curves by 'race'"),
        (None, ["children=1.0"], "no group 'children'"),
        (None, ["women, darker=0.5"], "add up to 1"),
    ],
)
def test_advice_that_cannot_be_given_says_why(bundle: Bundle, analysis: str | None, mix: list[str], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        advice_of(bundle, 100, 0.5, analysis, mix_of(mix))


@pytest.mark.parametrize("text", ["women", "women=much", "women=2"])
def test_a_share_is_a_number_between_0_and_1(text: str) -> None:
    with pytest.raises(BadRequest, match="a share is"):
        mix_of([text])
