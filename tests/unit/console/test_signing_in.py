"""Who gets in, for how long, and who does not."""

from __future__ import annotations

import re
import threading

import pyotp
import pytest
from sqlalchemy import text
from tests.unit.console.conftest import PASSWORD, ConsoleWorld

from countenance.console import signing_in
from countenance.console.door import SESSION


def test_a_stranger_is_sent_to_sign_in_and_on_to_where_they_wanted(world: ConsoleWorld) -> None:
    answer = world.browser().get("/mandates?state=active")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/sign-in?next=/console/mandates%3Fstate%3Dactive"
    world.signed_in("ann asks")
    world.clock.advance(60)
    assert world.browser().sign_in("ann asks", then="/console/mandates?state=active").headers["location"] == (
        "/console/mandates?state=active"
    )


@pytest.mark.parametrize(
    "place",
    ["https://evil.test/console", "//evil.test", "/\\evil.test", "/console/..//evil.test/\n", "javascript:1", "/v1"],
)
def test_nobody_is_sent_on_to_another_site(world: ConsoleWorld, place: str) -> None:
    world.signed_in("ann asks")
    world.clock.advance(60)
    assert world.browser().sign_in("ann asks", then=place).headers["location"] == "/console"


def test_the_root_leads_to_the_console(world: ConsoleWorld) -> None:
    answer = world.browser().client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/console")


def test_the_first_operator_gets_in_once_by_the_printed_code(empty: ConsoleWorld) -> None:
    code = empty.accounts.first_code()
    assert code
    assert code == empty.accounts.first_code()
    browser, seed = empty.browser(), pyotp.random_base32()
    fields = {"name": "gus", "password": PASSWORD, "again": PASSWORD, "seed": seed, "one_time": empty.code(seed)}
    wrong = browser.post("/first", page=f"/first?code={code}", **fields, code="x" + code)
    assert wrong.status_code == 400
    assert empty.operators.all() == []
    done = browser.post("/first", page=f"/first?code={code}", **fields, code=code)
    assert done.status_code == 303
    assert "You are the only operator" in browser.get("").text
    assert sorted(empty.operators.all()[0].roles) == ["approve", "request", "review"]
    assert empty.kinds()[-3:] == [("operator", "added"), ("account", "set up"), ("account", "signed in")]
    assert empty.accounts.first_code() is None
    assert empty.browser().get(f"/first?code={code}").status_code == 403
    again = empty.browser().post("/first", page="/join", **{**fields, "name": "mallory"}, code=code)
    assert again.status_code == 400
    assert len(empty.operators.all()) == 1


def test_no_code_lets_anybody_in_where_there_are_operators(world: ConsoleWorld) -> None:
    assert world.accounts.first_code() is None
    for code in ("", "None", "a" * 32):
        assert world.browser().get(f"/first?code={code}").status_code == 403


