"""The console in a real browser, on a real server: from the first start to leads, by keyboard, in both themes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import pyotp
import pytest
from tests.contract.console.openid import CLIENT, SECRET, free_port, new_provider
from tests.unit.audit.score_files import score_file
from tests.unit.video.clips import write

from countenance.administration import MandateDraft, Role
from countenance.app import Countenance
from countenance.console import PREFIX
from countenance.console.application import PAGES
from countenance.ledger import NoteKey
from countenance.operations import Caller, StartVideoSearch, StoredVideo
from countenance.settings import load
from countenance.signing import JSON, Signer

playwright_api = pytest.importorskip("playwright.sync_api")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PROGRAM = str(Path(sys.executable).with_name("countenance"))
PASSWORD = "seven green herons wait"
LOOKED: set[str] = set()
"""The paths of pages that were looked at, below the console's."""
SHOTS = os.environ.get("CONSOLE_SHOTS")
"""A folder for pictures of the pages, for people to look at."""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")


@dataclass
class Served:
    """A running server, which sends to an OpenID provider on this machine. first: the link that it printed."""

    url: str
    first: str
    environment: dict[str, str]
    port: str
    films: Path

    @contextmanager
    def installation(self) -> Iterator[Countenance]:
        """The same installation in this process, as a command opens it."""
        own = Countenance.open(load(self.environment))
        try:
            yield own
        finally:
            own.close()

    def command(self, *words: str) -> str:
        made = subprocess.run([PROGRAM, *words], env=self.environment, capture_output=True, text=True, check=True)
        return made.stdout


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("console") / "home"
    weights = load().models_cache
    if not any(weights.glob("*.onnx")):
        pytest.skip("no model weights: countenance models fetch")
    port = str(free_port())
    environment = {**os.environ, "COUNTENANCE_HOME": str(home), "COUNTENANCE_WEIGHTS": str(weights)}
    films = tmp_path_factory.mktemp("films")
    environment |= {"COUNTENANCE_PORT": port, "PYTHONUNBUFFERED": "1", "COUNTENANCE_BUCKETS": f"films={films}"}
    environment |= {
        "COUNTENANCE_CONSOLE_URL": f"http://localhost:{port}",
        "COUNTENANCE_OIDC_ISSUER": f"http://localhost:{free_port()}",
        "COUNTENANCE_OIDC_CLIENT_ID": CLIENT,
        "COUNTENANCE_OIDC_CLIENT_SECRET": SECRET,
        "COUNTENANCE_CHARTER": str(_charter(films.parent / "charter")),
    }
    process = subprocess.Popen([PROGRAM, "serve"], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        link = ""
        for line in process.stdout:
            link = link or next(iter(re.findall(r"http\S+first\?code=\S+", line)), "")
            if line.startswith("a key"):
                break
        assert link
        yield Served(f"http://127.0.0.1:{port}", link, environment, port, films)
    finally:
        process.terminate()
        process.wait(30)


HOLDERS = ("setter", "inside", "outside")


def _charter(folder: Path) -> Path:
    """A charter, with the keys of its people beside it."""
    folder.mkdir()
    setter, inside, outside = (Signer.from_file(folder / f"{name}.key").public.hex() for name in HOLDERS)
    charter = {"setters": [setter], "lifters": [inside, outside], "outside": [outside], "quorum": 2}
    (folder / "charter.json").write_text(json.dumps(charter))
    return folder / "charter.json"


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
    context.add_init_script(_VIOLATIONS)
    page.on("request", lambda asked: page.said.append(asked.url) if not _own(asked.url) else None)
    return page


_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`blocked: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile ?? ""}`));"""


def _own(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "http://localhost:", "data:"))


def looked_at(page: Any, name: str) -> None:
    """No fault by axe (WCAG 2.2 AA) in either theme, nothing wider than the window at 390 and 1,440 pixels."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    assert not [text for text in page.said if not re.search("status of [45]", text)], name
    LOOKED.add(urlsplit(page.url).path.removeprefix(PREFIX))
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
    gus.get_by_role("button", name="Anmelden", exact=True).click()
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
    looked_at(page, "gallery-empty")
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


def joined(served: Served, chromium: Any, name: str, role: str) -> Any:
    """A page of somebody who was just entered as an operator and signed in."""
    with served.installation() as own:
        _operator, token = own.operators.add(name, [Role(role)], datetime.now(UTC) + timedelta(days=1))
    page = opened(chromium, locale="en")
    page.goto(served.url + "/console/join")
    set_up(page, {"Operator's token": token})
    return page


