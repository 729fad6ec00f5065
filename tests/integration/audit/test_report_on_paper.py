"""The report as a browser prints it: what is folded on a screen has to be there on paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.audit import made_up

from countenance.audit.bundle import read_bundle, write_bundle
from countenance.audit.report.page import report_page

playwright = pytest.importorskip("playwright.sync_api")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


@pytest.fixture
def folded(tmp_path: Path) -> Iterator[Any]:
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


SEEN = "[...document.querySelectorAll('details table')].filter(table => table.checkVisibility())"
COVERED = """
[...document.querySelectorAll('details')].filter(d => d.offsetHeight < d.querySelector('table').offsetHeight).length
"""


def test_table_twins_are_folded_on_a_screen_and_open_on_paper(folded: Any) -> None:
    twins = folded.locator("details table").count()
    assert twins >= 5
    assert folded.evaluate(f"{SEEN}.length") == 0
    folded.emulate_media(media="print")
    folded.wait_for_function(f"{SEEN}.length == {twins}", timeout=10_000)  # the browser changes over when it draws
    assert folded.evaluate(COVERED) == 0, "a table lies over what comes after it"
