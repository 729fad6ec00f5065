"""Sign-in by a real OpenID provider, and what somebody may try with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.contract.console.openid import CLIENT, SECRET, Provider, new_provider
from tests.unit.console.conftest import Browser, ConsoleWorld, empty, obligations, verdict

from countenance import administration, console
from countenance.console.door import SESSION
from countenance.errors import AlreadyExists, NotFound
from countenance.mandates import Role

__all__ = ["empty", "obligations", "verdict"]
PAGES = "http://server.test/console"
BACK, OUT = PAGES + console.PROVIDER_RETURNS, PAGES + console.SIGN_IN
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def shared() -> Iterator[Provider]:
    made = new_provider(PAGES)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def provider(shared: Provider) -> Provider:
    """The provider as it is at first: it says that there was a second factor."""
    if shared.process is None:
        shared.start()
    shared.says(amr=["pwd", "mfa"])
    return shared


@pytest.fixture
def agreed(provider: Provider) -> administration.ProviderTerms:
    return administration.ProviderTerms(provider.issuer, CLIENT, SECRET, BACK, OUT)


@pytest.fixture
def world(empty: ConsoleWorld, agreed: administration.ProviderTerms) -> ConsoleWorld:
    """A console that knows the provider, on the real clock; ann is linked to her account, ben is not."""
    empty.clock.now = datetime.now(UTC)
    for name in ("ann asks", "ben approves"):
        empty.tokens[name] = empty.operators.add(name, [Role.REQUEST], empty.clock.now + timedelta(days=30))[1]
    configure(empty, agreed)
    empty.services.provider.link("ann asks", "account-of-ann")
    return empty


def configure(world: ConsoleWorld, terms: administration.ProviderTerms) -> None:
    provider = administration.IdentityProvider(terms, world.clock)
    made = administration.ProviderSignIn(
        world.store, world.sign_ins, world.accounts, world.operators, world.ledger, provider
    )
    world.services = replace(world.services, provider=made)
    world.app = console.app(world.services)


def begun(browser: Browser, then: str = "") -> str:
    """Where the browser is sent, to sign in at the provider."""
    answer = browser.get(f"/sign-in/provider?next={then}")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def returned(browser: Browser, address: httpx.URL) -> httpx.Response:
    return browser.get(address.raw_path.decode().removeprefix("/console"))


def signed_in(
    world: ConsoleWorld, provider: Provider, account: str = "account-of-ann"
) -> tuple[Browser, httpx.Response]:
    browser = world.browser()
    return browser, returned(browser, provider.visited(begun(browser), account))


def refused(answer: httpx.Response, *, says: str, status: int = 401) -> None:
    assert answer.status_code == status
    assert says in answer.text
    assert SESSION not in answer.headers.get("set-cookie", "")


def test_an_operator_signs_in_and_it_is_on_record(world: ConsoleWorld, provider: Provider) -> None:
    ann = world.browser()
    assert "Sign in by localhost" in ann.get("/sign-in").text
    to = httpx.URL(begun(ann, "/console/ledger"))
    assert str(to).startswith(provider.issuer + "/auth?")
    assert to.params["code_challenge_method"] == "S256"
    answer = returned(ann, provider.visited(str(to)))
    assert answer.headers["location"] == "/console/ledger"
    mine = ann.get("/me").text
    assert "account-of-ann" in mine
    last = list(world.ledger.entries())[-1]
    assert (last.kind, last.fields["change"], last.fields["proven_by"]) == ("account", "signed in", "provider")
    linked = next(each for each in world.ledger.entries() if each.fields.get("change") == "linked")
    assert "account-of-ann" not in str(linked.fields)


def test_who_is_linked_to_nobody_gets_no_rights_and_is_told_how(world: ConsoleWorld, provider: Provider) -> None:
    _, answer = signed_in(world, provider, "account-of-mallory")
    refused(answer, says="--subject account-of-mallory")
    assert len(world.operators.all()) == 2


def test_an_account_is_of_one_operator_and_an_operator_has_one(world: ConsoleWorld) -> None:
    sign_in = world.services.provider
    for name, subject in (("ben approves", "account-of-ann"), ("ann asks", "another account")):
        with pytest.raises(AlreadyExists):
            sign_in.link(name, subject)
    sign_in.unlink("ann asks")
    with pytest.raises(NotFound):
        sign_in.unlink("ann asks")
    sign_in.link("ben approves", "account-of-ann")


def test_unlinking_and_revoking_end_it_at_once(world: ConsoleWorld, provider: Provider) -> None:
    ann, _ = signed_in(world, provider)
    assert ann.get("").status_code == 200
    world.services.provider.unlink("ann asks")
    assert ann.get("").status_code == 303
    refused(signed_in(world, provider)[1], says="linked to no operator")
    world.services.provider.link("ann asks", "account-of-ann")
    world.operators.revoke("ann asks")
    refused(signed_in(world, provider)[1], says="expired or revoked")


@pytest.mark.parametrize(
    ("claims", "needed", "enters"),
    [
        ({"amr": ["pwd", "mfa"]}, ("mfa",), True),
        ({"amr": ["pwd"]}, ("mfa",), False),
        ({}, ("mfa",), False),
        ({"amr": ["hwk"]}, ("mfa", "hwk"), True),
        ({"acr": "gold"}, ("gold",), True),
        ({"acr": "silver"}, ("gold",), False),
        ({"amr": ["pwd"]}, ("any",), True),
    ],
)
def test_the_provider_must_say_that_there_was_a_second_factor(
    world: ConsoleWorld,
    provider: Provider,
    agreed: administration.ProviderTerms,
    claims: dict[str, object],
    needed: tuple[str, ...],
    enters: bool,
) -> None:
    configure(world, replace(agreed, second_factors=needed))
    provider.says(**claims)
    assert ("this server does not check" in world.browser().get("/sign-in").text) == (needed == ("any",))
    _, answer = signed_in(world, provider)
    if enters:
        assert answer.headers["location"] == "/console"
    else:
        refused(answer, says="does not say that a second factor was used")


def test_a_state_that_is_not_of_this_browser_is_refused(world: ConsoleWorld, provider: Provider) -> None:
    ann, mallory = world.browser(), world.browser()
    back = provider.visited(begun(mallory))
    ann.get("/sign-in")
    refused(returned(ann, back), says="was not begun in this browser")  # mallory's own code, planted in ann's browser
    for state in ("", "x", back.params["state"][:-4] + "AAAA"):
        refused(returned(mallory, back.copy_set_param("state", state)), says="was not begun in this browser")
    refused(returned(mallory, httpx.URL(BACK)), says="was not begun in this browser")
    world.clock.advance(11 * 60)
    refused(returned(mallory, back), says="took too long")


def test_a_code_is_good_once(world: ConsoleWorld, provider: Provider) -> None:
    ann = world.browser()
    back = provider.visited(begun(ann))
    cookies = dict(ann.client.cookies)
    assert returned(ann, back).headers["location"] == "/console"
    thief = world.browser()
    thief.client.cookies.update({name: value for name, value in cookies.items() if name != SESSION})
    refused(returned(thief, back), says="does not accept this sign-in")


def test_the_code_of_another_sign_in_is_refused(world: ConsoleWorld, provider: Provider) -> None:
    """A stolen code in one's own sign-in: its verifier is another, and so would its nonce be."""
    ann, mallory = world.browser(), world.browser()
    stolen = provider.visited(begun(ann)).params["code"]
    own = provider.visited(begun(mallory), "account-of-mallory")
    refused(returned(mallory, own.copy_set_param("code", stolen)), says="does not accept this sign-in")


