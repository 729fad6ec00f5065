"""One word, one meaning: no class name is defined twice in the package, but for those argued for here."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import countenance

PACKAGE = Path(countenance.__file__).parent

ARGUED = {
    "Checkpoint": {"ledger/checkpoint.py", "ledger/verifier.py"},
    "Opening": {"ledger/entries.py", "ledger/verifier.py"},
    "Receipt": {"ledger/receipt.py", "ledger/verifier.py"},
}
"""The verifier is one file that outsiders run without this package. It means the same things by the same words."""


def defined_in(folder: Path) -> dict[str, set[str]]:
    """Where each class of the modules under `folder` is defined, nested ones too."""
    places: dict[str, set[str]] = defaultdict(set)
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].add(path.relative_to(folder).as_posix())
    return places


def test_no_class_name_stands_twice_unless_it_is_argued_for() -> None:
    twice = {name: places for name, places in defined_in(PACKAGE).items() if len(places) > 1}
    assert twice == ARGUED


def test_a_name_that_stands_twice_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("class One: ...\nclass Two: ...\n")
    (tmp_path / "b.py").write_text("def make():\n    class Two: ...\n")
    assert defined_in(tmp_path) == {"One": {"a.py"}, "Two": {"a.py", "b.py"}}
