"""Passkeys: added, used, removed; and every answer that is not right is refused."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.fakes.authenticator import Authenticator, handle_of
from tests.unit.console.conftest import Browser, ConsoleWorld

from countenance import administration, console
from countenance.console.door import SESSION
from countenance.errors import NotFound, Unauthenticated
from countenance.mandates.sign_ins import MOST_PASSKEYS

ORIGIN, HOST = "http://server.test", "server.test"


def asked(page: str) -> tuple[str, str]:
    """Options and step of a page with a passkey's form."""
    options = re.search(r'data-options="([^"]*)"', page)
    step = re.search(r'name="step" value="([^"]*)"', page)
    assert options and step, page
    return html.unescape(options[1]), step[1]


def adding(world: ConsoleWorld, browser: Browser, name: str = "ann asks", **more: str) -> httpx.Response:
    world.clock.advance(60)
    code = world.code(world.seeds[name])
    return browser.post("/me/passkeys/new", page="/me", **{"name": "my phone", "one_time": code, **more})


def added(
    world: ConsoleWorld, browser: Browser, key: Authenticator, name: str = "ann asks", **wrong: str
) -> httpx.Response:
    options, step = asked(adding(world, browser, name).text)
    return browser.post("/me/passkeys", page="/me", step=step, answer=key.made(options, **wrong))


def used(world: ConsoleWorld, key: Authenticator, browser: Browser | None = None, **wrong: Any) -> httpx.Response:
    browser = browser or world.browser()
    options, step = asked(browser.get("/sign-in").text)
    answer = key.used(options, **wrong)
    return browser.post("/sign-in/passkey", page="/sign-in", step=step, answer=answer, next="/console/ledger")


def refused(answer: httpx.Response, says: str = "") -> None:
    assert answer.status_code == 401
    assert says in html.unescape(answer.text)
    assert SESSION not in answer.headers.get("set-cookie", "")


@pytest.fixture
def key() -> Authenticator:
    return Authenticator(ORIGIN, HOST)


@pytest.fixture
def ann(world: ConsoleWorld, key: Authenticator) -> Browser:
    """Ann, signed in by password, with one passkey."""
    browser = world.signed_in("ann asks")
    assert added(world, browser, key).headers["location"] == "/console/me#passkeys"
    return browser


def test_a_passkey_signs_its_operator_in_and_each_step_is_on_record(
    world: ConsoleWorld, ann: Browser, key: Authenticator
) -> None:
    assert "my phone" in ann.get("/me").text
    other = world.browser()
    assert used(world, key, other).headers["location"] == "/console/ledger"
    assert "ann asks" in other.get("/me").text
    assert [change for kind, change in world.kinds() if kind == "account"] == [
        "set up", "signed in", "passkey added", "signed in",
    ]  # fmt: skip
    assert list(world.ledger.entries())[-1].fields["proven_by"] == "passkey"
    assert "password, passkey" in ann.get("/operators").text


def test_a_page_that_asks_for_a_passkey_runs_the_scripts_of_this_server_only(world: ConsoleWorld) -> None:
    browser = world.browser()
    page = browser.get("/sign-in")
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert re.findall("<script[^>]*>", page.text) == ['<script src="/console/static/passkeys.js" defer>']
    script = browser.get("/static/passkeys.js")
    assert script.headers["content-type"].startswith("text/javascript")
    options, _ = asked(page.text)
    assert json.loads(options)["userVerification"] == "required"
    assert json.loads(options)["allowCredentials"] == []  # so it tells nobody who has one
    ann = world.signed_in("ann asks")
    options, _ = asked(adding(world, ann).text)
    made = json.loads(options)
    assert made["rp"]["id"] == HOST
    assert made["authenticatorSelection"]["userVerification"] == "required"
    assert made["authenticatorSelection"]["residentKey"] == "required"


def test_several_are_kept_and_each_can_be_removed(world: ConsoleWorld, ann: Browser, key: Authenticator) -> None:
    second = Authenticator(ORIGIN, HOST, b"another")
    assert added(world, ann, second).is_redirect
    operator = world.operators.named("ann asks")
    first, _ = world.services.passkeys.of(operator)
    assert ann.post(f"/me/passkeys/{first.passkey_id}/removal", page="/me").is_redirect
    refused(used(world, key), "not one of an operator here")
    assert used(world, second).is_redirect
    assert ("account", "passkey removed") in world.kinds()
    assert ann.post(f"/me/passkeys/{first.passkey_id}/removal", page="/me").status_code == 404


