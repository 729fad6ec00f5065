"""What stands before every page, whatever the page: roles, forms of our own, headers, limits, faults."""

from __future__ import annotations

import re

import pytest
from tests.unit.console.conftest import PEOPLE, ConsoleWorld, mandate_form

from countenance.administration import Role
from countenance.console.application import PAGES
from countenance.console.door import ConsolePage

PLACES = {"mandate_id": "mandate-000000000000", "gallery_id": "g1", "index": "0", "moratorium_id": "m1"}
PLACES |= {
    "case_id": "case-0",
    "search_id": "search-0",
    "item_id": "pair-0",
    "which": "first",
    "passkey_id": "passkey-0",
    "audit_id": "audit-000000000000",
    "job_id": "0" * 64,
    "video_id": "video-0",
    "person": "1",
}


def path_of(page: ConsolePage) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: PLACES[found[1]], page.path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.method} {page.path}")
def test_every_page_asks_who_comes_and_in_which_role(world: ConsoleWorld, page: ConsolePage) -> None:
    path = path_of(page)
    stranger = world.browser()
    # with the right hidden field, so that only being nobody can be what is refused
    answer = stranger.get(path) if page.method == "GET" else stranger.post(path, page="/sign-in", name="x")
    if page.public:
        assert "next=" not in answer.headers.get("location", "")
        return
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/sign-in")
    for name, roles in PEOPLE.items():
        if not page.roles & set(roles):
            browser = world.signed_in(name)
            before = world.ledger.size
            refused = browser.get(path) if page.method == "GET" else browser.post(path, page="", name="x")
            assert refused.status_code == 403, (name, path)
            assert "this needs the role" in refused.text
            assert world.ledger.size == before


@pytest.mark.parametrize("page", [page for page in PAGES if page.method == "POST"], ids=lambda page: page.path)
@pytest.mark.parametrize("token", [None, "", "0" * 64, "another session's"])
def test_a_form_that_is_not_of_this_session_does_nothing(
    world: ConsoleWorld, page: ConsolePage, token: str | None
) -> None:
    name = "eve audits" if page.roles == {Role.AUDIT} else "flo does all"
    browser = world.signed_in(name)
    if token == "another session's":
        token = world.signed_in("ann asks").form_token("")
    before = world.ledger.size
    data = {**mandate_form(), **({} if token is None else {"form_token": token})}
    answer = browser.client.post("/console" + path_of(page), data=data)
    assert answer.status_code == 403
    assert world.ledger.size == before


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_from_another_site_does_nothing_even_with_the_right_token(
    world: ConsoleWorld, headers: dict[str, str]
) -> None:
    ann = world.signed_in("ann asks")
    data = {"form_token": ann.form_token(""), **mandate_form()}
    assert ann.client.post("/console/mandates", data=data, headers=headers).status_code == 403
    assert world.services.mandates.list() == []
    own = {"origin": "http://server.test", "sec-fetch-site": "same-origin"}
    assert ann.client.post("/console/mandates", data=data, headers=own).status_code == 303


@pytest.mark.parametrize("path", ["/sign-in", "/nowhere", "", "/static/console.css", "/first?code=x", "/policy"])
def test_headers_that_keep_others_out(world: ConsoleWorld, path: str) -> None:
    headers = world.signed_in("ann asks").get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; img-src 'self' data:; script-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == ("public, max-age=300" if "static" in path else "no-store")


def test_no_page_has_scripts_inline_styles_or_addresses_of_others(world: ConsoleWorld) -> None:
    flo, eve = world.signed_in("flo does all"), world.signed_in("eve audits")
    pages = [page for page in PAGES if page.method == "GET" and "fine-print" not in page.path]
    for page in pages:
        browser = eve if page.roles == {Role.AUDIT} else flo
        text = browser.get(path_of(page)).text
        assert not re.search(
            r"<script(?! src=\"/console/static/[a-z]+\.js\" defer></script>)|<style|\sstyle=|\son\w+=|javascript:", text
        ), page.path
        assert not re.search(r"""(?:src|href|action)=["']?(?:https?:)?//""", text), page.path
        ids = re.findall(r'\sid="([^"]+)"', text)
        assert len(ids) == len(set(ids)), page.path
        labels = set(re.findall(r'<label for="([^"]+)"', text))
        for kind, rest in re.findall(r"<(input|select|textarea)\b([^>]*)>", text):
            if 'type="hidden"' not in rest and 'type="checkbox"' not in rest:
                found = re.search(r'\sid="([^"]+)"', rest)
                assert found and found[1] in labels, (page.path, kind, rest)


def test_the_fine_print_has_its_own_style_and_a_script_of_this_server(world: ConsoleWorld) -> None:
    ann = world.signed_in("ann asks")
    answer = ann.get("/policy/fine-print")
    assert "The fine print" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; ")
    assert re.findall("<script[^>]*>.*?</script>", answer.text, re.S) == [
        '<script src="/console/static/fine-print.js" defer></script>'
    ]
    script = ann.get("/static/fine-print.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "addEventListener" in script.text


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"x" * 70_000, "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 400),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded", 403),
        (b"a=1&" * 100, "application/x-www-form-urlencoded", 400),
        (b"--x\r\n", "multipart/form-data; boundary=x", 400),
        (b"nonsense", "multipart/form-data", 400),
        (b"", "text/plain", 403),
    ],
)
def test_bodies_that_are_no_forms(world: ConsoleWorld, content: bytes, kind: str, status: int) -> None:
    ann = world.signed_in("ann asks")
    answer = ann.client.post("/console/mandates", content=content, headers={"content-type": kind})
    assert answer.status_code in {status, 400, 403}
    assert "Traceback" not in answer.text


def test_what_is_unexpected_is_not_told(world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = world.signed_in("ann asks")

    def fails() -> None:
        raise RuntimeError("the secret is beeblebrox")

    monkeypatch.setattr(world.services.mandates, "list", fails)
    answer = ann.get("/mandates")
    assert answer.status_code == 500
    assert "beeblebrox" not in answer.text


@pytest.mark.parametrize("path", ["/nowhere", "/mandates/mandate-000000000000", "/galleries/m/g", "/static/../app.py"])
def test_what_is_not_there_is_404(world: ConsoleWorld, path: str) -> None:
    assert world.signed_in("flo does all").get(path).status_code == 404


def test_it_speaks_the_language_of_the_browser_or_the_one_chosen(world: ConsoleWorld) -> None:
    browser = world.browser()
    german = browser.get("/sign-in", headers={"accept-language": "fr, de-AT;q=0.8, en;q=0.5"})
    assert '<html lang="de">' in german.text
    assert "Anmelden" in german.text
    assert '<html lang="en">' in browser.get("/sign-in", headers={"accept-language": "xx;q=z, ,"}).text
    browser.post("/language", page="/sign-in", language="de")
    assert '<html lang="de">' in browser.get("/sign-in").text
    browser.post("/language", page="/sign-in", language="../../etc")
    assert '<html lang="de">' in browser.get("/sign-in").text
