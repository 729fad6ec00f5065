"""What only SQLite understands stands in `database/`: everything else runs on both kinds of database."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import countenance

ROOT = Path(countenance.__file__).parent
SQLITE_ONLY = re.compile(
    r"\b(PRAGMA|INSERT\s+OR\b|REPLACE\s+INTO|rowid|sqlite_(master|schema|sequence|version)|json_extract|json_each|"
    r"strftime|julianday|unixepoch|instr\(|group_concat|IFNULL|GLOB|AUTOINCREMENT|BEGIN\s+(IMMEDIATE|EXCLUSIVE))",
    re.IGNORECASE,
)
ALLOWED = {
    "disk_faults.py": "sqlite3: it names the driver's error codes, for both drivers; database/ imports it",
    "doctor/record_checks.py": "sqlite_master: of a file that it reads through database.sqlite.looking_into",
    "migrations/versions/0017_case_order.py": "rowid: in the order in which rows were written; ctid for PostgreSQL",
    "ledger/records.py": "json_each, json_extract: each statement stands beside its counterpart for PostgreSQL",
}


def found(source: str) -> Iterator[str]:
    """What only SQLite understands in a module's text; what its docstrings say is about it."""
    tree = ast.parse(source)
    prose = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield from (match.group().lower() for match in SQLITE_ONLY.finditer(node.value))
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.partition(".")[0] == "sqlite3")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "sqlite3":
            yield "sqlite3"


def test_only_the_seam_knows_sqlites_own_words() -> None:
    wrong: dict[str, set[str]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith("database/") and (words := set(found(path.read_text()))):
            wrong[name] = words
    assert {name: words for name, words in wrong.items() if name not in ALLOWED} == {}
    for name, why in ALLOWED.items():
        assert wrong.get(name, set()) == {word.strip() for word in why.partition(":")[0].split(",")}, name


@pytest.mark.parametrize(
    "source",
    [
        "import sqlite3",
        "from sqlite3 import connect",
        "go('PRAGMA user_version')",
        "go('insert or ignore into t values (1)')",
        "sa.literal_column('rowid')",
        "go(f'SELECT json_extract({column}, 1)')",
        "go(\"SELECT strftime('%s', at)\")",
    ],
)
def test_it_is_noticed(source: str) -> None:
    assert list(found(source))