def test_there_is_an_end_to_how_many(world: ConsoleWorld, ann: Browser) -> None:
    for n in range(1, MOST_PASSKEYS):
        assert added(world, ann, Authenticator(ORIGIN, HOST, b"number %d" % n)).is_redirect
    assert added(world, ann, Authenticator(ORIGIN, HOST, b"one more")).status_code == 400


def test_nobody_removes_the_passkey_of_somebody_else(world: ConsoleWorld, ann: Browser, key: Authenticator) -> None:
    (own,) = world.services.passkeys.of(world.operators.named("ann asks"))
    ben = world.signed_in("ben approves")
    assert ben.post(f"/me/passkeys/{own.passkey_id}/removal", page="/me").status_code == 404
    assert used(world, key).is_redirect


def test_adding_one_needs_a_fresh_one_time_code(world: ConsoleWorld, ann: Browser) -> None:
    world.clock.advance(60)
    code = world.code(world.seeds["ann asks"])
    wrong = "000000" if code != "000000" else "111111"
    assert ann.post("/me/passkeys/new", page="/me", name="x", one_time=wrong).status_code == 400
    assert ann.post("/me/passkeys/new", page="/me", name="x", one_time=code).status_code == 200
    assert ann.post("/me/passkeys/new", page="/me", name="x", one_time=code).status_code == 400
    for _ in range(3):
        assert ann.post("/me/passkeys/new", page="/me", name="x", one_time=wrong).status_code == 400
    assert adding(world, ann).status_code == 429


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.test"},
        {"origin": "http://server.test:81"},
        {"challenge": "AAAA"},
        {"type": "webauthn.create"},
        {"user": None},
    ],
)
def test_an_answer_for_elsewhere_is_refused(
    world: ConsoleWorld, ann: Browser, key: Authenticator, wrong: dict[str, Any]
) -> None:
    refused(used(world, key, **wrong))
    assert used(world, key).is_redirect


def test_an_answer_for_another_host_or_without_a_verified_user_is_refused(
    world: ConsoleWorld, ann: Browser, key: Authenticator
) -> None:
    for changes in ({"rp_id": "evil.test"}, {"verifies": False}):
        refused(used(world, replace(key, **changes)))
    assert used(world, replace(key, uses=5)).is_redirect


def test_another_key_under_the_same_name_is_refused(world: ConsoleWorld, ann: Browser, key: Authenticator) -> None:
    forged = Authenticator(ORIGIN, HOST, key.credential, user=key.user)
    refused(used(world, forged), "not this passkey's answer")


def test_the_passkey_of_another_user_is_refused(world: ConsoleWorld, ann: Browser, key: Authenticator) -> None:
    ben = world.signed_in("ben approves")
    own = Authenticator(ORIGIN, HOST, b"of ben")
    assert added(world, ben, own, "ben approves").is_redirect
    refused(used(world, own, user=handle_of(world.operators.named("ann asks").operator_id)), "not one of an operator")
    refused(used(world, key, user=own.user), "not one of an operator")
    refused(used(world, Authenticator(ORIGIN, HOST, b"of nobody", user=own.user)), "not one of an operator")


def test_a_challenge_is_answered_once_soon_and_in_its_own_browser(
    world: ConsoleWorld, ann: Browser, key: Authenticator
) -> None:
    browser, thief = world.browser(), world.browser()
    options, step = asked(browser.get("/sign-in").text)
    sent = {"step": step, "answer": key.used(options)}
    refused(thief.post("/sign-in/passkey", page="/sign-in", **sent), "in another browser")
    cookies = dict(browser.client.cookies)
    assert browser.post("/sign-in/passkey", page="/sign-in", **sent).is_redirect
    browser.client.cookies.clear()
    browser.client.cookies.update({name: value for name, value in cookies.items() if name != SESSION})
    refused(browser.post("/sign-in/passkey", page="/sign-in", **sent), "took too long")
    late = world.browser()
    options, step = asked(late.get("/sign-in").text)
    world.clock.advance(5 * 60 + 1)
    refused(late.post("/sign-in/passkey", page="/sign-in", step=step, answer=key.used(options)), "took too long")
    for step in ("", "x", "AAAA" * 30, "é"):
        refused(late.post("/sign-in/passkey", page="/sign-in", step=step, answer="{}"), "took too long")


