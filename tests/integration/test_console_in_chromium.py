"""The console in a real browser, on a real server: from the first start to leads, by keyboard, in both themes."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import pytest

from countenance.settings import load

playwright_api = pytest.importorskip("playwright.sync_api")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PROGRAM = str(Path(sys.executable).with_name("countenance"))
PASSWORD = "seven green herons wait"
SHOTS = os.environ.get("CONSOLE_SHOTS")
"""A folder for pictures of the pages, for people to look at."""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")


@dataclass
class Served:
    """A running server. first: the link that it printed."""

    url: str
    first: str
    environment: dict[str, str]

    def command(self, *words: str) -> str:
        made = subprocess.run([PROGRAM, *words], env=self.environment, capture_output=True, text=True, check=True)
        return made.stdout


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("console") / "home"
    weights = load().models_cache
    if not any(weights.glob("*.onnx")):
        pytest.skip("no model weights: countenance models fetch")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {**os.environ, "COUNTENANCE_HOME": str(home), "COUNTENANCE_WEIGHTS": str(weights)}
    environment |= {"COUNTENANCE_PORT": port, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen([PROGRAM, "serve"], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        link = ""
        for line in process.stdout:
            link = link or next(iter(re.findall(r"http\S+first\?code=\S+", line)), "")
            if line.startswith("a key"):
                break
        assert link
        yield Served(f"http://127.0.0.1:{port}", link, environment)
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright_api.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(chromium: Any, **more: Any) -> Any:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, **more)
    page = context.new_page()
    page.said = []
    page.on("console", lambda message: page.said.append(message.text) if message.type == "error" else None)
    page.on("request", lambda asked: page.said.append(asked.url) if not _own(asked.url) else None)
    return page


def _own(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:"))


def looked_at(page: Any, name: str) -> None:
    """No fault by axe (WCAG 2.2 AA) in either theme, nothing wider than the window at 390 and 1,440 pixels."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (name, width, wide)
            if SHOTS:
                page.screenshot(path=f"{SHOTS}/{name}-{width}-{theme}.png", full_page=True)
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = axe.run(page, options={"runOnly": tags}).response["violations"]
        assert not [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found], (name, theme)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": 900})


def set_up(page: Any, first: dict[str, str]) -> str:
    for label, value in first.items():
        page.get_by_label(label).fill(value)
    page.get_by_label("Password", exact=False).first.fill(PASSWORD)
    page.get_by_label("Password, again").fill(PASSWORD)
    seed = str(page.locator("code").first.inner_text())
    page.get_by_label("One-time code").fill(pyotp.TOTP(seed).now())
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url("**/console")
    return seed


def test_from_the_first_start_to_leads(served: Served, chromium: Any) -> None:
    gus = opened(chromium)
    gus.goto(served.url + "/")
    assert gus.url.endswith("/console/sign-in?next=/console")
    looked_at(gus, "sign-in")
    gus.goto(served.first)
    looked_at(gus, "first")
    seed = set_up(gus, {"Your name": "gus"})
    assert gus.get_by_text("You are the only operator").is_visible()
    looked_at(gus, "start")

    gus.keyboard.press("Tab")  # by keyboard: the first stop skips the menu
    assert gus.evaluate("document.activeElement.textContent") == "Skip to the content"
    gus.get_by_role("link", name="Ask for a mandate").click()
    gus.get_by_label("Start from a form").select_option(label="Find faces in one's own photo library")
    gus.get_by_role("button", name="Use this form").press("Enter")
    gus.wait_for_url("**template=photo-library")
    gus.get_by_label("Who holds it").fill("Family Berg")
    gus.locator("#galleries").fill("family*")
    looked_at(gus, "mandate-new")
    gus.get_by_role("button", name="Ask for it").press("Enter")
    gus.wait_for_url("**/mandates/mandate-*")
    assert gus.get_by_text("Somebody else than you has to approve it.").is_visible()
    mandate = gus.url
    assert gus.get_by_role("button", name="Approve", exact=True).count() == 0

    told = served.command("operator", "add", "ben", "--role", "approve")
    token = re.search("OPERATOR_TOKEN=(\\S+)", told)
    assert token
    ben = opened(chromium, locale="en")
    ben.goto(served.url + "/console/join")
    looked_at(ben, "join")
    set_up(ben, {"Operator's token": token[1]})
    ben.get_by_role("link", name="Look at the mandates that wait").click()
    looked_at(ben, "mandates")
    ben.get_by_role("link", name="Family Berg").click()
    ben.get_by_role("button", name="Approve", exact=True).click()
    assert ben.get_by_text("Approved by").is_visible()

    gus.goto(mandate)
    gus.get_by_role("button", name="Make an access key").click()
    assert gus.locator("#secret").is_visible()
    looked_at(gus, "mandate")
    for name in ("try", "policy", "moratoria", "ledger", "operators", "settings", "me"):
        gus.goto(f"{served.url}/console/{name}")
        looked_at(gus, name)
    faces = _faces()
    if faces:
        _searches(gus, served, faces)
    gus.get_by_role("button", name="Deutsch").click()
    assert gus.get_by_role("link", name="Mandate", exact=True).is_visible()
    looked_at(gus, "deutsch")
    gus.get_by_role("button", name="Abmelden").click()
    gus.wait_for_url("**/sign-in")
    time.sleep(max(0, 30 - time.time() % 30) + 1)  # a code is good once: wait for the next
    gus.get_by_label("Ihr Name").fill("gus")
    gus.get_by_label("Passwort").fill(PASSWORD)
    gus.get_by_label("Einmalcode").fill(pyotp.TOTP(seed).now())
    gus.get_by_role("button", name="Anmelden").click()
    gus.wait_for_url("**/console")
    unexpected = [text for text in gus.said + ben.said if "status of 4" not in text]
    assert not unexpected


def _faces() -> list[Path]:
    data = load().data
    images = data / "lfw" / "images" if data else None
    people = ("Colin_Powell", "George_W_Bush", "Ariel_Sharon", "Tony_Blair", "Hugo_Chavez")
    return [path for name in people for path in sorted((images / name).glob("*.jpg"))[:2]] if images else []


def _searches(page: Any, served: Served, faces: list[Path]) -> None:
    page.goto(f"{served.url}/console/galleries")
    page.get_by_label("Name").fill("family-1")
    page.get_by_role("button", name="Make it").click()
    page.wait_for_url("**/family-1")
    for path in faces[::2]:
        page.locator("#picture").set_input_files(path)
        page.get_by_label("Your reference").fill(path.stem)
        with page.expect_navigation():
            page.get_by_role("button", name="Enrol", exact=True).click()
        assert re.search("[1-9] faces? w(as|ere) enrolled", page.get_by_role("status").inner_text())
    looked_at(page, "gallery")
    page.goto(f"{served.url}/console/galleries")
    looked_at(page, "galleries")
    page.goto(f"{served.url}/console/try")
    page.locator("#picture").set_input_files(faces[0])
    page.get_by_role("button", name="Find faces").click()
    page.get_by_text("fit to compare").first.wait_for()
    looked_at(page, "detected")
    page.goto(f"{served.url}/console/try")
    page.locator("#one").set_input_files(faces[0])
    page.locator("#other").set_input_files(faces[1])
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_role("heading", name="Two pictures compared").wait_for()
    looked_at(page, "compared")
    page.goto(f"{served.url}/console/search")
    looked_at(page, "search")
    page.locator("#picture").set_input_files(faces[1])
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_text("What this is not").wait_for()
    looked_at(page, "leads")
