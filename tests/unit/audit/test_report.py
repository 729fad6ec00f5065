from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.unit.audit import made_up

from countenance.audit.bundle import Bundle, read_bundle, write_bundle
from countenance.audit.report.figures import DeviateAxis, LinearAxis, LogAxis, rate_label
from countenance.audit.report.page import card_page, report_page

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

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.fetched += [value for name, value in attrs if name in ("src", "href", "srcset", "action") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes <{self.open[-1:]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)


def bundle(folder: Path, **changes: object) -> Bundle:
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
            "What could not be told",
            "Verdicts",
            "Falsely matched",
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
