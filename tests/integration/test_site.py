"""The documentation site: built strictly, readable without a network, on a telephone too."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.integration.serving import ROOT

LOADED = {
    "script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src",
    "video": "src", "object": "data", "use": "href", "embed": "src",
}  # fmt: skip
"""The attribute by which an element makes a browser load something."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Assets(HTMLParser):
    """What a page loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") in ("canonical", "next", "prev"):
            return
        if address := given.get(LOADED.get(tag, "")):
            self.addresses.append(address)


def test_every_page_of_the_docs_is_on_the_site(site: Path) -> None:
    written = {page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")}
    expected = {page.with_name("index.html") if page.name == "README.html" else page for page in written}
    outside = {Path(f"{name}.html") for name in ("index", "contributing", "security", "changelog", "examples")}
    built = {page.relative_to(site) for page in site.rglob("*.html")}
    assert expected | outside <= built


def test_the_api_reference_has_the_docstrings_of_the_public_names(site: Path) -> None:
    page = (site / "api" / "metrics.html").read_text()
    assert 'id="countenance.metrics.wilson"' in page
    assert "Wilson's score interval" in page


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    loaded = {page.name: Assets(page.read_text()).addresses for page in site.rglob("*.html")}
    assert sum(map(len, loaded.values())) > 3 * len(loaded)
    assert not [address for found in loaded.values() for address in found if re.match(r"(https?:)?//", address)]
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import )[\"']?(https?:)?//", sheet.read_text()), sheet.name
    # The theme fetches a program where a page has a diagram of this kind.
    assert not [page.name for page in site.rglob("*.html") if 'class="mermaid"' in page.read_text()]


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.mark.parametrize("width", [390, 1400])
def test_a_browser_asks_nobody_else_and_need_not_scroll_sideways(site: Path, browser: object, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})  # type: ignore[attr-defined]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in ("index", "commands", "benchmarks", "api/metrics", "packs/index"):
        page.goto((site / f"{name}.html").as_uri())
        assert page.locator("h1").first.is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    assert asked
    assert not [address for address in asked if not address.startswith(("file:", "data:", "blob:"))]
    page.close()