def test_a_token_with_another_nonce_is_refused(world: ConsoleWorld, provider: Provider) -> None:
    ann = world.browser()
    to = httpx.URL(begun(ann)).copy_set_param("nonce", "of somebody else")
    refused(returned(ann, provider.visited(str(to))), says="ID token of the OpenID provider is not accepted")


def test_the_code_and_the_token_of_another_client_are_refused(
    world: ConsoleWorld, provider: Provider, agreed: administration.ProviderTerms
) -> None:
    ann = world.browser()
    to = httpx.URL(begun(ann)).copy_set_param("client_id", "another")
    back = provider.visited(str(to))
    refused(returned(ann, back), says="does not accept this sign-in")
    # even where the provider gives the token away: one for another audience is refused here
    own = world.services.provider._provider
    assert own
    terms = replace(agreed, client_id="another", client_secret="the secret of another")
    other = administration.IdentityProvider(terms, world.clock)
    back = provider.visited(str(httpx.URL(begun(ann)).copy_set_param("client_id", "another")))
    own._exchanged = other._exchanged  # type: ignore[method-assign]
    refused(returned(ann, back), says="ID token of the OpenID provider is not accepted")


@pytest.mark.parametrize("passes", [timedelta(minutes=59), timedelta(minutes=62)])
def test_an_expired_token_is_refused(world: ConsoleWorld, provider: Provider, passes: timedelta) -> None:
    world.clock.now += passes
    _, answer = signed_in(world, provider)
    if passes < HOUR:
        assert answer.headers["location"] == "/console"
    else:
        refused(answer, says="ID token of the OpenID provider is not accepted")


