"""The pages about rules say what the rules say."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.fakes.policy import NOW

from countenance.cli.policy import policy
from countenance.errors import PolicyError
from countenance.policy import Rules
from countenance.policy.description import request_of
from countenance.policy.obligations import obligations
from countenance.policy.packs.pack import pack_of
from countenance.policy.rules import check

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


def test_the_pack_in_the_page_is_wrong_where_it_says_so_and_else_right() -> None:
    about = """
name = "ours"
title = "Ours"
version = "1"
kind = "house"
default = "open"
source = "ours"
read_on = 2026-01-01
reviewed_by = ""
summary = ""
leaves_open = ""
"""
    clauses, cases = block("cedar", "ours.children"), block("toml", "ours.children")

    def made(text: str) -> None:
        files = {"pack.toml": about, "clauses.cedar": clauses, "cases.toml": text}
        check(pack_of("ours", {name: content.encode() for name, content in files.items()}))

    with pytest.raises(PolicyError, match=r"subject\.minor is not stated"):
        made(cases)
    made(cases.replace('["subject.minor", "subject.guardian_agreed"]', '["subject.guardian_agreed"]'))


def test_every_obligation_in_the_page_can_be_written_in_a_pack() -> None:
    rows = re.findall(r"^\| `([a-z-]+[^`]*)` \|", PAGE, re.MULTILINE)
    assert len(rows) == 10
    for row in rows:
        example = row.replace("NAME", "not-probable-cause" if row.startswith("label") else "a.report")
        assert obligations(example.replace("WHOM", "defence"), "c")
