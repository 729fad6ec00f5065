"""The real cases, and what changes between two versions of a text."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date

import pytest
from cedarpy import pst

from countenance.errors import PolicyError
from countenance.policy import Rules
from countenance.policy.authoring.corpus import Story, stories
from countenance.policy.authoring.difference import difference
from countenance.policy.authoring.mutation import instead, with_own, without
from countenance.policy.packs.pack import Pack, fine_print, read_pack, shipped

STORIES = stories(fine_print("corpus"))
PACKS = {name: read_pack(name) for name in shipped()}
RULES = {name: Rules([pack]) for name, pack in PACKS.items()}


# real cases


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.id)
def test_each_real_case_is_decided_as_expected_by_every_pack(story: Story) -> None:
    assert set(story.expected) == set(shipped())
    for name, due in story.expected.items():
        decision = RULES[name].decide(story.request, story.now)
        assert str(decision.verdict) == due.verdict, (name, decision.sentence())
        assert due.clauses <= set(decision.clauses), name
        assert due.why.endswith(".")
    assert story.sources


def test_the_ten_promised_cases_are_there() -> None:
    assert {story.id for story in STORIES} >= {
        "williams",
        "street-scan",
        "scraped-customer",
        "familiar-faces",
        "missing-child",
        "airport-gate",
        "phone-unlock",
        "photo-library",
        "stadium",
        "protest",
    }


def test_the_arrest_on_the_softwares_word_comes_first_and_no_pledge_that_names_police_reaches_it() -> None:
    first = STORIES[0]
    assert (first.id, "the software's saying it, it's legit" in first.what) == ("reno", True)
    for name in ("amazon-blog", "amazon-terms", "microsoft"):
        assert first.expected[name].verdict == "permit"
    assert first.expected["house"].verdict == "deny"


def test_the_cases_of_issue_19_are_there() -> None:
    assert {story.id for story in STORIES} >= {
        "reno",
        "reid",
        "lipps",
        "project-nola",
        "rite-aid",
        "bunnings",
        "hungary-pride",
        "edmonton",
        "ring-flock",
    }


def test_no_real_case_states_a_threshold_that_nobody_published() -> None:
    assert {story.id for story in STORIES if story.request.model.fmr is not None} == {"photo-library", "murder-suspect"}


def corpus(more: str) -> tuple[Story, ...]:
    story = """
        [[story]]
        id = "one"
        title = "One"
        what = "It happened."
        sources = ["somebody"]
        request = { operation = "verify", actor = { class_name = "shop" } }
        """
    return stories(tomllib.loads(f"now = 2026-01-01T00:00:00Z\n{more}{story}{EXPECTED}"), ("a", "b", "c"))


EXPECTED = 'expect = [{ packs = ["a"], verdict = "deny", clauses = ["a.x"], why = "Here." }]'
REST = '[[default]]\nverdict = "permit"\nwhy = "Elsewhere."\n'
OF_B = '[[default]]\npacks = ["b"]\nverdict = "deny"\nwhy = "Always."\n'


def test_what_a_case_does_not_list_is_said_by_the_defaults() -> None:
    (story,) = corpus(REST + OF_B)
    assert {name: due.verdict for name, due in story.expected.items()} == {"a": "deny", "b": "deny", "c": "permit"}
    assert (story.expected["a"].why, story.expected["c"].why) == ("Here.", "Elsewhere.")


def test_without_defaults_only_the_packs_that_a_case_lists_are_expected() -> None:
    (story,) = corpus("")
    assert set(story.expected) == {"a"}


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (OF_B + OF_B, "the defaults: b is expected twice"),
        (OF_B.replace('"b"', '"d"'), "the defaults: there is no rule pack d"),
        ("default = 1\n", "defaults are a list"),
    ],
)
def test_malformed_defaults_are_refused(more: str, what: str) -> None:
    with pytest.raises(PolicyError, match=what):
        corpus(more)


def test_no_pledge_that_names_police_stops_the_street_scan_by_an_agency_before_2024() -> None:
    story = next(story for story in STORIES if story.id == "street-scan")
    for name in ("amazon-blog", "microsoft"):
        assert RULES[name].decide(story.request, story.now, as_of=date(2023, 1, 1)).permitted


# differences


def loosened(pack: Pack, ident: str) -> Pack:
    clause = next(c for c in pack.clauses if c.id == ident)
    return without(pack, clause)


def test_two_equal_versions_do_not_differ() -> None:
    found = difference(PACKS["texas"], PACKS["texas"])
    assert (found.added, found.removed, found.changed, found.permitted, found.denied) == ((), (), (), (), ())


@pytest.mark.parametrize(
    ("name", "ident"), [("texas", "texas.b-1"), ("google", "google.general-purpose"), ("detroit", "detroit.line-up")]
)
def test_a_clause_left_out_shows_requests_newly_permitted_and_none_newly_denied(name: str, ident: str) -> None:
    found = difference(PACKS[name], loosened(PACKS[name], ident), tries=150)
    assert found.removed == (ident.removeprefix(f"{name}."),)
    assert found.permitted
    assert not found.denied
    back = difference(loosened(PACKS[name], ident), PACKS[name], tries=150)
    assert back.denied
    assert not back.permitted
    assert ident in back.denied[0].after.clauses


def test_a_boundary_moved_by_a_day_is_found_without_a_case_of_its_own() -> None:
    pack = replace(PACKS["texas"], cases=PACKS["texas"].cases[:1])
    clause = next(c for c in pack.clauses if c.id == "texas.c-3")

    def later(node: pst.Expr) -> pst.Expr:
        match node:
            case pst.LongLit(365):
                return pst.LongLit(366)
            case pst.BinaryOp(op, left, right):
                return pst.BinaryOp(op, later(left), later(right))
            case pst.UnaryOp(op, arg):
                return pst.UnaryOp(op, later(arg))
        return node

    found = difference(pack, instead(pack, clause, with_own(clause, later(clause.own))))
    assert found.changed == ("c-3",)
    assert [dict(e.changes) for e in found.permitted] == [{"retention.days_after_purpose": 366}]
    assert not found.denied


def test_each_example_is_real(tmp_path: object) -> None:
    before, after = PACKS["illinois"], loosened(PACKS["illinois"], "illinois.15-b")
    for example in difference(before, after, tries=150).permitted:
        assert not example.before.permitted
        assert example.after.permitted
        assert example.case in example.sentence()
