"""The matrix, the real cases, and what changes between two versions of a text."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from dataclasses import replace
from datetime import date
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from cedarpy import pst

from countenance.errors import PolicyError
from countenance.policy import Rules, Verdict
from countenance.policy.authoring.corpus import Story, stories
from countenance.policy.authoring.difference import difference
from countenance.policy.authoring.mutation import instead, with_own, without
from countenance.policy.fine_print.html import page
from countenance.policy.fine_print.matrix import Matrix, letter, matrix
from countenance.policy.fine_print.svg import poster
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


# the matrix


@pytest.fixture(scope="module")
def table() -> Matrix:
    return matrix(fine_print("matrix"), [PACKS[name] for name in ("amazon-blog", "ibm", "virginia", "house")])


def test_the_matrix_has_a_cell_for_every_pack_use_and_actor(table: Matrix) -> None:
    assert len(table.cells) == len(table.packs) * len(table.uses) * len(table.actors)
    counts = [sum(table.count(pack.name, verdict) for verdict in Verdict) for pack in table.packs]
    assert counts == [len(table.uses) * len(table.actors)] * len(table.packs)


def test_the_announced_moratorium_stops_city_police_and_not_federal_agencies(table: Matrix) -> None:
    assert table.at("amazon-blog", "street-scan", "city-police").verdict is Verdict.DENY
    for actor in ("federal", "immigration", "intelligence", "contractor", "person"):
        assert table.at("amazon-blog", "street-scan", actor).verdict is Verdict.PERMIT


def test_the_house_rules_stop_the_street_scan_whoever_does_it(table: Matrix) -> None:
    assert {table.at("house", "street-scan", actor.id).verdict for actor in table.actors} == {Verdict.DENY}


def test_work_made_to_order_is_the_hole_in_ibms_letter(table: Matrix) -> None:
    made_to_order = {table.at("ibm", "made-to-order", actor.id).verdict for actor in table.actors}
    product = {table.at("ibm", "suspect-afterwards", actor.id).verdict for actor in table.actors}
    assert (made_to_order, product) == ({Verdict.PERMIT}, {Verdict.DENY})


def test_the_matrix_of_another_day_is_of_that_days_law() -> None:
    packs = [PACKS["amazon-blog"], PACKS["virginia"]]
    before, after = (matrix(fine_print("matrix"), packs, date.fromisoformat(d)) for d in ("2020-06-09", "2025-01-01"))
    assert before.count("amazon-blog", Verdict.DENY) == 0
    assert after.count("amazon-blog", Verdict.DENY) > 0


def test_the_matrix_is_plain_json(table: Matrix) -> None:
    record = json.loads(json.dumps(table.record()))
    assert len(record["cells"]) == len(table.cells)
    assert all(cell["clauses"] for cell in record["cells"])


def test_a_matrix_without_actors_is_refused() -> None:
    with pytest.raises(PolicyError, match="no actor"):
        matrix({"now": fine_print("matrix")["now"]}, [PACKS["ibm"]])


class Page(HTMLParser):
    VOID = ("meta", "link", "br", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in self.VOID:
            self.open.append(tag)
        self.outside += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_from_outside(table: Matrix) -> None:
    reader = Page()
    reader.feed(page(table))
    assert reader.open == []
    assert reader.outside == []
    assert reader.count["svg"] == len(table.packs)
    assert reader.count["rect"] == len(table.cells)
    assert "url(" not in page(table)


def test_a_cell_of_the_page_can_be_tapped_and_names_its_row_and_its_column(table: Matrix) -> None:
    whole = page(table)
    cells = re.findall(r'<td class="(?:permit|deny|undetermined)" data-of="([^"]+)" title="([^"]+)"', whole)
    assert len(cells) == len(table.cells)
    assert {unescape(of) for of, _ in cells} == {pack.identity.title for pack in table.packs}
    assert all(re.search(r"\. [a-z-]+\.[a-z0-9-]+: ", title) for _, title in cells)


def test_the_poster_names_every_use_actor_and_text_and_draws_every_cell(table: Matrix) -> None:
    root = ElementTree.fromstring(poster(table))  # our own text
    said = [" ".join("".join(node.itertext()).split()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    rows = -(-len(table.packs) // 3)
    for use in table.uses:
        assert said.count(use.title) == rows
    for number, actor in enumerate(table.actors):
        assert f"{letter(number)} {actor.title}" in said
    for pack in table.packs:
        assert pack.identity.title in " ".join(said)
        assert f"{table.count(pack.name, Verdict.DENY)} of {len(table.uses) * len(table.actors)} stopped" in said
    drawn = Counter(node.get("fill") for node in root.iter("{http://www.w3.org/2000/svg}rect"))
    assert drawn["#1d4e89"] == 1 + sum(table.count(pack.name, Verdict.DENY) for pack in table.packs)


def test_letters_go_on_after_z() -> None:
    assert [letter(n) for n in (0, 25, 26, 51, 52)] == ["A", "Z", "AA", "AZ", "BA"]


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