def test_two_who_use_the_link_at_once_do_not_both_get_in(empty: ConsoleWorld) -> None:
    code, seed = empty.accounts.first_code(), pyotp.random_base32()
    assert code
    outcomes: list[bool] = []

    def begin(name: str) -> None:
        try:
            empty.accounts.begin_first(code, name, PASSWORD, seed, empty.code(seed))
            outcomes.append(True)
        except Exception:
            outcomes.append(False)

    threads = [threading.Thread(target=begin, args=(f"gus {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, False, False, True]


def test_name_password_and_code_are_all_needed_and_no_answer_says_which_was_wrong(world: ConsoleWorld) -> None:
    world.signed_in("ann asks")
    world.clock.advance(60)
    right = world.code(world.seeds["ann asks"])
    pages = [
        world.browser(f"10.0.1.{n}").sign_in(*tried)
        for n, tried in enumerate(
            [
                ("ann asks", "another password", right),
                ("ann asks", PASSWORD, "000000" if right != "000000" else "111111"),
                ("nobody at all", PASSWORD, right),
                ("ben approves", PASSWORD, right),  # an operator without an account
            ]
        )
    ]
    assert [page.status_code for page in pages] == [401] * 4
    said = {re.sub(r'(value|data-options)="[^"]*"', "", page.text) for page in pages}
    assert len(said) == 1
    assert all(SESSION not in page.headers.get("set-cookie", "") for page in pages)
    assert world.browser("10.0.1.9").sign_in("ann asks", PASSWORD, right).status_code == 303


def test_a_one_time_code_is_good_once(world: ConsoleWorld) -> None:
    world.signed_in("ann asks")
    used = world.code(world.seeds["ann asks"])  # it set the account up
    assert world.browser().sign_in("ann asks", code=used).status_code == 401
    world.clock.advance(60)
    fresh = world.code(world.seeds["ann asks"])
    assert world.browser().sign_in("ann asks", code=fresh).status_code == 303
    assert world.browser().sign_in("ann asks", code=fresh).status_code == 401


def test_too_many_failures_are_made_to_wait_also_with_the_right_password(world: ConsoleWorld) -> None:
    world.signed_in("ann asks")
    world.clock.advance(60)
    for _ in range(5):
        assert world.browser().sign_in("ann asks", "wrong password").status_code == 401
    blocked = world.browser().sign_in("ann asks")
    assert blocked.status_code == 429
    assert blocked.headers["retry-after"]
    assert world.browser("10.9.9.9").sign_in("ann asks").status_code == 303  # from elsewhere she is not locked out
    world.clock.advance(16 * 60)
    assert world.browser().sign_in("ann asks").status_code == 303


def test_one_address_may_not_try_many_names_or_tokens(world: ConsoleWorld) -> None:
    for n in range(30):
        assert world.browser().sign_in(f"name {n}", "some password").status_code == 401
    assert world.browser().sign_in("name 31", "some password").status_code == 429
    assert world.browser().join("cntn_guess", "guess").status_code == 429


def test_a_session_ends_by_idleness_by_age_and_by_signing_out(world: ConsoleWorld) -> None:
    ann = world.signed_in("ann asks")
    world.clock.advance(29 * 60)
    assert ann.get("").status_code == 200
    world.clock.advance(29 * 60)
    assert ann.get("").status_code == 200  # it was in use
    world.clock.advance(31 * 60)
    assert ann.get("").status_code == 303
    ann = world.signed_in("ann asks")
    for _ in range(29):
        world.clock.advance(20 * 60)
        assert ann.get("").status_code == 200
    world.clock.advance(21 * 60)
    assert ann.get("").status_code == 303  # ten hours
    ann = world.signed_in("ann asks")
    cookie = ann.client.cookies[SESSION]
    assert ann.post("/sign-out", page="").status_code == 303
    ann.client.cookies.set(SESSION, cookie)
    assert ann.get("").status_code == 303


def test_a_revoked_or_expired_operator_is_out_at_once(world: ConsoleWorld) -> None:
    ann, ben = world.signed_in("ann asks"), world.signed_in("ben approves")
    world.operators.revoke("ann asks")
    assert ann.get("").status_code == 303
    assert world.browser().sign_in("ann asks").status_code == 401
    assert ben.get("").status_code == 200
    world.clock.advance(31 * 86400)
    assert world.browser().sign_in("ben approves").status_code == 401


def test_a_session_cookie_is_new_at_each_sign_in_and_a_planted_one_is_worth_nothing(world: ConsoleWorld) -> None:
    first = world.signed_in("ann asks").client.cookies[SESSION]
    planted = world.browser()
    planted.client.cookies.set(SESSION, "p" * 43)
    world.clock.advance(60)
    assert planted.sign_in("ann asks").status_code == 303
    got = {cookie.value for cookie in planted.client.cookies.jar if cookie.name == SESSION}
    assert first not in got
    assert world.accounts.session("p" * 43) is None
    other = world.browser()
    other.client.cookies.set(SESSION, "p" * 43)
    assert other.get("").status_code == 303


def test_cookies_are_kept_from_scripts_and_other_sites(world: ConsoleWorld) -> None:
    header = world.browser().join(world.tokens["ann asks"], "ann asks").headers["set-cookie"]
    assert "HttpOnly" in header
    assert "SameSite=lax" in header
    assert "Secure" not in header
    safe = world.browser().client.get("https://server.test/console/sign-in").headers["set-cookie"]
    assert "Secure" in safe


def test_setting_up_anew_ends_older_sessions(world: ConsoleWorld) -> None:
    ann = world.signed_in("ann asks")
    world.clock.advance(60)
    assert world.browser().join(world.tokens["ann asks"], "ann asks").status_code == 303
    assert ann.get("").status_code == 303


@pytest.mark.parametrize(
    "fault",
    [
        {"token": "cntn_" + "x" * 43},
        {"password": "short", "again": "short"},
        {"password": "a" * 40, "again": "a" * 40},
        {"password": "I am Ann Asks, really", "again": "I am Ann Asks, really"},
        {"password": PASSWORD, "again": PASSWORD + "!"},
        {"one_time": "12345"},
        {"one_time": "１２３４５６"},
        {"seed": "A" * 31},
        {"seed": "a1" * 16},
    ],
)
def test_a_set_up_that_will_not_do_changes_nothing(world: ConsoleWorld, fault: dict[str, str]) -> None:
    answer = world.browser().join(world.tokens["ann asks"], "ann asks", **fault)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert not world.accounts.has_account(world.operators.named("ann asks"))
    assert ("account", "set up") not in world.kinds()


def test_rows_that_somebody_wrote_into_the_database_sign_nobody_in(world: ConsoleWorld) -> None:
    ann, eve = world.signed_in("ann asks"), world.signed_in("eve audits")
    engine = world.store._engine
    with engine.begin() as connection:
        ids = {name: world.operators.named(name).operator_id for name in ("ann asks", "eve audits")}
        connection.execute(
            text("UPDATE console_sessions SET operator_id=:a WHERE operator_id=:e"),
            {"a": ids["ann asks"], "e": ids["eve audits"]},
        )
    assert eve.get("").status_code == 303
    assert ann.get("").status_code == 200
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE console_accounts SET sealed=(SELECT sealed FROM console_accounts WHERE operator_id=:e) "
                "WHERE operator_id=:a"
            ),
            {"a": ids["ann asks"], "e": ids["eve audits"]},
        )
    world.clock.advance(60)
    assert world.browser().sign_in("ann asks", code=world.code(world.seeds["eve audits"])).status_code == 500


def test_places_are_pages_of_the_console_only() -> None:
    assert signing_in._place("/console/ledger/5") == "/console/ledger/5"
    assert signing_in._place("/consolex") == "/console"
