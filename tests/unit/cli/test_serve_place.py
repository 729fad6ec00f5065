"""A place that is taken is said before anything is loaded."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from countenance.cli import cli
from countenance.errors import Misconfigured


def test_a_port_that_is_taken_is_named_with_the_settings_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("COUNTENANCE_PORT", str(port))
        done = CliRunner().invoke(cli, ["serve"])
    assert isinstance(done.exception, Misconfigured)
    assert f"nobody can listen on 127.0.0.1 port {port}: address already in use. End" in str(done.exception)
    assert "COUNTENANCE_PORT" in str(done.exception)
    assert not (tmp_path / "home").exists()
