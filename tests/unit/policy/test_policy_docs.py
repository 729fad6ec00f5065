"""The pages about rules say what the rules say."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.fakes.policy import NOW

from countenance.cli.policy import policy
from countenance.errors import PolicyError
from countenance.policy import Rules
from countenance.policy.clauses import _NOTES
from countenance.policy.description import request_of
from countenance.policy.obligations import obligations
from countenance.policy.packs.cases import _CASE, _CLAUSE
from countenance.policy.packs.pack import _FURTHER, _KEYS

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "policy.md").read_text(encoding="utf-8")


def block(kind: str, holding: str) -> str:
    found = [text for text in re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) if holding in text]
    assert len(found) == 1
    return str(found[0])


def test_the_pages_of_the_packs_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("pages", DOCS / "packs" / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    written = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "packs").glob("*.md")}
    assert written == pages.pages()


def test_the_picture_in_the_page_is_what_the_command_beside_it_draws() -> None:
    (command,) = re.findall(r"^countenance policy (matrix .*) -o docs/fine-print\.svg$", PAGE, re.MULTILINE)
    drawn = CliRunner().invoke(policy, command.split())
    assert drawn.exit_code == 0
    assert (DOCS / "fine-print.svg").read_text(encoding="utf-8") == drawn.stdout, "run the command in docs/policy.md"


def test_the_request_in_the_page_is_one() -> None:
    request = request_of(tomllib.loads(block("toml", '["FR"]')), NOW)
    decision = Rules.load(["eu-ai-act"]).decide(request, NOW)
    assert decision.verdict == "undetermined"
    assert "eu-ai-act.5-3" in decision.clauses


@pytest.fixture
def tutorial(tmp_path: Path) -> Path:
    """The pack of the tutorial, made as the page says: `new`, then each file replaced by the page's."""
    made = CliRunner().invoke(policy, ["new", "big-sky", "--into", str(tmp_path)])
    assert made.exit_code == 0, made.exception
    files = {
        "pack.toml": block("toml", 'name = "big-sky"'),
        "clauses.cedar": block("cedar", "big-sky.agency"),
        "cases.toml": block("toml", "[bases.contractor]"),
    }
    for name, text in files.items():
        assert (tmp_path / "big-sky" / name).exists()
        (tmp_path / "big-sky" / name).write_text(text, encoding="utf-8")
    return tmp_path / "big-sky"


def checked(folder: Path) -> Result:
    return CliRunner().invoke(policy, ["check", str(folder)])


def test_the_tutorials_pack_passes_check_with_every_condition_held(tutorial: Path) -> None:
    result = checked(tutorial)
    assert result.exit_code == 0, (result.output, result.exception)
    assert result.stdout.startswith("big-sky 0.1.0: 3 clauses, ")


@pytest.mark.parametrize(
    ("line", "lost"),
    [
        ('permit = [{ use.mode = "real_time", on_behalf_of.tier = "national" }]', "(context.behalf.tier)"),
        ('  { use.mode = "real_time", space.public = false },', "without context.space.public"),
    ],
)  # fmt: skip
def test_without_a_line_that_the_page_names_a_condition_could_be_lost(tutorial: Path, line: str, lost: str) -> None:
    cases = tutorial / "cases.toml"
    text = cases.read_text(encoding="utf-8")
    assert f"\n{line}\n" in text
    cases.write_text(text.replace(f"{line}\n", ""), encoding="utf-8")
    result = checked(tutorial)
    assert result.exit_code == 1
    assert isinstance(result.exception, PolicyError)
    assert "would go unnoticed" in str(result.exception)
    assert lost in result.stderr


def test_the_tutorials_pack_has_a_column_in_the_matrix(tutorial: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTENANCE_PACKS_DIR", str(tutorial.parent))
    shown = CliRunner().invoke(policy, ["matrix", "--packs", "big-sky", "--place", "US-MT", "--use", "live-watch-list"])
    assert "Watch a street live for a list  ##" in shown.stdout
    searched = CliRunner().invoke(policy, ["matrix", "--packs", "big-sky", "--place", "US-MT", "--use", "protest"])
    assert "Only if there is a warrant, and it is kept to and there is probable cause" in searched.stdout


def test_the_own_table_in_the_page_is_one(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(block("toml", "jail-door"), encoding="utf-8")
    chosen = [
        "matrix",
        "--table",
        str(tmp_path / "own.toml"),
        "--packs",
        "house",
        "--use",
        "jail-door",
        "--actor",
        "sheriff",
    ]
    shown = CliRunner().invoke(policy, chosen)
    assert shown.stdout.startswith("Sheriff (Montana)")


def test_every_key_of_the_three_files_is_described() -> None:
    keys = set(re.findall(r"`@?(\[*[a-z_.A-Z]+\]*)`", PAGE))
    known = {*_KEYS, *_FURTHER, *_NOTES, "scope", *_CASE, *_CLAUSE, "also", "[base]", "[bases.NAME]", "[[case]]"}
    assert known - keys == set()


def test_every_obligation_in_the_page_can_be_written_in_a_pack() -> None:
    about = PAGE.partition("## What a permit binds to")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+[^`]*)` \|", about, re.MULTILINE)
    assert len(rows) == 10
    for row in rows:
        example = row.replace("NAME", "not-probable-cause" if row.startswith("label") else "a.report")
        assert obligations(example.replace("WHOM", "defence"), "c")
