"""The report as a browser prints it: what is folded on a screen has to be there on paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.audit import made_up

from countenance.audit.bundle import read_bundle, write_bundle
from countenance.audit.report.page import report_page

playwright = pytest.importorskip("playwright.sync_api")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


@pytest.fixture
def folded(tmp_path: Path) -> Iterator[object]:
    """The report, opened in a browser."""
    write_bundle(tmp_path / "bundle", made_up.files())
    page = tmp_path / "report.html"
    page.write_text(report_page(read_bundle(tmp_path / "bundle")))
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        try:
            opened = browser.new_page()
            opened.goto(page.as_uri())
            yield opened
        finally:
            browser.close()


def heights(page: object) -> list[float]:
    """Of every table that can be folded, px; 0 where nobody sees it."""
    seen = "all => all.map(t => t.checkVisibility({contentVisibilityAuto: true}) ? t.offsetHeight : 0)"
    return page.locator("details table").evaluate_all(seen)  # type: ignore[attr-defined, no-any-return]


def test_table_twins_are_folded_on_a_screen_and_open_on_paper(folded: object) -> None:
    on_screen = heights(folded)
    assert len(on_screen) >= 5
    assert not any(on_screen)
    folded.emulate_media(media="print")  # type: ignore[attr-defined]
    assert all(height > 20 for height in heights(folded))
    details = folded.locator("details").evaluate_all(  # type: ignore[attr-defined]
        "all => all.map(d => d.offsetHeight - d.querySelector('table').offsetHeight)"
    )
    assert all(room >= 0 for room in details), "a table covers what comes after it"
