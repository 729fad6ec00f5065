"""What CONTRIBUTING, SECURITY and the files beside them tell a newcomer is so."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import yaml

import countenance

ROOT = Path(__file__).parents[3]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_make_target_that_is_named_exists_and_every_target_is_named() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    named = {name for page in pages for name in re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE)}
    assert named <= TARGETS
    assert {"check", "test", "wheel", "slow", "bench", "site", "docs", "lock", "format"} <= named


def test_every_place_that_is_explained_is_there_and_every_folder_is_explained() -> None:
    table = CONTRIBUTING.partition("## What goes where")[2].partition("\n## ")[0]
    places = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    assert places and not [place for place in places if not (ROOT / place).exists()]
    held = {path.relative_to(ROOT).as_posix() + "/" for path in (ROOT / "tests").iterdir() if any(path.glob("**/*.py"))}
    assert held - {"tests/conftest.py/"} <= set(places)


def test_security_speaks_of_the_minor_version_that_this_is() -> None:
    minor = ".".join(countenance.__version__.split(".")[:2])
    assert f"the latest minor release ({minor})" in (ROOT / "SECURITY.md").read_text()


def test_the_version_stands_in_one_place() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert countenance.__version__ == declared, "install again: make check does"


def test_the_hook_before_a_push_runs_make_check_and_fetches_nothing() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == ["make check"]


def test_the_container_has_the_oldest_python_that_is_supported() -> None:
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert re.match(rf"python:{re.escape(oldest)}\b", container["image"])
    assert container["postCreateCommand"].removeprefix("make ") in TARGETS
