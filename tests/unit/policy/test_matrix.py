"""The matrix: five states, each held against what it means, and the three ways in which it is shown."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from html import unescape
from html.parser import HTMLParser
from itertools import combinations, product
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from countenance.errors import PolicyError
from countenance.policy import Rules, Verdict
from countenance.policy.description import request_of
from countenance.policy.fine_print.conditions import Way, ways
from countenance.policy.fine_print.html import page
from countenance.policy.fine_print.matrix import CellState, Column, Matrix, columns_of, matrix
from countenance.policy.fine_print.panel import COLOURS, LOOKS, gist, headline, in_order, key
from countenance.policy.fine_print.svg import poster
from countenance.policy.fine_print.table import MatrixTable, Safeguard, extended, table_of
from countenance.policy.fine_print.terminal import WIDTH, by_actor, by_text
from countenance.policy.packs.cases import merged
from countenance.policy.packs.pack import fine_print, read_pack, shipped

PACKS = {name: read_pack(name) for name in shipped()}
TABLE = table_of(fine_print("matrix"))
NAMES = ("amazon-blog", "amazon-terms", "aws-guidance", "ibm", "washington", "virginia", "house")


@pytest.fixture(scope="module")
def table() -> Matrix:
    """Some columns in Washington, the law in force among them."""
    chosen = TABLE.at("US-WA")
    return matrix(chosen, columns_of([PACKS[name] for name in NAMES], "US-WA", "Washington"))


def states(table: Matrix, column: str, use: str) -> dict[str, CellState]:
    return {actor.id: table.at(column, use, actor.id).state for actor in table.actors}


def test_the_matrix_has_a_cell_for_every_column_use_and_actor(table: Matrix) -> None:
    assert len(table.cells) == len(table.columns) * len(table.uses) * len(table.actors)
    assert [column.name for column in table.columns] == [*NAMES, "law:US-WA"]


def test_no_shipped_pack_asks_for_a_fact_that_the_table_does_not_state() -> None:
    whole = matrix(TABLE, PACKS.values(), conditions=False)
    undecided = {(c.pack, f.fact) for c in whole.cells.values() for f in c.decision.missing}
    assert undecided == set()
    silent = [c.name for c in whole.columns if all(whole.at(c.name, u.id, a.id).state is CellState.OUTSIDE
              for u in whole.uses for a in whole.actors)]  # fmt: skip
    assert silent == [], "a pack whose column is empty: add an actor to matrix.toml"


# what the states mean


def test_the_announced_moratorium_stops_city_police_and_is_not_about_federal_agencies(table: Matrix) -> None:
    found = states(table, "amazon-blog", "street-scan")
    assert {found.pop("city-police"), found.pop("state-police")} == {CellState.STOPPED}
    assert set(found.values()) == {CellState.OUTSIDE}


def test_the_terms_leave_open_what_they_bind_somebody_in_and_do_not_forbid(table: Matrix) -> None:
    assert states(table, "amazon-terms", "protest")["city-police"] is CellState.OPEN
    assert states(table, "amazon-terms", "protest")["immigration"] is CellState.OUTSIDE


def test_a_conditional_law_is_no_ban(table: Matrix) -> None:
    cell = table.at("washington", "live-watch-list", "city-police")
    assert cell.state is CellState.ONLY_IF
    assert cell.decision.verdict is Verdict.DENY
    assert "there is a warrant" in cell.conditions
    assert "whoever operates it is trained" in cell.conditions
    assert table.at("washington", "arrest-on-match", "city-police").state is CellState.STOPPED


def test_with_its_conditions_a_cell_is_permitted_and_without_any_one_of_them_it_is_not(table: Matrix) -> None:
    tried = 0
    for cell in table.cells.values():
        if cell.state is not CellState.ONLY_IF or cell.pack not in ("washington", "virginia", "house"):
            continue
        rules = Rules([PACKS[cell.pack]])
        for way in cell.ways:
            assert decided(rules, cell.use, cell.actor, way)
            for safeguard in way:
                assert not decided(rules, cell.use, cell.actor, tuple(s for s in way if s is not safeguard))
            tried += 1
    assert tried > 20


def decided(rules: Rules, use: str, actor: str, way: Way) -> bool:
    """Whether `way` is permitted: by the description, and so by another road than the matrix takes."""
    at = TABLE.at("US-WA")
    (use_row,), (actor_row,) = at.only(uses=[use]).uses, at.only(actors=[actor]).actors
    described: dict[str, object] = at.described(use_row, actor_row)
    for safeguard in way:
        if "authorisation" in safeguard.facts:
            described.pop("authorisation")
        described = merged(described, safeguard.facts)
    return rules.decide(request_of(described, at.now), at.now).permitted


def test_what_is_stopped_stays_so_with_everything_that_the_asker_could_bring(table: Matrix) -> None:
    kinds = [[None, *(s for s in TABLE.safeguards if s.instead_of == kind)] for kind in ("authorisation", "basis")]
    plain = tuple(s for s in TABLE.safeguards if not s.instead_of and s.id != "corroborated")
    rules = Rules([PACKS["washington"]])
    for chosen in product(*kinds):
        way = (*(s for s in chosen if s is not None), *plain)
        assert not decided(rules, "arrest-on-match", "city-police", way)


def test_no_safeguard_contradicts_what_the_use_is(table: Matrix) -> None:
    for cell in table.cells.values():
        if cell.use == "arrest-on-match":
            assert "independent evidence supports the answer" not in cell.conditions


def test_not_about_this_means_that_nothing_the_pack_says_can_reach_it(table: Matrix) -> None:
    """Whatever a case of the pack states about the use, it is permitted and owes nothing."""
    at = TABLE.at("US-WA")
    for name in ("washington", "amazon-blog", "virginia"):
        rules = Rules([PACKS[name]])
        for (use, row), (actor, _) in product(at.uses.items(), at.actors.items()):
            if table.at(name, use.id, actor.id).state is not CellState.OUTSIDE:
                continue
            asked = request_of(at.described(use, actor), at.now)
            for case in PACKS[name].cases[:25]:
                other = replace(
                    case.request,
                    operation=asked.operation,
                    actor=asked.actor,
                    on_behalf_of=asked.on_behalf_of,
                    jurisdictions=asked.jurisdictions,
                )
                decision = rules.judge(other, case.moment, at.now.date())
                assert decision.permitted, (name, use.id, actor.id, case.name, row)
                assert not decision.obligations


def test_a_pack_that_demands_something_of_everybody_is_about_everybody() -> None:
    found = matrix(TABLE.only(uses=["photo-library"]), [PACKS["mandate"]])
    assert {cell.state for cell in found.cells.values()} == {CellState.OPEN}


def test_a_vendor_that_sells_to_nobody_stops_nobody(table: Matrix) -> None:
    product_, to_order = (
        {(c.state, c.not_offered) for key, c in table.cells.items() if key[:2] == ("ibm", use)}
        for use in ("suspect-afterwards", "made-to-order")
    )
    assert product_ == {(CellState.STOPPED, True)}
    assert to_order == {(CellState.OPEN, False)}
    assert not any(c.not_offered for key, c in table.cells.items() if key[0] in ("amazon-blog", "washington"))


def test_a_request_that_lacks_facts_cannot_be_decided() -> None:
    own = fine_print("matrix")
    own["facts"] = {}
    found = matrix(table_of(own).only(["city-police"], ["suspect-afterwards"]), [PACKS["washington"]])
    (cell,) = found.cells.values()
    assert cell.state is CellState.UNDECIDED
    assert "assessment.accountability_report" in {fact.fact for fact in cell.decision.missing}
    assert found.record()["cells"][0]["state"] == "cannot be decided"  # type: ignore[index]


def test_the_house_rules_stop_the_street_scan_whoever_does_it(table: Matrix) -> None:
    assert set(states(table, "house", "street-scan").values()) == {CellState.STOPPED}


def test_the_law_of_a_place_is_all_laws_there_together(table: Matrix) -> None:
    for use, actor in product(table.uses, table.actors):
        alone, law = (table.at(name, use.id, actor.id) for name in ("washington", "law:US-WA"))
        assert (alone.state, alone.conditions) == (law.state, law.conditions)


def test_a_settlement_binds_one_party_and_is_no_law_of_a_place() -> None:
    columns = columns_of([PACKS["detroit"], PACKS["virginia"], PACKS["texas"]], "US-MI-DETROIT", "Detroit")
    assert [pack.name for pack in columns[-1].packs] == ["virginia", "texas"]
    assert [column.name for column in columns_of([PACKS["detroit"]], "US", "US")] == ["detroit"]


def test_the_matrix_of_another_day_is_of_that_days_law() -> None:
    before, after = (
        matrix(TABLE.only(["city-police"]), [PACKS["amazon-blog"]], date.fromisoformat(day))
        for day in ("2020-06-09", "2025-01-01")
    )
    assert {cell.state for cell in before.cells.values()} == {CellState.OUTSIDE}
    assert CellState.STOPPED in {cell.state for cell in after.cells.values()}


def test_the_record_is_plain_json_and_names_every_condition(table: Matrix) -> None:
    record = json.loads(json.dumps(table.record()))
    assert len(record["cells"]) == len(table.cells)
    assert {cell["state"] for cell in record["cells"]} >= {"stopped", "only if", "left open", "not about this"}
    bound = [cell for cell in record["cells"] if cell["state"] == "only if"]
    assert all(cell["conditions"] and cell["verdict"] == "deny" for cell in bound)
    facts = [safeguard["facts"] for cell in bound for way in cell["conditions"] for safeguard in way]
    assert {"operator.trained_until": "now+300d"} in facts
    assert all(not cell["conditions"] for cell in record["cells"] if cell["state"] != "only if")


# ways


def safeguards(*names: str) -> list[Safeguard]:
    return [Safeguard(name, name, {"case": {name: True}}, name[0] if name[0].isupper() else "") for name in names]


def test_ways_are_minimal_and_different() -> None:
    given = safeguards("a", "b", "c", "d")
    found = ways(given, lambda way: {"a", "b"} <= {s.id for s in way} or "c" in {s.id for s in way})
    assert {frozenset(s.id for s in way) for way in found} == {frozenset("c"), frozenset("ab")}


def test_of_alternatives_one_is_brought() -> None:
    given = safeguards("Xa", "Xb", "c")
    found = ways(given, lambda way: any(s.id == "Xb" for s in way) and len([s for s in way if s.instead_of]) == 1)
    assert [[s.id for s in way] for way in found] == [["Xb"]]
    assert ways(given, lambda way: len([s for s in way if s.instead_of]) == 2) == ()


# tables


def own_table(text: dict[str, Any]) -> MatrixTable:
    return table_of(extended(fine_print("matrix"), text))


SHERIFF = {"id": "sheriff", "title": "Sheriff (Montana)", "group": "us-police", "place": "US-MT", "party": {
    "class_name": "sheriff", "powers": ["arrest"], "tier": "municipal"}}  # fmt: skip


def test_own_actors_and_uses_are_added_and_an_id_that_is_there_is_replaced() -> None:
    use = {"id": "ours", "title": "Our use", "facts": {"operation": "verify"}}
    mine = own_table({"actor": [SHERIFF, {**SHERIFF, "id": "shop", "title": "Mine"}], "use": [use]})
    titles = {actor.id: actor.title for actor in mine.actors}
    assert titles["sheriff"] == "Sheriff (Montana)"
    assert titles["shop"] == "Mine"
    assert len(titles) == len(TABLE.actors) + 1
    assert {use.id for use in mine.at("US-MT").uses} >= {"ours", "protest"}
    assert "county-md" not in {actor.id for actor in mine.at("US-MT").actors}


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ({"actor": [{"id": "x"}]}, r"actor x has no title; its keys are id, title, group"),
        ({"actor": [{**SHERIFF, "group": "cops"}]}, r"actor sheriff: its group is one of us-police, federal"),
        ({"actor": [{**SHERIFF, "colour": "x"}]}, r"unknown key colour"),
        ({"actor": [{**SHERIFF, "party": "x"}]}, r"party is a table"),
        ({"actor": [{**SHERIFF, "picture": "x"}]}, r"picture is true or false"),
        ({"actor": [{**SHERIFF, "title": 3}]}, r"title is a text in quotes"),
        ({"actor": [{**SHERIFF, "place": "Montana"}]}, r"a jurisdiction is a code"),
        ({"actor": [SHERIFF, SHERIFF]}, r"two rows of kind actor with the id sheriff"),
        ({"actor": "x"}, r"written \[\[actor\]\]"),
        ({"safeguard": [{"id": "x", "says": "x", "facts": {"use": {"luck": True}}}]}, r"safeguard x: use.luck: "),
        ({"what": 1}, r"unknown key what; it holds actor, facts"),
        ({"now": "today"}, r"says now, a time with a zone"),
        ({"facts": 1}, r"are tables"),
    ],
)  # fmt: skip
def test_a_malformed_table_is_refused_with_what_would_be_accepted(own: dict[str, Any], says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        own_table(own)


def test_a_request_that_cannot_be_made_names_its_row() -> None:
    bad = own_table({"actor": [{**SHERIFF, "party": {"class_name": "x", "powers": ["fly"]}}]})
    with pytest.raises(PolicyError, match=r"by sheriff: actor.powers: one of arrest"):
        matrix(bad, [PACKS["ibm"]])
    with pytest.raises(PolicyError, match="no actor"):
        table_of({"now": TABLE.now, "group": [{"id": "g", "title": "G"}]})


def test_an_unknown_actor_use_or_place_names_what_there_is() -> None:
    with pytest.raises(PolicyError, match="there is no actor nobody; there is city-police, state-police"):
        TABLE.only(["nobody"])
    with pytest.raises(PolicyError, match="there is no use nothing; there is suspect-afterwards"):
        TABLE.only(uses=["nothing"])
    with pytest.raises(PolicyError, match="a jurisdiction is a code"):
        TABLE.at("Washington")


# the picture and the page


def test_the_picture_says_whom_the_pledges_bind_and_whom_they_leave_open(table: Matrix) -> None:
    assert headline(table) == (
        "Vendors' pledges stop US police. They leave open federal agencies, firms working for police, shops and "
        "schools, private people, and every other vendor."
    )
    by_name = {column.name: column for column in table.columns}
    assert gist(table, by_name["amazon-blog"]) == "Stops US police only"
    assert gist(table, by_name["amazon-terms"]) == "Stops US police only, and in part"
    law = "Binds US police, some firms working for police and some shops and schools only"
    assert gist(table, by_name["law:US-WA"]) == law
    assert gist(table, by_name["ibm"]) == "Stops nobody: others sell it"
    assert gist(table, by_name["aws-guidance"]) == "Advice: nobody enforces it"
    assert gist(table, by_name["house"]) == "Binds everybody"
    assert gist(table, None) == "No pledge: it sells all the same"


def test_the_picture_names_every_row_group_and_text_and_has_a_panel_for_another_vendor(table: Matrix) -> None:
    root = ElementTree.fromstring(poster(table))  # our own text
    said = [" ".join("".join(node.itertext()).split()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    panels = len(in_order(table))
    assert panels == 7
    for use in (use for use in table.uses if use.picture):
        assert said.count(use.short) == -(-panels // 3)
    assert {"Predict who commits a crime", "Police ask a doorbell who came"} <= set(said)
    assert said.count("US police") == said.count("agencies") == said.count("Private people") == panels
    assert "Any other vendor" in said
    assert "The law in Washington" in said
    assert not any("stopped" in text and " of " in text for text in said), "totals across texts make no sense"


def test_a_block_is_split_where_the_actors_of_a_group_differ_and_whole_where_not(table: Matrix) -> None:
    only = matrix(TABLE.at("US-WA").only(uses=["suspect-afterwards"]), columns_of([PACKS["washington"]], "US-WA", "W"))
    drawn = poster(only)
    solid = len(re.findall(rf'fill="{COLOURS["only"]}"', drawn)) - 1  # one is in the key
    assert solid == 3, (
        "police; the firm acting for it; the school: three of eleven actors, and state police beside city"
    )
    told = re.findall(r"<title>([^<]*)</title>", page(only))
    assert any("City police, State police: allowed only under conditions: only if an acc" in one for one in told)


def test_guidance_is_hatched_and_a_withdrawal_is_no_dark_block() -> None:
    at = TABLE.at("US-WA")
    advice, withdrawal = (poster(matrix(at, [PACKS[name]])) for name in ("aws-guidance", "ibm"))
    assert advice.count("url(#advice)") > 20
    assert withdrawal.count(f'fill="{COLOURS["stop"]}"') == advice.count(f'fill="{COLOURS["stop"]}"') == 2, "the key"


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
    assert reader.count["svg"] == len(in_order(table)) + 1 + 6, "panels, the pattern, and the key"
    assert set(re.findall(r"url\(([^)]*)\)", page(table))) == {"#advice"}


def test_a_cell_of_the_page_can_be_tapped_and_names_its_column_clause_and_conditions(table: Matrix) -> None:
    cells = re.findall(r'<td class="[a-z]+" data-of="([^"]+)" title="([^"]+)"', page(table))
    single = [column for column in table.columns if not column.name.startswith("law:")]
    assert len(cells) == len(single) * len(table.uses) * len(table.actors)
    assert {unescape(of) for of, _ in cells} == {column.title for column in single}
    assert all(re.search(r"\. [a-z-]+\.[a-z0-9-]+: ", title) for _, title in cells)
    assert any("Only if" in title and "accountability report" in title for _, title in cells)


# the terminal


def test_the_terminal_fits_100_columns_and_shows_each_text_by_itself(table: Matrix) -> None:
    shown = by_text(table)
    assert max(map(len, shown.splitlines())) <= WIDTH
    assert "Only if there is a warrant" in shown
    assert re.search(r"^Search mugshots for a suspect +cc +\.\.\. +c\.\. +\.c +\.$", shown, re.MULTILINE)
    assert "Not about any of this: virginia" in shown
    assert "virginia:" not in shown


def test_many_own_actors_still_fit() -> None:
    rows = [{**SHERIFF, "id": f"s{n}", "title": f"Sheriff {n}"} for n in range(95)]
    shown = by_text(matrix(own_table({"actor": rows}).only(uses=["protest"]), [PACKS["amazon-terms"]]))
    assert max(map(len, shown.splitlines())) <= WIDTH


def test_the_terminal_shows_one_actor_across_all_texts(table: Matrix) -> None:
    one = matrix(TABLE.at("US-WA").only(["city-police"], ["live-watch-list"]), table.columns)
    shown = by_actor(one)
    assert max(map(len, shown.splitlines())) <= WIDTH
    assert re.search(r"not offered +ibm", shown)
    assert re.search(r"stopped +amazon-blog, house", shown)
    assert re.search(r"only if +washington: there is a warrant", shown)
    assert re.search(r"left open +amazon-terms", shown)
    assert re.search(r"not about this +virginia", shown)


def test_a_column_of_several_packs_needs_one() -> None:
    with pytest.raises(PolicyError, match="at least one pack"):
        matrix(TABLE.only(["shop"], ["gate"]), [Column("none", "None", "law", ())])


VISION = {  # Machado, Oliveira and Fernandes 2009, severity 1, over linear RGB
    "protanopia": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "deuteranopia": [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "tritanopia": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}


@pytest.mark.parametrize("kind", VISION)
def test_states_are_told_apart_without_one_kind_of_cone(kind: str) -> None:
    from skimage.color import rgb2lab

    def seen(colour: str) -> Any:
        encoded = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
        light = np.clip(np.array(VISION[kind]) @ linear, 0, 1)
        return rgb2lab(np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)[None, None])

    for one, other in combinations(("stop", "only", "open", "outside"), 2):
        assert np.linalg.norm(seen(COLOURS[one]) - seen(COLOURS[other])) > 25, (one, other)  # CIELAB


def test_states_are_told_apart_in_grey() -> None:
    marks = [re.sub(r'#[0-9a-f]{6}|fill="[^"]*"', "", key(look, 0, 0, COLOURS.__getitem__)) for look in LOOKS]
    shaded = {look: key(look, 0, 0, COLOURS.__getitem__) for look in LOOKS}
    for (first, mark), (second, other) in combinations(zip(LOOKS, marks, strict=True), 2):
        assert mark != other or abs(luminance(shaded[first]) - luminance(shaded[second])) > 0.2, (first, second)


def luminance(shape: str) -> float:
    """Of the first colour that a shape is filled with, 0 (black) to 1."""
    filled = re.search(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", shape)
    assert filled is not None
    return sum(
        weight * int(part, 16) / 255 for weight, part in zip((0.2126, 0.7152, 0.0722), filled.groups(), strict=True)
    )