def granted(served: Served, draft: MandateDraft, by: str = "ann") -> str:
    """A mandate over the gallery wanted-1 that somebody asked for and sue approved."""
    with served.installation() as own:
        holder, terms = replace(draft, galleries=("wanted-1",)).filled()
        expires = datetime.now(UTC) + timedelta(days=30)
        asked = own.mandates.request(holder, terms, requested_by=by, expires_at=expires)
        own.mandates.approve(asked.mandate_id, approved_by="sue")
    return asked.mandate_id


POWERS: dict[str, JSON] = {
    "case": {"opened": True},
    "space": {"public": True},
    "use": {"statute": True, "exigent": False},
    "authorisation": {
        "kind": "court_order",
        "granted_at": "now-1h",
        "expires_at": "now+30d",
        "limited": True,
        "within_limits": True,
    },
}


def _flickers(page: Any) -> None:
    """The pictures alternate in place, slowly, until something else is chosen; nothing moves where less motion is
    asked.
    """
    shown = "(i) => { const f = document.querySelectorAll('figure')[i]; const s = getComputedStyle(f); "
    shown += "return [s.animationName, s.animationDuration, s.visibility, Math.round(f.getBoundingClientRect().left)] }"
    page.get_by_label("in turn, each for a second").check()
    first, second = page.evaluate(shown, 0), page.evaluate(shown, 1)
    assert second[:2] == ["in-turn", "2s"]  # a change each second; WCAG 2.3.1 allows three flashes
    assert first[3] == second[3]  # one above the other
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(shown, 1)[0] == "none"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(shown, 1)[2] == "hidden"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(shown, 1)[2] == "visible"
    page.emulate_media(reduced_motion="no-preference")
    page.get_by_label("side by side").check()
    first, second = page.evaluate(shown, 0), page.evaluate(shown, 1)
    assert second[0] == "none"
    assert first[3] < second[3]


def _brightens_and_cuts(page: Any) -> None:
    """Light and cut, by keyboard, on both pictures alike; what is measured is what is painted."""
    style = "(name) => [...document.querySelectorAll('figure img')].map(i => getComputedStyle(i)[name])"
    shown, zoom = page.locator("figure div").first, page.get_by_role("group", name="Larger").get_by_label("×1")
    zoom.check()
    plain = _mean(shown.screenshot())
    lights = page.get_by_role("group", name="Light")
    lights.get_by_label("0", exact=True).focus()
    for key, factor in (("ArrowRight", "1.4"), ("ArrowRight", "2"), ("ArrowLeft", "1.4")):
        page.keyboard.press(key)
        assert page.evaluate(style, "filter") == [f"brightness({factor})"] * 2
    assert _mean(shown.screenshot()) > plain * 1.1
    lights.get_by_label("–", exact=True).check()
    assert page.evaluate(style, "filter") == ["brightness(0.7)"] * 2
    assert _mean(shown.screenshot()) < plain * 0.9
    lights.get_by_label("0", exact=True).check()
    cuts = page.get_by_role("group", name="Cut")
    grey = np.full(3, 0x80)
    for label, seen in (("upper third", 0), ("middle third", 1), ("lower third", 2)):
        cuts.get_by_label(label).check()
        pixels = _pixels(shown.screenshot())
        third = len(pixels) // 3
        thirds = [pixels[n * third + 8 : (n + 1) * third - 8, 8:-8] for n in range(3)]
        assert [bool((abs(part - grey) > 2).any()) for part in thirds] == [n == seen for n in range(3)], label
        assert len(set(page.evaluate(style, "clipPath"))) == 1
    cuts.get_by_label("whole").check()
    assert page.evaluate(style, "clipPath") == ["none", "none"]


def _pixels(shot: bytes) -> Any:
    pixels = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return pixels.astype(int)


def _mean(shot: bytes) -> float:
    return float(_pixels(shot).mean())


