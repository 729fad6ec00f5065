"""Keys are made together, and a server does not start with one that did not seal what the database holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.unit.held import held

from countenance.administration import Mandates
from countenance.app import Countenance
from countenance.budgets import Budget, Spending
from countenance.errors import Misconfigured
from countenance.mandates import AccountSecret, AccountStore, Holder, Terms
from countenance.settings import Settings
from countenance.signing import opens_one, secret_file

NAMES = (
    "audit.key", "bindings.key", "budgets.key", "casework.key", "console.key", "custody.key", "ledger.key",
    "mandates.key",
)  # fmt: skip


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def issue(mandates: Mandates) -> None:
    terms = Terms("research", "research", ("*",), ("*",), "{}")
    asked = mandates.request(
        Holder("Tests"), terms, requested_by="one", expires_at=datetime.now(UTC) + timedelta(hours=1)
    )
    mandates.approve(asked.mandate_id, approved_by="another")
    mandates.issue_key(asked.mandate_id, to="one")


def seal(app: Countenance) -> None:
    """A row under each key."""
    issue(app.mandates)
    held(app.custody)
    app.case_records.add("note", "1", "case", {})
    AccountStore(
        app.database,
        secret_file(app.settings.keys / "console.key"),
        lambda: datetime.now(UTC),
        os.urandom,
        app.bindings,
    ).set_up("ada", AccountSecret("password", "seed"))
    app.account.spend("m", "k", None, Budget(9, 9, 9, 9, 9, 9), Spending(1))


@pytest.fixture
def sealed(own: Settings) -> Iterator[Settings]:
    app = Countenance.open(own)
    seal(app)
    app.close()
    yield own


def test_all_keys_are_made_with_the_first_one_so_that_a_copy_of_the_folder_has_them(own: Settings) -> None:
    Countenance.open(own).close()
    assert tuple(sorted(path.name for path in own.keys.iterdir())) == NAMES


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("audit.key", "ledger.key")])
@pytest.mark.parametrize("missing", [True, False], ids=["missing", "another"])
def test_a_server_with_another_key_or_without_it_is_refused_by_the_name_of_the_key(
    sealed: Settings, name: str, missing: bool
) -> None:
    if missing:
        (sealed.keys / name).unlink()
    else:
        (sealed.keys / name).write_text("ab" * 32)
    app = Countenance.open(sealed)
    try:
        with pytest.raises(Misconfigured, match=rf"keys/{name}: .*Copy the whole folder keys/"):
            app.check_state()
        app.check_state("it is lost, and so is what it sealed")
    finally:
        app.close()


def test_the_right_keys_are_not_refused(sealed: Settings) -> None:
    app = Countenance.open(sealed)
    app.check_state()
    app.close()


def test_of_damaged_rows_and_sound_ones_the_key_still_fits() -> None:
    def opening(row: bytes) -> None:
        if row == b"foreign":
            raise Misconfigured("another key")
        if row == b"damaged":
            raise ValueError("Nonce must be between 8 and 128 bytes")

    assert opens_one(opening, [b"damaged", b"sound"])
    assert not opens_one(opening, [b"damaged", b"foreign"])
    assert opens_one(opening, [])
