"""The examples, run as their READMEs say, by a shell in a copy of their folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.integration.serving import HOME, ROOT, serving

from countenance.demo.faces import orl_faces

EXAMPLES = ROOT / "examples"
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Shell:
    """A new user's shell: `countenance` and `python` on the PATH, and a data folder."""

    folder: Path
    environment: Mapping[str, str]

    def follow(self, example: str) -> str:
        """Run every sh block of the example's README, in one shell, in a copy of its folder; what it prints."""
        here = self.folder / example
        shutil.copytree(EXAMPLES / example, here, dirs_exist_ok=True)
        blocks = re.findall(r"^ *```sh\n(.*?)^ *```", (here / "README.md").read_text(), re.DOTALL | re.MULTILINE)
        assert blocks
        done = subprocess.run(
            ["bash", "-euc", "\n".join(blocks)],
            cwd=here,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def shell(folder: Path, settings: Mapping[str, str]) -> Shell:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTENANCE_", "AWS_"))}
    return Shell(folder, {**clean, "PATH": f"{BIN}:{os.environ['PATH']}", "NO_PROXY": "*", **settings})


@pytest.fixture
def alone(tmp_path: Path) -> Shell:
    return shell(tmp_path, {"COUNTENANCE_HOME": str(tmp_path / "home")})


@pytest.fixture
def beside_a_server(tmp_path: Path) -> Iterator[Shell]:
    with serving(tmp_path / "home") as live:
        yield shell(tmp_path, live.environment)


def test_enrolling_and_searching_finds_the_person_and_the_export_of_it_verifies(beside_a_server: Shell) -> None:
    here = beside_a_server.folder / "enrol-and-search"
    (here / "people").mkdir(parents=True)
    for photo in orl_faces(HOME / "demo-faces"):
        if photo.number == 1 and photo.person in (5, 6, 7):
            (here / "people" / f"member-{photo.person}.png").write_bytes(photo.png)
        if (photo.person, photo.number) == (5, 2):
            (here / "probe.png").write_bytes(photo.png)
    printed = beside_a_server.follow("enrol-and-search")
    assert re.findall(r"^lead: (\S+),", printed, re.MULTILINE) == ["member-5"]
    assert printed.count(" enrolled\n") == 3
    assert "receipt: v1;" in printed

    before, altered, after = beside_a_server.follow("verify-an-export").partition("altered entry ")
    assert "nothing altered" in before
    assert altered and "exit status 1" in after
    assert f"entry {after.split()[0]}" in after.partition("\n")[2]


def test_the_python_client_enrols_searches_and_opens_the_same_folder(beside_a_server: Shell) -> None:
    here = beside_a_server.folder / "python-client"
    (here / "people").mkdir(parents=True)
    for photo in orl_faces(HOME / "demo-faces"):
        if photo.number == 1 and photo.person in (5, 6, 7):
            (here / "people" / f"member-{photo.person}.png").write_bytes(photo.png)
        if (photo.person, photo.number) == (5, 2):
            (here / "probe.png").write_bytes(photo.png)
    printed = beside_a_server.follow("python-client")
    assert re.findall(r"^face 0: perhaps (\S+) ", printed, re.MULTILINE) == ["member-5"]
    assert "receipt: v1;" in printed
    assert "in process: 3 faces in club-people" in printed


def test_the_verifier_needs_nothing_of_this_package(tmp_path: Path) -> None:
    source = (ROOT / "src" / "countenance" / "ledger" / "verifier.py").read_text()
    imported = set(re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE))
    assert imported - sys.stdlib_module_names == {"cryptography"}


def test_an_audit_of_ones_own_csv_names_the_group_that_is_falsely_matched_more(alone: Shell) -> None:
    printed = alone.follow("audit-your-csv")
    assert "difference shown: 1 of 2 comparisons" in printed
    assert "ok: it is what was signed" in printed
    pages = alone.folder / "audit-your-csv" / "pages"
    assert "Made-up matcher" in (pages / "report.html").read_text()


def test_the_example_pack_holds_its_cases_and_says_what_it_needs_to_know(alone: Shell) -> None:
    printed = alone.follow("write-a-pack")
    assert "swimming-club 1.0.0: 3 clauses, 13 cases, good" in printed
    assert "UNDETERMINED" in printed
    assert "subject.guardian_agreed" in printed


def test_every_example_is_listed_and_followed() -> None:
    listed = set(re.findall(r"\]\(([\w-]+)/README\.md\)", (EXAMPLES / "README.md").read_text()))
    there = {path.parent.name for path in EXAMPLES.glob("*/README.md")}
    tests = "".join(path.read_text() for path in Path(__file__).parent.rglob("test_*example*.py"))
    followed = set(re.findall(r"follow\(\"([\w-]+)\"\)", tests))
    assert listed == there == followed