def test_two_blind_reviewers_disagree_a_third_decides_and_an_expired_authorisation_freezes(
    served: Served, chromium: Any
) -> None:
    faces = _faces()
    if not faces:
        pytest.skip("no faces: COUNTENANCE_DATA names a folder with lfw")
    ann = joined(served, chromium, "ann", "request")
    holds = granted(served, MandateDraft("The archive", template="photo-library"))
    filled_gallery(served, ann, holds, faces)
    police = MandateDraft("City police", template="missing-person-authority", powers=("arrest",), facts=POWERS)
    asks = granted(served, replace(police, tier="municipal", jurisdictions=("DE",)))

    ann.goto(f"{served.url}/console/cases/new")
    looked_at(ann, "case-new")
    ann.get_by_label("Under which mandate").select_option(value=asks)
    now = datetime.now(UTC)
    for label, text in (
        ("What is to be found out", "where she is"),
        ("Which offence or event", "a person is missing"),
        ("Who allowed it", "the local court"),
        ("By which decision", "12 Gs 34/26"),
        ("Ends", f"{now + timedelta(days=2):%Y-%m-%dT%H:%M}"),
    ):
        ann.get_by_label(label).fill(text)
    ann.get_by_role("button", name="Open it").click()
    ann.wait_for_url("**/cases/case-*")
    case = ann.url
    ann.locator("#picture").set_input_files(faces[1])
    ann.get_by_role("button", name="Find faces").click()
    ann.get_by_role("heading", name="Choose the face").wait_for()
    looked_at(ann, "case-face")
    ann.get_by_role("button", name="Search", exact=True).click()
    ann.wait_for_url("**/searches/search-*")
    assert ann.get_by_role("heading", name="Withheld").is_visible(), ann.locator("main").inner_text()
    looked_at(ann, "case-withheld")
    search = ann.url

    sue = joined(served, chromium, "sue", "approve")
    sue.goto(f"{served.url}/console/cases")
    assert sue.get_by_text("a person is missing").count() == 0
    looked_at(sue, "cases")
    sue.goto(search)
    looked_at(sue, "case-pictures")
    sue.get_by_label(faces[0].stem).set_input_files(faces[0])
    sue.get_by_role("button", name="Bring it").click()
    sue.wait_for_url(search)
    ann.reload()
    assert faces[0].stem not in ann.content()

    reviewers = []
    for name, conclusion in (
        ("rex", "strong support for the same person"),
        ("roy", "insufficient: the pictures do not show enough"),
        ("ray", "moderate support for the same person"),
    ):
        page = joined(served, chromium, name, "review")
        page.get_by_role("link", name="Review", exact=True).click()
        page.get_by_role("button", name="Judge the next pair").click()
        page.get_by_role("heading", name="The first picture alone").wait_for()
        assert page.locator("figure img").count() == 1
        for part in ("nose", "ears", "mouth"):
            page.get_by_label(part, exact=True).check()
        if name == "rex":
            looked_at(page, "pair-first")
        page.get_by_role("button", name="Go on to both pictures").click()
        page.get_by_role("heading", name="Both pictures").wait_for()
        loaded = "[...document.querySelectorAll('figure img')].every(i => i.naturalWidth === 512)"
        while not page.evaluate(loaded):  # wait_for_function would need what the page's policy forbids
            page.wait_for_timeout(50)
        assert not re.search(f"{faces[0].stem}|missing|court|case-|similarity", page.locator("main").inner_html())
        page.get_by_label("×2").focus()
        page.keyboard.press("ArrowRight")  # all views by keyboard: ×4, the lower left corner
        for group, key, times in (("Across", "ArrowLeft", 2), ("Down", "ArrowRight", 2)):
            page.get_by_role("group", name=group).get_by_label("middle").focus()
            for _ in range(times):
                page.keyboard.press(key)
        moved = "[...document.querySelectorAll('figure img')].map(i => getComputedStyle(i).translate)"
        assert page.evaluate(moved) == ["0% -75%", "0% -75%"]
        if name == "rex":
            _flickers(page)
            _brightens_and_cuts(page)
        page.get_by_label("×2").check()
        page.get_by_label("90°").check()
        turned = "[...document.querySelectorAll('figure img')].map(i => getComputedStyle(i).transform)"
        assert len(set(page.evaluate(turned))) == 1  # both alike
        assert page.evaluate(turned)[0] != "none"
        shape = "[...document.querySelectorAll('figure img')].map(i => i.offsetWidth / i.offsetHeight)"
        assert page.evaluate(shape) == [1, 1]  # enlarged, not stretched
        if name == "rex":
            looked_at(page, "pair-both")
        page.get_by_role("group", name="nose").get_by_label("similar").check()
        page.get_by_label(conclusion).check()
        page.get_by_role("button", name="Commit it").click()
        page.get_by_role("heading", name="Your conclusion is on record").wait_for()
        reviewers.append(page)
        ann.reload()
        assert ann.get_by_role("heading", name="Withheld").is_visible() == (name != "ray")
    looked_at(reviewers[0], "pair-judged")
    reviewers[0].goto(f"{served.url}/console/review")
    looked_at(reviewers[0], "review-own")
    sue.goto(f"{served.url}/console/review")
    looked_at(sue, "review-all")
    sue.goto(f"{served.url}/console/review/known")
    looked_at(sue, "review-known")
    assert ann.get_by_text("moderate support for the same person").first.is_visible()
    ann.get_by_text("Enter evidence (1)").click()
    ann.get_by_label("What it is, and its source").fill("her sister saw her at the station, statement 3")
    ann.get_by_label("It was found without this lead").check()
    ann.get_by_role("button", name="Enter it").click()
    ann.wait_for_url(search)
    looked_at(ann, "case-leads")
    ann.get_by_role("button", name="Make the text").click()
    assert "her sister saw her" in ann.locator("pre").inner_text()
    looked_at(ann, "case-export")

    sue.goto(case)
    looked_at(sue, "case-supervised")
    sue.get_by_label("Who allowed it").fill("the local court, shortened")
    sue.get_by_label("By which decision").fill("12 Gs 35/26")
    ends = datetime.now(UTC) + timedelta(seconds=10)
    sue.get_by_label("Ends").fill(f"{ends:%Y-%m-%dT%H:%M:%S}")
    sue.get_by_role("button", name="Enter it").click()
    sue.wait_for_load_state()
    time.sleep(max(0, (ends - datetime.now(UTC)).total_seconds()) + 1)  # the clock of a server is not a test's
    ann.goto(search)
    assert ann.get_by_role("heading", name="Frozen").is_visible()
    assert faces[0].stem not in ann.content()
    ann.goto(case)
    looked_at(ann, "case-frozen")
    pages = (ann, sue, *reviewers)
    assert not [text for page in pages for text in page.said if "status of 4" not in text]


