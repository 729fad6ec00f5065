"""The report as a browser prints it: what is folded on a screen has to be there on paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.audit import made_up

from countenance.audit.bundle import read_bundle, write_bundle
from countenance.audit.report.figures import forest
from countenance.audit.report.page import report_page
from countenance.audit.report.questions import embedded

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


OUTSIDE = """
[...document.querySelectorAll('text')].filter(words => {
  const whole = document.querySelector('svg').getBoundingClientRect(), own = words.getBoundingClientRect();
  return own.left < whole.left - 1 || own.right > whole.right + 1;
}).map(words => words.textContent)
"""


@pytest.mark.parametrize("count", [1, 3])
def test_no_line_of_an_embedded_picture_is_cut_off(folded: Any, count: int) -> None:
    axis = forest("rates", [("women", made_up.counted(30, 400)), ("men", made_up.counted(9, 400))], "")
    assert axis is not None and axis.picture is not None
    long = "Gatekeeper wrongly says “WOMAN” of darker-skinned women 1,234 times as often as of all other people."
    source = "Source: Gate; " + ", ".join(f"Vendor (2018-08; bundle {at:016d})" for at in range(6)) + ", DDDDDDDD 2026"
    pictures = [(f"System {at}" if count > 1 else "", axis.picture) for at in range(count)]
    folded.set_viewport_size({"width": 720, "height": 900})
    folded.set_content(f"<body>{embedded(long, 'told', pictures, f'{long} {long}', source)}</body>")
    assert folded.evaluate("document.querySelectorAll('text').length") > 10
    assert folded.evaluate(OUTSIDE) == []
