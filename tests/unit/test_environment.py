"""The environment is read in `settings.py` and nowhere else in the package."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import countenance

PACKAGE = Path(countenance.__file__).parent
_READERS = {"environ", "environb", "getenv", "getenvb"}


def reads_environment(source: str) -> bool:
    """Whether `source` names `os.environ` or one of its kin, however it is imported."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in _READERS:
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "os" and {each.name for each in node.names} & _READERS:
            return True
    return False


@pytest.mark.parametrize(
    "source", ["import os\nos.environ['A']", "import os as o\no.getenv('A')", "from os import environ"]
)
def test_the_check_sees_every_way(source: str) -> None:
    assert reads_environment(source)


def test_only_settings_reads_the_environment() -> None:
    readers = [str(p.relative_to(PACKAGE)) for p in PACKAGE.rglob("*.py") if reads_environment(p.read_text())]
    assert readers == ["settings.py"]


def test_no_module_knows_a_folder_outside_the_package() -> None:
    assert [p.name for p in PACKAGE.rglob("*.py") if "shared/data" in p.read_text()] == []
