from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.unit.audit import made_up

from countenance.audit.bundle import Bundle, read_bundle, write_bundle
from countenance.audit.evidence import shipped_file
from countenance.audit.findings.conclusions import concluded_anew
from countenance.audit.formats.plan import System
from countenance.audit.formats.results import VERDICTS, Bounds, FourFifthsLine, Numbers
from countenance.audit.report.decisions import four_fifths
from countenance.audit.report.faces import distributions
from countenance.audit.report.figures import APART, DeviateAxis, Figure, LinearAxis, LogAxis, forest, rate_label
from countenance.audit.report.page import card_page, report_page
from countenance.audit.report.questions import answered, embed_svg
from countenance.errors import BadRequest
from countenance.signing import canonical, digest

VOID = {"meta", "br", "link", "input", "img", "hr"}


class Page(HTMLParser):
    """Checks that every element is closed, and collects what a reader sees and what a browser would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.fetched: list[str] = []
        self.counts: dict[str, int] = {}
        self.feed(text)
        self.close()
        assert self.open == [], f"not closed: {self.open}"
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.fetched += [value for name, value in attrs if name in ("src", "href", "srcset", "action") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes <{self.open[-1:]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)


def bundle(folder: Path, **changes: Any) -> Bundle:
    write_bundle(folder / "b", made_up.files(found=made_up.results(**changes) if changes else None))
    return read_bundle(folder / "b")


def test_the_finding_comes_first_and_the_signature_last(tmp_path: Path) -> None:
    found = bundle(tmp_path)
    said = Page(report_page(found)).text
    places = [
        said.index(words)
        for words in (
            found.results.headline,
            found.results.numbers.worst,
            "Who is taken for somebody else?",
            "What could not be told",
            "Verdicts",
            "Not recognised as themselves",
            "Who is mistaken for whom",
            "What fewer false matches cost in misses",
            "The larger the gallery",
            found.results.plan_hash,
            found.signer,
        )
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("page", [report_page, card_page])
def test_a_page_fetches_nothing(tmp_path: Path, page: Callable[..., Any]) -> None:
    text = page(bundle(tmp_path))
    assert all(address.startswith("data:text/csv;base64,") for address in Page(text).fetched)
    assert "<script" not in text and "@import" not in text and "url(" not in re.sub(r"url\(#hatch\)", "", text)
    assert "default-src 'none'" in text


def test_every_picture_has_its_table(tmp_path: Path) -> None:
    page = Page(report_page(bundle(tmp_path)))
    assert page.counts["figure"] == page.counts["details"] >= 7


def test_every_picture_is_well_formed_and_says_what_it_shows(tmp_path: Path) -> None:
    pictures = re.findall(r"<svg xmlns.*?</svg>\s*(?=</div>)", report_page(bundle(tmp_path)), re.S)
    assert len(pictures) >= 7
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        assert root.attrib["role"] == "img" and root.attrib["aria-label"]
        assert "NaN" not in picture and "nan" not in picture and "inf" not in picture


def test_the_matrix_tells_counts_and_hatches_where_they_are_few(tmp_path: Path) -> None:
    text = report_page(bundle(tmp_path))
    matrix = text[text.index("Who is mistaken for whom") :]
    matrix = matrix[: matrix.index("</figure>")]
    assert "240/120k" in matrix
    few = {"15/120k", "12/120k", "3/120k"}
    assert matrix.count("url(#hatch)") == sum(matrix.count(f">{counts}<") for counts in few)


def test_names_of_groups_cannot_write_html(tmp_path: Path) -> None:
    evil = '<script>alert(1)</script> & "co"'
    results = made_up.results()
    assert results.faces is not None
    analysis = made_up.analysis(groups=(evil, *made_up.GROUPS[1:]))
    faces = dataclasses.replace(results.faces, analyses=(analysis,))
    text = report_page(bundle(tmp_path, faces=faces, judged=made_up.judged((evil,))))
    assert "<script" not in text
    assert evil in Page(text).text


def test_a_bundle_with_problems_says_so_before_anything_else(tmp_path: Path) -> None:
    found = dataclasses.replace(bundle(tmp_path), problems=("results.json was changed after signing",))
    said = Page(report_page(found)).text
    assert said.index("This is not what was signed") < said.index(found.results.headline)


def test_deviations_are_listed(tmp_path: Path) -> None:
    from countenance.audit.formats.results import Deviation

    found = bundle(tmp_path, preregistered=False, deviations=(Deviation("threshold.value", "0.001", "0.01"),))
    said = Page(report_page(found)).text
    assert "exploratory" in said and "threshold.value 0.001 0.01 everything" in said


def test_groups_without_a_number_are_on_the_page_with_the_reason(tmp_path: Path) -> None:
    results = made_up.results()
    assert results.faces is not None
    analysis = results.faces.analyses[0]
    hidden = dataclasses.replace(analysis.groups[0], fnmr=made_up.hidden())
    faces = dataclasses.replace(
        results.faces, analyses=(dataclasses.replace(analysis, groups=(hidden, *analysis.groups[1:])),)
    )
    assert "withheld: fewer than 10 people" in Page(report_page(bundle(tmp_path, faces=faces))).text


def test_the_model_card_names_model_figures_and_limits(tmp_path: Path) -> None:
    said = Page(card_page(bundle(tmp_path))).text
    for words in (made_up.MODEL, "0.200 %", "no children took part", "What it is for, and what it is not for"):
        assert words in said


def test_axes_put_values_in_order_and_inside() -> None:
    for axis, values in (
        (LogAxis.over([1e-5, 0.2]), [0.0, 1e-6, 1e-5, 1e-3, 0.2, 1.0, 5.0]),
        (LinearAxis(-1.0, 3.0), [-5.0, -1.0, 0.0, 3.0, 9.0]),
        (DeviateAxis(1e-5, 0.5), [0.0, 1e-5, 1e-3, 0.3, 0.5, 0.9]),
    ):
        places = [axis.place(v) for v in values]
        assert places == sorted(places) and min(places) >= 0 and max(places) <= 1
        assert len(axis.ticks()) >= 2
        assert all(0 <= axis.place(t) <= 1 for t in axis.ticks())


def test_an_axis_without_values_is_still_an_axis() -> None:
    assert LogAxis.over([None, 0.0]).ticks()
    assert LinearAxis(2.0, 2.0).place(2.0) == 0.0


def test_ticks_are_short() -> None:
    assert [rate_label(10.0**-k) for k in range(7)] == [
        "100 %", "10 %", "1 %", "0.1 %", "0.01 %", "0.001 %", "0.0001 %",
    ]  # fmt: skip


def test_the_picture_by_itself_has_title_source_and_a_text_for_who_cannot_see_it(tmp_path: Path) -> None:
    found = bundle(tmp_path)
    drawn = embed_svg(found)
    assert drawn is not None and "NaN" not in drawn and "<script" not in drawn
    root = ElementTree.fromstring(drawn)
    assert root.attrib["role"] == "img" and root.attrib["aria-labelledby"] == "title desc"
    named = {e.attrib["id"]: e.text for e in root.iter() if "id" in e.attrib}
    assert named["title"] == found.results.headline
    described = named["desc"] or ""
    assert all(group in described for group in made_up.GROUPS) and "0.200 %" in described
    assert f"bundle {found.hash[:16]}" in described and found.results.system.name in described
    words = " ".join(e.text or "" for e in root.iter() if e.tag.endswith("text"))
    assert "Source: " in words and found.results.headline.split()[-1] in words


def test_numbers_are_not_called_worse_where_no_difference_is_shown(tmp_path: Path) -> None:
    (tmp_path / "shown").mkdir()
    assert "Worst off" in Page(report_page(bundle(tmp_path / "shown"))).text
    calm = tuple(dataclasses.replace(j, verdict="insufficient evidence") for j in made_up.judged())
    page = Page(report_page(bundle(tmp_path, judged=calm))).text
    assert "Highest rate seen" in page and "Worst off" not in page and "How much worse" not in page
    (tmp_path / "none").mkdir()
    nothing = bundle(tmp_path / "none", judged=calm, numbers=Numbers("unknown", "unknown", "unknown"))
    assert 'class="numbers"' not in report_page(nothing)


def test_a_page_says_where_nobody_asked_about_its_headline(tmp_path: Path) -> None:
    (tmp_path / "asked").mkdir()
    assert "Nobody asked about this beforehand" not in report_page(bundle(tmp_path / "asked"))
    judged = tuple(dataclasses.replace(j, declared=False) for j in made_up.judged())
    shown = bundle(tmp_path, judged=judged)
    assert "Nobody asked about this beforehand" in report_page(shown)
    assert "preregistered" not in (embed_svg(shown) or "")


def test_a_system_that_nobody_named_has_no_name_in_the_report(tmp_path: Path) -> None:
    page = Page(report_page(bundle(tmp_path, system=System("not stated")))).text
    assert "A system that nobody named, of a version not stated." in page and "not stated, version" not in page


def test_labels_of_a_long_det_axis_do_not_touch() -> None:
    axis = DeviateAxis(5e-7, 0.6)
    places = [axis.place(tick) for tick in axis.labelled()]
    assert len(places) >= 4 and all(b - a >= APART for a, b in itertools.pairwise(places))
    assert len(axis.labelled()) < len(axis.ticks())


def test_scores_without_mates_are_not_said_to_show_any() -> None:
    one = made_up.results().faces
    assert one is not None
    shown = one.analyses[0]
    alone = tuple(
        g if g.histogram is None else dataclasses.replace(
            g, histogram=dataclasses.replace(g.histogram, genuine=tuple(0 for _ in g.histogram.genuine)))
        for g in shown.groups
    )  # fmt: skip
    assert "same person (blue)" in _title(distributions(shown, 0.5))
    assert "same person" not in _title(distributions(dataclasses.replace(shown, groups=alone), 0.5))
    one_score = tuple(
        g if g.histogram is None else dataclasses.replace(g, histogram=dataclasses.replace(g.histogram, low=9, high=9))
        for g in shown.groups
    )
    assert distributions(dataclasses.replace(shown, groups=one_score), 0.5) is None  # nothing to see
    untold = distributions(shown, 0.5, -0.4)
    assert untold is not None and untold.note.endswith("Scores that were not told lie at the end, at -0.4.")


def _title(figure: Figure | None) -> str:
    assert figure is not None
    return figure.title


def test_the_most_favoured_group_is_not_measured_against_itself() -> None:
    share = made_up.counted(90, 100)
    lines = tuple(
        FourFifthsLine(name, share, ratio, Bounds(0.9, 1.1, 0.95), True, 1.0, 0)
        for name, ratio in (("a", 0.97), ("b", 1.0))
    )
    rows = {row[0]: row[2:] for row in four_fifths(lines).rows}
    assert rows["b"] == ("most favoured", "", "", "", "") and rows["a"][2] == "reached"


def test_verdicts_stand_by_question_the_strongest_first(tmp_path: Path) -> None:
    judged = (
        made_up.judged()
        + tuple(dataclasses.replace(j, measure="fnmr", ratio=9.0, declared=False) for j in made_up.judged()[:1])
    )  # fmt: skip
    asked = answered("verification", judged)
    assert [(a.heading, a.declared) for a in asked] == [
        ("Who is taken for somebody else? By group", True), ("Who is not recognised? By group", False)
    ]  # fmt: skip
    verdicts = [row[2].split(" ", 1)[1] for row in asked[0].grid.rows]
    assert verdicts == sorted(verdicts, key=VERDICTS.index) and verdicts[0] == "difference shown"
    assert asked[0].grid.rows[0][0] == made_up.GROUPS[3]  # 4.9 times before 0.4 times
    assert "with this many people, differences not seen" in asked[0].grid.heads


def test_of_two_groups_the_one_with_the_higher_rate_stands_first() -> None:
    one = dataclasses.replace(made_up.judged()[0], group="a", reference="b", ratio=0.25, bounds=Bounds(0.2, 0.5, 0.95))
    row = answered("verification", (one,))[0].grid.rows[0]
    assert row[:2] == ("b", "a") and row[5:7] == ("4 times", "2 to 5")


def test_groups_are_named_in_words_and_sorted_by_rate(tmp_path: Path) -> None:
    the_plan = made_up.plan(
        groups=dataclasses.replace(made_up.plan().groups, labels={"men, lighter": "white men", "group": "skin and sex"})
    )
    write_bundle(tmp_path / "b", made_up.files(the_plan))
    text = report_page(read_bundle(tmp_path / "b"))
    page = Page(text).text
    assert "white men" in page and "By skin and sex" in page
    assert "men, lighter" not in page.replace(made_up.results().headline, "").replace("men, lighter.", "").split(
        "Verdicts"
    )[1].split("How it was done")[0].replace("women, lighter", "")
    first = re.findall(r"<svg xmlns.*?</svg>\s*(?=</div>)", text, re.S)[0]
    places = [first.index(f">{name}<") for name in ("women, darker", "women, lighter", "men, darker", "white men")]
    assert places == sorted(places)


def test_nothing_is_drawn_of_rates_without_an_error_or_a_number() -> None:
    none, unknown = made_up.counted(0, 400), made_up.hidden()
    assert forest("t", [("a", none), ("b", unknown)], "") is None
    assert forest("t", [("a", none), ("b", made_up.counted(1, 400))], "") is not None


def test_ticks_of_rates_are_one_two_five() -> None:
    axis = LogAxis.over([0.0031, 0.17])
    assert axis.ticks() == pytest.approx([0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2])
    assert axis.labelled() == axis.ticks()
    assert LogAxis.over([0.0031, 0.47]).labelled() == pytest.approx([0.01, 0.1])
    assert LogAxis.over([0.03, 0.04]).labelled() == pytest.approx([0.005, 0.01, 0.02, 0.05])
    assert all(len(LogAxis.over([10.0**-k, 1.0]).labelled()) <= 7 for k in range(1, 9))


def test_a_bundle_of_the_first_format_is_verified_and_told_again(tmp_path: Path) -> None:
    """A shown difference within the margin was "equivalence shown" then; the headline was what it was."""
    old = json.loads(made_up.files()["results.json"])
    fields = {"declared", "of_class", "margin_kind", "sees_ratio", "sees_difference", "rate", "against"}
    old["format"] = "countenance-audit-results/1"
    del old["also"]
    for at, one in enumerate(old["judged"]):
        for name in fields:
            del one[name]
        if at == 2:
            one.update(verdict="equivalence shown", p_corrected=0.001)
        elif one["verdict"] == "difference shown":
            one["verdict"] = "disparity shown"
    old_plan = json.loads(made_up.files()["plan.json"]) | {"format": "countenance-audit-plan/1", "margin": 2.0}
    files = signed(old_plan, old)
    write_bundle(tmp_path / "old", files)
    found = read_bundle(tmp_path / "old")
    assert found.problems == () and found.results.format.endswith("/1")
    assert [j.verdict for j in found.results.judged] == [
        "difference shown", "insufficient evidence", "difference shown, within the declared margin", "difference shown"
    ]  # fmt: skip
    page = Page(report_page(found)).text
    assert found.results.headline in page and "told again here from the signed counts" in page
    assert "Gatekeeper takes strangers for the same person" in page
    old["format"] = "countenance-audit-results/3"
    write_bundle(tmp_path / "newer", signed(old_plan, old))
    with pytest.raises(BadRequest, match="no results of format"):
        read_bundle(tmp_path / "newer")


def signed(plan: dict[str, Any], results: dict[str, Any]) -> dict[str, bytes]:
    """A bundle of these very values, with hash and signature of its own."""
    files = made_up.files()
    results["plan_hash"] = digest(plan)
    files |= {"plan.json": canonical(plan), "results.json": canonical(results)}
    manifest = json.loads(files["manifest.json"]) | {"plan_hash": digest(plan)}
    for entry in manifest["files"]:
        content = files[entry["name"]]
        entry.update(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    files["manifest.json"] = canonical(manifest)
    mark = {"algorithm": "Ed25519", "public_key": made_up.SIGNER.public.hex(),
            "signature": made_up.SIGNER.sign(files["manifest.json"]).hex()}  # fmt: skip
    return files | {"signature.json": canonical(mark)}


@pytest.mark.parametrize(
    "path", sorted(shipped_file("countenance.pub").parent.glob("*.zip")), ids=lambda path: path.name
)
def test_shipped_bundles_render_with_a_headline_of_today(path: Path) -> None:
    found = read_bundle(path)
    page = Page(report_page(found)).text
    head = concluded_anew(found.plan, found.results).headline
    assert head.replace(" %", "\u00a0%") in report_page(found) or head in page
    assert len(head.split()) <= 25 and embed_svg(found)


def test_long_names_that_begin_alike_are_told_apart_in_a_picture() -> None:
    begins = "a district that somebody described at length in a form without a limit, "
    lines = [(f"{begins}{end}", made_up.counted(30, 400)) for end in ("in the north", "in the south")]
    drawn = forest("rates", lines, "")
    assert drawn is not None and drawn.picture is not None
    assert "limit, in the north</text>" in drawn.picture and "limit, in the south</text>" in drawn.picture


@pytest.mark.parametrize("errors", [(240, 61, 12), (40, 30, 1), (2, 1, 300), (90, 120, 150)])
def test_no_labels_of_an_axis_touch(errors: tuple[int, ...]) -> None:
    drawn = forest("rates", [(f"group {n}", made_up.counted(n, 120_000)) for n in errors], "")
    assert drawn is not None and drawn.picture is not None
    said = re.findall(r'<text x="([\d.]+)%"[^>]*text-anchor="(\w+)"[^>]*>([\d.]+ %)</text>', drawn.picture)
    assert len(said) >= 2
    ends = []
    for x, anchor, label in said:
        room = 1.6 * len(label)  # percent: 11 px letters on 390 px
        begins = float(x) - {"start": 0.0, "middle": room / 2, "end": room}[anchor]
        ends.append((begins, begins + room))
    assert all(end < begins for (_, end), (begins, _) in itertools.pairwise(sorted(ends)))