def code_of(seed: str) -> str:
    """A one-time code that was not used yet: each is good once."""
    time.sleep(max(0, 30 - time.time() % 30) + 1)
    return pyotp.TOTP(seed).now()


def test_a_passkey_is_made_used_and_removed(served: Served, chromium: Any) -> None:
    with served.installation() as own:
        _operator, token = own.operators.add("pia", [Role.REQUEST], datetime.now(UTC) + timedelta(days=1))
    pia, pages = opened(chromium, locale="en"), f"http://localhost:{served.port}/console"
    device = pia.context.new_cdp_session(pia)
    device.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    made = device.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    pia.goto(f"{pages}/join")
    seed = set_up(pia, {"Operator's token": token})

    def sign_out() -> None:
        pia.get_by_role("button", name="Sign out").click()
        pia.wait_for_url("**/sign-in")

    pia.goto(f"{pages}/me")
    pia.get_by_label("Name of the new passkey").fill("work laptop")
    pia.get_by_label("One-time code").fill(code_of(seed))
    pia.get_by_role("button", name="Add a passkey").click()
    pia.get_by_role("heading", name="A new passkey").wait_for()
    looked_at(pia, "passkey-new")
    pia.get_by_role("button", name="Make it").press("Enter")
    pia.wait_for_url("**/me#passkeys")
    assert pia.get_by_role("rowheader", name="work laptop").is_visible()
    looked_at(pia, "me-passkeys")
    sign_out()
    looked_at(pia, "sign-in-all-ways")
    pia.get_by_role("button", name="Sign in with a passkey").press("Enter")
    pia.wait_for_url("**/console")
    assert pia.get_by_role("link", name="pia").is_visible()
    sign_out()

    device.send("WebAuthn.setUserVerified", {"authenticatorId": made, "isUserVerified": False})
    pia.get_by_role("button", name="Sign in with a passkey").click()
    pia.get_by_text("No passkey came from this browser").wait_for()
    assert pia.url.endswith("/sign-in")
    device.send("WebAuthn.setUserVerified", {"authenticatorId": made, "isUserVerified": True})
    pia.get_by_role("button", name="Sign in with a passkey").click()
    pia.wait_for_url("**/console")

    (kept,) = device.send("WebAuthn.getCredentials", {"authenticatorId": made})["credentials"]
    pia.goto(f"{pages}/me")
    pia.get_by_role("button", name="Remove work laptop").click()
    pia.wait_for_url("**/me#passkeys")
    sign_out()
    assert kept["rpId"] == "localhost"
    pia.get_by_role("button", name="Sign in with a passkey").click()
    assert pia.get_by_role("alert").inner_text() == "this passkey is not one of an operator here"
    pia.get_by_label("Your name").fill("pia")
    pia.get_by_label("Password").fill(PASSWORD)
    pia.get_by_label("One-time code").fill(code_of(seed))
    pia.get_by_role("button", name="Sign in", exact=True).click()
    pia.wait_for_url("**/console")
    assert not [text for text in pia.said if "status of 4" not in text]


