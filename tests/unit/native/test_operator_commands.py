"""The commands for operators and templates, on a real data folder; and what `serve` hands to uvicorn."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from countenance.api.listening import Listening
from countenance.cli import cli
from countenance.cli.moments import until
from countenance.errors import AlreadyExists, BadRequest
from countenance.mandates import templates
from countenance.settings import Settings, load


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*words: str) -> Result:
    result = CliRunner().invoke(cli, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_an_account_at_a_provider_is_linked_and_unlinked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("operator", "add", "Ann Asker", "--role", "request")
    with pytest.raises(BadRequest, match="COUNTENANCE_OIDC_ISSUER"):
        run("operator", "link", "Ann Asker", "--subject", "2482")
    settings = {"CONSOLE_URL": "https://faces.example", "OIDC_ISSUER": "https://id.example"}
    settings |= {"OIDC_CLIENT_ID": "countenance", "OIDC_CLIENT_SECRET": "a secret"}
    for name, value in settings.items():
        monkeypatch.setenv(f"COUNTENANCE_{name}", value)
    assert "signs in as 2482 of https://id.example" in run("operator", "link", "Ann Asker", "--subject", "2482").output
    with pytest.raises(AlreadyExists):
        run("operator", "link", "Ann Asker", "--subject", "2483")
    assert "no longer signs in as 2482" in run("operator", "unlink", "Ann Asker").output


def test_an_operator_from_adding_to_revoking(home: Path) -> None:
    added = run("operator", "add", "Ann Asker", "--role", "request", "--role", "review", "--expires", "12h").output
    token = re.search(r"OPERATOR_TOKEN=(cntn_[\w-]{43})\n", added)
    assert token is not None
    assert "request, review" in added
    listed = run("operator", "list").output
    assert "active" in listed
    assert token[1] not in listed
    assert token[1] not in run("operator", "renew", "ann asker").output
    assert "revoked" in run("operator", "revoke", "Ann Asker").output
    with pytest.raises(AlreadyExists):
        run("operator", "add", "ann asker", "--role", "audit")
    database = b"".join(path.read_bytes() for path in home.glob("countenance.sqlite*"))
    assert token[1].encode() not in database


def test_what_is_printed_does_not_stop_the_next_command(home: Path) -> None:
    printed = run("operator", "add", "Ann Asker", "--role", "request").output
    name, _, value = printed.strip().splitlines()[-1].removeprefix("export ").partition("=")
    load({"COUNTENANCE_HOME": str(home), name: value})


def test_templates_are_listed_and_fill_a_request(home: Path) -> None:
    listed = run("mandate", "templates").output
    assert all(f"{name}: " in listed for name in templates())
    assert "purpose      access_control" in run("mandate", "templates", "access-control").output
    ask = ("mandate", "request", "--holder", "A site", "--expires", "30d", "--template", "access-control")
    with pytest.raises(BadRequest, match=r"space\.kind"):
        run(*ask)
    asked = run(*ask, "--facts", templates()["access-control"].example_json()).output
    assert "legal basis:   consent" in asked
    assert "operations:    detect, verify" in asked
    assert '"takes_part": true' in asked


def test_without_a_template_what_is_needed_is_named(home: Path) -> None:
    with pytest.raises(BadRequest, match="a template that states them"):
        run("mandate", "request", "--holder", "A site", "--expires", "30d", "--purpose", "research")
    for facts in ("[]", "{", "5", '{"gallery": 5}'):
        with pytest.raises(BadRequest):
            run("mandate", "request", "--holder", "A", "--expires", "30d", "--purpose", "research",
                "--legal-basis", "research", "--operation", "detect", "--facts", facts)  # fmt: skip


@pytest.mark.parametrize("text", ["", "soon", "30", "-3d", "999999999d", "٣d", "0001-01-01T00:00:00+23:59"])
def test_an_expiry_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="an expiry is"):
        until(text)


@dataclass
class FakeInstallation:
    settings: Settings
    prepared: bool = False

    def check_writable(self) -> None:
        pass

    def check_state(self, despite: str | None) -> None:
        assert despite is None

    @property
    def tools(self) -> Any:
        return self

    @property
    def engine(self) -> Any:
        return self

    @property
    def accounts(self) -> Any:
        return self

    def first_code(self) -> str:
        return "c0de"

    detects_only = False
    calibration = engine
    version = model = identity = "1"
    evidence = ()

    def asgi(self) -> str:
        return "application"

    def prepare_to_serve(self) -> None:
        self.prepared = True


def test_serve_listens_with_the_limits_of_connections(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = FakeInstallation(Settings(home=tmp_path, connections=40, connections_per_address=10))

    @contextmanager
    def installation(**_: object) -> Iterator[FakeInstallation]:
        yield fake

    listened: list[tuple[object, Listening]] = []
    monkeypatch.setattr("countenance.api.listening.listen", lambda app, how, stopping: listened.append((app, how)))
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path))
    monkeypatch.setattr("countenance.cli.installation.installation", installation)
    monkeypatch.setattr(importlib.import_module("countenance.cli.serve"), "_fetch_missing", lambda own: None)
    said = run("serve").output
    assert "http://127.0.0.1:8080/console/first?code=c0de\n" in said
    ((application, how),) = listened
    assert application == "application"
    assert (how.limits.connections, how.limits.per_address) == (40, 10)
    assert fake.prepared
