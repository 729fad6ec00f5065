"""docs/architecture.md names every package and module of the first level, and none that is gone."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "src" / "countenance"
PAGE = (ROOT / "docs" / "architecture.md").read_text()


def test_the_table_of_rooms_names_every_package_and_module() -> None:
    rooms = {path.name + "/" for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    modules = {path.name for path in PACKAGE.glob("*.py") if not path.name.startswith("__")}
    table = PAGE.partition("| module |")[2].partition("\n\n")[0]
    named = set(
        re.findall(r"`([\w/.]+)`", "".join(line.split("|")[1] for line in table.splitlines() if line[:1] == "|"))
    )
    missing = sorted((rooms | modules) - named)
    assert not missing
    gone = sorted(name for name in named if not (PACKAGE / name).exists())
    assert not gone


def test_the_table_of_the_audit_names_every_package_and_module_on_the_way() -> None:
    audit = PACKAGE / "audit"
    table = PAGE.partition("| in `audit/` |")[2].partition("\n\n")[0]
    named = set(re.findall(r"^\| `([\w/.]+)` \|", table, re.MULTILINE))
    assert {path.name + "/" for path in audit.iterdir() if (path / "__init__.py").exists()} <= named
    assert not sorted(name for name in named if not (audit / name).exists())