def test_a_copy_of_a_passkey_is_noticed_by_its_count_and_ends_it(
    world: ConsoleWorld, ann: Browser, key: Authenticator
) -> None:
    copy = replace(key)
    assert used(world, key).is_redirect
    refused(used(world, copy), "as when it was copied")
    assert [entry.fields.get("why") for entry in world.ledger.entries()][-1] == "copied"
    refused(used(world, key), "not one of an operator here")
    assert ann.get("").status_code == 303  # every session of hers has ended
    assert world.signed_in("ann asks").get("").status_code == 200


def test_a_passkey_that_keeps_no_count_is_used_again_and_again(world: ConsoleWorld) -> None:
    key, ann = Authenticator(ORIGIN, HOST, uses=None), world.signed_in("ann asks")
    assert added(world, ann, key).is_redirect
    assert used(world, key).is_redirect
    assert used(world, key).is_redirect


@pytest.mark.parametrize("wrong", [{"origin": "https://evil.test"}, {"challenge": "AAAA"}, {"type": "webauthn.get"}])
def test_a_new_passkey_that_is_not_for_here_is_not_added(world: ConsoleWorld, wrong: dict[str, str]) -> None:
    ann = world.signed_in("ann asks")
    key = Authenticator(ORIGIN, HOST)
    assert added(world, ann, key, **wrong).status_code == 400
    assert added(world, ann, replace(key, verifies=False)).status_code == 400
    assert added(world, ann, replace(key, rp_id="evil.test")).status_code == 400
    assert ("account", "passkey added") not in world.kinds()


def test_a_new_passkey_is_of_the_session_that_asked_for_it(world: ConsoleWorld) -> None:
    ann, ben, key = world.signed_in("ann asks"), world.signed_in("ben approves"), Authenticator(ORIGIN, HOST)
    options, step = asked(adding(world, ann).text)
    sent = {"step": step, "answer": key.made(options)}
    assert ben.post("/me/passkeys", page="/me", **sent).status_code == 400
    assert ann.post("/me/passkeys", page="/me", **sent).is_redirect
    assert ann.post("/me/passkeys", page="/me", **sent).status_code == 400
    assert added(world, ben, key, "ben approves").status_code == 400  # it is ann's


def test_a_sign_in_that_is_set_up_anew_removes_all_passkeys(
    world: ConsoleWorld, ann: Browser, key: Authenticator
) -> None:
    world.clock.advance(60)
    assert world.browser().join(world.tokens["ann asks"], "ann asks").is_redirect
    refused(used(world, key), "not one of an operator here")
    assert [entry.fields.get("why") for entry in world.ledger.entries()].count("set up anew") == 1


def test_a_revoked_operator_is_not_let_in(world: ConsoleWorld, ann: Browser, key: Authenticator) -> None:
    world.operators.revoke("ann asks")
    refused(used(world, key), "not one of an operator here")


def test_how_a_session_began_cannot_be_rewritten(world: ConsoleWorld, ann: Browser, key: Authenticator) -> None:
    browser = world.browser()
    assert used(world, key, browser).is_redirect
    with world.store._engine.begin() as connection:
        connection.execute(text("UPDATE console_sessions SET proven_by='password' WHERE proven_by='passkey'"))
    assert browser.get("").status_code == 303


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:8080", "http://[::1]:8080"])
def test_without_a_name_of_its_own_a_server_offers_none(world: ConsoleWorld, url: str | None) -> None:
    passkeys = administration.Passkeys(world.store, world.sign_ins, world.accounts, world.operators, world.ledger, url)
    world.app = console.app(replace(world.services, passkeys=passkeys))
    page = world.browser().get("/sign-in")
    assert "passkey" not in page.text
    assert "script-src 'none'" in page.headers["content-security-policy"]
    answer = world.browser().post("/sign-in/passkey", page="/sign-in", step="x", answer="y")
    assert answer.status_code == 404
    assert "passkey" not in world.signed_in("ann asks").get("/me").text.replace("all passkeys are removed", "")


@given(
    answer=st.one_of(st.text(max_size=60), st.dictionaries(st.text(max_size=5), st.text(max_size=5)).map(json.dumps))
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_nonsense_gets_in_or_is_a_fault_of_ours(world: ConsoleWorld, answer: str) -> None:
    passkeys = world.services.passkeys
    step = passkeys.asked("a browser").step
    with pytest.raises(Unauthenticated):
        passkeys.sign_in("a browser", step, answer, str(hash(answer)))


def test_a_passkey_that_is_gone_cannot_be_removed(world: ConsoleWorld, ann: Browser) -> None:
    with pytest.raises(NotFound):
        world.services.passkeys.remove(world.operators.named("ann asks"), "passkey-0")
