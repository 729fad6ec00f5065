"""`countenance clients` says where a client would go, from the client itself, and sends nothing."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from countenance.cli.clients import clients

HERE = "http://127.0.0.1:8080"


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [each for each in os.environ if each.startswith(("AWS_", "COUNTENANCE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()


def run(*options: str) -> Result:
    return CliRunner().invoke(clients, options)


def aws(tmp_path: Path, version: str) -> None:
    program = tmp_path / "bin" / "aws"
    program.write_text(f"#!/bin/sh\necho aws-cli/{version} Python/3.11.7 Linux/6.1 botocore/1.0\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_boto3_is_asked_where_it_would_go(monkeypatch: pytest.MonkeyPatch) -> None:
    said = run()
    assert said.exit_code == 1
    assert "AWS_ENDPOINT_URL_REKOGNITION  not set" in said.output
    assert "to AWS, https://rekognition.us-east-1.amazonaws.com" in said.output
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", "http://localhost:8080")
    said = run()
    assert said.exit_code == 0
    assert f": here  ({sys.executable})" in said.output
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", "http://127.0.0.1:9090")
    assert "to http://127.0.0.1:9090, which is not the address of this server" in run().output
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert run().exit_code == 1


@pytest.mark.parametrize(
    ("version", "leaks"),
    [("1.28.85", True), ("1.29.0", False), ("1.46.3", False), ("2.12.7", True), ("2.13.0", False), ("2.9.1", True)],
)
def test_the_command_line_of_aws_is_judged_by_its_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, leaks: bool
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", HERE)
    aws(tmp_path, version)
    said = run()
    assert (said.exit_code, f"AWS CLI {version}: {'to AWS' if leaks else 'here'}" in said.output) == (int(leaks), True)


def test_without_the_variable_a_new_command_line_goes_to_aws_too(tmp_path: Path) -> None:
    aws(tmp_path, "2.20.0")
    assert "AWS CLI 2.20.0: to AWS, unless" in run().output


def test_what_is_no_python_or_has_no_client_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", HERE)
    (tmp_path / "bin" / "aws").write_text("nonsense")
    said = run("--python", str(tmp_path / "nowhere"), "--node", str(tmp_path))
    assert said.exit_code == 0, said.output
    assert "there is no node on PATH" in said.output
