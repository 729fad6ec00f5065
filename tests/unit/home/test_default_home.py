"""Where data lies when nobody says where: by the platform's convention, unless an installation lies in ./data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from countenance import settings
from countenance.cli import cli
from countenance.errors import Misconfigured


@pytest.fixture(autouse=True)
def newcomer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Someone whose home and working folder are empty."""
    for name in [each for each in os.environ if each.startswith(("COUNTENANCE_", "XDG_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "work").mkdir()
    (tmp_path / "ann").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "ann"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def convention(tmp_path: Path) -> Path:
    return tmp_path / "ann" / ".local" / "share" / "countenance"


@pytest.mark.skipif(sys.platform != "linux", reason="the folder of Linux")
def test_a_newcomers_data_lies_where_the_platform_has_it_from_every_folder(
    newcomer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.load().home == convention(newcomer)
    monkeypatch.chdir(newcomer)
    assert settings.load().home == convention(newcomer)
    monkeypatch.setenv("XDG_DATA_HOME", str(newcomer / "elsewhere"))
    assert settings.load().home == newcomer / "elsewhere" / "countenance"


def test_an_installation_in_the_folders_data_is_not_abandoned_and_named(newcomer: Path) -> None:
    made = CliRunner().invoke(cli, ["--home", "data", "operator", "add", "Ann", "--role", "audit"], env={})
    assert made.exit_code == 0, made.output
    os.environ.pop("COUNTENANCE_HOME", None)
    here = newcomer / "work" / "data"
    assert settings.load({}).home == here
    said = CliRunner().invoke(cli, ["operator", "add", "Ben", "--role", "audit"])
    assert f"data in {here}: an installation lies in ./data of this folder" in said.output


def test_a_signing_key_in_the_folders_data_is_not_abandoned(newcomer: Path) -> None:
    (newcomer / "work" / "data" / "keys").mkdir(parents=True)
    (newcomer / "work" / "data" / "keys" / "audit.key").write_text("00" * 32)
    assert settings.load({}).home == newcomer / "work" / "data"


def test_a_data_folder_of_something_else_is_left_alone(newcomer: Path) -> None:
    (newcomer / "work" / "data").mkdir()
    (newcomer / "work" / "data" / "sales.csv").write_text("a,b")
    assert settings.load({}).home != newcomer / "work" / "data"


def test_what_makes_something_says_where(newcomer: Path) -> None:
    said = CliRunner().invoke(cli, ["operator", "add", "Ann", "--role", "audit"])
    assert f"a new installation: data in {settings.load({}).home}" in said.output
    again = CliRunner().invoke(cli, ["operator", "add", "Ben", "--role", "audit"])
    assert f"countenance: data in {settings.load({}).home}" in again.output
    assert "data in" not in CliRunner().invoke(cli, ["operator", "list"]).output


def test_a_named_folder_is_the_one(newcomer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTENANCE_HOME", "mine")
    assert settings.load().home == newcomer / "work" / "mine"
    assert settings.home_sentence(settings.load().home) == f"data in {newcomer / 'work' / 'mine'}"


def test_a_user_without_a_home_folder_is_asked_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: Path("~/.local/share/countenance"))
    with pytest.raises(Misconfigured, match="COUNTENANCE_HOME or --home"):
        settings.load({})


def test_serve_says_at_once_what_it_is_doing(newcomer: Path) -> None:
    """What takes seconds is imported after the first line: nothing of it is loaded when the command is."""
    heavy = "{'openvino', 'uvicorn', 'fastapi', 'cv2', 'scipy'}"
    program = f"import sys, countenance.cli.serve; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