def test_an_account_at_a_provider_signs_in_and_out(served: Served, chromium: Any) -> None:
    pages = f"http://localhost:{served.port}/console"
    provider = new_provider(pages)
    provider.port = int(served.environment["COUNTENANCE_OIDC_ISSUER"].rpartition(":")[2])
    with served.installation() as own:
        own.operators.add("ona", [Role.REQUEST], datetime.now(UTC) + timedelta(days=1))
    ona = opened(chromium, locale="en")
    ona.goto(f"{pages}/sign-in?next=/console/ledger")
    ona.get_by_role("link", name="Sign in by localhost").click()
    assert "sign in with your password" in ona.get_by_role("alert").inner_text()  # nothing runs there yet
    looked_at(ona, "provider-down")
    provider.start()
    try:
        ona.get_by_role("link", name="Sign in by localhost").click()
        told = ona.get_by_role("alert").inner_text()
        assert "--subject account-of-ann" in told
        looked_at(ona, "provider-unlinked")
        said = served.command("operator", "link", "ona", "--subject", "account-of-ann")
        assert "signs in as account-of-ann of http://localhost:" in said
        ona.goto(f"{pages}/sign-in?next=/console/ledger")
        ona.get_by_role("link", name="Sign in by localhost").click()
        ona.wait_for_url("**/console/ledger")
        ona.goto(f"{pages}/me")
        assert ona.get_by_text("account-of-ann").is_visible()
        looked_at(ona, "me-provider")
        ona.get_by_role("button", name="Sign out").click()
        ona.wait_for_url("**/sign-in?out=1")
        looked_at(ona, "signed-out")
        assert not [text for text in ona.said if "status of 4" not in text and "status of 5" not in text]
        ona.get_by_role("link", name="Sign out there, too").click()
        ona.wait_for_url(f"{provider.issuer}/**")
    finally:
        provider.stop()


def opened_case(served: Served, page: Any, mandate: str) -> str:
    """A case under that mandate, by its page; its address."""
    page.goto(f"{served.url}/console/cases/new")
    if page.get_by_label("Under which mandate").count():
        page.get_by_label("Under which mandate").select_option(value=mandate)
    for label, text in (
        ("What is to be found out", "who they are"),
        ("Which offence or event", "a photo album was found"),
        ("Who allowed it", "the archive"),
        ("By which decision", "A 17"),
        ("Ends", "2"),
    ):
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Open it").click()
    page.wait_for_url("**/cases/case-*")
    return str(page.url)


def filled_gallery(served: Served, page: Any, mandate: str, faces: list[Path]) -> None:
    """The gallery wanted-1, with one picture of each of three people."""
    page.goto(f"{served.url}/console/galleries?mandate={mandate}")
    if page.get_by_role("link", name="wanted-1").count():
        return
    page.get_by_label("Name").fill("wanted-1")
    page.get_by_role("button", name="Make it").click()
    page.wait_for_url("**/wanted-1")
    for path in faces[:5:2]:
        page.locator("#picture").set_input_files(path)
        page.get_by_label("Your reference").fill(path.stem)
        with page.expect_navigation():
            page.get_by_role("button", name="Enrol", exact=True).click()


def test_a_case_compares_two_pictures_searches_a_part_and_the_people_of_a_video(served: Served, chromium: Any) -> None:
    faces = _faces()
    if not faces:
        pytest.skip("no faces: COUNTENANCE_DATA names a folder with lfw")
    page = joined(served, chromium, "amy", "request")
    mandate = granted(served, MandateDraft("The archive", template="photo-library"), by="amy")
    filled_gallery(served, page, mandate, faces)
    case = opened_case(served, page, mandate)
    looked_at(page, "case-open")
    page.locator("#one").set_input_files(faces[0])
    page.locator("#other").set_input_files(faces[1])
    page.get_by_role("button", name="Find the faces of both").click()
    page.get_by_role("heading", name="Choose the faces").wait_for()
    looked_at(page, "case-faces")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.wait_for_url("**/searches/search-*")
    assert page.get_by_role("heading", name="Similar", exact=True).is_visible()
    looked_at(page, "case-compared")

    page.goto(case)
    page.locator("#picture").set_input_files(faces[1])
    page.get_by_role("button", name="Find faces").click()
    page.get_by_text("Use only a part of the picture").click()
    page.get_by_label("From the left").fill("15")
    page.get_by_label("to", exact=True).fill("85")
    page.get_by_role("button", name="Look at this part").click()
    page.get_by_text("15% to 85% of the width").wait_for()
    looked_at(page, "case-part")
    page.get_by_role("button", name="Search", exact=True).click()
    page.wait_for_url("**/searches/search-*")
    assert page.get_by_role("heading", name="1 lead").is_visible()

    _film(served.films / "shop.mp4", faces)
    page.goto(case)
    page.get_by_label("Bucket").fill("films")
    page.get_by_label("Name of the video in it").fill("shop.mp4")
    page.get_by_role("button", name="Look for people").click()
    page.wait_for_url("**/videos/video-*")
    assert page.locator("[data-progress]").is_visible(), page.locator("main").inner_text()
    page.get_by_role("button", name="Show them").wait_for(timeout=120_000)  # its own script reads it anew
    looked_at(page, "case-video-found")
    page.get_by_role("button", name="Show them").click()
    page.get_by_role("heading", name="person 2").wait_for()
    page.locator("img.view").last.scroll_into_view_if_needed()
    looked_at(page, "case-video")
    page.get_by_role("button", name="Search for person 1").click()
    page.get_by_role("heading", name="Choose the face").wait_for()
    page.get_by_role("button", name="Search", exact=True).click()
    page.wait_for_url("**/searches/search-*")
    assert page.get_by_role("heading", name="1 lead").is_visible(), page.locator("main").inner_text()
    assert page.get_by_text("person 1").is_visible()
    looked_at(page, "case-video-lead")
    page.get_by_role("link", name="Videos").click()
    page.get_by_role("link", name="films/shop.mp4").wait_for()
    looked_at(page, "videos")
    with served.installation() as own:
        caller = Caller(own.accounts.key_under(own.operators.named("amy"), mandate))
        stored = StoredVideo("films", "shop.mp4", lambda: None)
        job = own.guard.carry_out(caller, StartVideoSearch("wanted-1", stored)).result
    page.goto(f"{served.url}/console/videos/{job}")
    page.get_by_text("2 people were found").wait_for(timeout=120_000)  # its own script reads it anew
    looked_at(page, "video")
    assert not [text for text in page.said if "status of 4" not in text]


