"""What somebody who means harm types, sends twice, or opens: text stays text, and nothing counts twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import pytest
from tests.unit.console.conftest import Browser, ConsoleWorld, mandate_form
from tests.unit.console.test_casework_pages import FACTS, TWO, case_of, judge, picture, search

from countenance.console.application import PAGES
from countenance.policy import Verdict
from countenance.policy.obligations import Obligation

pytestmark = pytest.mark.parametrize("verdict", [Verdict.PERMIT])
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)//</title><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% include 'base.html' %}",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
)
UNSHOWN = ("\u202etxt.exe", "a\x00b", "a\x1b[31m", "\u200b", "x" * 10_000)
"""What no page shows as it is read: turned round, invisible, for terminals, or without an end."""


class _Elements(HTMLParser):
    """What of a page a browser would run."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "script" and not given.get("src", "").startswith("/console/static/"):
            self.runs.append(tag)
        self.runs += [f"{tag} {name}" for name in given if name.startswith("on")]
        addresses = {name: given.get(name, "") for name in ("href", "src", "action")}
        self.runs += [f"{tag} {name}" for name, value in addresses.items() if value.startswith("javascript:")]
        if tag == "img" and given.get("src") == "x":
            self.runs.append(tag)


def _harmless(text: str) -> None:
    """Nothing on the page runs but the console's own files, and no template in it was filled in."""
    page = _Elements()
    page.feed(text)
    assert page.runs == []
    assert "49{%" not in text


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_typed_stays_text_on_every_page_of_a_case(world: ConsoleWorld, text: str) -> None:
    ann, _case = case_of(world)
    facts = {name: text if name != "until" else value for name, value in FACTS.items()}
    mandate = world.services.mandates.list()[0].mandate_id
    case = ann.post("/cases", page="/cases/new", mandate=mandate, **facts).headers["location"].removeprefix("/console")
    where = search(ann, case, 3)
    sent = {"lead": "1", "kind": "witness", "what": text + " and more words", "independent": "yes"}
    assert ann.post(where + "/evidence", page=where, **sent).status_code == 303
    exported = ann.post(where + "/export", page=where, lead="1", use="line-up")
    assert exported.status_code == 200
    for page in (case, where, "/cases", f"/cases/new?from={text}", f"/search?gallery={text}", f"/ledger?words={text}"):
        answer = ann.get(page)
        assert answer.status_code == 200, page
        _harmless(answer.text)
    _harmless(exported.text)
    files = {"picture": (text + ".jpg", picture(3)[1], "image/jpeg")}
    _harmless(ann.post(case + "/pictures", page=case, files=files).text)
    _harmless(ann.post(case + "/videos", page=case, bucket=text, name=text).text)
    _harmless(ann.post("/policy", page="/policy", request=text).text)


@pytest.mark.parametrize("text", UNSHOWN, ids=lambda text: ascii(text)[:12])
def test_what_cannot_be_shown_as_it_is_read_is_refused(world: ConsoleWorld, text: str) -> None:
    mandate = world.granted()
    ann = world.signed_in("ann asks")
    before = world.ledger.size
    for name in ("purpose", "offence", "authority", "reference"):
        answer = ann.post("/cases", page="/cases/new", mandate=mandate, **{**FACTS, name: text})
        assert answer.status_code == 400
        assert f"{name}: " in answer.text
    assert ann.post("/mandates", page="/mandates/new", **mandate_form(holder=text)).status_code == 400
    assert world.ledger.size == before


@pytest.mark.parametrize("obligations", [TWO])
def test_a_judgement_that_is_sent_twice_counts_once(world: ConsoleWorld, obligations: tuple[Obligation, ...]) -> None:
    ann, case = case_of(world)
    where, ben = search(ann, case, 3), world.signed_in("ben approves")
    ben.post(where + "/pictures", page=where, lead="1", files={"picture": picture(3)})
    rex = world.signed_in("rex reviews")
    pair = rex.post("/review/next", page="/review").headers["location"].removeprefix("/console")
    rex.post(pair + "/looked", page=pair, visible="nose")
    token = rex.form_token(pair)
    cookies = dict(rex.client.cookies)

    def send(_n: int) -> int:
        again = world.browser()
        again.client.cookies.update(cookies)
        data = {"form_token": token, "feature-nose": "similar", "grade": "strong-same"}
        return int(again.client.post(f"/console{pair}/judgement", data=data).status_code)

    with ThreadPoolExecutor(4) as threads:
        answers = sorted(threads.map(send, range(4)))
    assert answers == [303, 409, 409, 409]
    assert world.kinds().count(("review", "judged")) == 1
    assert "<h1>Withheld</h1>" in ann.get(where).text
    judge(world.signed_in("roy reviews"), "strong-same")
    assert "p-3" in ann.get(where).text


@pytest.mark.parametrize("obligations", [TWO])
def test_who_asked_is_given_no_pair_of_their_own(world: ConsoleWorld, obligations: tuple[Obligation, ...]) -> None:
    ann, case = case_of(world)
    where, ben = search(ann, case, 3), world.signed_in("ben approves")
    ben.post(where + "/pictures", page=where, lead="1", files={"picture": picture(3)})
    assert world.services.reviews.next("ann asks") is None
    assert world.services.reviews.next("rex reviews")


def test_nothing_of_a_session_is_shown_after_it_ended(world: ConsoleWorld) -> None:
    """No page is kept by the browser, and none is answered to the cookie of a session that is over."""
    ann, case = case_of(world)
    paths = [page.path for page in PAGES if page.method == "GET" and not page.public and "{" not in page.path]
    for path in [*paths, case]:
        answer = ann.get(path)
        assert answer.headers["cache-control"] == "no-store", path
    old = Browser(world, world.browser().client)
    old.client.cookies.update(dict(ann.client.cookies))
    ann.post("/sign-out", page=case)
    for path in [*paths, case]:
        assert old.get(path).headers.get("location", "").startswith("/console/sign-in"), path
