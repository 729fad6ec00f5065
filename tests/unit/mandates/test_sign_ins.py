"""Passkeys, links, challenges and sealed steps, in both kinds of databases."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.fakes.clock import Clock

from countenance.database import open_database
from countenance.errors import AlreadyExists, BadRequest, NotFound
from countenance.mandates import AccountStore, ProvenBy, SignInStore

MINUTES = timedelta(minutes=5)


@pytest.fixture
def database(place: Path | str) -> Iterator[Engine]:
    made = open_database(place)
    yield made
    made.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 29, tzinfo=UTC))


@pytest.fixture
def store(database: Engine, clock: Clock) -> SignInStore:
    return SignInStore(database, clock, os.urandom)


@pytest.fixture
def accounts(database: Engine, clock: Clock) -> AccountStore:
    return AccountStore(database, bytes(32), clock, os.urandom)


def test_a_passkey_is_kept_counted_and_removed(store: SignInStore) -> None:
    made = store.draft("operator-1", " laptop ", "c" * 1364, b"\x00key", 0)
    store.add(made)
    assert made.name == "laptop"
    assert store.with_credential("c" * 1364) == made
    assert store.passkeys_of("operator-1") == [made]
    assert store.passkeys_of("operator-2") == []
    assert store.use(made, 4)
    assert store.with_credential(made.credential_id).uses == 4
    assert not store.use(made, 5)  # of what was read before the use above
    store.remove(made)
    for act in (lambda: store.remove(made), lambda: store.with_credential(made.credential_id)):
        with pytest.raises(NotFound):
            act()


def test_a_credential_is_of_one_operator_also_where_two_come_at_once(store: SignInStore) -> None:
    drafts = [store.draft(f"operator-{n}", "phone", "one credential", b"key", 0) for n in range(2)]
    store.add(drafts[0])
    with pytest.raises(AlreadyExists):
        store.add(drafts[1])
    with pytest.raises(AlreadyExists):
        store.draft("operator-3", "phone", "one credential", b"key", 0)
    with pytest.raises(BadRequest):
        store.draft("operator-1", "two\nlines", "another", b"key", 0)


def test_an_account_is_of_one_operator_also_where_two_come_at_once(store: SignInStore) -> None:
    drafts = [store.draft_link(f"operator-{n}", "https://id.example", "ann") for n in range(2)]
    store.add_link(drafts[0])
    with pytest.raises(AlreadyExists):
        store.add_link(drafts[1])
    assert store.linked("https://id.example", "ann") == drafts[0]
    for issuer, subject in (("https://id.example", "Ann"), ("https://id.example/", "ann")):
        with pytest.raises(NotFound):
            store.linked(issuer, subject)
    store.remove_link(drafts[0])
    assert store.link_of("operator-0") is None
    store.add_link(drafts[1])
    with pytest.raises(BadRequest):
        store.draft_link("operator-5", "https://id.example", "")


def test_a_challenge_is_taken_once_by_whoever_comes_first_and_forgotten(accounts: AccountStore, clock: Clock) -> None:
    with ThreadPoolExecutor(4) as many:
        taken = list(many.map(lambda _: accounts.use_challenge("a challenge", MINUTES), range(8)))
    assert sorted(taken) == [False] * 7 + [True]
    assert accounts.use_challenge("another", MINUTES)
    clock.advance(301)  # its step cannot be opened any more, so nothing has to be remembered
    assert accounts.use_challenge("a third", MINUTES)
    assert accounts.use_challenge("a challenge", MINUTES)


def test_a_step_is_of_its_kind_its_browser_and_its_time(accounts: AccountStore, clock: Clock) -> None:
    step = accounts.sealed_step("passkey", "a browser", {"challenge": "c"}, MINUTES)
    assert accounts.opened_step("passkey", "a browser", step) == {"challenge": "c"}
    assert accounts.opened_step("provider", "a browser", step) is None
    assert accounts.opened_step("passkey", "another", step) is None
    assert accounts.opened_step("passkey", "a browser", ("B" if step[0] == "A" else "A") + step[1:]) is None
    clock.advance(301)
    assert accounts.opened_step("passkey", "a browser", step) is None


def test_a_session_says_how_it_was_proven_and_all_of_one_operator_end(accounts: AccountStore) -> None:
    cookies = [accounts.begin("operator-1", each) for each in ProvenBy]
    other = accounts.begin("operator-2", ProvenBy.PASSWORD)
    stored = [accounts.session(cookie) for cookie in cookies]
    assert [each.proven_by for each in stored if each] == [*ProvenBy]
    accounts.end_all("operator-1")
    assert all(each.ended_at for each in map(accounts.session, cookies) if each)
    kept = accounts.session(other)
    assert kept and kept.ended_at is None