def _film(path: Path, faces: list[Path]) -> None:
    """Two people for two seconds each."""
    frames = [np.asarray(cv2.imread(str(faces[at])), np.uint8) for at in (1, 3)]
    write(path, [frame for frame in frames for _ in range(20)])


def test_a_mandate_revoked_while_its_search_runs_freezes_what_the_search_finds(served: Served, chromium: Any) -> None:
    faces = _faces()
    if not faces:
        pytest.skip("no faces: COUNTENANCE_DATA names a folder with lfw")
    page = joined(served, chromium, "eva", "request")
    mandate = granted(served, MandateDraft("The archive", template="photo-library"), by="eva")
    filled_gallery(served, page, mandate, faces)
    opened_case(served, page, mandate)
    large = served.films / "large.jpg"
    face = cv2.imread(str(faces[1]))
    assert face is not None
    cv2.imwrite(str(large), np.tile(face, (10, 10, 1)))  # a picture of many faces takes a while
    page.locator("#picture").set_input_files(large)
    page.get_by_role("button", name="Find faces").click()
    page.get_by_role("heading", name="Choose the face").wait_for(timeout=120_000)
    lisa = joined(served, chromium, "lisa", "approve")
    lisa.goto(f"{served.url}/console/mandates/{mandate}")
    lisa.get_by_text("Revoke").first.wait_for()
    with served.installation() as own:
        before = own.ledger.size
        page.get_by_role("button", name="Search", exact=True).click(no_wait_after=True)
        decided: list[int] = []
        while not decided:
            page.wait_for_timeout(20)
            decided = [
                int(str(each.fields["sequence"]))
                for each in own.ledger.entries(before)
                if each.fields.get("operation") == "search"
            ]
        own.mandates.end(mandate, "the archive withdrew it", by="lisa")
        page.wait_for_url("**/searches/search-*", timeout=120_000)
        kinds = [(each.kind, each.fields.get("decision")) for each in own.ledger.entries(decided[0])]
    revoked = next(at for at, (kind, _) in enumerate(kinds) if kind == "mandate")
    assert revoked < kinds.index(("result", decided[0]))  # it was running
    assert page.get_by_role("heading", name="Frozen").is_visible()
    assert page.get_by_text("the mandate is revoked").is_visible()
    assert not re.search("|".join(path.stem for path in faces), page.content())
    looked_at(page, "case-revoked")


def test_hostile_and_long_names_stay_text_in_place_and_nothing_is_kept_after_signing_out(
    served: Served, chromium: Any
) -> None:
    page, dialogs = joined(served, chromium, "zoe", "request"), list[str]()

    def asked(dialog: Any) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", asked)
    for n, text in enumerate(
        (
            "<script>alert(1)</script><img src=x onerror=alert(2)>",
            "W" * 200,
            "\u05e2\u05e8\u05d1 (\u0645\u0631\u062d\u0628\u0627) 17/3 " * 6,
        )
    ):
        mandate = granted(served, MandateDraft(text, template="photo-library"), by="zoe")
        page.goto(f"{served.url}/console/cases/new")
        if page.get_by_label("Under which mandate").count():
            page.get_by_label("Under which mandate").select_option(value=mandate)
        labels = ("What is to be found out", "Which offence or event", "Who allowed it", "By which decision")
        for label in labels:
            page.get_by_label(label).fill(text)
        page.get_by_label("Ends").fill("soon")
        page.get_by_role("button", name="Open it").click()
        assert page.get_by_role("alert").inner_text().startswith("Not done")
        assert [page.get_by_label(label).input_value() for label in labels] == [text.strip()] * 4 or n == 2
        looked_at(page, f"case-refused-{n}")
        page.get_by_label("Ends").fill("2")
        page.get_by_role("button", name="Open it").click()
        page.wait_for_url("**/cases/case-*")
        looked_at(page, f"case-hostile-{n}")
    for name in ("cases", "mandates", "me", "try", "videos"):
        page.goto(f"{served.url}/console/{name}")
        looked_at(page, f"hostile-{name}")
    assert dialogs == []
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.go_back()
    page.wait_for_url(lambda url: "/sign-in?next=" in url)
    assert "W" * 200 not in page.content()