def test_a_provider_that_calls_itself_otherwise_is_refused(
    world: ConsoleWorld, provider: Provider, agreed: administration.ProviderTerms
) -> None:
    configure(world, replace(agreed, issuer=provider.issuer + "/"))
    refused(world.browser().get("/sign-in/provider"), says="calls itself otherwise", status=503)


@pytest.mark.parametrize("issuer", ["", "http://localhost:1"])
def test_an_answer_of_another_issuer_is_refused(world: ConsoleWorld, provider: Provider, issuer: str) -> None:
    ann = world.browser()
    back = provider.visited(begun(ann))
    changed = back.copy_set_param("iss", issuer) if issuer else back.copy_remove_param("iss")
    refused(returned(ann, changed), says="another issuer")


def test_keys_that_the_provider_changed_are_read_anew(world: ConsoleWorld, provider: Provider) -> None:
    assert signed_in(world, provider)[1].headers["location"] == "/console"
    provider.stop()
    provider.start()
    world.clock.advance(5)
    refused(signed_in(world, provider)[1], says="is not accepted")  # not more often than every 10 s
    world.clock.advance(6)
    assert signed_in(world, provider)[1].headers["location"] == "/console"


def test_where_the_provider_is_down_a_password_still_lets_in(
    world: ConsoleWorld, provider: Provider, agreed: administration.ProviderTerms
) -> None:
    ann = world.browser()
    back = provider.visited(begun(ann))
    provider.stop()
    refused(returned(ann, back), says="sign in with your password")
    assert world.browser().join(world.tokens["ann asks"], "ann asks").status_code == 303
    world.clock.advance(60)
    assert world.browser().sign_in("ann asks").status_code == 303
    configure(world, agreed)  # a server that was just started
    refused(world.browser().get("/sign-in/provider"), says="sign in with your password", status=503)
    provider.start()
    assert begun(world.browser())


def test_who_is_refused_there_is_not_let_in(world: ConsoleWorld, provider: Provider) -> None:
    refused(signed_in(world, provider, "refused")[1], says="did not let you in")


@pytest.mark.parametrize("place", ["https://evil.test", "//evil.test", "/\\evil.test", "/console/..//evil.test"])
def test_it_leads_to_pages_of_the_console_only(world: ConsoleWorld, provider: Provider, place: str) -> None:
    ann = world.browser()
    assert returned(ann, provider.visited(begun(ann, place))).headers["location"] == "/console"


def test_signing_out_ends_the_session_here_and_offers_to_end_it_there(world: ConsoleWorld, provider: Provider) -> None:
    ann, _ = signed_in(world, provider)
    answer = ann.post("/sign-out", page="")
    assert answer.headers["location"] == "/console/sign-in?out=1"
    assert ann.get("").status_code == 303
    page = ann.get("/sign-in?out=1").text.replace("&amp;", "&")
    place = page.partition(f'href="{provider.issuer}/session/end')[2].partition('"')[0]
    told = httpx.get(f"{provider.issuer}/session/end{place}")
    assert told.status_code == 200
    assert f"{provider.issuer}/session/end/confirm" in told.text


def test_one_address_may_not_try_often(world: ConsoleWorld, provider: Provider) -> None:
    ann = world.browser()
    for _ in range(30):
        assert returned(ann, httpx.URL(BACK + "?state=x&code=y")).status_code == 401
    assert returned(ann, httpx.URL(BACK + "?state=x&code=y")).status_code == 429