def test_a_mandate_is_asked_for_by_one_approved_by_another_and_revoked(served: Served, chromium: Any) -> None:
    ida, lee = joined(served, chromium, "ida", "request"), joined(served, chromium, "lee", "approve")
    ida.goto(f"{served.url}/console/mandates/new?template=photo-library")
    ida.get_by_label("Who holds it").fill("Ida's album")
    ida.locator("#galleries").fill("ida*")
    ida.get_by_role("button", name="Ask for it").click()
    ida.wait_for_url("**/mandates/mandate-*")
    mandate = ida.url
    lee.goto(mandate)
    lee.get_by_role("button", name="Approve", exact=True).click()
    ida.goto(f"{served.url}/console/try?mandate={mandate.rpartition('/')[2]}")
    assert ida.get_by_role("button", name="Find faces").is_visible()
    lee.get_by_text("Revoke it").click()
    lee.get_by_label("Why").last.fill("the album was given back")
    lee.get_by_role("button", name="Revoke", exact=True).click()
    lee.get_by_text("revoked", exact=True).first.wait_for()
    looked_at(lee, "mandate-revoked")
    ida.reload()
    assert ida.get_by_role("button", name="Find faces").count() == 0


def test_a_moratorium_is_brought_with_its_signature_and_lifted_by_a_quorum(served: Served, chromium: Any) -> None:
    page, keys = joined(served, chromium, "mia", "request"), Path(served.environment["COUNTENANCE_CHARTER"]).parent
    command = ("moratorium", "set", "no-searches", "--reason", "until a law", "--operation", "identify", "--sign-only")
    told = served.command(*command, "--key", str(keys / "setter.key"))
    at, public, signature = (line.split()[-1] for line in told.splitlines())
    page.goto(f"{served.url}/console/moratoria")
    for name, value in (
        ("moratorium_id", "no-searches"),
        ("reason", "until a law"),
        ("operations", "identify"),
        ("set_at", at),
        ("public_key", public),
        ("signature", signature),
    ):
        page.locator(f"#{name}").fill(value)
    page.get_by_role("button", name="Set it").click()
    page.get_by_role("heading", name="no-searches").wait_for()
    looked_at(page, "moratorium")
    page.goto(f"{served.url}/console")
    assert page.get_by_role("link", name="no-searches").is_visible()
    for name in HOLDERS[1:]:
        page.goto(f"{served.url}/console/moratoria")
        assert page.get_by_text("in force", exact=True).is_visible()
        order = page.locator("dd code").first.inner_text()
        law = ("--order", order, "--statute", "Act 12 of 2027, s. 3")
        words = served.command("moratorium", "sign", *law, "--key", str(keys / f"{name}.key")).split()
        page.get_by_text("Consent to lifting it").click()
        page.get_by_label("The law that makes lifting right").fill(law[3])
        page.get_by_label("Public key, 64 hex digits").first.fill(words[1])
        page.get_by_label("Signature, 128 hex digits").first.fill(words[3])
        page.get_by_role("button", name="Enter the consent").click()
        page.wait_for_load_state()
    page.get_by_text("lifted", exact=True).wait_for()
    assert not [text for text in page.said if "status of 4" not in text]


def test_the_rules_say_who_may_do_what_and_decide_a_described_use(served: Served, chromium: Any) -> None:
    page = joined(served, chromium, "pam", "request")
    page.goto(f"{served.url}/console/policy")
    page.get_by_label("Describe a common use").select_option(index=1)
    page.get_by_role("button", name="Fill it in").click()
    page.get_by_role("button", name="Ask the rules").click()
    page.get_by_text("Law of").wait_for()
    looked_at(page, "policy-decided")
    page.get_by_role("link", name="The fine print").click()
    page.get_by_role("table").first.wait_for()
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/fine-print-{width}.png", full_page=True)
    page.locator("td[title]").first.click()
    assert page.locator("#clause").is_visible()
    assert "Only if" in page.locator("#clause").inner_text() or ". " in page.locator("#clause").inner_text()
    assert not [text for text in page.said if "status of 4" not in text]


def test_an_auditor_audits_a_table_finds_entries_and_checks_proofs_in_the_browser(
    served: Served, chromium: Any, tmp_path: Path
) -> None:
    page, table = joined(served, chromium, "una", "audit"), score_file(tmp_path)
    rows = table.read_text().splitlines()
    women = {line.partition(",")[0] for line in (tmp_path / "people.csv").read_text().splitlines() if "female" in line}
    sexes = [["f" if one in women else "m" for one in line.split(",")[2:4]] for line in rows[1:]]
    rows = [f"{rows[0]},sex_a,sex_b", *(f"{line},{','.join(two)}" for line, two in zip(rows[1:], sexes, strict=True))]
    table.write_text("\n".join(rows))
    page.goto(f"{served.url}/console/audits")
    page.locator("#scores").set_input_files(table)
    page.get_by_text("What a guess cannot know").click()
    page.get_by_label("Title of the report").fill("East gate")
    looked_at(page, "audits")
    page.get_by_role("button", name="Audit it").click()
    page.wait_for_url("**/audits/audit-*")
    page.get_by_role("link", name="Read the report").wait_for(timeout=240_000)  # its own script reads it anew
    looked_at(page, "audit")
    page.goto(f"{served.url}/console/audits")
    looked_at(page, "audits-kept")
    page.get_by_role("link", name="East gate").click()
    page.get_by_role("link", name="Read the report").click()
    page.get_by_role("heading", name="East gate").wait_for()
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/report-1440.png")
    page.goto(f"{served.url}/console/evidence")
    page.get_by_text("For whom").first.click()
    looked_at(page, "evidence")

    page.goto(f"{served.url}/console/ledger")
    page.get_by_label("Kind").select_option("audit")
    page.get_by_label("Words in it").fill("ended")
    page.get_by_role("button", name="Look for them").click()
    page.get_by_text("1 found in the entries").wait_for()
    looked_at(page, "ledger-found")
    page.locator("tbody a").first.click()
    page.get_by_role("button", name="Check it in this browser").click()
    page.get_by_text("It holds").wait_for()
    looked_at(page, "entry-checked")
    proof, key = page.get_by_label("Proof").input_value(), page.get_by_label("Key that you trust").input_value()
    page.goto(f"{served.url}/console/ledger/proof")
    looked_at(page, "proof")
    lines = proof.split("\n")
    another = Signer(bytes(32)).public
    for changed, under, says in (
        (proof, key, "It holds"),
        ("\n".join([lines[0], f"extra {'A' * 80}", *lines[2:]]), key, "does not lead to the signed checkpoint"),
        ("\n".join([*lines[:3], *lines[4:]]), key, "does not lead to the signed checkpoint"),
        ("\n".join([*lines[:2], "index 0", *lines[3:]]), key, "does not lead to the signed checkpoint"),
        (re.sub(r"\n\n(\S+)\n(\d+)\n", r"\n\n\1\n9\2\n", proof), key, "not signed by this key"),
        (proof, str(NoteKey(key.partition("+")[0], another)), "not signed by this key"),
        (proof, "nonsense", "not that of the proof's ledger"),
        ("nonsense", key, "no proof that can be read"),
    ):
        page.get_by_label("Proof").fill(changed)
        page.get_by_label("Key that you trust").fill(under)
        page.get_by_role("button", name="Check it in this browser").click()
        page.get_by_role("status").get_by_text(says).wait_for()
    page.goto(f"{served.url}/console/ledger")
    page.get_by_role("button", name="Check it now").click()
    page.get_by_text("nothing altered").wait_for(timeout=60_000)
    assert not [text for text in page.said if "status of 4" not in text]


ELSEWHERE = {
    "/policy/fine-print": "a page of its own",
    "/audits/{audit_id}/report": "a page of its own, made by the auditor",
    "/audits/{audit_id}/bundle": "a file",
    "/audits/{audit_id}/events": "no page",
    "/ledger/check/events": "no page",
    "/videos/{job_id}/events": "no page",
    "/ledger/checkpoint": "a text",
    "/ledger/entry": "leads to another",
    "/sign-in/provider": "leads to another",
    "/sign-in/provider/return": "leads to another",
}


def test_no_page_is_forgotten(request: pytest.FixtureRequest) -> None:
    """Every page was looked at by the tests above, in both themes and at both widths."""
    ran = {item.name for item in request.session.items}
    if not {name for name in globals() if name.startswith("test_")} <= ran or not _faces():
        pytest.skip("only some of this module's tests run")
    patterns = [page.path for page in PAGES if page.method == "GET" and not page.path.endswith((".png", ".jpg"))]
    missing = []
    for pattern in patterns:
        form = re.compile(re.sub(r"\{\w+\}", "[^/]+", pattern) or "")
        if pattern not in ELSEWHERE and not any(form.fullmatch(path) for path in LOOKED):
            missing.append(pattern)
    assert missing == []
    assert set(ELSEWHERE) <= set(patterns)
